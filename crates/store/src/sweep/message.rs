//! What a worker process prints on its stdout: one message per line, as JSON.

use serde::{Deserialize, Serialize};

use crate::store::{progress::WorkerProgress, record::Outcome};

/// One line of a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkerMessage {
    /// Another process holds the lease of the run.
    Busy,
    /// The first steps of an interrupted run give other bits than before: it is restarted.
    NumbersChanged,
    /// The best checkpoint of an interrupted run is damaged: it is restarted.
    Damaged,
    /// A step of training.
    Progress(WorkerProgress),
    /// An evaluation of the finished run begins.
    Evaluating {
        /// Its name.
        name: String,
    },
    /// The record is written.
    Finished {
        /// How the run ended.
        outcome: Outcome,
    },
    /// The canary was repeated.
    Canary {
        /// Digest after the first steps; none if they diverged.
        digest: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &WorkerMessage, line: &str) {
        assert_eq!(serde_json::to_string(message).unwrap(), line);
        assert_eq!(&serde_json::from_str::<WorkerMessage>(line).unwrap(), message);
    }

    #[test]
    fn messages_survive_their_line() {
        check(&WorkerMessage::Busy, r#""busy""#);
        check(&WorkerMessage::NumbersChanged, r#""numbers_changed""#);
        check(&WorkerMessage::Damaged, r#""damaged""#);
        check(
            &WorkerMessage::Progress(WorkerProgress::Stepped { done: 3, loss: 0.1 }),
            r#"{"progress":{"stepped":{"done":3,"loss":0.1}}}"#,
        );
        let outcome = Outcome::Completed;
        check(&WorkerMessage::Finished { outcome }, r#"{"finished":{"outcome":"completed"}}"#);
        check(&WorkerMessage::Canary { digest: None }, r#"{"canary":{"digest":null}}"#);
    }
}
