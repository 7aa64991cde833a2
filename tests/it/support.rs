//! A separate folder for every test: sweep file, store, cache and reports.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::sweeps::TINY;

/// Timeout of [`wait`].
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(5);

/// A folder in which the program is run.
pub(crate) struct Place {
    folder: TempDir,
    /// Further environment variables of the program.
    environment: BTreeMap<&'static str, OsString>,
}

/// The output of the program.
#[derive(Debug)]
pub(crate) struct ProgramOutput {
    /// Exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// Creates a folder with the tiny sweep.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder, environment: BTreeMap::new() };
        place.write("experiments/tiny.toml", TINY);
        place
    }

    /// Sets an environment variable of the program.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.environment.insert(name, value.into());
    }

    /// Returns a path below the folder.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Returns the program with these arguments, to be started in this folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprise"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("REPRISE_CACHE", self.path("cache"))
            .env("OMP_NUM_THREADS", "1")
            .env("NO_COLOR", "1")
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> ProgramOutput {
        ProgramOutput::from(self.command(arguments).output().unwrap())
    }

    /// Runs the program, which must succeed.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str]) -> ProgramOutput {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(0), "{arguments:?}\n{}\n{}", output.stdout, output.stderr);
        output
    }

    /// Starts the program in a process group of its own.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        let mut command = self.command(arguments);
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
        Started(command.spawn().unwrap())
    }

    /// Returns the folders of all runs of a store.
    pub(crate) fn runs(&self, store: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(store).join("runs"));
        let mut runs: Vec<PathBuf> =
            entries.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        runs.sort();
        runs
    }

    /// Returns the total number of lines of all journals of a store.
    pub(crate) fn journaled(&self, store: &str) -> usize {
        let lines = |run: &PathBuf| {
            let journal = fs::read(run.join("journal.jsonl")).unwrap_or_default();
            journal.split(|&byte| byte == b'\n').count() - 1
        };
        self.runs(store).iter().map(lines).sum()
    }

    /// Waits until the journals of a store have this many lines in total.
    #[track_caller]
    pub(crate) fn wait_for_lines(&self, store: &str, lines: usize) {
        wait(|| self.journaled(store) >= lines);
    }
}

/// The running program.
pub(crate) struct Started(Child);

impl Started {
    /// Sends a signal to the program and its workers.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Kills the program but not its workers.
    pub(crate) fn kill_alone(&mut self) {
        self.0.kill().unwrap();
    }

    /// Waits for the end.
    pub(crate) fn finish(self) -> ProgramOutput {
        ProgramOutput::from(self.0.wait_with_output().unwrap())
    }
}

impl From<Output> for ProgramOutput {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait(holds: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if holds() {
            return;
        }
        thread::sleep(PAUSE);
    }
    panic!("the condition did not hold within {} s", PATIENCE.as_secs());
}

/// Checks that an output contains fragments.
#[track_caller]
pub(crate) fn check_contains(output: &str, fragments: &[&str]) {
    for fragment in fragments {
        assert!(output.contains(fragment), "`{fragment}` is not in\n{output}");
    }
}
