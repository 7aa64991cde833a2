//! Replaces `report` in a build without the feature.

use super::sweep::Change;
use crate::{cli::Failure, store::Store};

/// Does nothing.
pub fn after_sweep(_store: &Store, _name: &str, _change: Change) -> Result<(), Failure> {
    Ok(())
}
