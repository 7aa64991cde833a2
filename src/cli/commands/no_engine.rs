//! Stands in for `engine` in a program that was built without libtorch.

use serde::Serialize;

use crate::{cli::Failure, scalar::Count};

/// That there is none.
#[derive(Debug, Serialize)]
pub struct EngineFindings {
    libtorch: Option<String>,
}

/// Finds none.
pub fn findings() -> Result<EngineFindings, Failure> {
    Ok(EngineFindings { libtorch: None })
}

/// There is nothing to set up.
pub fn prepare(_threads: Count) -> Result<(), Failure> {
    Ok(())
}

impl EngineFindings {
    /// Returns names and values for a table.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        vec![("libtorch", "this program was built without it: it cannot train".to_owned())]
    }
}
