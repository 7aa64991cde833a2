//! Completion in shells, asked for as a shell does.

use std::process::Command;

use crate::support::Place;

/// Lets bash complete the last of some words with the script that it loads, and returns the candidates.
#[track_caller]
fn bash(place: &Place, words: &[&str]) -> Vec<String> {
    let script = r#"
        source <("$0" completions bash)
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _clap_complete_reprise reprise "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_reprise")])
        .args(words)
        .current_dir(place.path("."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Checks what bash completes the last of some words to.
#[track_caller]
fn check(words: &[&str], expected: &[&str]) {
    assert_eq!(bash(&Place::new(), words), expected);
}

#[test]
fn bash_completes_commands_and_options() {
    check(&["reprise", "setti"], &["settings"]);
    check(&["reprise", "sweep", "--dry"], &["--dry-run"]);
}

#[test]
fn bash_completes_sweeps_of_the_folder() {
    check(&["reprise", "sweep", "t"], &["tiny"]);
}

#[test]
fn bash_completes_keys_of_settings() {
    check(
        &["reprise", "settings", "model.cvae.pri"],
        &["model.cvae.prior", "model.cvae.prior.learned", "model.cvae.prior.learned.layers"],
    );
}

#[test]
fn bash_completes_runs_and_sweeps_of_the_store() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny", "--store", "kept"]);
    let runs: Vec<String> = place
        .runs("kept")
        .iter()
        .map(|run| run.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(runs.len(), 2);
    let mut candidates = bash(&place, &["reprise", "runs", "show", "--store", "kept", ""]);
    candidates.retain(|candidate| !candidate.starts_with('-'));
    assert_eq!(candidates, runs);
    assert_eq!(bash(&place, &["reprise", "status", "--store", "kept", "t"]), ["tiny"]);
}

/// Asks for candidates as the script of a shell does.
#[track_caller]
fn ask(shell: &str, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_reprise"))
        .env("COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .arg("--")
        .args(words)
        .current_dir(Place::new().path("."))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn zsh_and_fish_have_scripts_and_candidates() {
    for shell in ["zsh", "fish"] {
        let script = Place::new().succeed(&["completions", shell]).stdout;
        assert!(script.replace('"', "").contains(&format!("COMPLETE={shell}")), "{script}");
        let candidates = ask(shell, &["reprise", "settings", "training.epo"]);
        assert!(candidates.contains("training.epochs"), "{shell}: {candidates}");
    }
}
