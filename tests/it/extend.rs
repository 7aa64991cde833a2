//! Finished runs that are trained on.

use std::{fs, path::PathBuf};

use crate::{
    support::{Place, check_contains},
    sweeps::one_system,
};

/// Returns the run that is not one of the others.
fn new_run(place: &Place, store: &str, others: &[PathBuf]) -> PathBuf {
    let mut runs = place.runs(store);
    runs.retain(|run| !others.contains(run));
    let [run] = &runs[..] else { panic!("{runs:?}") };
    run.clone()
}

fn id(run: &std::path::Path) -> &str {
    run.file_name().unwrap().to_str().unwrap()
}

/// Trains a system for two epochs, extends it to four, and compares it with four epochs at once.
#[track_caller]
fn check(system: &str, settings: &str) -> String {
    let place = Place::new();
    place.write("experiments/systems.toml", &one_system(system, settings));
    place.succeed(&["sweep", "systems"]);
    let first = place.runs("store").remove(0);
    let extended = place.succeed(&["extend", id(&first), "--epochs", "4"]).stderr;
    check_contains(&extended, &["resumed from step 4 of 8"]);
    let extended_run = new_run(&place, "store", std::slice::from_ref(&first));
    place.succeed(&["sweep", "systems", "--set", "training.epochs=4", "--store", "whole"]);
    let whole = place.runs("whole").remove(0);
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(extended_run.join("record.json")).unwrap()).unwrap();
    assert_eq!(record["spec"]["continue_from"], id(&first));
    for file in ["final.safetensors", "best.safetensors", "journal.jsonl"] {
        let [one, other] = [&extended_run, &whole].map(|run| fs::read(run.join(file)).unwrap());
        assert!(one == other, "{system}: {file} differs");
    }
    // Extended again, it is the same run.
    place.succeed(&["extend", id(&first), "--epochs", "4"]);
    assert_eq!(place.runs("store").len(), 2);
    place.succeed(&["store", "verify"]);
    extended
}

#[test]
fn an_extended_run_has_the_bits_of_one_that_is_trained_at_once() {
    for system in ["physical_interaction", "convlstm", "mocogan", "rcn"] {
        check(system, "");
    }
    let constant =
        "[run.model.cvae]\nkl_weight.constant = { beta = 1.0 }\nteacher_forcing = \"always\"\n";
    let warned = check("cvae", constant);
    assert!(!warned.contains("not bit-equal"), "{warned}");
}

#[test]
fn what_depends_on_the_number_of_epochs_is_named_and_what_cannot_be_continued_is_refused() {
    let place = Place::new();
    let ramp = "[run.model.cvae]\nkl_weight.monotonic = { ratio = 1.0 }\n";
    place.write("experiments/systems.toml", &one_system("cvae", ramp));
    place.succeed(&["sweep", "systems"]);
    let first = place.runs("store").remove(0);
    let warned = place.succeed(&["extend", id(&first), "--epochs", "3"]).stderr;
    check_contains(&warned, &["not bit-equal to 3 epochs at once", "KL weight by epoch"]);

    let refused = |arguments: &[&str], fragment: &str| {
        let output = place.run(arguments);
        assert_eq!(output.code, Some(2), "{}", output.stderr);
        check_contains(&output.stderr, &[fragment]);
    };
    refused(&["extend", id(&first), "--epochs", "2"], "it has 2 epochs, and the new run 2");
    let missing = format!("continue_from={}", "0".repeat(16));
    refused(&["sweep", "systems", "--set", &missing], "no finished run with this id");
    let steps = format!("continue_from={}", id(&first));
    let other = ["sweep", "systems", "--set", &steps, "--set", "training.epochs=4"];
    refused(
        &[&other[..], &["--set", "training.steps_per_epoch=3"]].concat(),
        "its epochs have 2 steps",
    );
}

#[test]
fn an_extended_run_is_resumed_and_its_canary_is_that_of_the_first_run() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny"]);
    let runs = place.runs("store");
    place.succeed(&["extend", id(&runs[0]), "--epochs", "3"]);
    let extended = new_run(&place, "store", &runs);
    let canary = |run: &PathBuf| -> serde_json::Value {
        let text = fs::read(run.join("record.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()["canary"].clone()
    };
    assert_eq!(canary(&extended), canary(&runs[0]));
    // Without its record, it is resumed at its end.
    let before = fs::read(extended.join("final.safetensors")).unwrap();
    fs::remove_file(extended.join("record.json")).unwrap();
    let resumed = place.succeed(&["extend", id(&runs[0]), "--epochs", "3"]).stderr;
    check_contains(&resumed, &["resume from step 6"]);
    assert!(fs::read(extended.join("final.safetensors")).unwrap() == before);
}

#[test]
fn snapshots_are_scored_exported_and_continued_and_change_no_number() {
    let place = Place::new();
    place.write("experiments/systems.toml", &one_system("convlstm", ""));
    let keep = "training.keep={every_epochs=1, state='full'}";
    place.succeed(&["sweep", "systems", "--set", keep]);
    let first = place.runs("store").remove(0);
    place.succeed(&["sweep", "systems", "--store", "plain"]);
    let plain = place.runs("plain").remove(0);
    assert_eq!(id(&first), id(&plain), "what is kept is not part of the id");
    let bytes = |path: PathBuf| fs::read(path).unwrap();
    for file in ["final.safetensors", "best.safetensors", "journal.jsonl"] {
        assert!(bytes(first.join(file)) == bytes(plain.join(file)), "{file} differs");
    }
    let snapshot =
        |name: &str| first.join("snapshots").join(format!("0000000001{name}.safetensors"));
    assert!(bytes(snapshot("")) != bytes(first.join("final.safetensors")));

    // From its middle to its end.
    place.succeed(&["extend", &format!("{}@1", id(&first)), "--epochs", "2"]);
    let again = new_run(&place, "store", std::slice::from_ref(&first));
    for file in ["final.safetensors", "best.safetensors", "journal.jsonl"] {
        assert!(bytes(first.join(file)) == bytes(again.join(file)), "{file} differs");
    }

    let [scored, missing] = ["1", "7"].map(|epoch| {
        let set = format!("checkpoint.epoch={epoch}");
        place.run(&["evaluate", id(&first), "--set", &set])
    });
    check_contains(&scored.stdout, &["checkpoint after 1 epoch", "mse"]);
    check_contains(&missing.stderr, &["the run keeps no weights after 7 epochs"]);
    place.succeed(&["export", id(&first), "one.safetensors", "--checkpoint", "1"]);
    place.succeed(&["generate", id(&first), "--set", "checkpoint.epoch=1", "--write", "npz"]);
    let missing = place.run(&["export", id(&first), "x.safetensors", "--checkpoint", "3"]);
    check_contains(&missing.stderr, &["has no checkpoint after 3 epochs", "`training.keep`"]);
    let plain =
        place.run(&["extend", &format!("{}@1", id(&plain)), "--epochs", "3", "--store", "plain"]);
    check_contains(&plain.stderr, &["it has no full snapshot after 1 epoch;"]);

    place.succeed(&["store", "verify"]);
    fs::write(snapshot(".best"), "damaged").unwrap();
    let damaged = place.run(&["store", "verify"]);
    assert_eq!(damaged.code, Some(1));
    check_contains(&damaged.stdout, &["0000000001.best.safetensors"]);
}

#[test]
fn weights_that_a_finished_run_has_not_kept_are_missed_by_name() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny"]);
    let sweep = fs::read_to_string(place.path("experiments/tiny.toml")).unwrap();
    let asked = "[[evaluation]]\ncheckpoint.epoch = 1\n";
    place.write("experiments/tiny.toml", &format!("{sweep}\n{asked}"));
    let refused = place.run(&["sweep", "tiny"]);
    check_contains(
        &refused.stderr,
        &["the run keeps no weights after 1 epoch: see `training.keep`"],
    );
    let kept = place.run(&["sweep", "tiny", "--set", "training.keep.every_epochs=1"]);
    assert_eq!(kept.code, Some(3), "{}", kept.stderr);
    check_contains(&kept.stderr, &["the run keeps no weights after 1 epoch"]);
    place.succeed(&["sweep", "tiny", "--set", "training.keep.every_epochs=1", "--store", "new"]);
}
