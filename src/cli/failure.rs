//! Why a command did not succeed: message, hints and exit code.

use std::{error::Error, io, path::PathBuf};

use crate::{
    config::sweep::{ConfigError, name_without_preset},
    data::{DataError, kaggle::KaggleError, npz::NpzError},
    fs::FsError,
    golden::{CaseError, ExceptionsError, ExchangeError, PortError},
    provenance::GitError,
    store::{StoreError, tensors::TensorFileError},
};

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A mistake in a sweep file or an override.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no sweep of this name.
    #[error("failed to find a sweep named `{name}`")]
    UnknownSweep {
        /// The name.
        name: String,
        /// Where it was looked for, nearest first.
        searched: Vec<PathBuf>,
        /// The names that are there.
        known: Vec<String>,
    },
    /// The sweep file cannot be read.
    #[error("failed to read the sweep file")]
    SweepFile(#[source] FsError),
    /// The sweep was never started in this store.
    #[error("failed to find sweep `{name}` in store `{}`", store.display())]
    NoSuchSweep {
        /// The name.
        name: String,
        /// The store.
        store: PathBuf,
        /// The sweeps that the store has.
        known: Vec<String>,
    },
    /// Arguments that do not go together.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The git repository around the working directory.
    #[error(transparent)]
    Git(#[from] GitError),
    /// There is no place for caches.
    #[error(
        "failed to find a folder for caches: neither REPRISE_CACHE, XDG_CACHE_HOME nor HOME is set"
    )]
    NoCache,
    /// This program cannot find itself to start workers.
    #[error("failed to find this program")]
    Itself(#[source] io::Error),
    /// Interrupts cannot be caught.
    #[error("failed to listen for interrupts")]
    Signals(#[from] ctrlc::Error),
    /// Stdin cannot be read.
    #[error("failed to read what was asked")]
    Asked(#[source] io::Error),
    /// Stdout cannot be written.
    #[error("failed to print")]
    Print(#[source] io::Error),
    /// A value has no JSON form.
    #[error("failed to print as JSON")]
    Encode(#[source] serde_json::Error),
    /// The device.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Device(#[from] crate::libtorch::device::DeviceError),
    /// A side of a benchmark.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Side(#[from] super::commands::bench::side::SideError),
    /// Training.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Train(#[from] crate::train::TrainError),
    /// The report.
    #[cfg(feature = "report")]
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
    /// Stored pictures that a report needs.
    #[cfg(feature = "report")]
    #[error("failed to read `{}`", path.display())]
    Rollouts {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: crate::report::RolloutsError,
    },
    /// Data or libtorch have changed between the sweep and its worker.
    #[error("failed to begin run {run}: data and libtorch now make it run {now}")]
    Identity {
        /// The run that was to be trained.
        run: String,
        /// What it would be now.
        now: String,
    },
    /// A `.npz` file.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// Weights under an original's names.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Foreign(#[from] crate::models::physical_interaction::foreign::ForeignError),
    /// A file of tensors.
    #[error(transparent)]
    Tensors(#[from] TensorFileError),
    /// A reference case cannot be read.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// There is no such reference case.
    #[error("failed to find a case named `{name}`")]
    NoSuchCase {
        /// The name.
        name: String,
        /// The cases that are there.
        known: Vec<String>,
    },
    /// No reference case is selected.
    #[error("failed to find a case `{pattern}` below `{}`", folder.display())]
    NoCases {
        /// What was looked for, as SYSTEM/CASE.
        pattern: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// The systems that have cases there.
        systems: Vec<String>,
    },
    /// A port could not compute a case.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Outputs of a case cannot be written.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The list of known differences.
    #[error(transparent)]
    Exceptions(#[from] ExceptionsError),
    /// A check did not hold.
    #[error("{0}")]
    Check(String),
    /// Runs failed.
    #[error("{failed} of {total} runs failed")]
    RunsFailed {
        /// How many.
        failed: usize,
        /// Runs of the sweep.
        total: usize,
    },
    /// Other processes work on runs of the sweep.
    #[error("other processes are working on {runs} of the sweep")]
    Busy {
        /// How many, with the noun.
        runs: String,
    },
    /// A newer reprise wrote some runs.
    #[error("{runs} of the sweep were written by a newer reprise")]
    Newer {
        /// How many, with the noun.
        runs: String,
    },
    /// The command was interrupted; what it had done is kept.
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    /// Returns the exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Check(_) => 1,
            Self::Config(_)
            | Self::UnknownSweep { .. }
            | Self::SweepFile(_)
            | Self::NoSuchSweep { .. }
            | Self::Usage { .. }
            | Self::Case(_)
            | Self::NoSuchCase { .. }
            | Self::NoCases { .. }
            | Self::Exceptions(_)
            | Self::Store(
                StoreError::NotAStore { .. }
                | StoreError::NoRun { .. }
                | StoreError::NoWeights { .. }
                | StoreError::AmbiguousRun { .. }
                | StoreError::SweepName { .. }
                | StoreError::Unfinished { .. },
            ) => 2,
            Self::Data(error) if is_mistake(error) => 2,
            Self::Npz(NpzError::Archive { .. }) => 2,
            Self::Tensors(TensorFileError::Fs(error)) if error.is_not_found() => 2,
            #[cfg(feature = "torch")]
            Self::Foreign(_) => 2,
            #[cfg(feature = "torch")]
            Self::Train(crate::train::TrainError::Data(_) | crate::train::TrainError::State(_)) => {
                2
            }
            Self::RunsFailed { .. } => 3,
            Self::Interrupted(_) => 130,
            _ => 4,
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownSweep { name, searched, known } => {
                return Some(unknown_sweep_hint(name, searched, known));
            }
            Self::NoSuchSweep { name, known, .. } => return Some(no_such_sweep_hint(name, known)),
            Self::NoSuchCase { name, known } => {
                let mut systems: Vec<String> =
                    known.iter().filter_map(|it| Some(it.split_once('/')?.0.to_owned())).collect();
                systems.dedup();
                return Some(match closest(name, known) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => systems_hint(&systems),
                });
            }
            Self::NoCases { systems, .. } => return Some(systems_hint(systems)),
            Self::Data(DataError::SplitMissing { root, .. })
                if matches!(crate::fs::kind(root), Ok(None)) =>
            {
                return Some(format!(
                    "there is no folder `{}`: put the data there, or a link to them, or name another \
                     folder; `reprise data list` names the data sets that need none",
                    root.display()
                ));
            }
            Self::Usage { hint, .. } => hint,
            Self::Store(error) => return store_hint(error).map(str::to_owned),
            Self::Data(error) => return error.hint().map(str::to_owned),
            Self::NoCache => "set REPRISE_CACHE to a folder with some GB of room",
            #[cfg(feature = "torch")]
            Self::Device(_) => {
                "`reprise doctor` says what there is; `--device cpu` works everywhere"
            }
            Self::Identity { .. } => "start the sweep again",
            Self::RunsFailed { .. } => "the same command tries them again; finished runs are kept",
            Self::Busy { .. } => "`reprise status` shows how far they are",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Renders the message, its causes and its hint, a line each.
    pub fn render(&self) -> String {
        if let Self::Config(error) = self {
            return error.render();
        }
        let head = if matches!(self, Self::Interrupted(_)) { "interrupted" } else { "error" };
        let mut text = format!("{head}: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            text.extend(["\n  caused by: ", &error.to_string()]);
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            text.extend(["\nhint: ", &hint]);
        }
        text
    }
}

/// Returns whether an error is in the data set itself, not in the disk below it.
fn is_mistake(error: &DataError) -> bool {
    match error {
        DataError::Fs(error) | DataError::Kaggle(KaggleError::Fs(error)) => error.is_not_found(),
        _ => true,
    }
}

fn systems_hint(systems: &[String]) -> String {
    if systems.is_empty() {
        return "it holds no SYSTEM/CASE folder; the project's own lie in `golden` in its root, and \
                `--cases DIR` names others"
            .to_owned();
    }
    format!("the systems are {}; a case is named SYSTEM/CASE", list(systems))
}

/// A sweep is kept as `<name>.<preset>` unless the preset is its default.
fn no_such_sweep_hint(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return format!("the store has no sweep yet; `{}` starts it", sweep_command(name));
    }
    let at_other_presets: Vec<String> =
        known.iter().filter(|it| name_without_preset(it) == name).cloned().collect();
    match (at_other_presets.as_slice(), closest(name, known)) {
        ([], Some(known)) => format!("did you mean `{known}`?"),
        ([], None) => format!("the store has {}", list(known)),
        (presets, _) => format!("of this sweep, the store has {}", list(presets)),
    }
}

/// Returns the command that starts what is kept under a name.
fn sweep_command(kept_as: &str) -> String {
    match kept_as.split_once('.') {
        Some((name, preset)) => format!("reprise sweep {name} --preset {preset}"),
        None => format!("reprise sweep {kept_as}"),
    }
}

fn unknown_sweep_hint(name: &str, searched: &[PathBuf], known: &[String]) -> String {
    if name.split_once('.').is_some_and(|(name, _)| known.iter().any(|known| known == name)) {
        return format!("`{}` runs a sweep at another preset", sweep_command(name));
    }
    match (closest(name, known), known, searched) {
        (Some(known), ..) => format!("did you mean `{known}`?"),
        (None, [], []) => {
            "there is no folder `experiments` here or above; give the path of a sweep file"
                .to_owned()
        }
        (None, [], [folder, ..]) => format!("`{}` holds no sweep file", folder.display()),
        (None, known, _) => format!("the sweeps are {}", list(known)),
    }
}

fn store_hint(error: &StoreError) -> Option<&'static str> {
    Some(match error {
        StoreError::NotAStore { .. } => "`--store DIR` names one; `reprise sweep` makes it",
        StoreError::Fs(FsError::Io { action: "create directory" | "create", .. }) => {
            "`--store DIR` names a folder that can be written"
        }
        StoreError::NoRun { .. } => "`reprise runs list` lists them",
        StoreError::AmbiguousRun { .. } => "write more digits",
        StoreError::NoWeights { .. } => "`reprise import FILE` takes them into the store",
        StoreError::Newer { .. } => "update reprise, or choose another store with `--store DIR`",
        StoreError::Unfinished { .. } => "`reprise status` says how far it is",
        StoreError::Parse { .. } | StoreError::Misplaced { .. } => {
            "the file is damaged; move the run's folder away and the sweep trains it again"
        }
        _ => return None,
    })
}

/// Returns the known name that was probably meant.
fn closest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    let distance = |other: &&String| strsim::damerau_levenshtein(name, other);
    known.iter().min_by_key(distance).filter(|other| distance(other) <= name.len() / 3 + 1)
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: &Failure, code: u8, rendered: &str) {
        assert_eq!(failure.render(), rendered);
        assert_eq!(failure.exit_code(), code);
    }

    #[test]
    fn a_misspelt_sweep_is_guessed() {
        let name = "kl_anealing".to_owned();
        let known = vec!["ablations".to_owned(), "kl_annealing".to_owned()];
        check(
            &Failure::UnknownSweep { name, searched: vec!["experiments".into()], known },
            2,
            "error: failed to find a sweep named `kl_anealing`\nhint: did you mean `kl_annealing`?",
        );
    }

    #[test]
    fn a_sweep_at_another_preset_is_pointed_at() {
        let known = ["ablations", "kl_annealing.smoke", "kl_annealing.paper"];
        let known = known.map(str::to_owned).to_vec();
        let store = PathBuf::from("store");
        check(
            &Failure::NoSuchSweep { name: "kl_annealing".to_owned(), store, known },
            2,
            "error: failed to find sweep `kl_annealing` in store `store`\n\
             hint: of this sweep, the store has `kl_annealing.smoke`, `kl_annealing.paper`",
        );
        let name = "kl_annealing.smoke".to_owned();
        let known = vec!["kl_annealing".to_owned()];
        check(
            &Failure::UnknownSweep { name, searched: vec!["experiments".into()], known },
            2,
            "error: failed to find a sweep named `kl_annealing.smoke`\n\
             hint: `reprise sweep kl_annealing --preset smoke` runs a sweep at another preset",
        );
    }

    #[test]
    fn causes_stand_on_lines_of_their_own() {
        let source = io::Error::other("the disk is full");
        check(&Failure::Print(source), 4, "error: failed to print\n  caused by: the disk is full");
    }

    #[test]
    fn an_interrupt_is_no_error() {
        let text = "2 of 6 runs are finished".to_owned();
        check(&Failure::Interrupted(text), 130, "interrupted: 2 of 6 runs are finished");
    }
}
