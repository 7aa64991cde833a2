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
