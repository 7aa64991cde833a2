//! Every state that a power cut may leave is recovered from, with the bits of an undisturbed run.
//!
//! The unmodified program is recorded (`recorder.c`) while it works. From the record, `disk` derives the states that a
//! crash may leave after each of its operations. Each state is opened as the program opens it. Its report goes no
//! further than what the program looks at, so states that look the same are one class; one state of each class is put
//! on the disk and the command is repeated there. Start from [`recorded`] and [`check`].
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "tests stop at the first surprise, and print what they counted"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use reprise_base::fs::sha256_hex;
use tempfile::TempDir;

mod disk;
mod faults;
mod judge;
mod kills;
#[path = "../fixtures/sweeps.rs"]
mod sweeps;
mod trace;

use disk::{Depth, Disk, Listing, Tree};
use judge::Judge;
use sweeps::{TINY, one_arm, one_system};
use trace::Operation;

/// A folder with a git repository in which the program works.
pub(crate) struct Scene {
    folder: TempDir,
    /// Not part of the recorded folder: packs can be made again.
    cache: PathBuf,
}

/// What the program did in a scene.
pub(crate) struct Recorded {
    /// The folder before.
    before: Listing,
    operations: Vec<Operation>,
    /// The folder after.
    after: Listing,
}

/// Compiles the recorder once.
fn recorder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash");
    fs::create_dir_all(&folder).unwrap();
    let lock = fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/recorder.c");
    let digest = sha256_hex(&fs::read(&source).unwrap());
    let library = folder.join(format!("recorder-{}.so", &digest[..16]));
    if !library.exists() {
        let made = folder.join("made.so");
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut command = Command::new(compiler);
        command.args(["-O1", "-fPIC", "-shared", "-w", "-o"]).arg(&made).arg(&source).arg("-ldl");
        assert!(command.status().unwrap().success(), "the recorder compiles");
        fs::rename(made, &library).unwrap();
    }
    library
}

impl Scene {
    /// Creates a scene with a sweep file, committed, and one untracked source file.
    fn new(sweep: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("work");
        fs::create_dir_all(root.join("experiments")).unwrap();
        let named = ["tiny", "systems"].map(|name| format!("\nname = \"{name}\"\n"));
        let sweep = named
            .iter()
            .fold(sweep.to_owned(), |sweep, name| sweep.replacen(name, "\nname = \"sweep\"\n", 1));
        fs::write(root.join("experiments/sweep.toml"), sweep).unwrap();
        fs::write(root.join(".gitignore"), "/store\n/reports\n").unwrap();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.current_dir(&root).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
            let output = command.args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        git(&["init", "-q"]);
        fs::remove_dir_all(root.join(".git/hooks")).ok();
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "first"]);
        fs::write(root.join("new.rs"), "not committed\n").unwrap();
        let cache = folder.path().join("cache");
        Self { folder, cache }
    }

    /// Creates a scene that holds a tree, with the cache of another.
    fn holding(listing: &Listing, cache: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put(listing, &folder.path().join("work"), &mut Listing::default());
        Self { folder, cache: cache.to_owned() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprise"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env("REPRISE_CACHE", &self.cache)
            .env("OMP_NUM_THREADS", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn succeed(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}\n{stderr}");
    }

    /// Runs the program under the recorder. `fail` is what the recorder is asked to fail.
    fn record(&self, arguments: &[&str], fail: Option<&str>) -> (Output, Vec<Operation>) {
        let log = self.folder.path().join("log");
        for left in [&log, &self.folder.path().join("log.count")] {
            fs::remove_file(left).ok();
        }
        let mut command = self.command(arguments);
        command.env("LD_PRELOAD", recorder());
        command.env("RECORDER_ROOT", self.root()).env("RECORDER_LOG", &log);
        if let Some(fail) = fail {
            command.env("RECORDER_FAIL", fail);
        }
        let output = command.output().unwrap();
        (output, trace::read(&log))
    }

    /// Returns all files and folders.
    fn listing(&self) -> Listing {
        let mut listing = Listing::default();
        add(&self.root(), "", &mut listing);
        listing
    }
}

fn add(folder: &Path, prefix: &str, listing: &mut Listing) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            add(&entry.path(), &format!("{path}/"), listing);
            listing.folders.insert(path);
        } else {
            listing.files.insert(path, fs::read(entry.path()).unwrap().into());
        }
    }
}

/// Makes a folder hold a listing; `there` is what it holds, and is updated.
fn put(listing: &Listing, root: &Path, there: &mut Listing) {
    fs::create_dir_all(root).unwrap();
    for path in there.files.keys().filter(|path| !listing.files.contains_key(*path)) {
        fs::remove_file(root.join(path)).unwrap();
    }
    for path in there.folders.difference(&listing.folders).collect::<Vec<_>>().into_iter().rev() {
        fs::remove_dir(root.join(path)).unwrap();
    }
    for path in listing.folders.difference(&there.folders) {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    for (path, bytes) in &listing.files {
        if there.files.get(path) != Some(bytes) {
            fs::write(root.join(path), &bytes[..]).unwrap();
        }
    }
    there.clone_from(listing);
}

/// Records a command that succeeds, and checks that the record is complete: repeated, it gives the same files.
#[track_caller]
fn recorded(scene: &Scene, arguments: &[&str]) -> Recorded {
    let before = scene.listing();
    let (output, operations) = scene.record(arguments, None);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let after = scene.listing();
    let mut disk = Disk::holding(&before);
    for operation in &operations {
        disk.carry_out(operation);
    }
    let repeated = disk.current().list();
    let differing: Vec<_> = repeated
        .files
        .iter()
        .filter(|(path, bytes)| after.files.get(*path) != Some(bytes))
        .map(|(path, _)| path)
        .chain(after.files.keys().filter(|path| !repeated.files.contains_key(*path)))
        .collect();
    assert!(differing.is_empty(), "the record is not complete: {differing:?}");
    assert_eq!(repeated.folders, after.folders);
    Recorded { before, operations, after }
}

/// What the states of a record lead to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    states: usize,
    classes: usize,
    /// What is wrong, by class.
    findings: Vec<String>,
}

/// Derives all crash states of a record, and has each class judged.
fn explore(recorded: &Recorded, depth: Depth, judge: &mut Judge<'_>) -> Found {
    let mut disk = Disk::holding(&recorded.before);
    let mut digests = BTreeMap::new();
    let mut states = BTreeSet::new();
    let mut examples: BTreeMap<String, Listing> = BTreeMap::new();
    // With the number of operations after which it was first seen.
    let mut findings: BTreeMap<String, usize> = BTreeMap::new();
    let mut look = |tree: &Tree, after: usize| {
        let listing = tree.list();
        if states.insert(listing.digest(&mut digests)) {
            let class = judge.class(&listing);
            for what in class.wrong {
                findings.entry(what).or_insert(after);
            }
            examples.entry(class.name).or_insert(listing);
        }
    };
    for (done, operation) in recorded.operations.iter().enumerate() {
        disk.carry_out(operation);
        disk.crash_states(depth, &mut |tree| look(tree, done + 1));
    }
    // What the program reported as done is not lost.
    let durable = disk.durable().list();
    let mut findings: Vec<String> = findings
        .into_iter()
        .map(|(what, after)| format!("after {after} operations: {what}"))
        .collect();
    findings.extend(judge.lost(&durable));
    for (class, example) in examples.iter().filter(|_| judge.recovers()) {
        findings.extend(judge.recover(example).map(|what| format!("{class}: {what}")));
    }
    Found { states: states.len(), classes: examples.len(), findings }
}

/// Records a command in a scene and checks that every crash state is recovered from.
#[track_caller]
fn check(what: &str, depth: Depth, scene: &Scene, command: &[&str]) -> usize {
    let recorded = recorded(scene, command);
    let found = explore(&recorded, depth, &mut Judge::new(scene, &recorded.after, command));
    eprintln!(
        "{what}: {} operations, {} crash states in {} classes, {} findings",
        recorded.operations.len(),
        found.states,
        found.classes,
        found.findings.len()
    );
    assert!(found.findings.is_empty(), "{:#?}", found.findings);
    found.states
}

/// A minute, and as many states as are worth it.
const SHALLOW: Depth = Depth { tears: 4, combinations: 48 };
const DEEP: Depth = Depth { tears: usize::MAX, combinations: 512 };

const SWEEP: [&str; 4] = ["sweep", "sweep", "--jobs", "1"];

#[test]
fn a_sweep_survives_every_crash() {
    check("sweep of one run", SHALLOW, &Scene::new(&one_arm()), &SWEEP);
}

#[test]
#[ignore = "minutes: ./just crash"]
fn every_system_survives_every_crash() {
    let mut states = 0;
    for system in ["cvae", "physical_interaction", "convlstm", "mocogan", "rcn"] {
        states += check(system, DEEP, &Scene::new(&one_system(system, "")), &SWEEP);
    }
    states += check("sweep of two runs", DEEP, &Scene::new(TINY), &SWEEP);
    eprintln!("{states} distinct crash states");
    assert!(states >= 10_000, "{states}");
}

#[test]
fn a_repeated_sweep_with_another_arm_survives_every_crash() {
    let scene = Scene::new(TINY);
    scene.succeed(&SWEEP);
    check("more seeds", SHALLOW, &scene, &[&SWEEP[..], &["--set", "seeds=[1, 2]"]].concat());
}
