//! Broken TFRecord and `.npy` files: each is refused with its name; none hangs or takes much memory.
//!
//! The files are made by `tests/hostile/gen_hostile.py`, which also says what each must lead to.
//! Only the public API of `data` is used.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    self as data, DataError, Required, Split,
    npy::{self, AxisLength, Dtype, ExpectedArray},
};
use reprise_base::{
    config::data::{Dataset, TestObjects},
    fs,
    scalar::Count,
    text::error_chain,
};

/// Memory that the readers may take.
const MEMORY_KB_MAX: u64 = 100 << 10;

/// A sequence of moving digits: 20 frames, any number of sequences.
const DIGITS: ExpectedArray<'_> = ExpectedArray {
    dtype: Dtype::U8,
    axes: &[
        AxisLength::Exactly(20),
        AxisLength::Any,
        AxisLength::Exactly(64),
        AxisLength::Exactly(64),
    ],
    bytes_max: 1 << 30,
};

/// A broken file and what it must lead to.
struct Case {
    path: String,
    expect: String,
}

fn generate(kind: &str) -> (tempfile::TempDir, Vec<Case>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile/gen_hostile.py");
    let made = Command::new("python3").arg(script).arg(folder.path()).arg(kind).status();
    assert!(made.expect("python3 runs").success(), "the generator makes its files");
    let lines = fs::read_text(&folder.path().join("CASES.tsv"), 1 << 20).unwrap();
    let case = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        Case { path: cells.next().unwrap(), expect: cells.next().unwrap() }
    };
    let cases = lines.lines().map(case).collect();
    (folder, cases)
}

/// Returns the peak resident memory of this process in kB.
fn peak_memory_kb() -> u64 {
    let status = fs::read_text(Path::new("/proc/self/status"), 1 << 16).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// Runs all cases; `judge` returns the message of a refused one and whether the result is as expected.
fn check(
    folder: &Path,
    cases: &[Case],
    mut judge: impl FnMut(&Case) -> (Option<String>, bool),
) -> String {
    let folder = &folder.display().to_string();
    let before = peak_memory_kb();
    let mut messages = String::new();
    let mut failures = Vec::new();
    for case in cases {
        let (message, passes) = judge(case);
        let name = case.path.rsplit('/').next().unwrap();
        if let Some(message) = &message {
            messages.extend([&message.replace(folder, ".."), "\n"]);
        }
        if !passes || message.is_some_and(|message| !message.contains(name)) {
            failures.push(format!("{}: expected {}", case.path, case.expect));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let taken = peak_memory_kb().saturating_sub(before);
    assert!(taken < MEMORY_KB_MAX, "the cases took {taken} kB");
    messages
}

#[test]
fn every_broken_array_is_met_as_expected_with_a_message_that_names_the_file() {
    let (folder, cases) = generate("npy");
    assert_eq!(cases.len(), 33);
    let control = npy::read(&folder.path().join("ok/mnist_test_seq.npy"), &DIGITS).unwrap();
    assert_eq!(control.shape, [20, 1, 64, 64]);
    let messages = check(folder.path(), &cases, |case| {
        match npy::read(&folder.path().join(&case.path), &DIGITS) {
            Err(error) => (Some(error_chain(&error)), true),
            Ok(_) => (None, case.expect == "bounded"),
        }
    });
    insta::assert_snapshot!(messages);
}

/// Makes a data root whose last file is the case's; of the Google layout there is no control.
fn root(folder: &Path, path: &str) -> Dataset {
    let name = path.rsplit('/').next().unwrap();
    // Numbered, so that a message names the file only where it names the file.
    let number = fs::read_dir_sorted(&folder.join("roots")).map_or(0, |entries| entries.len());
    let root = folder.join("roots").join(number.to_string());
    let google = name.starts_with("push_");
    let (train, first) = if google {
        (root.join("push_train"), path)
    } else {
        (root.join("train"), "ok/traj_0_to_0.tfrecords")
    };
    fs::create_dir_all(&train).unwrap();
    for (source, target) in [(first, "0.tfrecords"), (path, name)] {
        let bytes = fs::read(&folder.join(source), 64 << 20).unwrap();
        fs::write_atomic(&train.join(target), &bytes).unwrap();
    }
    if google {
        Dataset::GooglePushTfrecord {
            root,
            test_objects: TestObjects::Seen,
            frames: Some(Count::literal(12)),
        }
    } else {
        Dataset::BerkeleyTfrecord { root, frames: Some(Count::literal(30)) }
    }
}

fn open(dataset: &Dataset, cache: &Path) -> Result<data::Pack, DataError> {
    data::open(dataset, Required::Only(Split::Train), cache, &mut |_| {})
}

/// Returns the errors that `check` finds in the file called `name`.
fn errors(dataset: &Dataset, cache: &Path, name: &str) -> Vec<String> {
    let checked = data::check(dataset, Required::Only(Split::Train), cache, &mut |_| {});
    let errors = checked.findings.errors().iter().map(|error| error_chain(error));
    errors.filter(|error| error.contains(name)).collect()
}

#[test]
fn every_broken_record_is_met_as_expected_with_a_message_that_names_the_place() {
    let (folder, cases) = generate("tfrecord");
    assert_eq!(cases.len(), 31);
    let cache = folder.path().join("cache");
    let control = open(&root(folder.path(), "ok/traj_0_to_0.tfrecords"), &cache).unwrap();
    let sizes = [Split::Train, Split::Validate].map(|split| control.sequences(split));
    assert_eq!((control.frames(), sizes), (30, [1, 1]));
    let messages = check(&folder.path().join("roots"), &cases, |case| {
        let dataset = root(folder.path(), &case.path);
        let name = case.path.rsplit('/').next().unwrap();
        let listed = errors(&dataset, &cache, name);
        match open(&dataset, &cache) {
            Ok(pack) => {
                let twice = &pack.sequence(Split::Validate, 0).actions[17 * 4..18 * 4];
                (None, case.expect == "refuse_or_last" && twice == [9.0; 4] && listed.is_empty())
            }
            Err(_) => (listed.first().cloned(), !listed.is_empty()),
        }
    });
    insta::assert_snapshot!(messages);
}

#[test]
fn a_check_lists_the_faults_of_all_records_at_once() {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../../golden/data/tfrecord_bair_corrupt/data"]
            .iter()
            .collect();
    let scratch = tempfile::tempdir().unwrap();
    let train = scratch.path().join("train");
    fs::create_dir_all(&train).unwrap();
    for entry in fs::read_dir_sorted(&folder).unwrap() {
        let bytes = fs::read(&entry.path, 1 << 20).unwrap();
        fs::write_atomic(&train.join(&entry.name), &bytes).unwrap();
    }
    let root = scratch.path().to_owned();
    let dataset = Dataset::BerkeleyTfrecord { root, frames: Some(Count::literal(3)) };
    let cache = scratch.path().join("cache");
    let findings =
        data::check(&dataset, Required::Only(Split::Train), &cache, &mut |_| {}).findings;
    let errors = findings.errors().iter().map(|error| format!("error: {}", error_chain(error)));
    let warnings = findings.warnings().into_iter().map(|warning| format!("warning: {warning}"));
    let text: Vec<_> = errors.chain(warnings).collect();
    insta::assert_snapshot!(text.join("\n").replace(&scratch.path().display().to_string(), ".."));
}
