//! What a reader of scores has to be careful about, as far as settings show it.

use super::{RunSpec, data::Overlap};
use crate::text::count;

/// Fewer seeds than this cannot show much.
const ENOUGH_SEEDS: usize = 3;
/// With fewer test sequences than this, single ones decide the mean.
const ENOUGH_SEQUENCES: u64 = 10;

/// Returns a sentence for everything that limits what runs with these settings can show; `seeds` is the smallest number
/// of seeds of an arm.
pub fn cautions(specs: &[&RunSpec], seeds: usize) -> Vec<String> {
    let mut cautions = Vec::new();
    if specs.iter().any(|spec| spec.data.overlap == Overlap::Allow) {
        cautions.push(
            "Splits may share sequences (`data.overlap` allows it), so scores may be on training data and say nothing \
             of new data."
                .to_owned(),
        );
    }
    match seeds {
        0 => {}
        1 => cautions.push(
            "There is one seed per arm, so no difference can be told from chance.".to_owned(),
        ),
        few if few < ENOUGH_SEEDS => cautions
            .push(format!("There are {} per arm, so intervals are very wide.", count(few, "seed"))),
        _ => {}
    }
    let sequences = specs.iter().map(|spec| spec.evaluation.test_sequences.get()).min();
    if let Some(few) = sequences.filter(|few| *few < ENOUGH_SEQUENCES) {
        cautions.push(format!(
            "The test scores at most {}, so single ones decide the mean.",
            count(few, "sequence")
        ));
    }
    cautions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &str, sequences: u64, seeds: usize, fragments: &[&str]) {
        let json = format!(
            r#"{{ "seed": 1, "model": {{ "cvae": {{}} }}, "data": {data},
                  "evaluation": {{ "test_sequences": {sequences} }} }}"#
        );
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        let found = cautions(&[&spec], seeds);
        assert_eq!(found.len(), fragments.len(), "{found:?}");
        for (found, fragment) in found.iter().zip(fragments) {
            assert!(found.contains(fragment), "{fragment} is not in {found}");
        }
    }

    #[test]
    fn shared_sequences_few_seeds_and_few_sequences_are_said() {
        check("{}", 10, 3, &[]);
        check(r#"{ "overlap": "allow" }"#, 10, 3, &["training data"]);
        check("{}", 10, 1, &["one seed per arm"]);
        check("{}", 10, 2, &["2 seeds per arm"]);
        check("{}", 9, 3, &["at most 9 sequences"]);
        check("{}", 10, 0, &[]);
    }
}
