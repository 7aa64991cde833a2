//! Exported and imported weights.

use std::fs;

use crate::support::Place;

/// The canary of every run of a store: the state after its first two updates.
fn canaries(place: &Place, store: &str) -> Vec<String> {
    let canary = |run: &std::path::PathBuf| {
        let record = fs::read_to_string(run.join("record.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        record["canary"].as_str().unwrap().to_owned()
    };
    let finished = |run: &&std::path::PathBuf| run.join("record.json").exists();
    place.runs(store).iter().filter(finished).map(canary).collect()
}

#[test]
fn exported_weights_initialise_another_run() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny", "--store", "a"]);
    let list = place.succeed(&["runs", "list", "--store", "a", "--format", "json"]).stdout;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let is_fixed = |run: &&serde_json::Value| run["sweeps"].to_string().contains("fixed");
    let fixed = list.as_array().unwrap().iter().find(is_fixed).unwrap();
    let run = fixed["run"].as_str().unwrap();
    place.succeed(&["export", run, "weights.safetensors", "--store", "a"]);

    let id = place.succeed(&["import", "weights.safetensors", "--store", "b"]).stdout;
    let again = place.succeed(&["import", "weights.safetensors", "--store", "b"]).stdout;
    assert_eq!(id, again, "the id of weights is a digest of their content");
    let set = format!("initial_weights=\"{}\"", id.trim());
    // The arm with a learned prior has more parameters than the weights: only this arm fails.
    let swept = place.run(&["sweep", "tiny", "--store", "b", "--set", &set]);
    assert_eq!(swept.code, Some(3), "{}", swept.stderr);
    assert!(swept.stderr.contains("missing tensor `prior."), "{}", swept.stderr);
    let (drawn, given) = (canaries(&place, "a"), canaries(&place, "b"));
    assert_eq!(given.len(), 1);
    assert!(!drawn.contains(&given[0]), "other weights give other updates");
}

#[test]
fn missing_and_invalid_weights_are_refused() {
    let place = Place::new();
    let set = format!("initial_weights=\"{}\"", "0".repeat(64));
    let missing = place.run(&["sweep", "tiny", "--set", &set]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
    assert!(missing.stderr.contains("reprise import FILE"), "{}", missing.stderr);
    let nonsense = place.run(&["sweep", "tiny", "--set", "initial_weights=\"abc\""]);
    assert_eq!(nonsense.code, Some(2), "{}", nonsense.stderr);
    assert!(nonsense.stderr.contains("64 lowercase hexadecimal digits"), "{}", nonsense.stderr);
}

/// A sweep of ports whose originals use other names and layouts.
const PORTS: &str = r#"
name = "originals"
title = "Weights of two programs"
description = "Do weights come back unchanged?"
seeds = [1]
default_preset = "toy"

[run.data.dataset.moving_square]
sequences = 4
frames = 6

[run.model.physical_interaction]
width = 2
horizon = 3
transformation.cdna = { masks = 3 }

[preset.toy]
scale = "Shows nothing but that the parts fit together."
set.training = { epochs = 1, steps_per_epoch = 1, batch_size = 2 }
set.evaluation = { every_epochs = 1, batch_size = 2, validation_sequences = 1, test_sequences = 1 }

[[axis]]
name = "port"
"#;

/// An arm of [`PORTS`].
fn arm(port: &str) -> String {
    format!(
        "[[axis.arm]]\nlabel = \"{port}\"\n\
         set.model.physical_interaction.port = \"{port}\"\n\
         set.optimizer.adam.form = \"{port}\"\n"
    )
}

#[test]
fn weights_survive_the_names_layouts_and_archives_of_two_programs() {
    let place = Place::new();
    let arms = arm("tensorflow") + &arm("chainer");
    place.write("experiments/originals.toml", &format!("{PORTS}{arms}"));
    place.succeed(&["sweep", "originals", "--store", "a"]);
    for (run, spec) in place.runs("a").iter().map(|run| {
        (run.file_name().unwrap().to_str().unwrap(), fs::read_to_string(run.join("spec.json")))
    }) {
        let is_chainer = spec.unwrap().contains("\"chainer\"");
        let (mine, other, name) = if is_chainer {
            ("chainer", "tensorflow", "model/cdna_kerns/W")
        } else {
            ("tensorflow", "chainer", "cdna_params/weights")
        };
        place.succeed(&["export", run, "own.safetensors", "--store", "a", "--names", "own"]);
        place.succeed(&["export", run, "theirs.npz", "--store", "a", "--names", mine]);
        place.succeed(&["export", run, "theirs.safetensors", "--store", "a"]);
        let archive = fs::read(place.path("theirs.npz")).unwrap();
        let member = format!("{name}.npy");
        assert!(archive.windows(member.len()).any(|bytes| bytes == member.as_bytes()), "{run}");
        let refused = place.run(&["export", run, "x.npz", "--store", "a", "--names", other]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);

        // The id is a digest of names, shapes and bytes.
        let id = |file: &str| place.succeed(&["import", file, "--store", "b"]).stdout;
        assert_eq!(id("theirs.npz"), id("own.safetensors"));
        assert_eq!(id("theirs.safetensors"), id("own.safetensors"));

        let set = format!("initial_weights=\"{}\"", id("theirs.npz").trim());
        place.write("experiments/originals.toml", &format!("{PORTS}{}", arm(mine)));
        place.succeed(&["sweep", "originals", "--store", "b", "--set", &set]);
    }
}

#[test]
fn an_archive_that_is_damaged_is_refused() {
    let place = Place::new();
    fs::write(place.path("broken.npz"), b"PK\x03\x04 and no more").unwrap();
    let refused = place.run(&["import", "broken.npz"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("not a valid zip archive"), "{}", refused.stderr);
}
