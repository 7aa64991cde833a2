//! The help of every verb.

use crate::support::Place;

#[track_caller]
fn check(name: &str, arguments: &[&str]) {
    let help = Place::new().succeed(arguments).stdout;
    assert!(help.contains("Example") || arguments.len() == 1, "the help has an example:\n{help}");
    insta::assert_snapshot!(name, help);
}

#[test]
fn the_program_says_where_to_begin() {
    check("reprise", &["--help"]);
}

#[test]
fn every_verb_explains_itself() {
    for verb in [
        "sweep", "status", "report", "runs", "export", "import", "predict", "data", "golden",
        "doctor", "bench", "settings", "completions",
    ] {
        check(verb, &[verb, "--help"]);
    }
}

#[test]
fn verbs_below_verbs_explain_themselves() {
    for (verb, below) in [
        ("runs", "list"),
        ("runs", "show"),
        ("runs", "diff"),
        ("golden", "check"),
        ("golden", "explain"),
        ("golden", "run"),
        ("golden", "parity"),
        ("data", "list"),
        ("data", "check"),
        ("data", "pack"),
        ("data", "import"),
    ] {
        check(&format!("{verb}_{below}"), &[verb, below, "--help"]);
    }
}
