//! Properties of reading, merging and combining, over arbitrary input.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

/// A sweep of plain value axes with these numbers of arms.
fn of_axes(arms: &[usize], combine: &str, seeds: usize) -> String {
    let list = |count: usize| (1..=count).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let keys = ["model.cvae.z_dim", "model.cvae.g_dim", "model.cvae.rnn_size", "model.cvae.width"];
    let mut text = format!(
        "name = \"small\"\ntitle = \"t\"\ndescription = \"\"\ndefault_preset = \"p\"\n\
         combine = \"{combine}\"\nseeds = [{}]\n[run.model.cvae]\n[preset.p]\nscale = \"s\"\n",
        list(seeds)
    );
    for (key, &arms) in keys.iter().zip(arms) {
        let values = list(arms);
        write!(text, "[[axis]]\nname = \"{key}\"\nkey = \"{key}\"\nvalues = [{values}]\n")
            .expect("a string can be written to");
    }
    text
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_position_inside_it(text in "\\PC{0,200}") {
        if let Err(error) = parse(&source(&text), None, &[]) {
            prop_assert!(error.line() <= text.matches('\n').count() + 1);
            prop_assert!(!error.render().is_empty());
        }
    }

    #[test]
    fn any_bytes_put_into_a_valid_file_are_read_or_refused(
        at in 0_usize..700, bytes in prop::collection::vec(any::<u8>(), 0..8)
    ) {
        let mut content = VALID.as_bytes().to_vec();
        let at = at.min(content.len());
        content.splice(at..at, bytes);
        let path = Path::new("experiments/small.toml");
        let read = SweepSource::from_bytes(path, content).and_then(|s| parse(&s, None, &[]));
        if let Err(error) = read {
            prop_assert!(error.line() >= 1 && error.column() >= 1);
            prop_assert!(!error.render().is_empty());
        }
    }

    #[test]
    fn any_override_is_read_or_refused(text in "[a-z_.]{0,12}=?\\PC{0,20}") {
        if let Err(error) = parse(&source(VALID), None, &[text]) {
            prop_assert!(error.line() == 1 || error.origin() == "experiments/small.toml");
        }
    }

    #[test]
    fn a_grid_has_the_product_of_its_axes_in_order_and_without_duplicates(
        arms in prop::collection::vec(1_usize..5, 1..5), seeds in 1_usize..4
    ) {
        let sweep = parse(&source(&of_axes(&arms, "grid", seeds)), None, &[]).unwrap();
        prop_assert_eq!(sweep.runs.len(), arms.iter().product::<usize>() * seeds);
        let keys: Vec<_> = sweep.runs.iter().map(|run| (run.arm.clone(), run.spec.seed)).collect();
        // Labels are single digits, so the order of arms is the order of their names.
        prop_assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_zip_has_as_many_arms_as_each_of_its_axes(
        arms in 1_usize..9, axes in 1_usize..5, seeds in 1_usize..4
    ) {
        let text = of_axes(&vec![arms; axes], "zip", seeds);
        prop_assert_eq!(parse(&source(&text), None, &[]).unwrap().runs.len(), arms * seeds);
    }

    #[test]
    fn a_spec_written_out_reads_back_the_same(arms in prop::collection::vec(1_usize..4, 1..5)) {
        for run in parse(&source(&of_axes(&arms, "grid", 1)), None, &[]).unwrap().runs {
            let json = serde_json::to_string(&run.spec).unwrap();
            prop_assert_eq!(serde_json::from_str::<RunSpec>(&json).unwrap(), run.spec);
        }
    }
}
