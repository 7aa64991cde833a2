//! A process that measures, driven line by line.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::de::DeserializeOwned;

/// Why a side of the benchmark could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    /// Its program cannot be started.
    #[error("failed to start `{side}` of the benchmark")]
    Start {
        /// Name of the side.
        side: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It cannot be talked to.
    #[error("failed to talk to `{side}` of the benchmark")]
    Pipe {
        /// Name of the side.
        side: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It ended early; what it said is on stderr.
    #[error("`{side}` of the benchmark ended before it answered `{question}`")]
    Ended {
        /// Name of the side.
        side: String,
        /// What it was asked.
        question: &'static str,
    },
    /// It said something else than what it was asked for.
    #[error("`{side}` of the benchmark answered `{question}` with `{answer}`")]
    Answer {
        /// Name of the side.
        side: String,
        /// What it was asked.
        question: &'static str,
        /// What it said.
        answer: String,
        /// What is wrong with that.
        #[source]
        source: serde_json::Error,
    },
}

/// A side of the benchmark; its process ends with it.
pub(super) struct Side {
    pub(super) name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Side {
    /// Starts a program that will take its orders from stdin, and waits until it is `ready`.
    pub(super) fn start(name: String, mut command: Command) -> Result<Self, SideError> {
        let start = |source| SideError::Start { side: name.clone(), source };
        let missing = || start(io::Error::from(io::ErrorKind::BrokenPipe));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(start)?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut side = Self { name, child, stdin, stdout };
        // A program may say something else before it is ready.
        while side.line("ready")?.trim() != "ready" {}
        Ok(side)
    }

    /// Takes steps, one after the other.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        question: &'static str,
    ) -> Result<T, SideError> {
        let pipe = |source| SideError::Pipe { side: self.name.clone(), source };
        if let Some(stdin) = &mut self.stdin {
            writeln!(stdin, "{question}").and_then(|()| stdin.flush()).map_err(pipe)?;
        }
        let answer = self.line(question)?;
        serde_json::from_str(&answer).map_err(|source| SideError::Answer {
            side: self.name.clone(),
            question,
            answer: answer.trim().to_owned(),
            source,
        })
    }

    fn line(&mut self, question: &'static str) -> Result<String, SideError> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line) {
            Ok(0) => Err(SideError::Ended { side: self.name.clone(), question }),
            Ok(_) => Ok(line),
            Err(source) => Err(SideError::Pipe { side: self.name.clone(), source }),
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // The end of its stdin ends it; nothing is lost if it is ended by force.
        self.stdin = None;
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
