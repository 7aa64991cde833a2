//! The folder of a run: its files, its state, its lease and its record.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    StoreError,
    artefact::artefacts_in,
    checkpoint::{Position, read_checkpoint},
    journal::Journal,
    record::{Artefact, RECORD_FORMAT, Record, RunId},
    sealed::{read_json, read_record, write_json, write_sealed},
};
use reprise_base::{
    config::{RunSpec, protocol::CheckpointKind},
    fs::{self, FileKind, Lock},
    scalar::Count,
    text::error_chain,
};

/// Folder of earlier attempts.
const SUPERSEDED: &str = "superseded";

/// Folder of the weights that are kept of chosen epochs.
const SNAPSHOTS: &str = "snapshots";

/// Folder within [`SUPERSEDED`] that is being filled. While it exists, everything still in the run's
/// folder belongs to the attempt that is being moved.
const UNFINISHED: &str = "unfinished";

/// A file of a run's folder; [`super`] describes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunFile {
    Spec,
    Lease,
    Journal,
    Timing,
    Stderr,
    Checkpoint,
    Best,
    Final,
    /// The moving average of the weights.
    Average,
    Rollouts,
    CodePatch,
    Record,
    /// Weights after a number of epochs.
    Snapshot(Count),
    /// The checkpoint after a number of epochs.
    SnapshotState(Count),
    /// The best weights after a number of epochs.
    SnapshotBest(Count),
}

impl RunFile {
    /// Files that a record lists with their digests, besides snapshots. Not among them: the checkpoint, which is
    /// working state and contains its own digest, and `timing.jsonl` and `stderr.log`, which still grow when
    /// the record is written.
    const ARTEFACTS: [Self; 7] = [
        Self::Spec,
        Self::Journal,
        Self::Best,
        Self::Final,
        Self::Average,
        Self::Rollouts,
        Self::CodePatch,
    ];

    /// Returns the artefact with this name, if there is one.
    pub(super) fn artefact(name: &str) -> Option<Self> {
        let is_named = |file: &Self| file.name() == name;
        Self::ARTEFACTS.into_iter().find(is_named).or_else(|| {
            let number = name.strip_prefix(SNAPSHOTS)?.get(1..)?.split('.').next()?;
            let epochs: Count = number.parse().ok()?;
            let kinds = [Self::Snapshot, Self::SnapshotState, Self::SnapshotBest];
            kinds.map(|kind| kind(epochs)).into_iter().find(is_named)
        })
    }

    /// Returns whether it was kept of a chosen epoch.
    pub(super) const fn is_of_snapshot(self) -> bool {
        matches!(self, Self::Snapshot(_) | Self::SnapshotState(_) | Self::SnapshotBest(_))
    }

    /// Returns the file of weights.
    pub const fn of(checkpoint: CheckpointKind) -> Self {
        match checkpoint {
            CheckpointKind::Best => Self::Best,
            CheckpointKind::Final => Self::Final,
            CheckpointKind::Average => Self::Average,
            CheckpointKind::Epoch(epochs) => Self::Snapshot(epochs),
        }
    }

    /// Returns the path within the folder.
    pub fn name(self) -> Cow<'static, str> {
        let name = match self {
            Self::Spec => "spec.json",
            Self::Lease => "lease",
            Self::Journal => "journal.jsonl",
            Self::Timing => "timing.jsonl",
            Self::Stderr => "stderr.log",
            Self::Checkpoint => "checkpoint.safetensors",
            Self::Best => "best.safetensors",
            Self::Final => "final.safetensors",
            Self::Average => "average.safetensors",
            Self::Rollouts => "rollouts.safetensors",
            Self::CodePatch => "code.patch",
            Self::Record => "record.json",
            Self::Snapshot(epochs) => return snapshot_name(epochs, ""),
            Self::SnapshotState(epochs) => return snapshot_name(epochs, ".checkpoint"),
            Self::SnapshotBest(epochs) => return snapshot_name(epochs, ".best"),
        };
        name.into()
    }
}

/// Returns the path of a file of a snapshot. Paths are sorted like epochs.
fn snapshot_name(epochs: Count, kind: &str) -> Cow<'static, str> {
    format!("{SNAPSHOTS}/{:010}{kind}.safetensors", epochs.get()).into()
}

/// The folder of a run; it may not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    root: PathBuf,
    id: RunId,
}

/// State of a run as seen without its lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    pub state: State,
    pub lease: LeaseState,
}

/// State of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not started.
    Nothing,
    /// There is a record.
    Finished(Box<Record>),
    /// There is a record, but its content is not what was written.
    Damaged {
        /// What is wrong with it.
        why: String,
    },
    /// The operating system cannot read the run.
    Unreadable { why: String },
    /// There is no record, but a valid checkpoint.
    Resumable(Position),
    /// The run was started, but has neither a record nor a valid checkpoint.
    NotResumable {
        /// Why the checkpoint cannot be used, if there is one.
        refusal: Option<String>,
    },
    /// A newer reprise wrote the record or the checkpoint, in this format.
    Newer { format: u32 },
}

/// Whether a process holds the lease of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// A running process holds it.
    Live,
    Free,
}

/// The right to change a run's folder; released when dropped or when the process ends.
#[derive(Debug)]
pub struct Lease {
    _lock: Lock,
}

impl RunDir {
    pub(super) fn new(root: PathBuf, id: RunId) -> Self {
        Self { root, id }
    }

    /// Returns the run's id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the path of a file, whether or not it exists.
    pub fn path(&self, file: RunFile) -> PathBuf {
        self.root.join(&*file.name())
    }

    /// Returns whether a file exists.
    pub fn has(&self, file: RunFile) -> Result<bool, StoreError> {
        Ok(fs::kind(&self.path(file))?.is_some())
    }

    /// Returns the run's state without changing anything.
    pub fn observe(&self) -> Observed {
        // The lease first: a run that ends in between is then live or finished, never resumable.
        let lease = match fs::is_locked(&self.path(RunFile::Lease)) {
            Ok(true) => LeaseState::Live,
            // If its lease cannot be read, neither can the rest.
            Ok(false) | Err(_) => LeaseState::Free,
        };
        let unreadable = |error: StoreError| State::Unreadable { why: error_chain(&error) };
        Observed { state: self.state().unwrap_or_else(unreadable), lease }
    }

    fn state(&self) -> Result<State, StoreError> {
        if fs::kind(&self.unfinished_supersede())?.is_some() {
            return Ok(State::Nothing);
        }
        match self.read_record() {
            Ok(record) => return Ok(State::Finished(Box::new(record))),
            Err(StoreError::Newer { found, .. }) => return Ok(State::Newer { format: found }),
            Err(StoreError::Unfinished { .. }) => {}
            Err(error) if error.is_damage() => {
                return Ok(State::Damaged { why: error_chain(&error) });
            }
            Err(error) => return Err(error),
        }
        let not_resumable =
            |error: &StoreError| State::NotResumable { refusal: Some(error_chain(error)) };
        if self.has(RunFile::Checkpoint)? {
            return Ok(match self.resumable_position() {
                Ok(position) => State::Resumable(position),
                Err(StoreError::Newer { found, .. }) => State::Newer { format: found },
                Err(error) => not_resumable(&error),
            });
        }
        let started = self.has(RunFile::Journal)?;
        Ok(if started { State::NotResumable { refusal: None } } else { State::Nothing })
    }

    /// Returns the checkpoint's position if it is valid and the journal before it is unchanged.
    pub(super) fn resumable_position(&self) -> Result<Position, StoreError> {
        let position = read_checkpoint(&self.path(RunFile::Checkpoint))?.position;
        Journal::check(&self.path(RunFile::Journal), &position.journal)?;
        Ok(position)
    }

    /// Takes the lease, or returns `None` if a running process holds it. Creates a missing folder, and
    /// removes or completes what a killed process left unfinished.
    pub fn lease(&self) -> Result<Option<Lease>, StoreError> {
        fs::create_dir_all(&self.root)?;
        let Some(lock) = fs::try_lock(&self.path(RunFile::Lease))? else { return Ok(None) };
        let lease = Lease { _lock: lock };
        for folder in [self.root.clone(), self.root.join(SNAPSHOTS)] {
            fs::remove_temporaries(&folder)?;
        }
        if fs::kind(&self.unfinished_supersede())?.is_some() {
            self.supersede(&lease)?;
        }
        Ok(Some(lease))
    }

    /// Moves all files of an earlier attempt to `superseded/<n>/`; does nothing if there are none. If it
    /// is interrupted, the next [`RunDir::lease`] completes it. An attempt without a checkpoint has nothing of value:
    /// it is removed, except for its `stderr.log`.
    pub fn supersede(&self, _lease: &Lease) -> Result<(), StoreError> {
        let is_moving = fs::kind(&self.unfinished_supersede())?.is_some();
        if !is_moving && !self.has(RunFile::Checkpoint)? && !self.has(RunFile::Record)? {
            let files = [RunFile::Journal, RunFile::Timing, RunFile::Spec, RunFile::CodePatch];
            for file in self.snapshots()?.into_iter().chain(files) {
                fs::remove_file(&self.path(file))?;
            }
            return Ok(());
        }
        let kept = [RunFile::Lease.name(), SUPERSEDED.into()];
        let entries: Vec<_> = fs::read_dir_sorted(&self.root)?
            .into_iter()
            .filter(|entry| kept.iter().all(|name| entry.name != **name))
            .collect();
        let unfinished = self.unfinished_supersede();
        if entries.is_empty() && fs::kind(&unfinished)?.is_none() {
            return Ok(());
        }
        fs::create_dir_all(&unfinished)?;
        for entry in entries {
            fs::rename(&entry.path, &unfinished.join(&entry.name))?;
        }
        Ok(fs::rename(&unfinished, &self.next_superseded()?)?)
    }

    /// Moves a damaged record to a folder of its own in `superseded/`, so that the run continues from its last
    /// checkpoint.
    pub fn set_record_aside(&self, _lease: &Lease) -> Result<(), StoreError> {
        let folder = self.next_superseded()?;
        fs::create_dir_all(&folder)?;
        let record = RunFile::Record;
        Ok(fs::rename(&self.path(record), &folder.join(&*record.name()))?)
    }

    /// Returns the folder of the next superseded attempt.
    fn next_superseded(&self) -> Result<PathBuf, StoreError> {
        let superseded = self.root.join(SUPERSEDED);
        fs::create_dir_all(&superseded)?;
        let number = |entry: &fs::DirEntry| entry.name.to_str()?.parse::<u64>().ok();
        let last = fs::read_dir_sorted(&superseded)?.iter().filter_map(number).max().unwrap_or(0);
        Ok(superseded.join((last + 1).to_string()))
    }

    fn unfinished_supersede(&self) -> PathBuf {
        self.root.join(SUPERSEDED).join(UNFINISHED)
    }

    /// Returns the folders of superseded attempts, oldest first.
    pub fn superseded(&self) -> Result<Vec<Self>, StoreError> {
        let folder = self.root.join(SUPERSEDED);
        if fs::kind(&folder)? != Some(FileKind::Dir) {
            return Ok(Vec::new());
        }
        let number = |entry: &fs::DirEntry| entry.name.to_str()?.parse::<u64>().ok();
        let numbers: BTreeMap<_, _> = fs::read_dir_sorted(&folder)?
            .into_iter()
            .filter_map(|entry| Some((number(&entry)?, entry.path)))
            .collect();
        Ok(numbers.into_values().map(|path| Self::new(path, self.id.clone())).collect())
    }

    /// Returns the settings: those of the record, or of `spec.json` before there is one.
    pub fn spec(&self) -> Result<RunSpec, StoreError> {
        match self.read_record() {
            Ok(record) => Ok(record.spec),
            Err(StoreError::Unfinished { .. }) => self.read_spec(),
            Err(error) => Err(error),
        }
    }

    /// Reads `spec.json`.
    pub fn read_spec(&self) -> Result<RunSpec, StoreError> {
        read_json(&self.path(RunFile::Spec))
    }

    /// Writes `spec.json`.
    pub fn write_spec(&self, spec: &RunSpec) -> Result<(), StoreError> {
        write_json(&self.path(RunFile::Spec), spec)
    }

    /// Reads the record; a missing one is [`StoreError::Unfinished`].
    pub fn read_record(&self) -> Result<Record, StoreError> {
        let path = self.path(RunFile::Record);
        let record: Record = read_record(&path, RECORD_FORMAT)?;
        if record.run == self.id {
            Ok(record)
        } else {
            Err(StoreError::Misplaced { path, found: record.run })
        }
    }

    /// Writes the record, which makes the run finished: everything else must be on the disk.
    pub fn write_record(&self, record: &Record) -> Result<(), StoreError> {
        let path = self.path(RunFile::Record);
        if record.run != self.id {
            return Err(StoreError::Misplaced { path, found: record.run.clone() });
        }
        write_sealed(&path, record)
    }

    /// Returns size and digest of every artefact that exists, by name.
    pub fn artefacts(&self) -> Result<BTreeMap<String, Artefact>, StoreError> {
        let files = RunFile::ARTEFACTS.into_iter().chain(self.snapshots()?);
        artefacts_in(&self.root, files.map(RunFile::name))
    }

    /// Creates the folder of snapshots.
    pub fn create_snapshots(&self) -> Result<(), StoreError> {
        Ok(fs::create_dir_all(&self.root.join(SNAPSHOTS))?)
    }

    /// Returns the files of all snapshots, sorted by epoch.
    fn snapshots(&self) -> Result<Vec<RunFile>, StoreError> {
        let folder = self.root.join(SNAPSHOTS);
        if fs::kind(&folder)? != Some(FileKind::Dir) {
            return Ok(Vec::new());
        }
        let named = |entry: &fs::DirEntry| {
            RunFile::artefact(&format!("{SNAPSHOTS}/{}", entry.name.to_str()?))
        };
        Ok(fs::read_dir_sorted(&folder)?.iter().filter_map(named).collect())
    }
}
