//! The metrics of a report: names under one definition.

use std::collections::BTreeMap;

use super::input::ReportRun;
use reprise_base::vocabulary::MetricName;
use reprise_store::store::{
    event::{Score, Scores},
    record::MetricDefinition,
};

/// A metric under one definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportedMetric {
    /// Its name, with `#2` and so on where records define one name differently.
    pub(super) key: String,
    /// Its name in the records.
    pub(super) name: String,
    pub(super) definition: MetricDefinition,
}

impl ReportedMetric {
    /// Returns the name without the digest of a feature network.
    pub(super) fn base_name(&self) -> &str {
        MetricName::without_network(&self.name)
    }

    /// Returns the label with its unit, e.g. `PSNR (dB)`.
    pub(super) fn heading(&self) -> String {
        labelled(&self.label(), &self.definition.unit)
    }

    /// Returns the label, numbered where records define one name differently.
    pub(super) fn label(&self) -> String {
        match self.key.split_once('#') {
            Some((_, variant)) => format!("{} (definition {variant})", self.definition.label),
            None => self.definition.label.clone(),
        }
    }
}

/// Returns a label with its unit in brackets.
pub(super) fn labelled(label: &str, unit: &str) -> String {
    if unit.is_empty() { label.to_owned() } else { format!("{label} ({unit})") }
}

/// Lists the metrics of all records; a name that records define differently gives several metrics.
pub(super) fn metrics(runs: &[ReportRun]) -> Vec<ReportedMetric> {
    let mut definitions: BTreeMap<&str, Vec<&MetricDefinition>> = BTreeMap::new();
    let of_runs = runs.iter().filter_map(ReportRun::record).map(|record| &record.metrics);
    let evaluations = runs.iter().flat_map(|run| &run.evaluations);
    for metrics in of_runs.chain(evaluations.map(|evaluation| &evaluation.record.metrics)) {
        for (name, definition) in metrics {
            let known = definitions.entry(name).or_default();
            if !known.contains(&definition) {
                known.push(definition);
            }
        }
    }
    let mut metrics: Vec<ReportedMetric> = definitions
        .into_iter()
        .flat_map(|(name, known)| {
            known.into_iter().enumerate().map(move |(variant, definition)| ReportedMetric {
                key: if variant == 0 { name.to_owned() } else { format!("{name}#{}", variant + 1) },
                name: name.to_owned(),
                definition: definition.clone(),
            })
        })
        .collect();
    metrics.sort_by_key(|metric| MetricName::rank_in_records(&metric.name));
    metrics
}

/// Lists predictor, metric and score of `scores`.
pub(super) fn flatten(scores: &Scores) -> impl Iterator<Item = (&str, &str, &Score)> {
    scores.iter().flat_map(|(predictor, metrics)| {
        metrics.iter().map(move |(metric, score)| (predictor.as_str(), metric.as_str(), score))
    })
}
