//! Checks every file of a store against the digests that name it.
//!
//! An edit by accident or by hand is seen. Whoever also recomputes every digest can still forge a result; only
//! repeating the run shows that.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    FinishedRun, RunDir, RunFile, State, Store, StoreError, WEIGHTS, checkpoint::read_checkpoint,
    evaluation::FinishedEvaluation, run_id, sealed::SEALED_SINCE, tensors::read_tensors,
};
use reprise_base::text::{count, error_chain};

/// A damaged file, with what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    pub file: PathBuf,
    /// What is wrong with it.
    pub what: String,
    /// What is unaffected.
    pub intact: String,
    pub remedy: String,
}

/// What a check of a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    pub runs: usize,
    /// Files whose digest was computed.
    pub files: usize,
    /// Finished runs whose record has a format without a digest of its own.
    pub unsealed: usize,
    pub damages: Vec<Damage>,
}

/// Checks a store.
///
/// # Errors
/// If a folder cannot be listed. A file that cannot be read counts as damaged.
pub fn verify(store: &Store) -> Result<Verification, StoreError> {
    let mut found = Verification::default();
    let manifests = store.manifests()?;
    found.files += manifests.readable.len() + manifests.unreadable.len();
    for error in manifests.unreadable {
        found.add(
            &error,
            "all runs",
            "start the sweep again: it writes the file and trains no finished run",
        );
    }
    for entry in store.entries(WEIGHTS)? {
        let id = entry.path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        let Some(id) = id else { continue };
        found.files += 1;
        if let Err(error) = store.read_weights(&id) {
            let remedy = "import the weights again with `reprise import FILE`";
            found.add(&error, "runs that were trained from them", remedy);
        }
    }
    for data in store.sheets()? {
        found.files += 1;
        if let Err(error) = store.read_sheet(&data) {
            let remedy = "remove the file; the next run with this data draws it again";
            found.add(&error, "all runs; reports lack only this image", remedy);
        }
    }
    for id in store.runs()? {
        found.runs += 1;
        found.check_run(&store.run(&id));
    }
    Ok(found)
}

/// What to do about a finished run with a damaged file.
const TRAIN_AGAIN: &str = "restore the file from a copy; or move the folder of the run out of the store and start its \
                           sweep again, which trains it to the same bits";

/// What to do about an evaluation with a damaged file.
const EVALUATE_AGAIN: &str =
    "remove the folder of the evaluation and evaluate the run again, which gives the same bits";

impl Verification {
    fn add(&mut self, error: &StoreError, intact: &str, remedy: &str) {
        self.damages.push(Damage {
            file: error.path().unwrap_or_default(),
            what: error_chain(error),
            intact: intact.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn check_run(&mut self, dir: &RunDir) {
        self.files += 1;
        match dir.observe().state {
            State::Finished(record) => self.check_finished(&FinishedRun::new(dir, *record)),
            State::Damaged { .. } | State::Unreadable { .. } => {
                let Err(error) = dir.read_record() else { return };
                match dir.resumable_position() {
                    Ok(position) => self.add(
                        &error,
                        &format!("the checkpoint after step {}", position.next_step.0),
                        "start its sweep again: it sets the record aside and continues from the checkpoint",
                    ),
                    Err(_) => self.add(
                        &error,
                        "nothing of this run",
                        "start its sweep again: it sets the record aside and trains the run again",
                    ),
                }
            }
            State::NotResumable { refusal: Some(_) } => {
                let Err(error) = dir.resumable_position() else { return };
                let remedy =
                    "start its sweep again: it keeps the attempt aside and trains the run again";
                self.add(&error, "nothing of this attempt", remedy);
            }
            State::Resumable(_) => self.check_resumable(dir),
            State::Newer { .. } | State::Nothing | State::NotResumable { refusal: None } => {}
        }
    }

    fn check_finished(&mut self, run: &FinishedRun) {
        let (dir, record) = (run.dir(), run.record());
        self.unsealed += usize::from(record.format < SEALED_SINCE);
        let id = run_id(&record.spec, &record.data.pack_sha256, &record.engine.libtorch);
        if id != record.run {
            let path = dir.path(RunFile::Record);
            let error = StoreError::OtherSettings { path, found: id };
            self.add(&error, "nothing: its settings or data are not those of the run", TRAIN_AGAIN);
            return;
        }
        let checked = run.check_files();
        self.files += checked.len();
        let whole = checked.iter().filter(|it| it.is_ok()).count();
        for error in checked.iter().filter_map(|it| it.as_ref().err()) {
            let intact = format!("the record with its scores, and {}", count(whole, "other file"));
            self.add(error, &intact, TRAIN_AGAIN);
        }
        self.check_checkpoint(run);
        self.check_evaluations(run);
    }

    fn check_evaluations(&mut self, run: &FinishedRun) {
        let intact = "the run and its other evaluations";
        match run.evaluations() {
            Err(error) => self.add(&error, intact, EVALUATE_AGAIN),
            Ok((finished, unreadable)) => {
                self.files += finished.len() + unreadable.len();
                for error in unreadable {
                    self.add(&error, intact, EVALUATE_AGAIN);
                }
                for checked in finished.iter().flat_map(FinishedEvaluation::check_files) {
                    self.files += 1;
                    if let Err(error) = checked {
                        self.add(&error, intact, EVALUATE_AGAIN);
                    }
                }
            }
        }
    }

    fn check_checkpoint(&mut self, run: &FinishedRun) {
        self.files += 1;
        let path = run.dir().path(RunFile::Checkpoint);
        let is_journal_whole = || run.check(RunFile::Journal).is_ok();
        let error = match read_checkpoint(&path) {
            Err(error) if error.is_damage() => error,
            // The journal is that of the run, so the checkpoint is not.
            Ok(_) if run.dir().resumable_position().is_err() && is_journal_whole() => {
                StoreError::NotRecorded { path }
            }
            _ => return,
        };
        let remedy = "none is needed; to continue the training, restore the file from a copy";
        self.add(&error, "all results of the run", remedy);
    }

    fn check_resumable(&mut self, dir: &RunDir) {
        self.files += 1;
        let path = dir.path(RunFile::Best);
        match read_tensors(&path).map_err(StoreError::from) {
            Err(error) if error.is_damage() => self.add(
                &error,
                "the checkpoint, but not the weights with the best validation score",
                "start its sweep again: it keeps the attempt aside and trains the run again",
            ),
            _ => {}
        }
    }
}
