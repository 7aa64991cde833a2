//! Comparisons of small runs in temporary stores.

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;
use crate::store::{
    journal::Journal,
    record::Outcome,
    samples,
    tensors::{StoredTensor, write_tensors},
};

struct Run {
    record: Record,
    losses: Vec<f64>,
    tensors: Vec<StoredTensor>,
}

fn run() -> Run {
    Run {
        record: samples::record(samples::id('a')),
        losses: vec![0.5, 0.25],
        tensors: vec![samples::tensor("bias", &[1.0]), samples::tensor("weight", &[1.0, 2.0])],
    }
}

fn stored(run: &Run) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(folder.path()).unwrap();
    let dir = store.run(&run.record.run);
    let _lease = dir.lease().unwrap().unwrap();
    let mut journal = Journal::create(&dir.path(RunFile::Journal)).unwrap();
    for (step, &loss) in (0..).zip(&run.losses) {
        journal.append(&samples::step(step, &[("kl", 0.0), ("loss", loss)])).unwrap();
    }
    write_tensors(&dir.path(RunFile::Final), &run.tensors, &BTreeMap::new()).unwrap();
    let record = Record { artefacts: dir.artefacts().unwrap(), ..run.record.clone() };
    dir.write_record(&record).unwrap();
    (folder, store)
}

/// Compares the sample run with a changed one and returns the comparison as text.
fn compare(change: impl FnOnce(&mut Run)) -> String {
    let mut changed = run();
    change(&mut changed);
    let ((_keep_a, a), (_keep_b, b)) = (stored(&run()), stored(&changed));
    diff_runs(&a.run(&samples::id('a')), &b.run(&changed.record.run)).unwrap().to_string()
}

#[track_caller]
fn check(change: impl FnOnce(&mut Run), lines: &[&str]) {
    assert_eq!(compare(change).lines().collect::<Vec<_>>(), lines);
}

const DIFFERENT: &str = "aaaaaaaaaaaaaaaa: different";

#[test]
fn a_run_equals_itself() {
    check(|_| {}, &["aaaaaaaaaaaaaaaa: bit-equal"]);
}

#[test]
fn circumstances_are_shown_but_ignored() {
    check(
        |run| {
            run.record.timing.active_seconds = 61.0;
            run.record.host.cpu = "another".to_owned();
        },
        &[
            "aaaaaaaaaaaaaaaa: bit-equal",
            "  ignored:",
            "    host.cpu: \"a processor\" != \"another\"",
            "    timing.active_seconds: 60.0 != 61.0",
        ],
    );
}

#[test]
fn a_differing_key_of_the_specification_is_named_by_path() {
    check(
        |run| {
            run.record.run = samples::id('b');
            run.record.spec.seed.0 = 2;
        },
        &["aaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbb: different", "  spec: seed: 1 != 2"],
    );
}

#[test]
fn the_first_differing_journal_value_is_named_with_its_distance() {
    check(
        |run| run.losses[1] = 0.25_f64.next_up(),
        &[
            DIFFERENT,
            "  journal: line 2, step 1 of epoch 0, loss: 0.25 != 0.25000000000000006 (1 ulp)",
        ],
    );
}

#[test]
fn negative_zero_differs_from_zero() {
    let lines = compare(|run| run.losses = vec![0.5, -0.0]);
    assert!(lines.contains("loss: 0.25 != -0.0"), "{lines}");
    let zeros = [("loss".to_owned(), 0.0)];
    let negative = [("loss".to_owned(), -0.0)];
    assert!(value::first_difference(&zeros, &negative).is_some());
}

#[test]
fn a_journal_that_ends_early_differs_at_its_end() {
    check(
        |run| run.losses.truncate(1),
        &[DIFFERENT, "  journal: line 2: step 1 of epoch 0 != end of the journal"],
    );
}

#[test]
fn the_first_differing_tensor_is_named_with_counts() {
    check(
        |run| run.tensors[1] = samples::tensor("weight", &[1.0, 2.5]),
        &[DIFFERENT, "  final.safetensors: weight: 1 of 2 elements differ, by at most 5e-1"],
    );
    check(
        |run| {
            run.tensors =
                vec![samples::tensor("bias", &[f32::NAN]), samples::tensor("weight", &[0.0])];
        },
        &[DIFFERENT, "  final.safetensors: bias: 1 of 1 elements differ (and 1 more tensor)"],
    );
}

#[test]
fn a_tensor_with_another_shape_or_missing_is_described() {
    check(
        |run| run.tensors[0] = samples::tensor("bias", &[1.0, 1.0]),
        &[DIFFERENT, "  final.safetensors: bias: F32 [1] != F32 [2]"],
    );
    check(
        |run| drop(run.tensors.remove(0)),
        &[DIFFERENT, "  final.safetensors: bias: F32 [1] != absent"],
    );
}

#[test]
fn outcome_hashes_and_scores_are_compared() {
    check(
        |run| {
            run.record.outcome = Outcome::Diverged {
                step: reprise_base::scalar::Step(1),
                quantity: "loss".to_owned(),
                value: "NaN".to_owned(),
            };
            run.record.canary = None;
            run.record.final_state = "x".to_owned();
            run.record.test = Some(samples::scores(20.0));
        },
        &[
            DIFFERENT,
            "  outcome: \"completed\" != {\"diverged\":{\"step\":1,\"quantity\":\"loss\",\"value\":\"NaN\"}}",
            "  canary: 4444444444444444444444444444444444444444444444444444444444444444 != none",
            "  final_state: 5555555555555555555555555555555555555555555555555555555555555555 != x",
            "  test: model.psnr.mean: 19.5 != 20.0 (140737488355328 ulp)",
        ],
    );
}

#[test]
fn an_unfinished_run_is_not_compared() {
    let (_keep, store) = stored(&run());
    let error = diff_runs(&store.run(&samples::id('a')), &store.run(&samples::id('b')));
    assert!(error.unwrap_err().to_string().ends_with("the run is not finished"));
}

#[test]
fn stores_are_compared_run_by_run() {
    let (_keep_a, a) = stored(&run());
    let (_keep_b, b) = stored(&run());
    assert_eq!(diff_stores(&a, &b).unwrap().verdict, DiffVerdict::BitEqual);

    let record = samples::record(samples::id('c'));
    let dir = b.run(&record.run);
    let _lease = dir.lease().unwrap();
    dir.write_record(&record).unwrap();
    let _started = a.run(&samples::id('d')).lease().unwrap();
    let diff = diff_stores(&a, &b).unwrap();
    insta::assert_snapshot!(diff, @r"
    aaaaaaaaaaaaaaaa: bit-equal
    cccccccccccccccc: finished only in the second store
    dddddddddddddddd: finished in neither store
    1 of 3 runs are bit-equal
    ");
}

#[test]
fn a_comparison_has_a_json_form() {
    let mut changed = run();
    changed.losses[0] = 0.75;
    let ((_keep_a, a), (_keep_b, b)) = (stored(&run()), stored(&changed));
    let diff = diff_runs(&a.run(&samples::id('a')), &b.run(&samples::id('a'))).unwrap();
    insta::assert_snapshot!(serde_json::to_string(&diff).unwrap(), @r#"{"a":"aaaaaaaaaaaaaaaa","b":"aaaaaaaaaaaaaaaa","verdict":"different","differences":[{"journal":{"line":1,"a":{"step":{"step":0,"epoch":0}},"b":{"step":{"step":0,"epoch":0}},"value":{"name":"loss","a":0.5,"b":0.75,"ulps":2251799813685248}}}],"circumstances":[]}"#);
}
