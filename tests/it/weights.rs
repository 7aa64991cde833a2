//! Weights out of a run and into others.

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
fn exported_weights_are_where_another_run_begins() {
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
    assert_eq!(id, again, "weights are named by their content");
    let set = format!("initial_weights=\"{}\"", id.trim());
    // The arm with a learned prior has parameters that the weights lack: it fails alone.
    let swept = place.run(&["sweep", "tiny", "--store", "b", "--set", &set]);
    assert_eq!(swept.code, Some(3), "{}", swept.stderr);
    assert!(swept.stderr.contains("no value for `prior."), "{}", swept.stderr);
    let (drawn, given) = (canaries(&place, "a"), canaries(&place, "b"));
    assert_eq!(given.len(), 1);
    assert!(!drawn.contains(&given[0]), "other weights, other updates");
}

#[test]
fn weights_that_are_not_there_or_do_not_fit_are_refused() {
    let place = Place::new();
    let set = format!("initial_weights=\"{}\"", "0".repeat(64));
    let missing = place.run(&["sweep", "tiny", "--set", &set]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
    assert!(missing.stderr.contains("reprise import FILE"), "{}", missing.stderr);
    let nonsense = place.run(&["sweep", "tiny", "--set", "initial_weights=\"abc\""]);
    assert_eq!(nonsense.code, Some(2), "{}", nonsense.stderr);
    assert!(nonsense.stderr.contains("64 hexadecimal digits"), "{}", nonsense.stderr);
}
