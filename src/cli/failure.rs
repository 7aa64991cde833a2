//! Why a command failed: message, causes, hint and exit code.

use std::{io, path::PathBuf};

use reprise_base::{
    config::{
        reference::UnknownSetting,
        sweep::{ConfigError, name_without_preset},
    },
    fs::FsError,
    text::{causes, closest, count, quoted_list},
};
use reprise_data::{DataError, npz::NpzError, video_grid::PictureError};
use reprise_golden::{CaseError, ExceptionsError, ExchangeError, PortError};
use reprise_store::{
    provenance::GitError,
    store::{StoreError, tensors::TensorFileError},
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A problem in a sweep file or an override.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No sweep file has this name.
    #[error("failed to find a sweep named `{name}`")]
    UnknownSweep {
        /// The name.
        name: String,
        /// The folders that were searched, nearest first.
        searched: Vec<PathBuf>,
        /// The names found there.
        known: Vec<String>,
    },
    /// There is no setting of this key.
    #[error(transparent)]
    Setting(#[from] UnknownSetting),
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
        /// The sweeps in the store.
        known: Vec<String>,
    },
    /// Arguments that cannot be combined or do not fit.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do instead.
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
    /// The git repository around the working folder.
    #[error(transparent)]
    Git(#[from] GitError),
    /// No folder for caches is known.
    #[error(
        "failed to find a folder for caches: REPRISE_CACHE, XDG_CACHE_HOME and HOME are not set"
    )]
    NoCache,
    /// The program that workers run is unknown.
    #[error("failed to locate the reprise executable")]
    Executable(#[source] io::Error),
    /// The working folder is unknown.
    #[error("failed to find the working folder")]
    WorkingFolder(#[source] io::Error),
    /// Interrupts cannot be caught.
    #[error("failed to install a handler for interrupts")]
    Signals(#[from] ctrlc::Error),
    /// Stdin cannot be read.
    #[error("failed to read the request")]
    Request(#[source] io::Error),
    /// Stdout cannot be written.
    #[error("failed to print")]
    Print(#[source] io::Error),
    /// A value has no JSON form.
    #[error("failed to print as JSON")]
    Encode(#[source] serde_json::Error),
    /// The device.
    #[error(transparent)]
    Device(#[from] reprise_torch::libtorch::device::DeviceError),
    /// A contestant of a benchmark.
    #[error(transparent)]
    Contestant(#[from] super::commands::bench::contestant::ContestantError),
    /// Training.
    #[error(transparent)]
    Train(#[from] reprise_torch::train::TrainError),
    /// A sweep or a run.
    #[error(transparent)]
    Experiment(crate::experiment::ExperimentError),
    /// The report.
    #[error(transparent)]
    Report(#[from] reprise_report::ReportError),
    /// Stored roll-outs that a report needs.
    #[error("failed to read `{}`", path.display())]
    Rollouts {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: reprise_report::RolloutsError,
    },
    /// A picture or an animation.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A `.npz` file.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// Weights under an original's names.
    #[error(transparent)]
    Foreign(#[from] reprise_torch::models::physical_interaction::foreign::ForeignError),
    /// A file of tensors.
    #[error(transparent)]
    Tensors(#[from] TensorFileError),
    /// A reference case cannot be read.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// No reference case has this name.
    #[error("failed to find a case named `{name}`")]
    NoSuchCase {
        /// The name.
        name: String,
        /// The cases that exist.
        known: Vec<String>,
    },
    /// No reference case is selected.
    #[error("failed to find a case that matches `{pattern}` in `{}`", folder.display())]
    NoCases {
        /// What was searched, as SYSTEM/CASE.
        pattern: String,
        /// The folder that was searched.
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
    /// A check failed.
    #[error("{0}")]
    Check(String),
    /// Runs failed.
    #[error("{failed} of {} failed", count(*total, "run"))]
    RunsFailed {
        /// How many.
        failed: usize,
        /// Runs of the sweep.
        total: usize,
    },
    /// Other processes are working on runs of the sweep.
    #[error("other processes are training {} of the sweep", count(*runs, "run"))]
    Busy {
        /// How many.
        runs: usize,
    },
    /// A newer reprise wrote some runs.
    #[error("failed to read {} of the sweep: written by a newer version of reprise", count(*runs, "run"))]
    Newer {
        /// How many.
        runs: usize,
    },
    /// The command was interrupted; what it had done is kept.
    #[error("{0}")]
    Interrupted(String),
}

impl From<crate::experiment::ExperimentError> for Failure {
    fn from(error: crate::experiment::ExperimentError) -> Self {
        use crate::experiment::ExperimentError;
        match error {
            ExperimentError::Data(error) => Self::Data(error),
            ExperimentError::Store(error) => Self::Store(error),
            ExperimentError::Fs(error) => Self::Fs(error),
            ExperimentError::Device(error) => Self::Device(error),
            ExperimentError::Git(error) => Self::Git(error),
            ExperimentError::Train(error) => Self::Train(error),
            error => Self::Experiment(error),
        }
    }
}

impl Failure {
    /// Returns the exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Check(_) => 1,
            Self::Config(_)
            | Self::Setting(_)
            | Self::UnknownSweep { .. }
            | Self::SweepFile(_)
            | Self::NoSuchSweep { .. }
            | Self::Usage { .. }
            | Self::Case(_)
            | Self::NoSuchCase { .. }
            | Self::NoCases { .. }
            | Self::Exceptions(_)
            | Self::Npz(NpzError::Archive { .. })
            | Self::Picture(_)
            | Self::Foreign(_) => 2,
            Self::Store(error) if error.is_usage_error() => 2,
            Self::Data(error) if error.is_usage_error() => 2,
            Self::Tensors(TensorFileError::Fs(error)) if error.is_not_found() => 2,
            Self::Train(error) if error.is_usage_error() => 2,
            Self::Experiment(error) if error.is_usage_error() => 2,
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
            Self::Setting(error) => return error.hint(),
            Self::NoSuchSweep { name, known, .. } => return Some(no_such_sweep_hint(name, known)),
            Self::NoSuchCase { name, known } => return Some(no_such_case_hint(name, known)),
            Self::NoCases { systems, .. } => return Some(systems_hint(systems)),
            Self::Usage { hint, .. } => hint,
            Self::Store(error) => return error.hint(),
            Self::Data(error) => return error.hint(),
            Self::Experiment(error) => return error.hint(),
            Self::Git(error) => return error.hint(),
            Self::Train(error) => return error.hint(),
            Self::NoCache => "set REPRISE_CACHE to a folder with several GB of free space",
            Self::Device(_) => {
                "see `reprise doctor` for the devices of this machine, or use `--device cpu`"
            }
            Self::RunsFailed { .. } => {
                "repeat the command to try the failed runs again; finished runs are kept"
            }
            Self::Busy { .. } => "see `reprise status` for their progress",
            Self::Newer { .. } => "update reprise, or choose another store with `--store DIR`",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Returns message, causes and hint, each on a line of its own.
    pub fn render(&self) -> String {
        if let Self::Config(error) = self {
            return error.render();
        }
        let head = if matches!(self, Self::Interrupted(_)) { "interrupted" } else { "error" };
        let mut text = format!("{head}: {self}");
        for cause in causes(self) {
            text.extend(["\n  caused by: ", &cause.to_string()]);
        }
        if let Some(hint) = self.hint() {
            text.extend(["\nhint: ", &hint]);
        }
        text
    }
}

fn no_such_case_hint(name: &str, known: &[String]) -> String {
    if let Some(known) = closest(name, known) {
        return format!("did you mean `{known}`?");
    }
    let mut systems: Vec<String> =
        known.iter().filter_map(|it| Some(it.split_once('/')?.0.to_owned())).collect();
    systems.dedup();
    systems_hint(&systems)
}

fn systems_hint(systems: &[String]) -> String {
    if systems.is_empty() {
        return "the folder has no SYSTEM/CASE folders; run the command in the root of the \
                repository, or give another folder with `--cases DIR`"
            .to_owned();
    }
    format!("the systems are {}; a case is named SYSTEM/CASE", quoted_list(systems))
}

/// A sweep is stored as `<name>.<preset>` unless the preset is its default.
fn no_such_sweep_hint(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return format!(
            "the store has no sweep yet; run `{}` to start this one",
            sweep_command(name)
        );
    }
    let at_other_presets: Vec<String> =
        known.iter().filter(|it| name_without_preset(it) == name).cloned().collect();
    match (at_other_presets.as_slice(), closest(name, known)) {
        ([], Some(known)) => format!("did you mean `{known}`?"),
        ([], None) => format!("the store has {}", quoted_list(known)),
        (presets, _) => {
            format!("the store has other presets of this sweep: {}", quoted_list(presets))
        }
    }
}

/// Returns the command that starts the sweep stored under a name.
fn sweep_command(stored: &str) -> String {
    match stored.split_once('.') {
        Some((name, preset)) => format!("reprise sweep {name} --preset {preset}"),
        None => format!("reprise sweep {stored}"),
    }
}

fn unknown_sweep_hint(name: &str, searched: &[PathBuf], known: &[String]) -> String {
    if name.split_once('.').is_some_and(|(name, _)| known.iter().any(|known| known == name)) {
        return format!("to choose a preset, run `{}`", sweep_command(name));
    }
    match (closest(name, known), known, searched) {
        (Some(known), ..) => format!("did you mean `{known}`?"),
        (None, [], []) => {
            "give the path of a sweep file; neither the working folder nor a folder above it contains \
             `experiments`"
                .to_owned()
        }
        (None, [], [folder, ..]) => format!("`{}` has no sweep files", folder.display()),
        (None, known, _) => format!("the sweeps are {}", quoted_list(known)),
    }
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
             hint: the store has other presets of this sweep: `kl_annealing.smoke`, `kl_annealing.paper`",
        );
        let name = "kl_annealing.smoke".to_owned();
        let known = vec!["kl_annealing".to_owned()];
        check(
            &Failure::UnknownSweep { name, searched: vec!["experiments".into()], known },
            2,
            "error: failed to find a sweep named `kl_annealing.smoke`\n\
             hint: to choose a preset, run `reprise sweep kl_annealing --preset smoke`",
        );
    }

    #[test]
    fn every_cause_has_a_line_of_its_own() {
        let source = io::Error::other("the disk is full");
        check(&Failure::Print(source), 4, "error: failed to print\n  caused by: the disk is full");
    }

    #[test]
    fn an_interrupt_is_no_error() {
        let text = "2 of 6 runs finished".to_owned();
        check(&Failure::Interrupted(text), 130, "interrupted: 2 of 6 runs finished");
    }

    #[test]
    fn counts_agree_with_their_nouns() {
        let hint = "hint: update reprise, or choose another store with `--store DIR`";
        check(
            &Failure::Newer { runs: 1 },
            4,
            &format!(
                "error: failed to read 1 run of the sweep: written by a newer version of reprise\n{hint}"
            ),
        );
    }
}
