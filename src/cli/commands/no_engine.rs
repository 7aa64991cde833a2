//! Replaces `engine` in a build without libtorch.

use serde::Serialize;

use crate::{cli::Failure, scalar::Count};

/// No engine.
#[derive(Debug, Serialize)]
pub struct NoEngine {
    libtorch: Option<String>,
}

/// Finds no engine.
pub fn findings() -> Result<NoEngine, Failure> {
    Ok(NoEngine { libtorch: None })
}

/// Does nothing.
pub fn prepare(_threads: Count) -> Result<(), Failure> {
    Ok(())
}

impl NoEngine {
    /// Returns names and values for a table.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        vec![("libtorch", "not in this build: it cannot train".to_owned())]
    }
}
