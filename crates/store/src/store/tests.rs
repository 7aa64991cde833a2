//! The store as a whole: opening, finding, leases, and the state after a kill at any point.

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::store::{
    checkpoint::{Position, write_checkpoint},
    journal::Journal,
};
use reprise_base::scalar::Step;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(folder.path()).unwrap();
    (folder, store)
}

/// Makes a run of two journalled steps with a checkpoint after the first, and returns its position.
fn interrupted(run: &RunDir) -> Position {
    let _lease = run.lease().unwrap().unwrap();
    run.write_spec(&samples::spec()).unwrap();
    let mut journal = Journal::create(&run.path(RunFile::Journal)).unwrap();
    journal.append(&samples::step(0, &[("loss", 0.5)])).unwrap();
    let position = Position { next_step: Step(1), journal: journal.mark() };
    let tensors = [samples::tensor("weight", &[1.0, 2.0])];
    let path = run.path(RunFile::Checkpoint);
    write_checkpoint(&path, &journal, Step(1), &json!(null), &tensors).unwrap();
    journal.append(&samples::step(1, &[("loss", 0.25)])).unwrap();
    position
}

#[track_caller]
fn check_state(run: &RunDir, state: &State) {
    assert_eq!(run.observe(), Observed { state: state.clone(), lease: LeaseState::Free });
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T, StoreError>, fragment: &str) {
    let message = result.expect_err("the operation is refused").to_string();
    assert!(message.contains(fragment), "`{message}` lacks `{fragment}`");
}

fn content(path: &Path) -> Vec<u8> {
    fs::read(path, 1 << 20).unwrap()
}

#[test]
fn a_store_is_opened_again_and_a_missing_one_is_created_only_on_demand() {
    let (folder, store) = store();
    assert_eq!(Store::open(folder.path()).unwrap(), store);
    assert_eq!(Store::open_or_create(folder.path()).unwrap(), store);
    check_refused(Store::open(&folder.path().join("other")), "it is not a reprise store");
}

#[test]
fn a_folder_with_other_files_does_not_become_a_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write_atomic(&folder.path().join("thesis.tex"), b"").unwrap();
    check_refused(Store::open_or_create(folder.path()), "it is not a reprise store");
}

#[test]
fn a_newer_store_is_refused() {
    let (folder, _) = store();
    fs::write_atomic(&folder.path().join("format"), b"reprise store 3\n").unwrap();
    check_refused(
        Store::open(folder.path()),
        "has format 3, but this version of reprise supports only formats up to 2",
    );
    fs::write_atomic(&folder.path().join("format"), b"reprise store x\n").unwrap();
    check_refused(Store::open(folder.path()), "it is not a reprise store");
}

#[test]
fn an_older_store_is_read_as_it_is_and_raised_by_the_first_work_in_it() {
    let (folder, store) = store();
    let format = folder.path().join("format");
    fs::write_atomic(&format, b"reprise store 1\n").unwrap();
    assert_eq!(Store::open(folder.path()).unwrap(), store);
    assert_eq!(content(&format), b"reprise store 1\n");
    Store::open_or_create(folder.path()).unwrap();
    assert_eq!(content(&format), b"reprise store 2\n");
}

#[test]
fn what_killed_processes_left_outside_of_runs_is_removed() {
    let (folder, store) = store();
    store.write_sheet("ab", b"png").unwrap();
    for left in [".unfinished-a", "data/.unfinished-b"] {
        fs::write_atomic(&folder.path().join(left), b"half").unwrap();
    }
    Store::open_or_create(folder.path()).unwrap();
    assert_eq!(fs::temporaries(folder.path()).unwrap(), Vec::<PathBuf>::new());
    assert_eq!(fs::temporaries(&folder.path().join("data")).unwrap(), Vec::<PathBuf>::new());
}

#[test]
fn a_sheet_of_other_data_is_refused() {
    let (_keep, store) = store();
    store.write_sheet("ab", b"png").unwrap();
    assert_eq!(store.read_sheet("ab").unwrap(), Some(b"png".to_vec()));
    assert_eq!(store.read_sheet("cd").unwrap(), None);
    let swapped = content(&store.sheet_path("ab"));
    fs::write_atomic(&store.sheet_path("cd"), &swapped).unwrap();
    check_refused(store.read_sheet("cd"), "does not match its SHA-256");
}

#[test]
fn a_run_is_found_by_a_unique_prefix() {
    let (_keep, store) = store();
    let ids: Vec<RunId> =
        ["1100000000000000", "1200000000000000"].map(|id| id.parse().unwrap()).into();
    for id in ids.iter().rev() {
        let _lease = store.run(id).lease().unwrap();
    }
    fs::create_dir_all(&store.root().join("runs/not-a-run")).unwrap();
    assert_eq!(store.runs().unwrap(), ids);
    assert_eq!(store.find("12").unwrap().id(), &ids[1]);
    check_refused(store.find("1"), "beginning of 2 run ids: 1100000000000000, 1200000000000000");
    check_refused(store.find("2"), "begins with `2`");
}

#[test]
fn manifests_come_back_sorted_by_name() {
    let (_keep, store) = store();
    let manifest = |name: &str| SweepManifest {
        format: MANIFEST_FORMAT,
        name: name.to_owned(),
        title: String::new(),
        description: String::new(),
        preset: "cpu".to_owned(),
        scale: String::new(),
        command: format!("reprise sweep {name}"),
        axes: vec![],
        runs: vec![],
        evaluations: vec![],
        published: vec![],
        claims: vec![],
    };
    for name in ["b", "a"] {
        store.write_manifest(&manifest(name)).unwrap();
    }
    assert_eq!(store.manifests().unwrap().readable, [manifest("a"), manifest("b")]);
    assert_eq!(store.read_manifest("c").unwrap(), None);
    check_refused(store.write_manifest(&manifest("../a")), "failed to store sweep `../a`");
    let newer = SweepManifest { format: MANIFEST_FORMAT + 1, ..manifest("c") };
    store.write_manifest(&newer).unwrap();
    check_refused(store.read_manifest("c"), "has format 3");

    // A manifest that cannot be read does not hide the others.
    let b = store.manifest_path("b").unwrap();
    fs::write_atomic(&b, &content(&store.manifest_path("a").unwrap())).unwrap();
    let Manifests { readable, unreadable } = store.manifests().unwrap();
    assert_eq!(readable, [manifest("a")]);
    let reasons = unreadable.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(reasons.contains("it is the manifest of sweep `a`"), "{reasons}");
    assert!(reasons.contains("has format 3"), "{reasons}");
}

#[test]
fn a_lease_is_held_once_and_visible_to_all() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    assert_eq!(run.observe().lease, LeaseState::Free);
    let lease = run.lease().unwrap();
    assert!(lease.is_some());
    assert!(run.lease().unwrap().is_none());
    assert_eq!(run.observe(), Observed { state: State::Nothing, lease: LeaseState::Live });
    drop(lease);
    check_state(&run, &State::Nothing);
}

#[test]
fn a_record_makes_a_run_finished() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    interrupted(&run);
    let record = samples::record(samples::id('a'));
    run.write_record(&record).unwrap();
    check_state(&run, &State::Finished(Box::new(record)));
    assert_eq!(run.read_spec().unwrap(), samples::spec());
}

#[test]
fn newer_misplaced_and_broken_records_are_distinguished() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let _lease = run.lease().unwrap();
    check_refused(run.write_record(&samples::record(samples::id('b'))), "bbbbbbbbbbbbbbbb");
    let path = run.path(RunFile::Record);
    fs::write_atomic(&path, br#"{"format": 9, "unknown": 1}"#).unwrap();
    assert_eq!(run.observe().state, State::Newer { format: 9 });
    for damaged in [&br#"{"format": 1}"#[..], b"", b"{"] {
        fs::write_atomic(&path, damaged).unwrap();
        let state = run.observe().state;
        assert!(matches!(&state, State::Damaged { why } if why.contains("failed to parse")));
    }
    let other = store.run(&samples::id('c'));
    let _lease = other.lease().unwrap();
    other.write_record(&samples::record(samples::id('c'))).unwrap();
    fs::write_atomic(&path, &content(&other.path(RunFile::Record))).unwrap();
    let State::Damaged { why } = run.observe().state else { panic!("it is misplaced") };
    assert!(why.contains("it is the record of run cccccccccccccccc"), "{why}");
}

#[test]
fn a_damaged_record_is_set_aside_and_its_run_resumed() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let position = interrupted(&run);
    run.write_record(&samples::record(samples::id('a'))).unwrap();
    let path = run.path(RunFile::Record);
    let text = fs::read_text(&path, 1 << 20).unwrap().replace("19.5", "29.5");
    fs::write_atomic(&path, text.as_bytes()).unwrap();
    assert!(matches!(run.observe().state, State::Damaged { .. }));
    let lease = run.lease().unwrap().unwrap();
    run.set_record_aside(&lease).unwrap();
    drop(lease);
    check_state(&run, &State::Resumable(position));
    assert_eq!(content(&run.root().join("superseded/1/record.json")), text.as_bytes());
}

#[test]
fn a_run_whose_record_is_a_folder_is_damaged() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    fs::create_dir_all(&run.path(RunFile::Record)).unwrap();
    assert!(matches!(run.observe().state, State::Damaged { .. }));
}

#[test]
fn a_record_with_a_value_that_is_not_finite_is_never_written() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let _lease = run.lease().unwrap();
    let mut record = samples::record(samples::id('a'));
    record.timing.active_seconds = f64::NAN;
    check_refused(run.write_record(&record), "JSON cannot represent a value in it");
    assert!(!run.has(RunFile::Record).unwrap());
}

#[test]
fn a_kill_while_journalling_leaves_a_resumable_run_once_the_checkpointed_part_is_there() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let position = interrupted(&run);
    let path = run.path(RunFile::Journal);
    let whole = content(&path);
    for length in 0..=whole.len() {
        fs::write_atomic(&path, &whole[..length]).unwrap();
        let state = run.observe().state;
        if length as u64 >= position.journal.bytes {
            assert_eq!(state, State::Resumable(position.clone()), "cut at byte {length}");
        } else {
            // The journal is synced before the checkpoint is written: only a failing disk can do this.
            assert!(matches!(state, State::NotResumable { refusal: Some(_) }), "{length}");
        }
    }
}

#[test]
fn a_journal_that_was_edited_before_the_checkpoint_is_not_continued() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let position = interrupted(&run);
    let path = run.path(RunFile::Journal);
    let text = fs::read_text(&path, 1 << 20).unwrap();
    fs::write_atomic(&path, text.replace("0.25", "0.75").as_bytes()).unwrap();
    check_state(&run, &State::Resumable(position)); // behind the checkpoint; the step is repeated
    fs::write_atomic(&path, text.replace("0.5", "0.6").as_bytes()).unwrap();
    let State::NotResumable { refusal: Some(why) } = run.observe().state else {
        panic!("a digit was changed")
    };
    assert!(why.contains("does not match its SHA-256"), "{why}");
}

#[test]
fn a_damaged_checkpoint_is_never_resumed_from() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    interrupted(&run);
    let path = run.path(RunFile::Checkpoint);
    let whole = content(&path);
    // The tests of tensor files try every byte.
    let places = || (0..whole.len()).step_by(29);
    let mut damaged: Vec<_> = places().map(|length| whole[..length].to_vec()).collect();
    for index in places() {
        let mut flipped = whole.clone();
        flipped[index] ^= 1 << (index % 8);
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write_atomic(&path, &bytes).unwrap();
        let state = run.observe().state;
        assert!(matches!(state, State::NotResumable { refusal: Some(_) }), "{state:?}");
    }
}

#[test]
fn a_kill_before_the_first_checkpoint_leaves_a_run_to_restart() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let lease = run.lease().unwrap().unwrap();
    run.write_spec(&samples::spec()).unwrap();
    assert_eq!(run.observe().state, State::Nothing);
    Journal::create(&run.path(RunFile::Journal)).unwrap();
    drop(lease);
    check_state(&run, &State::NotResumable { refusal: None });
}

#[test]
fn a_kill_while_writing_a_file_changes_nothing_and_leaves_no_temporary_file() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let position = interrupted(&run);
    let leftover = run.root().join(".unfinished-x1y2z3");
    fs::write_atomic(&leftover, b"half a record").unwrap();
    check_state(&run, &State::Resumable(position.clone()));
    drop(run.lease().unwrap());
    assert_eq!(fs::kind(&leftover).unwrap(), None);
    check_state(&run, &State::Resumable(position));
}

#[test]
fn a_superseded_attempt_is_kept_and_numbered() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    for attempts in 1..=2 {
        interrupted(&run);
        let lease = run.lease().unwrap().unwrap();
        run.supersede(&lease).unwrap();
        run.supersede(&lease).unwrap();
        drop(lease);
        check_state(&run, &State::Nothing);
        let kept = run.superseded().unwrap();
        assert_eq!(kept.len(), attempts);
        assert!(matches!(kept[attempts - 1].observe().state, State::Resumable(_)));
    }
}

#[test]
fn an_attempt_without_a_checkpoint_is_not_kept() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    for _ in 0..9 {
        let lease = run.lease().unwrap().unwrap();
        run.write_spec(&samples::spec()).unwrap();
        Journal::create(&run.path(RunFile::Journal)).unwrap();
        fs::write_atomic(&run.path(RunFile::Stderr), b"what went wrong").unwrap();
        run.supersede(&lease).unwrap();
        drop(lease);
        check_state(&run, &State::Nothing);
    }
    assert!(run.superseded().unwrap().is_empty());
    assert!(run.has(RunFile::Stderr).unwrap(), "messages are kept");
}

#[test]
fn a_kill_while_superseding_is_completed_and_never_resumed_from() {
    let (_keep, store) = store();
    let files = [RunFile::Checkpoint, RunFile::Journal, RunFile::Record, RunFile::Spec];
    for (moved, digit) in (0..=files.len()).zip('a'..) {
        let run = store.run(&samples::id(digit));
        interrupted(&run);
        run.write_record(&samples::record(samples::id(digit))).unwrap();
        let unfinished = run.root().join("superseded/unfinished");
        fs::create_dir_all(&unfinished).unwrap();
        for file in &files[..moved] {
            fs::rename(&run.path(*file), &unfinished.join(&*file.name())).unwrap();
        }
        check_state(&run, &State::Nothing);
        drop(run.lease().unwrap());
        check_state(&run, &State::Nothing);
        let kept = run.superseded().unwrap();
        assert_eq!(kept.len(), 1);
        for file in files {
            assert!(kept[0].has(file).unwrap(), "{} after {moved} moves", file.name());
            assert!(!run.has(file).unwrap());
        }
    }
}

#[test]
fn artefacts_are_hashed_by_name_without_files_that_still_grow() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    interrupted(&run);
    let artefacts = run.artefacts().unwrap();
    assert_eq!(artefacts.keys().collect::<Vec<_>>(), ["journal.jsonl", "spec.json"]);
    let journal = content(&run.path(RunFile::Journal));
    assert_eq!(artefacts["journal.jsonl"].sha256, fs::sha256_hex(&journal));
    assert_eq!(artefacts["journal.jsonl"].bytes, journal.len() as u64);
}
