//! Verdicts on claims.
//!
//! A claim is confirmed where the interval of its quantity lies wholly inside the region that the claim names, refuted
//! where it lies wholly outside, and otherwise left open. Intervals are Student's, paired by seed, each at
//! `1 − FAMILY_ERROR / m` for m comparisons in the sweep (Bonferroni), so that all of them cover at once. docs/claims.md
//! gives the reasons. Start from [`judge`].

use serde_json::Value;

use super::input::{ReportInput, ReportRun};
pub use judged::{DifferingSetting, FirstTest, JudgedClaim, RegionComparison, Verdict};
use reprise_base::{
    config::claim::{Claim, ClaimTest},
    stats::{student, summary::summarize},
};
use reprise_store::store::manifest::{ClaimEntry, RegisteredClaim};
use values::MeasuredValues;

mod judged;
mod values;
mod words;

#[cfg(test)]
mod tests;

/// Probability that any verdict of a sweep is wrong, at most.
pub const FAMILY_ERROR: f64 = 0.05;

/// Judges the claims of a sweep.
pub fn judge(input: &ReportInput) -> Vec<JudgedClaim> {
    let claims = &input.manifest.claims;
    let comparisons = claims.iter().map(|it| it.claim.test.comparisons()).sum::<usize>();
    let confidence = confidence(comparisons);
    claims.iter().map(|claim| judge_one(input, claim, confidence)).collect()
}

/// Returns the level of each interval in a sweep with this many comparisons.
pub(crate) fn confidence(comparisons: usize) -> f64 {
    1.0 - FAMILY_ERROR / comparisons.max(1) as f64
}

fn judge_one(input: &ReportInput, registered: &RegisteredClaim, confidence: f64) -> JudgedClaim {
    let RegisteredClaim { claim, entered, first_test } = registered;
    let Claim { id, says, source, test, settings: _ } = claim;
    let differing = differing(input, claim);
    let (verdict, comparisons, reason) = verdict(input, test, &differing, confidence);
    let first = first_test.as_ref().map(|test| FirstTest {
        tested: words::test(test),
        verdict: self::verdict(input, test, &differing, confidence).0,
    });
    JudgedClaim {
        id: id.clone(),
        says: says.clone(),
        source: source.clone(),
        tested: words::test(test),
        verdict,
        comparisons,
        differing,
        reason,
        entered_after_runs: *entered == ClaimEntry::AfterRuns,
        first,
    }
}

/// Returns the verdict on a test with its comparisons, and why there is none.
fn verdict(
    input: &ReportInput,
    test: &ClaimTest,
    differing: &[DifferingSetting],
    confidence: f64,
) -> (Verdict, Vec<RegionComparison>, Option<String>) {
    if let ClaimTest::NotRun(reason) = test {
        return (Verdict::NotRun, Vec::new(), Some(reason.clone()));
    }
    let measured = match values::measure(input, test) {
        Ok(measured) => measured,
        Err(reason) => return (Verdict::NotRun, Vec::new(), Some(reason)),
    };
    let comparisons: Vec<RegionComparison> =
        measured.iter().filter_map(|it| compare(it, confidence)).collect();
    if test.is_of_a_value() && !differing.is_empty() {
        return (Verdict::ProtocolDiffers, comparisons, None);
    }
    let has = |verdict| comparisons.iter().any(|comparison| comparison.verdict == verdict);
    let verdict = if has(Verdict::Refuted) {
        Verdict::Refuted
    } else if has(Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Confirmed
    };
    (verdict, comparisons, None)
}

/// Compares the values of the seeds with a region.
fn compare(measured: &MeasuredValues, confidence: f64) -> Option<RegionComparison> {
    let MeasuredValues { values, region: [low, high], scale, is_exact } = measured;
    let summary = summarize(values)?;
    let interval = if *is_exact && summary.standard_deviation.is_none_or(|spread| spread == 0.0) {
        Some([summary.mean; 2])
    } else {
        student::interval(&summary, confidence)
    };
    let verdict = match interval {
        Some([from, to]) if from > *low && to < *high => Verdict::Confirmed,
        Some([from, to]) if to <= *low || from >= *high => Verdict::Refuted,
        _ => Verdict::Inconclusive,
    };
    let distance = |end: &&f64| (summary.mean - **end).abs();
    let ends = [low, high].into_iter().filter(|end| end.is_finite());
    let nearest = ends.min_by(|left, right| distance(left).total_cmp(&distance(right)));
    Some(RegionComparison {
        n: summary.n,
        mean: scale.shown(summary.mean),
        interval: interval.map(|ends| ends.map(|end| scale.shown(end))),
        smallest_detectable: student::smallest_detectable(&summary, confidence)
            .map(|difference| scale.shown_difference(difference)),
        seeds_needed: nearest.and_then(|&end| student::needed(&summary, end, confidence)),
        verdict,
    })
}

/// Returns the settings of the source that the tested arms do not have.
fn differing(input: &ReportInput, claim: &Claim) -> Vec<DifferingSetting> {
    let mut found: Vec<DifferingSetting> = Vec::new();
    for arm in claim.test.arms() {
        let of_arm = |run: &&ReportRun| run.entry.arm == arm;
        let mut records = input.runs.iter().filter(of_arm).filter_map(ReportRun::record);
        let Some(record) = records.next() else { continue };
        let spec = serde_json::to_value(&record.spec).expect("a specification has a JSON form");
        for (key, source) in &claim.settings {
            let path = format!("/{}", key.replace('.', "/"));
            let ours = spec.pointer(&path).unwrap_or(&Value::Null);
            let setting = DifferingSetting {
                key: key.clone(),
                source: words::setting(source),
                runs: words::setting(ours),
            };
            if setting.source != setting.runs && !found.contains(&setting) {
                found.push(setting);
            }
        }
    }
    found
}
