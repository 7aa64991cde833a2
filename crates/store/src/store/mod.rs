//! The run store: what a run writes to disk and how it is read back.
//!
//! ```text
//! STORE/format                         "reprise store 1"
//! STORE/runs/<run id>/spec.json        the RunSpec, every default written out
//! STORE/runs/<run id>/lease            locked by the worker that trains the run
//! STORE/runs/<run id>/journal.jsonl    one Event per line, without times or host: equal runs, equal bytes
//! STORE/runs/<run id>/timing.jsonl     wall-clock times; never compared
//! STORE/runs/<run id>/stderr.log       stderr of the worker
//! STORE/runs/<run id>/checkpoint.safetensors   state after the last checkpointed step
//! STORE/runs/<run id>/best.safetensors         parameters and buffers with the best validation score
//! STORE/runs/<run id>/final.safetensors        parameters and buffers after the last step
//! STORE/runs/<run id>/rollouts.safetensors     test roll-outs as u8 frames
//! STORE/runs/<run id>/code.patch       difference of the working tree from its commit, if any
//! STORE/runs/<run id>/record.json      written last: a run with a record is finished
//! STORE/runs/<run id>/superseded/<n>/  an earlier attempt that was not continued
//! STORE/runs/<run id>/superseded/unfinished/  an attempt that is being moved; the next lease completes it
//! STORE/weights/<digest>.safetensors   imported weights, named by their digest
//! STORE/data/<digest>.png              the first sequences of a data set, named by the digest of its sequences
//! STORE/sweeps/<name>.json             manifest: the runs of a sweep as last started
//! ```
//!
//! Only the holder of its [`Lease`] changes a run's folder. The store knows bytes and records, but not
//! what a loss is. Start from [`Store`] and [`RunDir`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use reprise_base::{
    config::weights::WeightsId,
    fs::{self, FileKind},
};

pub mod checkpoint;
pub mod diff;
mod error;
pub mod event;
mod identity;
pub mod journal;
mod json_lines;
pub mod manifest;
pub mod progress;
pub mod record;
mod run_dir;
#[doc(hidden)]
pub mod samples;
pub mod tensors;
pub mod timing;

pub use error::StoreError;
pub use identity::{canonical_json, run_id};
pub use json_lines::Log;
pub use run_dir::{Lease, LeaseState, Observed, RunDir, RunFile, State};

use manifest::SweepManifest;
use record::RunId;
use tensors::{StoredTensor, TensorFileError, read_tensors, state_digest, write_tensors};

/// Version of the layout; newer stores are refused.
pub const STORE_FORMAT: u32 = 1;

/// Version of the sweep manifest.
pub const MANIFEST_FORMAT: u32 = 1;

/// Larger than any contact sheet.
const SHEET_BYTES_MAX: u64 = 64 << 20;

/// The file that marks a folder as a store, and how its content begins.
const FORMAT_FILE: &str = "format";
const FORMAT_PREFIX: &str = "reprise store ";

/// A run store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens a store, or creates one if the folder is missing or empty.
    pub fn open_or_create(root: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(root)?;
        let format = root.join(FORMAT_FILE);
        if fs::kind(&format)?.is_none() {
            if !is_empty(root)? {
                // Another process may have created the store in the meantime.
                return Self::open(root);
            }
            let text = format!("{FORMAT_PREFIX}{STORE_FORMAT}\n");
            fs::write_atomic(&format, text.as_bytes())?;
        }
        Self::open(root)
    }

    /// Opens a store without creating it; returns nothing if the folder is missing or empty.
    pub fn open_if_used(root: &Path) -> Result<Option<Self>, StoreError> {
        if fs::kind(root)?.is_none() || (fs::kind(root)? == Some(FileKind::Dir) && is_empty(root)?)
        {
            return Ok(None);
        }
        Self::open(root).map(Some)
    }

    /// Opens a store.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let path = root.join(FORMAT_FILE);
        let not_a_store = || StoreError::NotAStore { path: root.to_owned() };
        let text = match fs::read_text(&path, 100) {
            Err(error) if error.is_not_found() => return Err(not_a_store()),
            text => text?,
        };
        let format = text.strip_prefix(FORMAT_PREFIX).and_then(|rest| rest.trim_end().parse().ok());
        match format {
            Some(STORE_FORMAT) => Ok(Self { root: root.to_owned() }),
            Some(found) if found > STORE_FORMAT => {
                Err(StoreError::Newer { path, found, known: STORE_FORMAT })
            }
            _ => Err(not_a_store()),
        }
    }

    /// Returns the store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the ids of all runs, sorted.
    pub fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        let id = |entry: &fs::DirEntry| entry.name.to_str()?.parse().ok();
        let entries = self.entries("runs")?;
        Ok(entries.iter().filter(|entry| entry.kind == FileKind::Dir).filter_map(id).collect())
    }

    /// Returns the folder of a run, whether or not it exists.
    pub fn run(&self, id: &RunId) -> RunDir {
        RunDir::new(self.root.join("runs").join(id.as_str()), id.clone())
    }

    /// Returns the run whose id begins with a prefix; there must be exactly one.
    pub fn find(&self, prefix: &str) -> Result<RunDir, StoreError> {
        let mut candidates = self.runs()?;
        candidates.retain(|id| id.as_str().starts_with(prefix));
        let prefix = prefix.to_owned();
        match candidates.as_slice() {
            [] => Err(StoreError::NoRun { prefix }),
            [id] => Ok(self.run(id)),
            _ => Err(StoreError::AmbiguousRun { prefix, candidates }),
        }
    }

    /// Stores weights and returns their digest, which is their name.
    pub fn write_weights(
        &self,
        tensors: &[StoredTensor],
        metadata: &BTreeMap<String, String>,
    ) -> Result<WeightsId, StoreError> {
        let id: WeightsId = state_digest(tensors).parse().expect("a SHA-256 has 64 digits");
        fs::create_dir_all(&self.root.join("weights"))?;
        write_tensors(&self.weights_path(&id), tensors, metadata)?;
        Ok(id)
    }

    /// Reads stored weights.
    pub fn read_weights(&self, id: &WeightsId) -> Result<Vec<StoredTensor>, StoreError> {
        match read_tensors(&self.weights_path(id)) {
            Ok((tensors, _)) => Ok(tensors),
            Err(TensorFileError::Fs(error)) if error.is_not_found() => {
                Err(StoreError::NoWeights { id: id.clone() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the path of the contact sheet of the data with this digest.
    fn sheet_path(&self, data: &str) -> PathBuf {
        self.root.join("data").join(format!("{data}.png"))
    }

    /// Returns whether the contact sheet of the data with this digest is stored.
    pub fn has_sheet(&self, data: &str) -> Result<bool, StoreError> {
        Ok(fs::kind(&self.sheet_path(data))?.is_some())
    }

    /// Stores the contact sheet of the data with this digest.
    pub fn write_sheet(&self, data: &str, png: &[u8]) -> Result<(), StoreError> {
        fs::create_dir_all(&self.root.join("data"))?;
        Ok(fs::write_atomic(&self.sheet_path(data), png)?)
    }

    /// Reads the contact sheet of the data with this digest, if it is stored.
    pub fn read_sheet(&self, data: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(&self.sheet_path(data), SHEET_BYTES_MAX) {
            Err(error) if error.is_not_found() => Ok(None),
            read => Ok(Some(read?)),
        }
    }

    fn weights_path(&self, id: &WeightsId) -> PathBuf {
        self.root.join("weights").join(format!("{id}.safetensors"))
    }

    /// Writes a sweep's manifest.
    pub fn write_manifest(&self, manifest: &SweepManifest) -> Result<(), StoreError> {
        let path = self.manifest_path(&manifest.name)?;
        fs::create_dir_all(&self.root.join("sweeps"))?;
        run_dir::write_json(&path, manifest)
    }

    /// Reads the manifest of a sweep, `None` if the sweep was never started in this store.
    pub fn read_manifest(&self, name: &str) -> Result<Option<SweepManifest>, StoreError> {
        match run_dir::read_versioned(&self.manifest_path(name)?, MANIFEST_FORMAT) {
            Err(StoreError::Fs(error)) if error.is_not_found() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Reads the manifests of all sweeps, sorted by name.
    pub fn manifests(&self) -> Result<Vec<SweepManifest>, StoreError> {
        self.entries("sweeps")?
            .iter()
            .filter_map(|entry| entry.name.to_str()?.strip_suffix(".json"))
            .filter(|name| is_sweep_name(name))
            .filter_map(|name| self.read_manifest(name).transpose())
            .collect()
    }

    fn manifest_path(&self, name: &str) -> Result<PathBuf, StoreError> {
        if is_sweep_name(name) {
            Ok(self.root.join("sweeps").join(format!("{name}.json")))
        } else {
            Err(StoreError::SweepName { name: name.to_owned() })
        }
    }

    fn entries(&self, folder: &str) -> Result<Vec<fs::DirEntry>, StoreError> {
        match fs::read_dir_sorted(&self.root.join(folder)) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            entries => Ok(entries?),
        }
    }
}

/// Returns whether a folder has no entries but hidden ones.
fn is_empty(root: &Path) -> Result<bool, StoreError> {
    let hidden = |entry: &fs::DirEntry| entry.name.as_encoded_bytes().starts_with(b".");
    Ok(fs::read_dir_sorted(root)?.iter().all(hidden))
}

/// Returns whether a name is safe as a file name.
fn is_sweep_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(allowed)
}

#[cfg(test)]
mod tests;
