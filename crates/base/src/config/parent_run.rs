//! The run that another run continues.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::ids::RunId;
use crate::scalar::Count;

/// The point in a finished run from which another run continues: its end (`RUN`), or a full snapshot (`RUN@EPOCHS`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ParentRun {
    pub run: RunId,
    /// Number of epochs after which the snapshot was taken; the end of the run if not given.
    pub epochs: Option<Count>,
}

/// A text that is not a [`ParentRun`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither a run id (16 lower-case hexadecimal digits) nor a run id, `@` and a number of epochs"
)]
pub struct InvalidParentRun(String);

impl FromStr for ParentRun {
    type Err = InvalidParentRun;

    fn from_str(text: &str) -> Result<Self, InvalidParentRun> {
        let invalid = || InvalidParentRun(text.to_owned());
        let (run, epochs) = match text.split_once('@') {
            Some((run, epochs)) => (run, Some(epochs.parse().map_err(|_| invalid())?)),
            None => (text, None),
        };
        Ok(Self { run: run.parse().map_err(|_| invalid())?, epochs })
    }
}

impl TryFrom<String> for ParentRun {
    type Error = InvalidParentRun;

    fn try_from(text: String) -> Result<Self, InvalidParentRun> {
        text.parse()
    }
}

impl From<ParentRun> for String {
    fn from(parent: ParentRun) -> Self {
        parent.to_string()
    }
}

impl fmt::Display for ParentRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, epochs } = self;
        match epochs {
            Some(epochs) => write!(f, "{run}@{epochs}"),
            None => write!(f, "{run}"),
        }
    }
}

impl JsonSchema for ParentRun {
    fn schema_name() -> Cow<'static, str> {
        "ParentRun".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}(@[1-9][0-9]*)?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_a_run_or_a_snapshot_of_one() {
        for text in ["0123456789abcdef", "0123456789abcdef@10"] {
            assert_eq!(text.parse::<ParentRun>().unwrap().to_string(), text);
        }
        for text in ["0123", "0123456789abcdef@", "0123456789abcdef@0", "@10"] {
            let error = text.parse::<ParentRun>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is neither a run id")), "{error}");
        }
    }
}
