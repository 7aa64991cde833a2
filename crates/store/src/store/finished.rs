//! A finished run, read with a look at its digests.
//!
//! Every reader of results starts here: what does not match its record is an error, and never a number or a
//! picture.

use std::ops::Deref;

use super::{
    RunDir, RunFile, StoreError,
    artefact::verified,
    evaluation::FinishedEvaluation,
    event::Event,
    json_lines::parse,
    record::Record,
    tensors::{StoredTensor, TensorMetadata, parse_tensors},
};
use reprise_base::config::protocol::CheckpointKind;

/// A run with a record.
#[derive(Debug)]
pub struct FinishedRun {
    dir: RunDir,
    record: Record,
}

impl FinishedRun {
    pub(super) fn new(dir: &RunDir, record: Record) -> Self {
        Self { dir: dir.clone(), record }
    }

    /// Reads the record of a run; a missing one is [`StoreError::Unfinished`].
    ///
    /// # Errors
    /// If there is none, or if it is damaged.
    pub fn open(dir: &RunDir) -> Result<Self, StoreError> {
        Ok(Self::new(dir, dir.read_record()?))
    }

    /// Returns the folder.
    pub const fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Returns the record, whose own digest was checked.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the record.
    pub fn into_record(self) -> Record {
        self.record
    }

    /// Reads the journal.
    ///
    /// # Errors
    /// If it is missing, is not the one that the record names, or cannot be read.
    pub fn journal(&self) -> Result<Vec<Event>, StoreError> {
        match self.verified(RunFile::Journal)? {
            Some(bytes) => Ok(parse(&self.dir.path(RunFile::Journal), &bytes)?.values),
            None => Ok(Vec::new()),
        }
    }

    /// Reads a file of tensors, if the record names it.
    ///
    /// # Errors
    /// If it is missing, is not the one that the record names, or cannot be read.
    pub fn tensors(
        &self,
        file: RunFile,
    ) -> Result<Option<(Vec<StoredTensor>, TensorMetadata)>, StoreError> {
        let Some(bytes) = self.verified(file)? else { return Ok(None) };
        Ok(Some(parse_tensors(&self.dir.path(file), &bytes)?))
    }

    /// Checks a file against the record.
    ///
    /// # Errors
    /// If it is missing, is not the one that the record names, or cannot be read.
    pub fn check(&self, file: RunFile) -> Result<(), StoreError> {
        self.verified(file).map(drop)
    }

    /// Checks every file that the record names.
    pub fn check_files(&self) -> Vec<Result<(), StoreError>> {
        let named = self.record.artefacts.keys().filter_map(|name| RunFile::artefact(name));
        named.map(|file| self.check(file)).collect()
    }

    /// Returns the content of a file, if the record names it.
    fn verified(
        &self,
        file: RunFile,
    ) -> Result<Option<impl Deref<Target = [u8]> + use<>>, StoreError> {
        verified(&self.dir.path(file), self.record.artefacts.get(&*file.name()))
    }

    /// Returns the finished evaluations of these weights, sorted by id, and why others cannot be read.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn evaluations(&self) -> Result<(Vec<FinishedEvaluation>, Vec<StoreError>), StoreError> {
        let (mut finished, mut unreadable) = (Vec::new(), Vec::new());
        for dir in self.dir.evaluations()? {
            match FinishedEvaluation::open(&dir) {
                Ok(evaluation) => finished.push(evaluation),
                Err(StoreError::Unfinished { .. }) => {}
                Err(error) => unreadable.push(error),
            }
        }
        let is_of_weights = |evaluation: &FinishedEvaluation| {
            let record = evaluation.record();
            self.weights(record.protocol.checkpoint).is_some_and(|sha256| sha256 == record.weights)
        };
        finished.retain(is_of_weights);
        Ok((finished, unreadable))
    }

    /// Returns the files of its snapshots, sorted by epoch.
    pub fn snapshots(&self) -> impl Iterator<Item = RunFile> + use<'_> {
        let files = self.record.artefacts.keys().filter_map(|name| RunFile::artefact(name));
        files.filter(|file| file.is_of_snapshot())
    }

    /// Returns whether the record names a file.
    pub fn has(&self, file: RunFile) -> bool {
        self.record.artefacts.contains_key(&*file.name())
    }

    /// Returns the digest of a file of weights, if the run has stored them.
    pub fn weights(&self, checkpoint: CheckpointKind) -> Option<&str> {
        let file = RunFile::of(checkpoint).name();
        self.record.artefacts.get(&*file).map(|artefact| artefact.sha256.as_str())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::store::{Store, journal::Journal, samples, tensors::write_tensors};
    use reprise_base::fs;

    /// A finished run with a journal and roll-outs.
    fn finished() -> (TempDir, RunDir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = Store::open_or_create(folder.path()).unwrap().run(&samples::id('a'));
        let _lease = dir.lease().unwrap().unwrap();
        let mut journal = Journal::create(&dir.path(RunFile::Journal)).unwrap();
        journal.append(&samples::step(0, &[("loss", 0.5)])).unwrap();
        journal.append(&samples::step(1, &[("loss", 0.25)])).unwrap();
        let frames = [samples::tensor("truth", &[1.0, 2.0])];
        write_tensors(&dir.path(RunFile::Rollouts), &frames, &TensorMetadata::new()).unwrap();
        let mut record = samples::record(samples::id('a'));
        record.artefacts = dir.artefacts().unwrap();
        dir.write_record(&record).unwrap();
        (folder, dir)
    }

    #[track_caller]
    fn check_refused<T: std::fmt::Debug>(result: Result<T, StoreError>, fragment: &str) {
        let message = result.expect_err("the file is damaged").to_string();
        assert!(message.contains(fragment), "`{message}` lacks `{fragment}`");
    }

    #[test]
    fn whole_files_are_read() {
        let (_keep, dir) = finished();
        let run = FinishedRun::open(&dir).unwrap();
        assert_eq!(run.journal().unwrap().len(), 2);
        let (tensors, _) = run.tensors(RunFile::Rollouts).unwrap().unwrap();
        assert_eq!(tensors, [samples::tensor("truth", &[1.0, 2.0])]);
        assert_eq!(run.tensors(RunFile::Best).unwrap(), None, "the record names none");
    }

    #[test]
    fn a_journal_without_its_last_line_is_refused() {
        let (_keep, dir) = finished();
        let path = dir.path(RunFile::Journal);
        let text = fs::read_text(&path, 1000).unwrap();
        let first = text.split_inclusive('\n').next().unwrap();
        fs::write_atomic(&path, first.as_bytes()).unwrap();
        check_refused(
            FinishedRun::open(&dir).unwrap().journal(),
            "it is not the file that its run recorded",
        );
    }

    #[test]
    fn valid_tensors_of_another_run_are_refused() {
        let (_keep, dir) = finished();
        let other = [samples::tensor("truth", &[3.0, 4.0])];
        write_tensors(&dir.path(RunFile::Rollouts), &other, &TensorMetadata::new()).unwrap();
        let refused = FinishedRun::open(&dir).unwrap().tensors(RunFile::Rollouts);
        check_refused(refused, "it is not the file that its run recorded");
    }

    #[test]
    fn a_deleted_file_is_missed() {
        let (_keep, dir) = finished();
        fs::remove_file(&dir.path(RunFile::Rollouts)).unwrap();
        check_refused(FinishedRun::open(&dir).unwrap().check(RunFile::Rollouts), "it is missing");
    }
}
