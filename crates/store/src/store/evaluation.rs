//! Evaluations of finished runs: `runs/<run id>/evaluations/<evaluation id>/`.
//!
//! ```text
//! scores.jsonl          the scores of one sequence per line, in the split's order
//! timing.jsonl          wall-clock times; never compared
//! rollouts.safetensors  predictions of the sequences that reports show
//! code.patch            difference of the working tree from its commit, if any
//! evaluation.json       written last: an evaluation with a record is finished; names the digests of all files above
//!                       but the times
//! ```
//!
//! An evaluation that was interrupted is continued after its last line. Each line holds a digest of all lines up to
//! it and of the code, so that a changed line and the scores of other code are not continued.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    StoreError,
    artefact::{artefacts_in, verified},
    canonical::digest_of,
    event::Scores,
    json_lines,
    record::{
        Artefact, CodeRecord, DataRecord, EngineRecord, HostRecord, MetricDefinition, Record,
        TimingRecord,
    },
    run_dir::RunDir,
    sealed::{read_record, write_sealed},
    tensors::{StoredTensor, TensorMetadata, parse_tensors},
};
use reprise_base::{
    config::{
        data::Split,
        ids::{EvaluationId, RunId},
        protocol::{EvaluationRequest, Protocol},
    },
    fs::{self, AppendFile, FileKind, sha256_hex},
    scalar::Epoch,
};

/// Version of evaluation records, which began with the store's format 2; newer ones are refused.
pub const EVALUATION_FORMAT: u32 = 2;

/// Version of the rules by which an evaluation gets its id. Raising it changes every id.
const IDENTITY_VERSION: u32 = 1;

/// Returns whether the test at the end of a run's training is this evaluation.
pub fn is_own_test(record: &Record, protocol: &Protocol, data_digest: &str) -> bool {
    record.test.is_some()
        && data_digest == record.data.pack_sha256
        && *protocol == Protocol::own(&record.spec, Split::Test)
}

/// Returns how many of the evaluations that a sweep asks for a completed run lacks; 0 for other runs. Evaluations on other
/// data sets are told apart by the name of the data set.
pub fn evaluations_left(dir: &RunDir, requests: &[EvaluationRequest]) -> usize {
    if requests.is_empty() {
        return 0;
    }
    let Ok(record) = dir.read_record() else { return 0 };
    if !record.outcome.is_trained() {
        return 0;
    }
    let folders = dir.evaluations().unwrap_or_default();
    let done: Vec<EvaluationRecord> =
        folders.iter().filter_map(|folder| folder.read_record().ok()).collect();
    let is_left = |request: &&EvaluationRequest| {
        let Ok(protocol) = request.resolve(&record.spec) else { return false };
        let same_data = |data: &DataRecord| match &request.dataset {
            None => data.pack_sha256 == record.data.pack_sha256,
            Some(dataset) => data.name == dataset.name(),
        };
        let is_done = |it: &EvaluationRecord| it.protocol == protocol && same_data(&it.data);
        let is_tested =
            request.dataset.is_none() && is_own_test(&record, &protocol, &record.data.pack_sha256);
        !is_tested && !done.iter().any(is_done)
    };
    requests.iter().filter(is_left).count()
}

/// Folder of evaluations within that of a run.
const EVALUATIONS: &str = "evaluations";

/// Returns the id of an evaluation: a digest of the weights' digest, the protocol, the data and the version of
/// libtorch.
pub fn evaluation_id(
    weights: &str,
    protocol: &Protocol,
    data_digest: &str,
    libtorch: &str,
) -> EvaluationId {
    let digest = digest_of(&json!({
        "schema": IDENTITY_VERSION,
        "weights": weights,
        "protocol": protocol,
        "data": data_digest,
        "libtorch": libtorch,
    }));
    EvaluationId::of_digest(&digest)
}

/// A finished evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRecord {
    /// [`EVALUATION_FORMAT`] when it was written.
    pub format: u32,
    pub run: RunId,
    pub evaluation: EvaluationId,
    pub protocol: Protocol,
    /// SHA-256 of the file of weights that was scored.
    pub weights: String,
    /// The epoch after which the weights were stored, if it is known.
    pub epoch: Option<Epoch>,
    pub data: DataRecord,
    pub engine: EngineRecord,
    pub code: CodeRecord,
    pub host: HostRecord,
    pub scores: Scores,
    /// Definitions by metric name.
    pub metrics: BTreeMap<String, MetricDefinition>,
    /// Size and digest of files of the folder, by name.
    pub artefacts: BTreeMap<String, Artefact>,
    /// Never compared.
    pub timing: TimingRecord,
}

/// The scores of one sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceScores {
    /// Name of the sequence in its data set.
    pub name: String,
    /// One value per predicted frame, by predictor and metric.
    pub by_frame: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
    /// Means over predicted frames, one per sample, by metric; empty for a single sample.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_sample: BTreeMap<String, Vec<f64>>,
    /// Features of clips in a feature network, by predictor and sample, and of the true clip as `truth`. They are
    /// kept because a distance of sets needs those of all sequences.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub features: BTreeMap<String, Vec<ClipFeatures>>,
}

/// The features of a clip, written as base64 of little-endian f32.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClipFeatures(pub Vec<f32>);

/// A text that holds no features.
#[derive(Debug, thiserror::Error)]
#[error("features are not base64 of values of four bytes")]
pub struct InvalidFeatures;

impl TryFrom<String> for ClipFeatures {
    type Error = InvalidFeatures;

    fn try_from(text: String) -> Result<Self, InvalidFeatures> {
        let bytes = STANDARD.decode(text).map_err(|_| InvalidFeatures)?;
        let (values, rest) = bytes.as_chunks::<4>();
        let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        if rest.is_empty() { Ok(Self(values)) } else { Err(InvalidFeatures) }
    }
}

impl From<ClipFeatures> for String {
    fn from(features: ClipFeatures) -> Self {
        let bytes: Vec<u8> = features.0.iter().flat_map(|value| value.to_le_bytes()).collect();
        STANDARD.encode(bytes)
    }
}

/// A file of an evaluation's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationFile {
    Scores,
    Timing,
    Rollouts,
    CodePatch,
    Record,
}

impl EvaluationFile {
    /// Files that a record lists with their digests.
    const ARTEFACTS: [Self; 3] = [Self::Scores, Self::Rollouts, Self::CodePatch];

    /// Returns the name within the folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scores => "scores.jsonl",
            Self::Timing => "timing.jsonl",
            Self::Rollouts => "rollouts.safetensors",
            Self::CodePatch => "code.patch",
            Self::Record => "evaluation.json",
        }
    }
}

/// The folder of an evaluation; it may not exist yet. Changed only with the lease of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationDir {
    root: PathBuf,
    run: RunId,
    id: EvaluationId,
}

impl RunDir {
    /// Returns the folder of an evaluation, whether or not it exists.
    pub fn evaluation(&self, id: &EvaluationId) -> EvaluationDir {
        let root = self.root().join(EVALUATIONS).join(id.as_str());
        EvaluationDir { root, run: self.id().clone(), id: id.clone() }
    }

    /// Returns the folders of all evaluations, sorted by id.
    pub fn evaluations(&self) -> Result<Vec<EvaluationDir>, StoreError> {
        let folder = self.root().join(EVALUATIONS);
        if fs::kind(&folder)? != Some(FileKind::Dir) {
            return Ok(Vec::new());
        }
        let id = |entry: &fs::DirEntry| entry.name.to_str()?.parse().ok();
        let ids = fs::read_dir_sorted(&folder)?;
        Ok(ids.iter().filter_map(id).map(|id| self.evaluation(&id)).collect())
    }
}

impl EvaluationDir {
    /// Returns the id.
    pub const fn id(&self) -> &EvaluationId {
        &self.id
    }

    /// Returns the path of a file, whether or not it exists.
    pub fn path(&self, file: EvaluationFile) -> PathBuf {
        self.root.join(file.name())
    }

    /// Creates the folder, and removes what a killed process left unfinished.
    pub fn prepare(&self) -> Result<(), StoreError> {
        fs::create_dir_all(&self.root)?;
        fs::remove_temporaries(&self.root)?;
        Ok(())
    }

    /// Reads the record; a missing one is [`StoreError::Unfinished`].
    pub fn read_record(&self) -> Result<EvaluationRecord, StoreError> {
        let path = self.path(EvaluationFile::Record);
        let record: EvaluationRecord = read_record(&path, EVALUATION_FORMAT)?;
        let EvaluationRecord { weights, protocol, data, engine, .. } = &record;
        let id = evaluation_id(weights, protocol, &data.pack_sha256, &engine.libtorch);
        if id == self.id && record.evaluation == self.id && record.run == self.run {
            Ok(record)
        } else {
            Err(StoreError::MisplacedEvaluation { path, found: record.evaluation })
        }
    }

    /// Writes the record, which makes the evaluation finished: everything else must be on the disk.
    pub fn write_record(&self, record: &EvaluationRecord) -> Result<(), StoreError> {
        write_sealed(&self.path(EvaluationFile::Record), record)
    }

    /// Returns size and digest of every artefact that exists, by name.
    pub fn artefacts(&self) -> Result<BTreeMap<String, Artefact>, StoreError> {
        artefacts_in(&self.root, EvaluationFile::ARTEFACTS.map(EvaluationFile::name))
    }
}

/// An evaluation with a record, read with a look at its digests.
#[derive(Debug)]
pub struct FinishedEvaluation {
    dir: EvaluationDir,
    record: EvaluationRecord,
}

impl FinishedEvaluation {
    /// Reads the record; a missing one is [`StoreError::Unfinished`].
    pub fn open(dir: &EvaluationDir) -> Result<Self, StoreError> {
        Ok(Self { dir: dir.clone(), record: dir.read_record()? })
    }

    /// Returns the record, whose own digest was checked.
    pub const fn record(&self) -> &EvaluationRecord {
        &self.record
    }

    /// Reads the scores of the sequences, in their order; none if the system scores a set as a whole.
    ///
    /// # Errors
    /// If the file is missing, is not the one that the record names, or cannot be read.
    pub fn sequences(&self) -> Result<Vec<SequenceScores>, StoreError> {
        let path = self.dir.path(EvaluationFile::Scores);
        match self.verified(EvaluationFile::Scores)? {
            Some(bytes) => {
                let lines = json_lines::parse::<SequenceLine>(&path, &bytes)?.values;
                Ok(lines.into_iter().map(|line| line.sequence).collect())
            }
            None => Ok(Vec::new()),
        }
    }

    /// Reads the predictions that are shown, if there are any.
    ///
    /// # Errors
    /// If the file is missing, is not the one that the record names, or cannot be read.
    pub fn rollouts(&self) -> Result<Option<(Vec<StoredTensor>, TensorMetadata)>, StoreError> {
        let Some(bytes) = self.verified(EvaluationFile::Rollouts)? else { return Ok(None) };
        Ok(Some(parse_tensors(&self.dir.path(EvaluationFile::Rollouts), &bytes)?))
    }

    /// Checks every file that the record names.
    pub(super) fn check_files(&self) -> Vec<Result<(), StoreError>> {
        let named = EvaluationFile::ARTEFACTS.into_iter();
        let named = named.filter(|file| self.record.artefacts.contains_key(file.name()));
        named.map(|file| self.verified(file).map(drop)).collect()
    }

    fn verified(
        &self,
        file: EvaluationFile,
    ) -> Result<Option<impl std::ops::Deref<Target = [u8]> + use<>>, StoreError> {
        verified(&self.dir.path(file), self.record.artefacts.get(file.name()))
    }
}

/// One line of `scores.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SequenceLine {
    sequence: SequenceScores,
    /// SHA-256 of the digest of the line before it, or of the code before the first, and of this line's `sequence`.
    chain: String,
}

/// Returns the digest of a line after the one with the digest `chain`.
fn chained(chain: &str, sequence: &SequenceScores) -> Result<String, serde_json::Error> {
    let text = format!("{chain}\n{}", serde_json::to_string(sequence)?);
    Ok(sha256_hex(text.as_bytes()))
}

impl SequenceScores {
    /// Refuses a value that is not finite, which JSON cannot represent.
    fn check_finite(&self) -> Result<(), StoreError> {
        for (predictor, metrics) in &self.by_frame {
            for (metric, values) in metrics {
                if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
                    let series = format!("{predictor} {metric} of `{}`", self.name);
                    return Err(StoreError::NonFinite { series, value });
                }
            }
        }
        for (predictor, clips) in &self.features {
            let mut values = clips.iter().flat_map(|clip| &clip.0);
            if let Some(&value) = values.find(|value| !value.is_finite()) {
                let series = format!("{predictor} features of `{}`", self.name);
                return Err(StoreError::NonFinite { series, value: value.into() });
            }
        }
        Ok(())
    }
}

/// The scores of an evaluation that is carried out.
#[derive(Debug)]
pub struct ScoreLog {
    file: AppendFile,
    path: PathBuf,
    chain: String,
}

impl ScoreLog {
    /// Opens or creates a log. Returns what it holds, a whole number of batches of `batch` sequences; the rest, and
    /// all from the first changed line on, is removed. `code` is the digest of the sources: a log that other code
    /// began is emptied.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn open(
        path: &Path,
        batch: usize,
        code: &str,
    ) -> Result<(Self, Vec<SequenceScores>), StoreError> {
        let bytes = match json_lines::read_bytes(path) {
            Err(StoreError::Fs(error)) if error.is_not_found() => Vec::new(),
            bytes => bytes?,
        };
        let (mut sequences, mut chain, mut whole) = (Vec::new(), code.to_owned(), 0);
        let mut kept = (0, 0, chain.clone());
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Ok(read) = serde_json::from_slice::<SequenceLine>(line) else { break };
            let expected = chained(&chain, &read.sequence);
            if !line.ends_with(b"\n") || expected.map_or(true, |expected| expected != read.chain) {
                break;
            }
            whole += line.len();
            chain.clone_from(&read.chain);
            sequences.push(read.sequence);
            if sequences.len().is_multiple_of(batch) {
                kept = (sequences.len(), whole, chain.clone());
            }
        }
        let (count, length, chain) = kept;
        sequences.truncate(count);
        let file = AppendFile::open_truncated_at(path, length as u64)?;
        Ok((Self { file, path: path.to_owned(), chain }, sequences))
    }

    /// Appends the scores of the next sequences; refuses a value that is not finite.
    ///
    /// # Errors
    /// If there is one, or the file cannot be written.
    pub fn append(&mut self, sequences: &[SequenceScores]) -> Result<(), StoreError> {
        sequences.iter().try_for_each(SequenceScores::check_finite)?;
        for sequence in sequences {
            let chain = chained(&self.chain, sequence)
                .map_err(|source| StoreError::Encode { path: self.path.clone(), source })?;
            let line = SequenceLine { sequence: sequence.clone(), chain };
            json_lines::append(&mut self.file, &self.path, &line)?;
            self.chain = line.chain;
        }
        Ok(())
    }

    /// Waits until every line is on the disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.file.sync()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "0123";

    fn sequence(name: &str, psnr: f64) -> SequenceScores {
        let metrics = BTreeMap::from([("psnr".to_owned(), vec![psnr, psnr / 3.0])]);
        let by_frame = BTreeMap::from([("model".to_owned(), metrics)]);
        let features = BTreeMap::from([(
            "truth".to_owned(),
            vec![ClipFeatures(vec![0.1, -0.0, f32::MIN_POSITIVE])],
        )]);
        SequenceScores { name: name.to_owned(), by_frame, by_sample: BTreeMap::new(), features }
    }

    fn all() -> Vec<SequenceScores> {
        (0..5).map(|n| sequence(&n.to_string(), 20.0 + f64::from(n) / 7.0)).collect()
    }

    fn written(path: &Path) -> Vec<u8> {
        let (mut log, known) = ScoreLog::open(path, 2, CODE).unwrap();
        assert_eq!(known, []);
        log.append(&all()).unwrap();
        log.sync().unwrap();
        fs::read(path, 1 << 20).unwrap()
    }

    #[test]
    fn a_log_that_is_cut_anywhere_is_continued_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.jsonl");
        let whole = written(&path);
        let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').collect();
        for cut in 0..=whole.len() {
            fs::write_atomic(&path, &whole[..cut]).unwrap();
            let (mut log, known) = ScoreLog::open(&path, 2, CODE).unwrap();
            let complete = ends.iter().filter(|&&end| end < cut).count();
            assert_eq!(known, all()[..complete - complete % 2], "cut at byte {cut}");
            log.append(&all()[known.len()..]).unwrap();
            assert_eq!(fs::read(&path, 1 << 20).unwrap(), whole, "cut at byte {cut}");
        }
    }

    #[test]
    fn a_value_that_is_not_finite_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.jsonl");
        let (mut log, _) = ScoreLog::open(&path, 1, CODE).unwrap();
        let refused = log.append(&[sequence("0", 1.0), sequence("1", f64::NAN)]).unwrap_err();
        assert!(refused.to_string().contains("model psnr of `1`"), "{refused}");
        assert_eq!(fs::read(&path, 1 << 20).unwrap(), b"");
    }

    #[test]
    fn what_other_code_scored_is_scored_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.jsonl");
        written(&path);
        assert_eq!(ScoreLog::open(&path, 1, "4567").unwrap().1, []);
        assert_eq!(fs::read(&path, 1 << 20).unwrap(), b"");
    }

    #[test]
    fn a_changed_line_and_all_after_it_are_scored_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.jsonl");
        let text = String::from_utf8(written(&path)).unwrap();
        fs::write_atomic(&path, text.replacen("\"name\":\"3\"", "\"name\":\"9\"", 1).as_bytes())
            .unwrap();
        assert_eq!(ScoreLog::open(&path, 1, CODE).unwrap().1, all()[..3]);
        let swapped: Vec<&str> = text.lines().collect();
        let swapped = [swapped[1], swapped[0], ""].join("\n");
        fs::write_atomic(&path, swapped.as_bytes()).unwrap();
        assert_eq!(ScoreLog::open(&path, 1, CODE).unwrap().1, []);
    }
}
