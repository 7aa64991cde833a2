//! Benchmarks of our precisions and of another program.

use serde_json::Value;

use crate::support::Place;

/// The smallest possible step.
const SMALL: [&str; 12] = [
    "bench",
    "cvae",
    "--width",
    "2",
    "--batch",
    "2",
    "--frames",
    "3",
    "--threads",
    "1",
    "--rounds",
    "2",
];

/// Claims that every step takes 1000 s and 3 GB.
const SLOW: &str = r#"sh -c 'echo ready; while read -r question; do
    case $question in
    step*) echo "{\"seconds\": [1000.0], \"peak_memory_bytes\": 3000000000, \"base_memory_bytes\": 1}" ;;
    *) exit 1 ;;
    esac
done' slow"#;

#[track_caller]
fn check(arguments: &[&str], contestants: &[&str]) -> Value {
    let output = Place::new().succeed(&[&SMALL[..], arguments, &["--format", "json"]].concat());
    let found: Value = serde_json::from_str(&output.stdout).unwrap();
    let names: Vec<_> = found[0]["sides"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!(names, contestants, "{found}");
    found
}

#[test]
fn every_precision_is_measured_in_every_round() {
    let names = ["reprise exact", "reprise fast", "reprise bf16"];
    let found = check(&["--arithmetic", "exact,fast,bf16"], &names);
    for side in found[0]["sides"].as_array().unwrap() {
        assert_eq!(side["seconds"].as_array().unwrap().len(), 2, "{side}");
        assert!(side["speed"].as_f64().unwrap() > 0.0, "{side}");
        assert!(side["gemm_share"].as_f64().unwrap() > 0.0, "{side}");
        assert!(side["peak_memory_bytes"].as_u64() > side["base_memory_bytes"].as_u64(), "{side}");
    }
}

#[test]
fn another_program_is_the_first_contestant() {
    let found = check(&["--eager", SLOW], &["eager f32", "reprise exact", "reprise fast"]);
    let exact = &found[0]["sides"][1];
    assert!(exact["speed"].as_f64().unwrap() > 1.0, "faster than 1000 s: {exact}");
    assert!(exact["memory"].as_f64().unwrap() < 1.0, "less than 3 GB: {exact}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (arguments, message) in [
        (["--frames", "2"], "2 frames leave nothing to predict after 2 context frames"),
        (["--batch", "1"], "a batch of 1 cannot be trained"),
        (["--eager", "false"], "benchmark program `eager f32` exited before it answered `ready`"),
    ] {
        let output = Place::new().run(&[&["bench", "cvae"][..], &arguments].concat());
        assert!(output.code != Some(0) && output.stderr.contains(message), "{output:?}");
    }
}
