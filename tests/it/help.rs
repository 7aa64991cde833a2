//! The help of every command.

use crate::support::Place;

#[track_caller]
fn check(name: &str, arguments: &[&str]) {
    let help = Place::new().succeed(arguments).stdout;
    assert!(help.contains("Example") || arguments.len() == 1, "the help has an example:\n{help}");
    insta::assert_snapshot!(name, help);
}

#[test]
fn the_program_shows_how_to_start() {
    check("reprise", &["--help"]);
}

#[test]
fn every_command_has_help() {
    for command in [
        "sweep",
        "status",
        "report",
        "claims",
        "runs",
        "store",
        "evaluate",
        "extend",
        "generate",
        "export",
        "import",
        "data",
        "golden",
        "doctor",
        "bench",
        "settings",
        "completions",
    ] {
        check(command, &[command, "--help"]);
    }
}

#[test]
fn every_subcommand_has_help() {
    for (command, subcommand) in [
        ("runs", "list"),
        ("runs", "show"),
        ("runs", "diff"),
        ("store", "verify"),
        ("golden", "check"),
        ("golden", "explain"),
        ("golden", "run"),
        ("golden", "parity"),
        ("data", "list"),
        ("data", "check"),
        ("data", "show"),
        ("data", "pack"),
        ("data", "import"),
    ] {
        check(&format!("{command}_{subcommand}"), &[command, subcommand, "--help"]);
    }
}
