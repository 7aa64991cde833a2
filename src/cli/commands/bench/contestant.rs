//! A benchmark process that is driven by lines on its stdin.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::de::DeserializeOwned;

/// Why a contestant could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum ContestantError {
    /// Its program cannot be started.
    #[error("failed to start benchmark program `{name}`")]
    Start {
        /// Name of the contestant.
        name: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its stdin or stdout fails.
    #[error("failed to communicate with benchmark program `{name}`")]
    Pipe {
        /// Name of the contestant.
        name: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It exited early; its own messages are on stderr.
    #[error("benchmark program `{name}` exited before it answered `{request}`")]
    Exited {
        /// Name of the contestant.
        name: String,
        /// What it was asked.
        request: &'static str,
    },
    /// Its answer has another form than requested.
    #[error("benchmark program `{name}` answered `{request}` with `{answer}`")]
    Answer {
        /// Name of the contestant.
        name: String,
        /// What it was asked.
        request: &'static str,
        /// What it answered.
        answer: String,
        /// What is wrong with the answer.
        #[source]
        source: serde_json::Error,
    },
}

/// A contestant of a benchmark; its process ends when this is dropped.
pub(super) struct Contestant {
    pub(super) name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Contestant {
    /// Starts a program and waits until it prints `ready`.
    pub(super) fn start(name: String, mut command: Command) -> Result<Self, ContestantError> {
        let start = |source| ContestantError::Start { name: name.clone(), source };
        let missing = || start(io::Error::from(io::ErrorKind::BrokenPipe));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(start)?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut contestant = Self { name, child, stdin, stdout };
        // A program may print other lines before it is ready.
        while contestant.line("ready")?.trim() != "ready" {}
        Ok(contestant)
    }

    /// Sends a request and reads the answer.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        request: &'static str,
    ) -> Result<T, ContestantError> {
        let pipe = |source| ContestantError::Pipe { name: self.name.clone(), source };
        if let Some(stdin) = &mut self.stdin {
            writeln!(stdin, "{request}").and_then(|()| stdin.flush()).map_err(pipe)?;
        }
        let answer = self.line(request)?;
        serde_json::from_str(&answer).map_err(|source| ContestantError::Answer {
            name: self.name.clone(),
            request,
            answer: answer.trim().to_owned(),
            source,
        })
    }

    fn line(&mut self, request: &'static str) -> Result<String, ContestantError> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line) {
            Ok(0) => Err(ContestantError::Exited { name: self.name.clone(), request }),
            Ok(_) => Ok(line),
            Err(source) => Err(ContestantError::Pipe { name: self.name.clone(), source }),
        }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // It ends with its stdin; killing it loses nothing.
        self.stdin = None;
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
