//! The settings reference and the schema of sweep files.

use std::fs;

use serde_json::Value;

use crate::{sources::project, support::Place};

/// Reads a file of the repository.
fn committed(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap()
}

/// Checks that a committed file is what the program generates.
#[track_caller]
fn check_generated(path: &str, format: &str) {
    let generated = Place::new().succeed(&["settings", "--format", format]).stdout;
    assert!(
        committed(path) == generated,
        "`{path}` is outdated: run `reprise settings --format {format} > {path}`"
    );
}

#[test]
fn the_settings_page_is_current() {
    check_generated("docs/settings.md", "markdown");
}

#[test]
fn the_schema_of_sweep_files_is_current() {
    check_generated("experiments/sweep.schema.json", "schema");
}

/// Returns the shipped sweep files with their names.
fn shipped() -> Vec<(String, String)> {
    let folder = project().join("experiments");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "toml"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
    };
    files.iter().map(read).collect()
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&committed("experiments/sweep.schema.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn every_shipped_sweep_satisfies_the_schema() {
    let (validator, sweeps) = (validator(), shipped());
    assert!(sweeps.len() >= 11);
    for (name, text) in sweeps {
        let sweep: Value = toml::from_str(&text).unwrap();
        let problems: Vec<String> = validator
            .iter_errors(&sweep)
            .map(|it| format!("{}: {it}", it.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        assert!(text.starts_with("#:schema ./sweep.schema.json\n"), "{name} names its schema");
    }
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let validator = validator();
    let sweep = &shipped().into_iter().find(|(name, _)| name == "kl_annealing.toml").unwrap().1;
    let check = |from: &str, to: &str, valid: bool| {
        assert_eq!(sweep.matches(from).count(), 1, "{from}");
        let sweep: Value = toml::from_str(&sweep.replace(from, to)).unwrap();
        assert_eq!(validator.is_valid(&sweep), valid, "{to}");
    };
    check("seeds = [1, 2, 3]", "seeds = [1]", true);
    check("seeds = [1, 2, 3]", "seed = [1]", false);
    check("default_preset = ", "default_presets = ", false);
    check("prior = \"fixed\"", "prior = \"fixd\"", false);
    check("prior = \"fixed\"", "priors = \"fixed\"", false);
    check("prior = \"fixed\"", "prior.learned = { layers = 2 }", true);
    check("prior = \"fixed\"", "prior.learned = { layers = 0 }", false);
    check("monotonic = { ratio = 0.25 }", "monotonic = { ratio = 1.25 }", false);
    check("cyclical = { cycles = 4, ratio = 0.5 }", "cyclical = { cycle = 4 }", false);
    check("set.training = { epochs = 8,", "set.training = { epoch = 8,", false);
    check("set.training = { epochs = 8,", "set.seed = 1\nset.training = { epochs = 8,", false);
    check("set.engine.arithmetic = \"fast\"", "set.engine.device = \"gpu\"", false);
    check("set.engine.arithmetic = \"fast\"", "set.engine.device = \"cuda:1\"", true);
}

#[test]
fn one_setting_has_type_default_meaning_and_choices() {
    let place = Place::new();
    insta::assert_snapshot!(place.succeed(&["settings", "model.cvae.prior"]).stdout);
}

#[test]
fn the_settings_of_a_table_are_listed() {
    let place = Place::new();
    insta::assert_snapshot!(place.succeed(&["settings", "training"]).stdout);
}

#[test]
fn settings_are_printed_as_json() {
    let place = Place::new();
    let json = place.succeed(&["settings", "optimizer.adam.beta1", "--format", "json"]).stdout;
    let settings: Value = serde_json::from_str(&json).unwrap();
    let [beta1] = settings.as_array().unwrap().as_slice() else { panic!("one setting: {json}") };
    assert_eq!(beta1["type"], "number");
    assert_eq!(beta1["range"], "[0, 1)");
    assert_eq!(beta1["default"], 0.9);
}

#[test]
fn a_misspelt_key_gets_a_suggestion() {
    #[track_caller]
    fn check(key: &str, expected: &str) {
        let said = Place::new().run(&["settings", key]);
        assert_eq!(said.code, Some(2));
        assert_eq!(said.stderr, format!("error: unknown setting `{key}`\nhint: {expected}\n"));
    }
    check("training.epoch", "did you mean `training.epochs`?");
    check("trainin", "did you mean `training`?");
    check("kl_weight", "did you mean `model.cvae.kl_weight`?");
    check("cvae.kl_wieght", "did you mean `model.cvae.kl_weight`?");
    check("colour_of_the_sky", "run `reprise settings` to list all settings");
}
