//! The run store: what a run writes to disk and how it is read back.
//!
//! ```text
//! STORE/format                         "reprise store 2"
//! STORE/runs/<run id>/spec.json        the RunSpec, every default written out
//! STORE/runs/<run id>/lease            locked by the worker that trains the run
//! STORE/runs/<run id>/journal.jsonl    one Event per line, without times or host: equal runs, equal bytes
//! STORE/runs/<run id>/timing.jsonl     wall-clock times; never compared
//! STORE/runs/<run id>/stderr.log       stderr of the worker
//! STORE/runs/<run id>/checkpoint.safetensors   state after the last checkpointed step
//! STORE/runs/<run id>/best.safetensors         parameters and buffers with the best validation score
//! STORE/runs/<run id>/final.safetensors        parameters and buffers after the last step
//! STORE/runs/<run id>/snapshots/<epochs>.safetensors   parameters and buffers after a number of epochs, if kept
//! STORE/runs/<run id>/snapshots/<epochs>.checkpoint.safetensors   the checkpoint at this point, if kept
//! STORE/runs/<run id>/snapshots/<epochs>.best.safetensors         the best weights at this point, if kept
//! STORE/runs/<run id>/rollouts.safetensors     test roll-outs as u8 frames
//! STORE/runs/<run id>/code.patch       difference of the working tree from its commit, if any
//! STORE/runs/<run id>/record.json      written last: a run with a record is finished; names the digests of all
//!                                      files above but the lease, the checkpoint and the logs
//! STORE/runs/<run id>/evaluations/<id>/        an evaluation of the finished run; see [`evaluation`]
//! STORE/runs/<run id>/superseded/<n>/  an earlier attempt that was not continued, or a damaged record
//! STORE/runs/<run id>/superseded/unfinished/  an attempt that is being moved; the next lease completes it
//! STORE/weights/<digest>.safetensors   imported weights, named by their digest
//! STORE/data/<digest>.safetensors      the first sequences of a data set, a PNG file in a tensor, named by the
//!                                      digest of all sequences
//! STORE/sweeps/<name>.json             manifest: the runs of a sweep as last started
//! ```
//!
//! Only the holder of its [`Lease`] changes a run's folder. The store knows bytes and records, but not
//! what a loss is. Start from [`Store`], [`RunDir`] and [`FinishedRun`].
//!
//! | Format | Change |
//! |---|---|
//! | 1 | first format |
//! | 2 | records and manifests contain their own digest; checkpoints name the digest of the journal |
//!
//! A store of format 1 is read as it is. The first sweep that works in it raises it to format 2; its old records
//! stay as they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use safetensors::Dtype;

use reprise_base::{
    config::weights::WeightsId,
    fs::{self, FileKind},
};

mod artefact;
mod canonical;
pub mod checkpoint;
pub mod diff;
mod error;
pub mod evaluation;
pub mod event;
mod finished;
mod identity;
pub mod journal;
mod json_lines;
pub mod manifest;
pub mod progress;
pub mod record;
mod run_dir;
#[doc(hidden)]
pub mod samples;
mod sealed;
pub mod tensors;
pub mod timing;
pub mod verify;

pub use canonical::canonical_json;
pub use error::StoreError;
pub use finished::FinishedRun;
pub use identity::run_id;
pub use json_lines::Log;
pub use reprise_base::config::ids::EvaluationId;
pub use run_dir::{Lease, LeaseState, Observed, RunDir, RunFile, State};

pub use manifest::MANIFEST_FORMAT;
use manifest::SweepManifest;
use record::RunId;
use sealed::{read_sealed, write_sealed};
use tensors::{StoredTensor, TensorFileError, read_tensors, state_digest, write_tensors};

/// Version of the layout; newer stores are refused.
pub const STORE_FORMAT: u32 = 2;

/// The tensor of a contact sheet, and the metadata entry that names its data.
const SHEET: &str = "png";
const SHEET_DATA: &str = "data";

/// The file that marks a folder as a store, and how its content begins.
const FORMAT_FILE: &str = "format";
const FORMAT_PREFIX: &str = "reprise store ";

/// Folders of a store.
const RUNS: &str = "runs";
const SWEEPS: &str = "sweeps";
const WEIGHTS: &str = "weights";
const DATA: &str = "data";

/// The manifests of a store.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Sorted by name.
    pub readable: Vec<SweepManifest>,
    /// Why the others cannot be read.
    pub unreadable: Vec<StoreError>,
}

/// A run store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens a store to work in it, or creates one if the folder is missing or empty. Raises an older format, and
    /// removes what killed processes left outside of runs.
    pub fn open_or_create(root: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(root)?;
        let format = root.join(FORMAT_FILE);
        let found = match fs::kind(&format)? {
            None if is_empty(root)? => None,
            // If it is missing, another process may have created the store in the meantime.
            _ => Some(Self::format(root)?),
        };
        if found != Some(STORE_FORMAT) {
            let text = format!("{FORMAT_PREFIX}{STORE_FORMAT}\n");
            fs::write_atomic(&format, text.as_bytes())?;
        }
        for folder in [root.to_owned(), root.join(SWEEPS), root.join(WEIGHTS), root.join(DATA)] {
            fs::remove_temporaries(&folder)?;
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
        Self::format(root)?;
        Ok(Self { root: root.to_owned() })
    }

    /// Returns the format of a store; refuses a newer one.
    fn format(root: &Path) -> Result<u32, StoreError> {
        let path = root.join(FORMAT_FILE);
        let not_a_store = || StoreError::NotAStore { path: root.to_owned() };
        let text = match fs::read_text(&path, 100) {
            Err(error) if error.is_not_found() => return Err(not_a_store()),
            text => text?,
        };
        let format = text.strip_prefix(FORMAT_PREFIX).and_then(|rest| rest.trim_end().parse().ok());
        match format {
            Some(found) if found > STORE_FORMAT => {
                Err(StoreError::Newer { path, found, known: STORE_FORMAT })
            }
            Some(found) if found > 0 => Ok(found),
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
        let entries = self.entries(RUNS)?;
        Ok(entries.iter().filter(|entry| entry.kind == FileKind::Dir).filter_map(id).collect())
    }

    /// Returns the folder of a run, whether or not it exists.
    pub fn run(&self, id: &RunId) -> RunDir {
        RunDir::new(self.root.join(RUNS).join(id.as_str()), id.clone())
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
        fs::create_dir_all(&self.root.join(WEIGHTS))?;
        write_tensors(&self.weights_path(&id), tensors, metadata)?;
        Ok(id)
    }

    /// Reads stored weights; refuses others than those of this digest.
    pub fn read_weights(&self, id: &WeightsId) -> Result<Vec<StoredTensor>, StoreError> {
        match read_tensors(&self.weights_path(id)) {
            Ok((tensors, _)) if state_digest(&tensors) == id.as_str() => Ok(tensors),
            Ok(_) => Err(StoreError::Altered { path: self.weights_path(id) }),
            Err(TensorFileError::Fs(error)) if error.is_not_found() => {
                Err(StoreError::NoWeights { id: id.clone() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the digests of the data whose contact sheets are stored, sorted.
    fn sheets(&self) -> Result<Vec<String>, StoreError> {
        let stem = |entry: fs::DirEntry| Some(entry.path.file_stem()?.to_str()?.to_owned());
        let entries = self.entries(DATA)?.into_iter();
        let is_sheet =
            |entry: &fs::DirEntry| entry.path.extension() == Some("safetensors".as_ref());
        Ok(entries.filter(is_sheet).filter_map(stem).collect())
    }

    /// Returns the path of the contact sheet of the data with this digest.
    fn sheet_path(&self, data: &str) -> PathBuf {
        self.root.join(DATA).join(format!("{data}.safetensors"))
    }

    /// Stores the contact sheet of the data with this digest, as a PNG file.
    pub fn write_sheet(&self, data: &str, png: &[u8]) -> Result<(), StoreError> {
        fs::create_dir_all(&self.root.join(DATA))?;
        let shape = vec![png.len()];
        let name = SHEET.to_owned();
        let tensor = StoredTensor { name, dtype: Dtype::U8, shape, data: png.to_vec() };
        let metadata = [(SHEET_DATA.to_owned(), data.to_owned())].into();
        write_tensors(&self.sheet_path(data), &[tensor], &metadata)?;
        Ok(())
    }

    /// Reads the contact sheet of the data with this digest, a PNG file, if it is stored.
    pub fn read_sheet(&self, data: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.sheet_path(data);
        let (tensors, metadata) = match read_tensors(&path) {
            Err(TensorFileError::Fs(error)) if error.is_not_found() => return Ok(None),
            read => read?,
        };
        if metadata.get(SHEET_DATA).is_none_or(|of| of != data) {
            return Err(StoreError::Altered { path });
        }
        Ok(tensors.into_iter().find(|tensor| tensor.name == SHEET).map(|tensor| tensor.data))
    }

    fn weights_path(&self, id: &WeightsId) -> PathBuf {
        self.root.join(WEIGHTS).join(format!("{id}.safetensors"))
    }

    /// Writes a sweep's manifest.
    pub fn write_manifest(&self, manifest: &SweepManifest) -> Result<(), StoreError> {
        let path = self.manifest_path(&manifest.name)?;
        fs::create_dir_all(&self.root.join(SWEEPS))?;
        write_sealed(&path, manifest)
    }

    /// Reads the manifest of a sweep, `None` if the sweep was never started in this store.
    pub fn read_manifest(&self, name: &str) -> Result<Option<SweepManifest>, StoreError> {
        let path = self.manifest_path(name)?;
        let manifest: SweepManifest = match read_sealed(&path, MANIFEST_FORMAT) {
            Err(StoreError::Fs(error)) if error.is_not_found() => return Ok(None),
            read => read?,
        };
        if manifest.name == name {
            Ok(Some(manifest))
        } else {
            Err(StoreError::MisplacedManifest { path, found: manifest.name })
        }
    }

    /// Reads the manifests of all sweeps, sorted by name. One that cannot be read does not hide the others.
    pub fn manifests(&self) -> Result<Manifests, StoreError> {
        let mut manifests = Manifests::default();
        let entries = self.entries(SWEEPS)?;
        let names = entries.iter().filter_map(|entry| entry.name.to_str()?.strip_suffix(".json"));
        for name in names.filter(|name| is_sweep_name(name)) {
            match self.read_manifest(name) {
                Ok(manifest) => manifests.readable.extend(manifest),
                Err(error) => manifests.unreadable.push(error),
            }
        }
        Ok(manifests)
    }

    fn manifest_path(&self, name: &str) -> Result<PathBuf, StoreError> {
        if is_sweep_name(name) {
            Ok(self.root.join(SWEEPS).join(format!("{name}.json")))
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
