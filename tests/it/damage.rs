//! Damaged, edited and replaced files: each is named, and none reaches a result.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use reprise_store::store::{Store, verify::verify};
use rustix::process::Signal;

use crate::support::{Place, ProgramOutput, check_contains};

/// Files on which no result depends, and the one that makes the folder a store.
const NOT_COVERED: [&str; 4] = ["lease", "timing.jsonl", "stderr.log", "format"];
/// Files of a run that a report reads.
const REPORTED: [&str; 3] = ["record.json", "journal.jsonl", "rollouts.safetensors"];

/// Trains the tiny sweep.
fn trained() -> Place {
    let place = Place::new();
    place.succeed(&["sweep", "tiny"]);
    place
}

/// Returns every file of a store that has a digest, by its path within the store.
fn covered(store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn add(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { add(&path, files) } else { files.push(path) }
        }
    }
    let mut files = Vec::new();
    add(store, &mut files);
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.retain(|path| !NOT_COVERED.contains(&name(path).as_str()));
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Ways to damage a file: what was done to it and its content then.
fn damages(path: &Path, bytes: &[u8], all: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    let flip = |at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << (at % 8);
        (format!("bit flipped in byte {at}"), bytes)
    };
    let mut found: Vec<_> = (0..bytes.len()).step_by(bytes.len() / 24 + 1).map(flip).collect();
    found.push(("emptied".to_owned(), Vec::new()));
    for part in 1..8 {
        let length = bytes.len() * part / 8;
        found.push((format!("cut after {length} bytes"), bytes[..length].to_vec()));
    }
    // The last line, or the last byte of a binary file.
    let end =
        bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    found.push(("cut before its last line".to_owned(), bytes[..end.max(1)].to_vec()));
    let other = |it: &&PathBuf| {
        it.as_path() != path && it.file_name() == path.file_name() && it.parent() != path.parent()
    };
    if let Some(other) = all.keys().find(other) {
        found.push((format!("replaced by {}", other.display()), all[other].clone()));
    }
    found.retain(|(_, damaged)| damaged != bytes);
    found
}

#[test]
fn every_damaged_byte_of_a_store_is_found_by_verify() {
    let place = trained();
    let root = place.path("store");
    let store = Store::open(&root).unwrap();
    let found = || verify(&store).unwrap().damages;
    assert_eq!(found(), []);
    let files = covered(&root);
    let mut cases = 0;
    for (path, bytes) in &files {
        for (what, damaged) in damages(path, bytes, &files) {
            fs::write(path, damaged).unwrap();
            // A flipped bit can turn a space of a JSON file into another space, which changes nothing.
            let is_same_json = path.extension().is_some_and(|it| it == "json")
                && serde_json::from_slice::<serde_json::Value>(&fs::read(path).unwrap()).ok()
                    == serde_json::from_slice(bytes).ok();
            let is_named = found().iter().any(|damage| damage.file == *path);
            assert!(is_named || is_same_json, "{} {what}: {:?}", path.display(), found());
            cases += 1;
        }
        fs::remove_file(path).unwrap();
        let named: Vec<_> = found().iter().map(|damage| damage.file.clone()).collect();
        let name = path.file_name().unwrap().to_str().unwrap();
        // Without a record the run is unfinished; without a manifest, a sheet or a checkpoint there is nothing to
        // damage.
        let is_named = ["journal.jsonl", "spec.json", "best.safetensors", "final.safetensors"]
            .contains(&name)
            || REPORTED[1..].contains(&name);
        assert_eq!(named.contains(path), is_named, "{} removed: {named:?}", path.display());
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(found(), []);
    eprintln!("{cases} damages of {} files, each found", files.len());
    assert!(cases > 300, "{cases}");
}

#[test]
fn no_number_or_picture_of_a_damaged_file_reaches_a_report() {
    let place = trained();
    let page = || fs::read(place.path("reports/tiny/report.md")).unwrap();
    let whole = page();
    let files = covered(&place.path("store"));
    for (path, bytes) in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let run = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let cases = damages(path, bytes, &files);
        // One bit flip, emptied, one cut, the last line, replaced.
        let wanted = [cases.len() / 3, 24, 28, cases.len() - 2, cases.len() - 1];
        for (what, damaged) in wanted.into_iter().filter_map(|at| cases.get(at)) {
            fs::write(path, damaged).unwrap();
            let output = place.run(&["report", "tiny"]);
            let context = format!("{name} of {run} {what}: {}", output.stderr);
            if REPORTED.contains(&name) {
                assert_eq!(output.code, Some(1), "{context}");
                assert!(output.stderr.contains(name), "{context}");
                let text = String::from_utf8(page()).unwrap();
                assert!(text.contains("damaged: failed to"), "{context}\n{text}");
            } else if run == "sweeps" {
                assert_eq!(output.code, Some(4), "{context}");
                assert!(output.stderr.contains("tiny.json"), "{context}");
            } else if run == "data" {
                assert_eq!(output.code, Some(1), "{context}");
                assert!(!String::from_utf8(page()).unwrap().contains("data/"), "{context}");
            } else {
                assert_eq!(output.code, Some(0), "{context}");
                assert_eq!(page(), whole, "{context}");
            }
        }
        fs::write(path, bytes).unwrap();
        place.succeed(&["report", "tiny"]);
        assert_eq!(page(), whole, "the file is whole again");
    }
}

/// Trains the tiny sweep and returns the folders of its two runs.
fn two_runs() -> (Place, [PathBuf; 2]) {
    let place = trained();
    let runs = place.runs("store").try_into().unwrap();
    (place, runs)
}

#[test]
fn one_damaged_file_stops_nothing_else() {
    let (place, [first, _]) = two_runs();
    place.write("store/sweeps/other.json", "{");
    fs::write(first.join("record.json"), "").unwrap();
    let check = |output: &ProgramOutput| {
        assert_eq!(output.code, Some(4), "{}", output.stderr);
        check_contains(&output.stderr, &["sweeps/other.json", "reprise store verify"]);
        check_contains(&output.stdout, &["damaged", "finished"]);
    };
    check(&place.run(&["status"]));
    check(&place.run(&["runs", "list"]));
    let verified = place.run(&["store", "verify"]);
    assert_eq!(verified.code, Some(1));
    check_contains(&verified.stdout, &["sweeps/other.json", "record.json", "2 damaged"]);

    // The run is continued from its last checkpoint, and the damaged record is kept.
    let output = place.succeed(&["sweep", "tiny", "--set", "seeds=[1, 2]"]).stderr;
    check_contains(&output, &["repair: its record is damaged", "resumed from step 4 of 4"]);
    assert!(first.join("superseded/1/record.json").exists());
    place.succeed(&["sweep", "tiny", "--store", "again", "--set", "seeds=[1, 2]"]);
    place.succeed(&["runs", "diff", "--store", "store", "--store", "again"]);
}

#[test]
fn a_damaged_manifest_is_written_again() {
    let (place, _) = two_runs();
    place.write("store/sweeps/tiny.json", "{");
    let output = place.succeed(&["sweep", "tiny"]).stderr;
    check_contains(&output, &["it is written again", "2 runs, all finished already"]);
    place.succeed(&["status"]);
}

#[test]
fn weights_of_another_run_are_not_exported() {
    let (place, [first, second]) = two_runs();
    fs::copy(second.join("best.safetensors"), first.join("best.safetensors")).unwrap();
    let id = first.file_name().unwrap().to_str().unwrap();
    let output = place.run(&["export", id, "weights.safetensors"]);
    assert_eq!(output.code, Some(4), "{}", output.stderr);
    check_contains(&output.stderr, &["it is not the file that its run recorded"]);
    assert!(!place.path("weights.safetensors").exists());
}

/// Interrupts a run after its first validation, damages one of its files, and checks that the sweep ends with the
/// bits of one that was not interrupted.
#[track_caller]
fn check_recovery(file: &str, damage: impl FnOnce(&[u8]) -> Vec<u8>, said: &str) {
    let settings = ["--set", "training.steps_per_epoch=6", "--set", "training.epochs=4"];
    let sweep = |store: &'static str| {
        [&["sweep", "tiny", "--jobs", "1", "--store", store][..], &settings].concat()
    };
    let place = Place::new();
    place.succeed(&sweep("whole"));
    let started = place.start(&sweep("broken"));
    place.wait_for_lines("broken", 9);
    started.signal(Signal::INT);
    assert_eq!(started.finish().code, Some(130));
    let runs = place.runs("broken");
    let run = runs.iter().find(|run| run.join("checkpoint.safetensors").exists()).unwrap();
    let path = run.join(file);
    let damaged = damage(&fs::read(&path).unwrap());
    fs::write(&path, damaged).unwrap();
    let output = place.succeed(&sweep("broken")).stderr;
    check_contains(&output, &[said]);
    let diff = place.succeed(&["runs", "diff", "--store", "whole", "--store", "broken"]).stdout;
    check_contains(&diff, &["2 of 2 runs are bit-equal"]);
    assert_eq!(place.succeed(&["store", "verify", "--store", "broken"]).code, Some(0));
}

#[test]
fn an_edited_journal_is_not_continued() {
    let edit = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).unwrap().replacen("0.", "1.", 1).into_bytes()
    };
    check_recovery("journal.jsonl", edit, "restart: interrupted");
}

#[test]
fn a_torn_best_checkpoint_restarts_the_run() {
    check_recovery(
        "best.safetensors",
        |bytes| bytes[..bytes.len() / 2].to_vec(),
        "its best checkpoint is damaged; restarting from scratch",
    );
}

#[test]
fn an_empty_specification_is_written_again() {
    check_recovery("spec.json", |_| Vec::new(), "resumed from step");
}

#[test]
fn a_damaged_line_of_times_stops_nothing() {
    check_recovery("timing.jsonl", |bytes| [bytes, b"no time\n"].concat(), "resumed from step");
}
