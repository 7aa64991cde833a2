//! Evaluations that differ in one thing only, compared seed by seed.
//!
//! Exposure bias (Ranzato et al. 2016, arXiv:1511.06732) is how much better a model predicts from true frames than
//! from its own predictions. How much better it predicts with its posterior than with its prior shows what the prior
//! cannot know or has not learned (Denton & Fergus 2018, arXiv:1802.07687, section 3).

use super::futures::{self, LabelledPredictions};
use crate::{
    document::{Column, Figure, PageBlock, PageTable, Row},
    error::ReportError,
    number::{decimals, signed},
    paired::{by_seed, confidence, interval},
    palette::{self, MUTED},
    protocols::ProtocolResults,
    reported::ReportedMetric,
    sweep_results::{ArmResults, MODEL, SweepResults},
    twin::Twin,
};
use reprise_base::{
    config::protocol::{Latent, RolloutFeedback, RolloutProtocol},
    scalar::Count,
};

/// Returns the tables of the protocol minus its twins.
pub(super) fn tables(
    results: &SweepResults<'_>,
    evaluated: &ProtocolResults<'_>,
    arms: &[&ArmResults<'_>],
    metrics: &[&ReportedMetric],
) -> Vec<PageBlock> {
    let Some(rollout) = evaluated.protocol.rollout else { return Vec::new() };
    let compared = [
        (
            rollout.feedback == RolloutFeedback::TeacherForced,
            "Exposure bias: score with true frames as inputs minus score with predicted ones.",
            RolloutProtocol { feedback: RolloutFeedback::FreeRunning, ..rollout },
        ),
        (
            rollout.latent == Some(Latent::Posterior),
            "Score with the posterior minus score with the prior: what the latent variable adds.",
            RolloutProtocol { latent: Some(Latent::Prior), ..rollout },
        ),
    ];
    compared
        .into_iter()
        .filter(|(applies, ..)| *applies)
        .filter_map(|(_, caption, rollout)| {
            let twin = Twin::of(results, evaluated, rollout);
            table(caption, evaluated, &twin, arms, metrics)
        })
        .collect()
}

fn table(
    caption: &str,
    evaluated: &ProtocolResults<'_>,
    twin: &Twin<'_>,
    arms: &[&ArmResults<'_>],
    metrics: &[&ReportedMetric],
) -> Option<PageBlock> {
    let mut rows = Vec::new();
    for arm in arms {
        for metric in metrics {
            let own = evaluated.by_seed(arm.label, MODEL, metric);
            let Some(difference) = by_seed(&own, &twin.by_seed(arm, metric)) else { continue };
            let places = decimals(evaluated.summaries(metric).map(|summary| summary.mean)).max(3);
            rows.push(Row::new(vec![
                arm.label.into(),
                metric.heading().into(),
                difference.n.to_string().into(),
                signed(difference.mean, places).into(),
                interval(&difference, places).into(),
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
    let table = PageTable { caption: caption.into(), columns, rows };
    Some(PageBlock::Table(table.without_empty_columns()))
}

/// Draws the first sequence for every arm: the truth, the posterior's predictions and those of the prior, whose number
/// of samples may differ.
pub(super) fn figures<'a>(
    results: &'a SweepResults<'a>,
    evaluated: &'a ProtocolResults<'a>,
    arms: &[&ArmResults<'a>],
) -> Result<Vec<Figure>, ReportError> {
    let Some(rollout) = evaluated.protocol.rollout else { return Ok(Vec::new()) };
    if rollout.latent != Some(Latent::Posterior) {
        return Ok(Vec::new());
    }
    let others = results.protocols.iter().filter_map(|other| other.protocol.rollout);
    let samples = others.map(|other| other.samples).chain([rollout.samples, Count::literal(1)]);
    let twins: Vec<(Count, Twin<'_>)> = samples
        .map(|samples| {
            let rollout = RolloutProtocol { latent: Some(Latent::Prior), samples, ..rollout };
            (samples, Twin::of(results, evaluated, rollout))
        })
        .collect();
    let mut figures = Vec::new();
    for arm in arms {
        let prior = twins.iter().find_map(|(count, twin)| Some((count, twin.pictured(arm)?)));
        let (Some(posterior), Some((count, prior))) = (evaluated.pictured(arm.label), prior) else {
            continue;
        };
        let of = |label: &str, ink, samples, count: Count| LabelledPredictions {
            label: label.to_owned(),
            ink,
            samples,
            count: count.len(),
        };
        let rows = [
            of("posterior", MUTED, posterior, rollout.samples),
            of("prior", palette::arm(arm.position), prior, *count),
        ];
        let what = format!("{}, posterior and prior", arm.label);
        figures.extend(futures::figure(&evaluated.slug, 0, &rows, &what)?);
    }
    Ok(figures)
}
