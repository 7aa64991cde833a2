//! What a worker process tells the process that started it: one JSON line each on its stdout.

use serde::{Deserialize, Serialize};

use crate::store::{progress::TrainingProgress, record::Outcome};

/// One line from a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// Another process works on the run; this one leaves it alone.
    Busy,
    /// Something happened in training.
    Progress(TrainingProgress),
    /// The record is written.
    Finished {
        /// How the run ended.
        outcome: Outcome,
    },
    /// The canary was repeated.
    Canary {
        /// Digest after the first steps; nothing if they diverged.
        digest: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &Message, line: &str) {
        assert_eq!(serde_json::to_string(message).unwrap(), line);
        assert_eq!(&serde_json::from_str::<Message>(line).unwrap(), message);
    }

    #[test]
    fn messages_survive_their_line() {
        check(&Message::Busy, r#""busy""#);
        check(
            &Message::Progress(TrainingProgress::Stepped { done: 3, loss: 0.1 }),
            r#"{"progress":{"stepped":{"done":3,"loss":0.1}}}"#,
        );
        let outcome = Outcome::Completed;
        check(&Message::Finished { outcome }, r#"{"finished":{"outcome":"completed"}}"#);
        check(&Message::Canary { digest: None }, r#"{"canary":{"digest":null}}"#);
    }
}
