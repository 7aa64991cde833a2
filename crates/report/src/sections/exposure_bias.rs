//! Exposure bias (Ranzato et al. 2016, arXiv:1511.06732): how much better a model predicts from true frames than from
//! its own predictions.

use crate::{
    document::{Column, PageBlock, PageTable, Row},
    input::ReportRun,
    number::{decimals, signed},
    paired::{by_seed, confidence, interval},
    protocols::ProtocolResults,
    reported::ReportedMetric,
    sweep_results::{ArmResults, MODEL, SweepResults},
};
use reprise_base::config::protocol::{Protocol, RolloutFeedback, RolloutProtocol};
use reprise_data::Split;

/// Returns the table for a teacher-forced protocol whose free-running twin was measured, too. The twin is another
/// evaluation, or the test at the end of the training.
pub(super) fn table(
    results: &SweepResults<'_>,
    evaluated: &ProtocolResults<'_>,
    arms: &[&ArmResults<'_>],
    metrics: &[&ReportedMetric],
) -> Option<PageBlock> {
    let rollout = evaluated.protocol.rollout?;
    if rollout.feedback != RolloutFeedback::TeacherForced {
        return None;
    }
    let free = RolloutProtocol { feedback: RolloutFeedback::FreeRunning, ..rollout };
    let free = Protocol { rollout: Some(free), ..evaluated.protocol };
    let data = &evaluated.data.pack_sha256;
    let twin = results
        .protocols
        .iter()
        .find(|other| other.protocol.alike(&free) && other.data.pack_sha256 == *data);
    let is_tested_alike = |run: &&ReportRun| {
        run.completed().is_some_and(|record| {
            Protocol::own(&record.spec, Split::Test).alike(&free)
                && record.data.pack_sha256 == *data
        })
    };
    let mut rows = Vec::new();
    for arm in arms {
        for metric in metrics {
            let free_running = match twin {
                Some(twin) => twin.by_seed(arm.label, MODEL, metric),
                None if arm.runs.iter().all(is_tested_alike) => {
                    results.by_seed(arm, MODEL, Split::Test, metric)
                }
                None => continue,
            };
            let forced = evaluated.by_seed(arm.label, MODEL, metric);
            let Some(bias) = by_seed(&forced, &free_running) else { continue };
            let places = decimals(evaluated.summaries(metric).map(|summary| summary.mean)).max(3);
            rows.push(Row::new(vec![
                arm.label.into(),
                metric.heading().into(),
                bias.n.to_string().into(),
                signed(bias.mean, places).into(),
                interval(&bias, places).into(),
            ]));
        }
    }
    if rows.is_empty() {
        return None;
    }
    let columns = vec![
        Column::words("Arm"),
        Column::words("Metric"),
        Column::numbers("Seeds"),
        Column::numbers("Mean"),
        Column::numbers(format!("{} interval over seeds", confidence())),
    ];
    let caption =
        "Exposure bias: score with true frames as inputs minus score with predicted ones.";
    let table = PageTable { caption: caption.into(), columns, rows };
    Some(PageBlock::Table(table.without_empty_columns()))
}
