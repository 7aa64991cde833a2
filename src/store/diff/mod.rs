//! Comparison of two finished runs, bit by bit.
//!
//! What a run computed is compared: specification, outcome, canary, final state, journal, scores and
//! stored tensors, each with its first difference. Where and when it was computed (code, host, data
//! and engine descriptions, timing) is listed but never counts: equal numbers from different
//! machines are the point of the exercise. Start from [`diff_runs`] and [`diff_stores`].

use serde::Serialize;

use super::{
    RunDir, RunFile, Store, StoreError,
    event::{Scores, score_values},
    record::{Record, RunId},
};

mod journal;
mod tensors;
mod text;
mod value;

pub use journal::JournalDifference;
pub use tensors::TensorDifference;
pub use value::{TextDifference, ValueDifference};

/// Whether two runs computed the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every compared bit is equal.
    BitEqual,
    /// Something differs.
    Different,
}

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunDiff {
    /// The first run.
    pub a: RunId,
    /// The second run.
    pub b: RunId,
    /// What `differences` amounts to.
    pub verdict: Verdict,
    /// The first difference of each part that differs.
    pub differences: Vec<Difference>,
    /// Everything that differs in parts that do not count.
    pub circumstances: Vec<TextDifference>,
}

/// The first difference in one part of two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// A key of the specification.
    Spec(TextDifference),
    /// How the runs ended.
    Outcome(TextDifference),
    /// The hash of the state after two steps.
    Canary(TextDifference),
    /// The hash of the state after the last step.
    FinalState(TextDifference),
    /// A line of the journal.
    Journal(JournalDifference),
    /// The checkpoint that validation chose.
    Best(TextDifference),
    /// A validation score.
    Validation(ValueDifference),
    /// A test score.
    Test(ValueDifference),
    /// A tensor of a stored file.
    Tensors(TensorDifference),
}

/// Two stores side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreDiff {
    /// Bit-equal if every run is in both stores, finished and bit-equal.
    pub verdict: Verdict,
    /// Runs that are finished in both.
    pub runs: Vec<RunDiff>,
    /// Runs that only the first store has finished.
    pub only_in_a: Vec<RunId>,
    /// Runs that only the second store has finished.
    pub only_in_b: Vec<RunId>,
    /// Runs that neither store has finished.
    pub unfinished: Vec<RunId>,
}

/// Tensor files of a run that are compared.
const TENSOR_FILES: [RunFile; 3] = [RunFile::Final, RunFile::Best, RunFile::Rollouts];

/// Compares two finished runs, of one store or of two.
pub fn diff_runs(a: &RunDir, b: &RunDir) -> Result<RunDiff, StoreError> {
    let (record_a, record_b) = (a.read_record()?, b.read_record()?);
    let mut differences = diff_records(&record_a, &record_b);
    let journals = (a.path(RunFile::Journal), b.path(RunFile::Journal));
    differences.extend(journal::diff(&journals.0, &journals.1)?.map(Difference::Journal));
    for file in TENSOR_FILES {
        differences.extend(tensors::diff(file, a, b)?.map(Difference::Tensors));
    }
    let verdict = if differences.is_empty() { Verdict::BitEqual } else { Verdict::Different };
    let circumstances = circumstances(&record_a, &record_b);
    Ok(RunDiff { a: record_a.run, b: record_b.run, verdict, differences, circumstances })
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
    let paired = [&only_in_a, &only_in_b, &unfinished].iter().all(|ids| ids.is_empty());
    let equal = paired && runs.iter().all(|run| run.verdict == Verdict::BitEqual);
    let verdict = if equal { Verdict::BitEqual } else { Verdict::Different };
    Ok(StoreDiff { verdict, runs, only_in_a, only_in_b, unfinished })
}

/// Compares the parts of two records that say what was computed.
fn diff_records(a: &Record, b: &Record) -> Vec<Difference> {
    let none = || "none".to_owned();
    let text = |key: &str, a: String, b: String| {
        (a != b).then(|| TextDifference { key: key.to_owned(), a, b })
    };
    let canary = |record: &Record| record.canary.clone().unwrap_or_else(none);
    let best = |record: &Record| record.best.as_ref().map_or_else(none, value::json_text);
    let scores = |scores: &Option<Scores>| scores.as_ref().map(score_values).unwrap_or_default();
    let found = [
        value::text_differences("", &a.spec, &b.spec).into_iter().next().map(Difference::Spec),
        text("outcome", value::json_text(&a.outcome), value::json_text(&b.outcome))
            .map(Difference::Outcome),
        text("canary", canary(a), canary(b)).map(Difference::Canary),
        text("final_state", a.final_state.clone(), b.final_state.clone())
            .map(Difference::FinalState),
        text("best", best(a), best(b)).map(Difference::Best),
        value::first_difference(&scores(&a.validation), &scores(&b.validation))
            .map(Difference::Validation),
        value::first_difference(&scores(&a.test), &scores(&b.test)).map(Difference::Test),
    ];
    found.into_iter().flatten().collect()
}

/// Lists what differs in the parts of two records that do not count.
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
