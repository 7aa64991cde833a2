//! Why an experiment cannot continue.

use super::parent_problem::ParentProblem;
use reprise_base::{config::protocol::ProtocolProblem, fs::FsError};
use reprise_data::DataError;
use reprise_store::{
    provenance::GitError,
    store::{StoreError, record::RunId},
};
use reprise_torch::{libtorch::device::DeviceError, train::TrainError};

/// Why a sweep or a run cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The git repository around the working folder.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// An evaluation that a run does not allow.
    #[error("failed to evaluate: {0}")]
    Protocol(#[from] ProtocolProblem),
    /// The run to be continued has settings that do not allow it.
    #[error("failed to continue run {run}: {why}")]
    Parent { run: RunId, why: ParentProblem },
    /// The run to be continued is not finished.
    #[error("failed to continue run {run}: this store has no finished run with this id")]
    NoParent { run: RunId },
    /// Data or libtorch have changed between the sweep and its worker.
    #[error("failed to start run {run}: with the current data and libtorch, its id would be {now}")]
    Identity {
        /// The run to be trained.
        run: RunId,
        /// The id that it would have now.
        now: RunId,
    },
    /// The record of the run became damaged or unreadable after the sweep had looked at it.
    #[error("failed to train run {run}: {why}")]
    Unusable {
        /// The run.
        run: RunId,
        /// What is wrong.
        why: String,
    },
    /// A newer reprise wrote the run.
    #[error("failed to train run {run}: written by a newer version of reprise (format {format})")]
    Newer {
        /// The run.
        run: RunId,
        /// The format that it names.
        format: u32,
    },
}

impl ExperimentError {
    /// Returns whether the cause is what the user asked for.
    pub const fn is_usage_error(&self) -> bool {
        matches!(self, Self::Parent { .. } | Self::NoParent { .. } | Self::Protocol(_))
    }

    /// Returns what the user can do about it, beyond the hints of the layers below.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Identity { .. } => "start the sweep again; its runs then get their new ids",
            Self::Newer { .. } => "update reprise",
            Self::NoParent { .. } => "see `reprise runs list` for the runs of this store",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
