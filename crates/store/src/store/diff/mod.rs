//! Comparison of two finished runs, bit by bit.
//!
//! Compares what was computed: specification, outcome, canary, final state, journal, scores and stored
//! tensors, and reports the first difference of each. Differences in where and when it was computed
//! (engine, code, host, data, timing) are listed but ignored. Runs that are not bit-equal can be compared with
//! measured noise ([`RunDiff::judge`]). Start from [`diff_runs`] and [`diff_stores`].

use serde::Serialize;

use reprise_base::config::{
    RunSpec,
    engine::{Device, EngineSpec},
};

use super::{
    FinishedRun, RunDir, RunFile, Store, StoreError,
    event::{Scores, score_values},
    record::{Record, RunId},
};

mod journal;
mod noise;
mod tensors;
mod text;
mod value;

pub use journal::JournalDifference;
pub use noise::{
    MeasuredNoise, NOISE_MULTIPLE, NoiseComparison, NoisyValue, StepScalars, TOLERANCE_MAX,
};
pub use tensors::TensorDifference;
pub use value::{TextDifference, ValueDifference};

/// How equal two runs are; the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffVerdict {
    BitEqual,
    /// The first steps differ by no more than measured noise.
    WithinNoise,
    Different,
}

/// Comparison of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunDiff {
    pub a: RunId,
    pub b: RunId,
    pub verdict: DiffVerdict,
    /// The first difference in each part that differs.
    pub differences: Vec<RunDifference>,
    /// All differences in parts that are ignored.
    pub circumstances: Vec<TextDifference>,
    /// The first steps compared with measured noise, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseComparison>,
}

impl RunDiff {
    /// Returns whether only measured noise can tell how equal the runs are: they have equal settings, but not equal
    /// bits.
    pub fn needs_noise(&self) -> bool {
        let has_other_settings = |it: &RunDifference| matches!(it, RunDifference::Spec(_));
        self.verdict == DiffVerdict::Different && !self.differences.iter().any(has_other_settings)
    }

    /// Compares the first steps with measured noise.
    ///
    /// # Errors
    /// If a journal cannot be read.
    pub fn judge(
        &mut self,
        a: &RunDir,
        b: &RunDir,
        noise: &MeasuredNoise,
    ) -> Result<(), StoreError> {
        let steps =
            |dir: &RunDir| Ok::<_, StoreError>(noise::steps(FinishedRun::open(dir)?.journal()?));
        let compared = noise::compare(&steps(a)?, &steps(b)?, noise);
        if compared.is_equal() {
            self.verdict = DiffVerdict::WithinNoise;
        }
        self.noise = Some(compared);
        Ok(())
    }
}

/// The first difference in one part of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunDifference {
    Spec(TextDifference),
    Outcome(TextDifference),
    Canary(TextDifference),
    FinalState(TextDifference),
    Journal(JournalDifference),
    /// The checkpoint that validation chose.
    Best(TextDifference),
    /// A validation score.
    Validation(ValueDifference),
    /// A test score.
    Test(ValueDifference),
    Tensors(TensorDifference),
}

/// Comparison of two stores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreDiff {
    /// The worst verdict of a run; different if a run is not finished in both stores.
    pub verdict: DiffVerdict,
    /// Runs that are finished in both.
    pub runs: Vec<RunDiff>,
    /// Runs that are finished only in the first store.
    pub only_in_a: Vec<RunId>,
    /// Runs that are finished only in the second store.
    pub only_in_b: Vec<RunId>,
    /// Runs that are finished in neither store.
    pub unfinished: Vec<RunId>,
}

/// Tensor files of a run that are compared.
const TENSOR_FILES: [RunFile; 4] =
    [RunFile::Final, RunFile::Best, RunFile::Average, RunFile::Rollouts];

/// Compares two finished runs, of one store or of two.
pub fn diff_runs(a: &RunDir, b: &RunDir) -> Result<RunDiff, StoreError> {
    let (a, b) = (FinishedRun::open(a)?, FinishedRun::open(b)?);
    let mut differences = diff_records(a.record(), b.record());
    differences.extend(journal::diff(&a, &b)?.map(RunDifference::Journal));
    for file in TENSOR_FILES {
        differences.extend(tensors::diff(file, &a, &b)?.map(RunDifference::Tensors));
    }
    let verdict =
        if differences.is_empty() { DiffVerdict::BitEqual } else { DiffVerdict::Different };
    let circumstances = circumstances(a.record(), b.record());
    let (a, b) = (a.into_record().run, b.into_record().run);
    Ok(RunDiff { a, b, verdict, differences, circumstances, noise: None })
}

/// Compares two stores run by run.
pub fn diff_stores(a: &Store, b: &Store) -> Result<StoreDiff, StoreError> {
    let mut ids = a.runs()?;
    ids.extend(b.runs()?);
    ids.sort();
    ids.dedup();
    let (mut runs, mut only_in_a, mut only_in_b, mut unfinished) = (vec![], vec![], vec![], vec![]);
    for id in ids {
        let (run_a, run_b) = (a.run(&id), b.run(&id));
        match (run_a.has(RunFile::Record)?, run_b.has(RunFile::Record)?) {
            (true, true) => runs.push(diff_runs(&run_a, &run_b)?),
            (true, false) => only_in_a.push(id),
            (false, true) => only_in_b.push(id),
            (false, false) => unfinished.push(id),
        }
    }
    // The device is part of an id, so the same run on another device has another one.
    let mut elsewhere = Vec::new();
    for id in &only_in_b {
        elsewhere.push((id.clone(), without_device(&b.run(id).read_record()?.spec)));
    }
    let mut unpaired = Vec::new();
    for id in only_in_a {
        let run_a = a.run(&id);
        let spec = without_device(&run_a.read_record()?.spec);
        if let Some(at) = elsewhere.iter().position(|(_, other)| *other == spec) {
            let (other, _) = elsewhere.remove(at);
            only_in_b.retain(|id| *id != other);
            runs.push(diff_runs(&run_a, &b.run(&other))?);
        } else {
            unpaired.push(id);
        }
    }
    let only_in_a = unpaired;
    let mut diff =
        StoreDiff { verdict: DiffVerdict::Different, runs, only_in_a, only_in_b, unfinished };
    diff.settle();
    Ok(diff)
}

impl StoreDiff {
    /// Sets the verdict from those of the runs.
    pub fn settle(&mut self) {
        let unpaired = [&self.only_in_a, &self.only_in_b, &self.unfinished];
        let paired = unpaired.iter().all(|ids| ids.is_empty());
        let worst = self.runs.iter().map(|run| run.verdict).max();
        self.verdict =
            if paired { worst.unwrap_or(DiffVerdict::BitEqual) } else { DiffVerdict::Different };
    }
}

/// Compares the parts of two records that were computed.
fn diff_records(a: &Record, b: &Record) -> Vec<RunDifference> {
    let none = || "none".to_owned();
    let text = |key: &str, a: String, b: String| {
        (a != b).then(|| TextDifference { key: key.to_owned(), a, b })
    };
    let canary = |record: &Record| record.canary.clone().unwrap_or_else(none);
    let best = |record: &Record| record.best.as_ref().map_or_else(none, value::json_text);
    let scores = |scores: &Option<Scores>| scores.as_ref().map(score_values).unwrap_or_default();
    let found = [
        value::text_differences("", &without_engine(&a.spec), &without_engine(&b.spec))
            .into_iter()
            .next()
            .map(RunDifference::Spec),
        text("outcome", value::json_text(&a.outcome), value::json_text(&b.outcome))
            .map(RunDifference::Outcome),
        text("canary", canary(a), canary(b)).map(RunDifference::Canary),
        text("final_state", a.final_state.clone(), b.final_state.clone())
            .map(RunDifference::FinalState),
        text("best", best(a), best(b)).map(RunDifference::Best),
        value::first_difference(&scores(&a.validation), &scores(&b.validation))
            .map(RunDifference::Validation),
        value::first_difference(&scores(&a.test), &scores(&b.test)).map(RunDifference::Test),
    ];
    found.into_iter().flatten().collect()
}

/// Returns the settings of a run on any device.
fn without_device(spec: &RunSpec) -> RunSpec {
    let devices = vec![Device::Auto; spec.engine.devices.len()];
    let engine = EngineSpec { device: Device::Auto, devices, ..spec.engine.clone() };
    RunSpec { engine, ..spec.clone() }
}

/// Returns the settings of a run that do not only change how it is computed.
fn without_engine(spec: &RunSpec) -> RunSpec {
    RunSpec { engine: EngineSpec::default(), ..spec.clone() }
}

/// Lists the differences in the ignored parts of two records.
fn circumstances(a: &Record, b: &Record) -> Vec<TextDifference> {
    let mut found = value::text_differences("data", &a.data, &b.data);
    found.extend(value::text_differences("engine", &a.engine, &b.engine));
    found.extend(value::text_differences("code", &a.code, &b.code));
    found.extend(value::text_differences("host", &a.host, &b.host));
    found.extend(value::text_differences("timing", &a.timing, &b.timing));
    found
}

#[cfg(test)]
mod tests;
