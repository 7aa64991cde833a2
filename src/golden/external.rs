//! A port that is an external program.

use std::{
    io::{self, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    case::Case,
    exchange::{ExchangeError, read_outputs},
    port::{CasePort, Outputs, PortError},
    spec::Precision,
};
use crate::provenance::Stopwatch;

/// Interval at which the end of the program is polled.
const POLL: Duration = Duration::from_millis(20);

/// Bytes of the end of stderr that an error quotes.
const QUOTED_BYTES: usize = 2000;

/// A program of any language, checked against the same cases as our own ports.
///
/// The shell runs `COMMAND CASE_DIR OUTPUT_FILE` with `REPRISE_PRECISION` set to `f32` or `f64`; the
/// program writes a safetensors file with every output in full under its name. Its stdin is empty,
/// its stdout is ignored, and its stderr is quoted if it fails.
#[derive(Clone, Debug)]
pub struct ExternalPort {
    command: String,
    timeout: Duration,
}

/// Why a program gave no outputs.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// No temporary folder can be created, or the program cannot be started or waited for.
    #[error("failed to run the command")]
    Start(#[source] io::Error),
    /// It exceeded its time and was killed.
    #[error("the command was killed after {} s (`--timeout`)", timeout.as_secs())]
    Timeout { timeout: Duration },
    /// It failed, or a signal ended it.
    #[error("{}{}", end(*status), quote(stderr))]
    Failed {
        status: ExitStatus,
        /// The end of its stderr.
        stderr: String,
    },
    /// Its file of outputs cannot be used.
    #[error("the command exited successfully but wrote no usable file of outputs")]
    Outputs(#[from] ExchangeError),
}

impl ExternalPort {
    /// Makes a port of a shell command that may take `timeout` per case.
    pub fn new(command: impl Into<String>, timeout: Duration) -> Self {
        Self { command: command.into(), timeout }
    }

    fn call(&self, case: &Case, precision: Precision) -> Result<Outputs, ExternalError> {
        let folder = tempfile::tempdir().map_err(ExternalError::Start)?;
        let file = folder.path().join("outputs.safetensors");
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("{} \"$1\" \"$2\"", self.command))
            .args(["sh".as_ref(), case.dir.as_os_str(), file.as_os_str()])
            .env("REPRISE_PRECISION", precision.name())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(ExternalError::Start)?;
        let mut stderr = child.stderr.take();
        let tail = thread::spawn(move || read_tail(stderr.as_mut()));
        let ended = wait(&mut child, self.timeout).map_err(ExternalError::Start)?;
        // Its children must end with it, or its stderr would stay open.
        let group = Pid::from_child(&child);
        kill_process_group(group, Signal::KILL).ok();
        let Some(status) = ended else {
            child.wait().map_err(ExternalError::Start)?;
            return Err(ExternalError::Timeout { timeout: self.timeout });
        };
        if !status.success() {
            let stderr = tail.join().unwrap_or_default();
            return Err(ExternalError::Failed { status, stderr });
        }
        Ok(read_outputs(&file, case)?)
    }
}

impl CasePort for ExternalPort {
    fn serves(&self, _system: &str) -> bool {
        true
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        self.call(case, precision).map_err(|source| PortError::Failed {
            action: "get outputs from the command",
            source: Box::new(source),
        })
    }
}

/// Waits until the program ends; `None` if it exceeds its time.
fn wait(child: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let watch = Stopwatch::start();
    loop {
        match child.try_wait()? {
            None if watch.seconds() >= timeout.as_secs_f64() => return Ok(None),
            None => thread::sleep(POLL),
            ended => return Ok(ended),
        }
    }
}

/// Reads to the end and keeps the last bytes.
fn read_tail(stream: Option<&mut impl Read>) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    if let Some(stream) = stream {
        while let Ok(n @ 1..) = stream.read(&mut chunk) {
            kept.extend_from_slice(&chunk[..n]);
            kept.drain(..kept.len().saturating_sub(QUOTED_BYTES));
        }
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

fn end(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command failed with exit code {code}"),
        (None, Some(signal)) => format!("the command was killed by signal {signal}"),
        (None, None) => "the command failed for an unknown reason".to_owned(),
    }
}

fn quote(stderr: &str) -> String {
    let last = stderr.lines().rev().take(3).collect::<Vec<_>>();
    if last.is_empty() {
        return String::new();
    }
    format!(": {}", last.into_iter().rev().collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::golden::{
        CaseVerdict, Check, Exceptions,
        exchange::write_outputs,
        testing::{CASE, Fixed, values, write},
    };

    /// Checks a shell command, in which `RIGHT` is a file of right outputs, against the toy case.
    #[track_caller]
    fn check(command: &str, verdict: CaseVerdict, reason: &str) {
        let (root, dir) = write(CASE, &values());
        let right = root.path().join("right.safetensors");
        write_outputs(&right, &Fixed::right().0).expect("the folder is writable");
        let command = command.replace("RIGHT", right.to_str().expect("a plain path"));
        let port = ExternalPort::new(command, Duration::from_secs(2));
        let exceptions = Exceptions::default();
        let check = Check { ports: &[], precision: Precision::F32, exceptions: &exceptions };
        let report = check.case(&load(&dir), &port);
        let found = report.reason.unwrap_or_default();
        assert_eq!(report.verdict, verdict, "{found}");
        assert!(found.contains(reason), "`{found}` does not contain `{reason}`");
    }

    fn load(dir: &Path) -> Case {
        Case::load(dir).expect("the case is valid")
    }

    #[test]
    fn a_program_that_writes_the_right_outputs_passes() {
        check("f() { cp RIGHT \"$2\"; }; f", CaseVerdict::Pass, "");
        check(
            "f() { test $REPRISE_PRECISION = f32 && cp RIGHT \"$2\"; }; f",
            CaseVerdict::Pass,
            "",
        );
    }

    #[test]
    fn a_program_that_fails_is_invalid_and_its_stderr_is_quoted() {
        check(
            "echo no such layer >&2; exit 3;",
            CaseVerdict::Invalid,
            "exit code 3: no such layer",
        );
        check("kill -9 $$;", CaseVerdict::Invalid, "killed by signal 9");
        check("no-such-program-anywhere", CaseVerdict::Invalid, "exit code 127");
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        check("sleep 600 & sleep 600;", CaseVerdict::Invalid, "killed after 2 s");
    }

    #[test]
    fn a_program_that_writes_nothing_or_nonsense_is_invalid() {
        check("true", CaseVerdict::Invalid, "no usable file of outputs");
        check(
            "f() { echo nonsense > \"$2\"; }; f",
            CaseVerdict::Invalid,
            "no usable file of outputs",
        );
    }
}
