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
    let position = Position { next_step: Step(1), journal_bytes: journal.offset() };
    let tensors = [samples::tensor("weight", &[1.0, 2.0])];
    let path = run.path(RunFile::Checkpoint);
    write_checkpoint(&path, &journal, Step(1), &json!(null), &tensors).unwrap();
    journal.append(&samples::step(1, &[("loss", 0.25)])).unwrap();
    position
}

#[track_caller]
fn check_state(run: &RunDir, state: &State) {
    assert_eq!(run.observe().unwrap(), Observed { state: state.clone(), lease: LeaseState::Free });
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
    fs::write_atomic(&folder.path().join("format"), b"reprise store 2\n").unwrap();
    check_refused(
        Store::open(folder.path()),
        "has format 2, but this version of reprise supports only formats up to 1",
    );
    fs::write_atomic(&folder.path().join("format"), b"reprise store x\n").unwrap();
    check_refused(Store::open(folder.path()), "it is not a reprise store");
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
        published: vec![],
    };
    for name in ["b", "a"] {
        store.write_manifest(&manifest(name)).unwrap();
    }
    assert_eq!(store.manifests().unwrap(), [manifest("a"), manifest("b")]);
    assert_eq!(store.read_manifest("c").unwrap(), None);
    check_refused(store.write_manifest(&manifest("../a")), "failed to store sweep `../a`");
    let newer = SweepManifest { format: MANIFEST_FORMAT + 1, ..manifest("c") };
    store.write_manifest(&newer).unwrap();
    check_refused(store.manifests(), "has format 2");
}

#[test]
fn a_lease_is_held_once_and_visible_to_all() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    assert_eq!(run.observe().unwrap().lease, LeaseState::Free);
    let lease = run.lease().unwrap();
    assert!(lease.is_some());
    assert!(run.lease().unwrap().is_none());
    assert_eq!(run.observe().unwrap(), Observed { state: State::Nothing, lease: LeaseState::Live });
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
    assert_eq!(run.observe().unwrap().state, State::Newer { format: 9 });
    fs::write_atomic(&path, br#"{"format": 1}"#).unwrap();
    check_refused(run.observe(), "failed to parse");
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
        let state = run.observe().unwrap().state;
        if length as u64 >= position.journal_bytes {
            assert_eq!(state, State::Resumable(position), "journal cut at byte {length}");
        } else {
            // The journal is synced before the checkpoint is written: only a failing disk can do this.
            assert!(matches!(state, State::NotResumable { refusal: Some(_) }), "{length}");
        }
    }
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
        let state = run.observe().unwrap().state;
        assert!(matches!(state, State::NotResumable { refusal: Some(_) }), "{state:?}");
    }
}

#[test]
fn a_kill_before_the_first_checkpoint_leaves_a_run_to_restart() {
    let (_keep, store) = store();
    let run = store.run(&samples::id('a'));
    let lease = run.lease().unwrap().unwrap();
    run.write_spec(&samples::spec()).unwrap();
    assert_eq!(run.observe().unwrap().state, State::Nothing);
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
    check_state(&run, &State::Resumable(position));
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
        assert!(matches!(kept[attempts - 1].observe().unwrap().state, State::Resumable(_)));
    }
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
            fs::rename(&run.path(*file), &unfinished.join(file.name())).unwrap();
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
