//! Tests of sweep files as a user writes them: the runs that they expand to, and their problems.

use std::path::{Path, PathBuf};

use super::*;
use crate::{config::model::ModelSpec, scalar::Seed};

mod hostile;
mod messages;
mod properties;
mod schema;
mod shipped;

/// A small valid sweep; tests change one thing about it.
const VALID: &str = r#"name = "small"
title = "A small sweep"
description = "Is small enough?"
seeds = [2, 1]
default_preset = "tiny"

[run]
training.epochs = 10
model.cvae = { width = 8, teacher_forcing = "always" }

[[axis]]
name = "kl_weight"
[[axis.arm]]
label = "rising"
set.model.cvae.kl_weight.monotonic = { ratio = 0.5 }
[[axis.arm]]
label = "none"
set.model.cvae.kl_weight = "none"

[preset.tiny]
scale = "shows nothing"
set.model.cvae.z_dim = 2
[preset.large]
scale = "shows more"
seeds = [7]

[[published]]
arm = "none"
split = "test"
metric = "psnr"
value = 20.0
source = "nowhere"
scale = "none"
"#;

/// Wraps text as `experiments/small.toml`.
fn source(text: &str) -> SweepSource {
    SweepSource { path: PathBuf::from("experiments/small.toml"), text: text.to_owned() }
}

/// Replaces one part of [`VALID`], which must be there once.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert_eq!(VALID.matches(from).count(), 1, "`{from}` occurs once in the valid file");
    VALID.replace(from, to)
}

#[track_caller]
fn parsed(text: &str, overrides: &[&str]) -> Sweep {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    match parse(&source(text), None, &overrides) {
        Ok(sweep) => sweep,
        Err(error) => panic!("the sweep is valid:\n{}", error.render()),
    }
}

/// Checks arms and seeds of all runs, in order, written as `arm/seed`.
#[track_caller]
fn check_runs(text: &str, runs: &[&str]) {
    let found: Vec<String> =
        parsed(text, &[]).runs.iter().map(|run| format!("{}/{}", run.arm, run.spec.seed)).collect();
    assert_eq!(found, runs);
}

/// Checks one setting of every arm, as JSON.
#[track_caller]
fn check_setting(text: &str, overrides: &[&str], path: &str, values: &[&str]) {
    let found: Vec<String> = parsed(text, overrides)
        .arms()
        .iter()
        .map(|run| {
            let spec = serde_json::to_value(&run.spec).expect("a spec has a JSON form");
            let pointer = format!("/{}", path.replace('.', "/"));
            spec.pointer(&pointer).expect("the setting exists").to_string()
        })
        .collect();
    assert_eq!(found, values);
}

#[test]
fn runs_are_ordered_by_arm_and_then_by_seed() {
    check_runs(VALID, &["rising/1", "rising/2", "none/1", "none/2"]);
}

#[test]
fn a_preset_may_have_seeds_of_its_own() {
    let sweep = parse(&source(VALID), Some("large"), &[]).expect("the preset exists");
    assert!(sweep.runs.iter().all(|run| run.spec.seed == Seed(7)));
    assert_eq!((sweep.preset.as_str(), sweep.scale.as_str()), ("large", "shows more"));
}

#[test]
fn only_the_default_preset_is_stored_under_the_sweeps_own_name() {
    let name = |preset| parse(&source(VALID), preset, &[]).expect("it exists").storage_name();
    assert_eq!([None, Some("tiny"), Some("large")].map(name), ["small", "small", "small.large"]);
    assert_eq!(["small", "small.large"].map(name_without_preset), ["small", "small"]);
}

#[test]
fn head_axes_and_presets_are_kept_in_file_order() {
    let sweep = parsed(VALID, &[]);
    assert_eq!(sweep.presets, ["tiny", "large"]);
    assert_eq!(sweep.axes[0].labels, ["rising", "none"]);
    assert_eq!((sweep.axes.len(), sweep.published.len()), (1, 1));
}

#[test]
fn a_setting_that_is_not_written_has_its_default() {
    check_setting(VALID, &[], "optimizer.adam.learning_rate", &["0.002", "0.002"]);
    check_setting(VALID, &[], "model.cvae.g_dim", &["128", "128"]);
}

#[test]
fn tables_merge_key_by_key() {
    check_setting(VALID, &[], "model.cvae.z_dim", &["2", "2"]);
    check_setting(VALID, &[], "model.cvae.width", &["8", "8"]);
}

#[test]
fn an_arm_wins_over_the_preset_and_an_override_over_both() {
    let preset = changed("cvae.z_dim = 2", "cvae = { z_dim = 2, kl_weight = \"none\" }");
    let text = preset.replace("kl_weight.monotonic = {", "kl_weight.monotonic = { beta = 1.0,");
    check_setting(&text, &[], "model.cvae.z_dim", &["2", "2"]);
    check_setting(&text, &["model.cvae.z_dim=3"], "model.cvae.z_dim", &["3", "3"]);
    let kl_weights = ["{\"monotonic\":{\"beta\":1.0,\"ratio\":0.5}}", "\"none\""];
    check_setting(&text, &[], "model.cvae.kl_weight", &kl_weights);
}

#[test]
fn a_choice_of_another_variant_replaces_the_whole_choice() {
    let text = changed("\"always\" }", "\"always\", kl_weight.constant = { beta = 0.25 } }");
    let kl_weights = ["{\"monotonic\":{\"beta\":1.0,\"ratio\":0.5}}", "\"none\""];
    check_setting(&text, &[], "model.cvae.kl_weight", &kl_weights);
}

#[test]
fn a_choice_of_the_same_variant_merges() {
    let text = changed("\"always\" }", "\"always\", kl_weight.monotonic = { beta = 0.25 } }");
    let kl_weights = ["{\"monotonic\":{\"beta\":0.25,\"ratio\":0.5}}", "\"none\""];
    check_setting(&text, &[], "model.cvae.kl_weight", &kl_weights);
}

#[test]
fn an_adjustment_changes_only_the_arms_it_names() {
    let adjust = "z_dim = 2\n[[preset.tiny.adjust]]\nwhen = { kl_weight = [\"none\"] }\n\
                  set.model.cvae.width = 4";
    check_setting(&changed("z_dim = 2", adjust), &[], "model.cvae.width", &["8", "4"]);
}

#[test]
fn a_bare_word_in_an_override_is_a_string() {
    check_setting(VALID, &["engine.device=cpu"], "engine.device", &["\"cpu\"", "\"cpu\""]);
    let root = "data.dataset.bair.root=/data/bair 2";
    let dataset = "{\"bair\":{\"root\":\"/data/bair 2\"}}";
    check_setting(VALID, &[root], "data.dataset", &[dataset, dataset]);
}

#[test]
fn later_overrides_win() {
    let overrides = ["training.epochs=3", "training = { epochs = 4 }"];
    check_setting(VALID, &overrides, "training.epochs", &["4", "4"]);
}

#[test]
fn seeds_can_be_overridden() {
    let sweep = parsed(VALID, &["seeds=[9, 3]"]);
    let seeds: Vec<u64> = sweep.runs.iter().map(|run| run.spec.seed.0).collect();
    assert_eq!(seeds, [3, 9, 3, 9]);
}

#[test]
fn an_axis_of_values_labels_its_arms_as_they_are_written() {
    let axis = "[[axis]]\nname = \"lr\"\nkey = \"optimizer.adam.learning_rate\"\n\
                values = [1e-3, 0.002]\n[preset.tiny]";
    let text = changed("[preset.tiny]", axis).replace("\"none\"\nsplit", "\"none · 1e-3\"\nsplit");
    let none = ["none · 1e-3/1", "none · 1e-3/2", "none · 0.002/1", "none · 0.002/2"];
    let rising = none.map(|run| run.replace("none", "rising"));
    let all: Vec<&str> = rising.iter().map(String::as_str).chain(none).collect();
    check_runs(&text, &all);
    let rates = ["0.001", "0.002", "0.001", "0.002"];
    check_setting(&text, &[], "optimizer.adam.learning_rate", &rates);
}

#[test]
fn a_drawn_axis_has_an_arm_per_value_and_is_drawn_alike_every_time() {
    let axis = "[[axis]]\nname = \"lr\"\nkey = \"optimizer.adam.learning_rate\"\n\
                draw.log_uniform = { low = 1e-4, high = 1e-2, count = 3 }\n[preset.tiny]";
    let text = changed("[preset.tiny]", axis);
    let text = text.split("[[published]]").next().expect("the part before");
    let sweep = parsed(text, &[]);
    let [_, drawn] = &sweep.axes[..] else { panic!("two axes") };
    assert_eq!(drawn.labels.len(), 3);
    for run in &sweep.runs {
        let rate = run.spec.optimizer.learning_rate().get();
        assert_eq!(run.labels["lr"].parse::<f64>(), Ok(rate));
        assert!((1e-4..=1e-2).contains(&rate));
    }
    assert_eq!(parsed(text, &[]), sweep);
    let other = text.replace("count = 3", "count = 3, seed = 1");
    assert_ne!(parsed(&other, &[]).axes, sweep.axes);
}

/// [`VALID`] with a second axis, whose second arm may be conditional.
fn two_axes(combine: &str, when: &str) -> String {
    let axis = format!(
        "[[axis]]\nname = \"prior\"\n[[axis.arm]]\nlabel = \"fixed\"\n\
         set.model.cvae.prior = \"fixed\"\n[[axis.arm]]\nlabel = \"learned\"\n{when}\n\
         set.model.cvae.prior.learned = {{ layers = 1 }}\n\n[preset.tiny]"
    );
    let text = changed("[preset.tiny]", &axis).replace("seeds = [2, 1]", "seeds = [1]");
    let published = text.find("[[published]]").expect("the valid file has a published number");
    text[..published].replace("seeds = [1]", &format!("seeds = [1]\ncombine = \"{combine}\""))
}

#[test]
fn a_grid_combines_every_arm_with_every_other() {
    let text = two_axes("grid", "");
    check_runs(
        &text,
        &["rising · fixed/1", "rising · learned/1", "none · fixed/1", "none · learned/1"],
    );
}

#[test]
fn zip_pairs_arms_in_order() {
    check_runs(&two_axes("zip", ""), &["rising · fixed/1", "none · learned/1"]);
}

#[test]
fn a_conditional_arm_is_combined_only_with_the_arms_it_names() {
    let text = two_axes("grid", "when = { kl_weight = [\"rising\"] }");
    check_runs(&text, &["rising · fixed/1", "rising · learned/1", "none · fixed/1"]);
}

#[test]
fn conflict_markers_in_a_description_are_allowed() {
    let text = changed("\"Is small enough?\"", "\"\"\"\n<<<<<<< HEAD\n=======\n\"\"\"");
    assert_eq!(parsed(&text, &[]).description, "<<<<<<< HEAD\n=======\n");
}

#[test]
fn the_bytes_of_a_file_become_a_source() {
    let path = Path::new("experiments/small.toml");
    let read = SweepSource::from_bytes(path, VALID.as_bytes().to_vec()).expect("it is UTF-8");
    assert_eq!(read, source(VALID));
    let ModelSpec::Cvae(model) = &parsed(VALID, &[]).runs[0].spec.model else {
        panic!("the file is about the cvae");
    };
    assert_eq!(model.z_dim.get(), 2);
}
