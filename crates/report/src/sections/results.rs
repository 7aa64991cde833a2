//! The table of scores: a row per arm and baseline, a column per metric.

use std::collections::BTreeMap;

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row, RowKind},
    number::{ABSENT, fixed, with_spread},
    reported::ReportedMetric,
    sweep_results::{ArmResults, MODEL, SweepResults, UPPER_BOUND},
    words::{direction, in_words, sentence, split_name},
};
use reprise_data::Split;

/// A column of scores.
struct Scored<'a> {
    split: Split,
    metric: &'a ReportedMetric,
    decimals: usize,
}

/// Returns the section.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let columns = columns(results);
    let mut lines = Vec::new();
    for arm in &results.arms {
        lines.push(line(results, arm, MODEL, &columns));
    }
    for baseline in &results.baselines {
        lines.extend(baseline_lines(results, baseline, &columns));
    }
    let best: Vec<Option<f64>> = (0..columns.len())
        .map(|column| {
            let higher = columns[column].metric.definition.higher_is_better;
            let candidates = lines.iter().filter(|line| line.kind != RowKind::UpperBound);
            let means = candidates.filter_map(|line| line.scores[column].mean);
            if higher { means.max_by(f64::total_cmp) } else { means.min_by(f64::total_cmp) }
        })
        .collect();

    let mut heads = vec![Column::words("Arm"), Column::words("Completed")];
    heads.extend(columns.iter().map(|column| {
        let split = split_name(column.split);
        Column::numbers(format!("{split} {}", column.metric.heading()))
    }));
    let rows = lines.into_iter().map(|line| {
        let mut cells = vec![RichText::from(line.label), RichText::from(line.completed)];
        cells.extend(line.scores.into_iter().zip(&best).map(|(score, best)| {
            if score.mean.is_some() && score.mean == *best {
                RichText::default().strong(score.text)
            } else {
                RichText::from(score.text)
            }
        }));
        Row { kind: line.kind, cells }
    });
    let mut blocks = vec![
        PageBlock::Heading("Results".to_owned()),
        PageBlock::Table(PageTable {
            caption: "Scores of the checkpoint with the best validation score: mean \u{b1} sample \
                      standard deviation over seeds."
                .into(),
            columns: heads,
            rows: rows.collect(),
        }),
        PageBlock::Note(note(results).into()),
    ];
    // Records define all metrics; only the scored ones are explained.
    let scored = |metric: &&ReportedMetric| columns.iter().any(|column| column.metric == *metric);
    let definitions: Vec<RichText> =
        results.metrics.iter().filter(scored).map(definition).collect();
    if !definitions.is_empty() {
        blocks.push(PageBlock::List(definitions));
    }
    blocks
}

/// Explains the table.
fn note(results: &SweepResults<'_>) -> String {
    let baselines = if results.baselines.is_empty() { "" } else { ", including baselines" };
    let bound = if results.baselines.iter().any(|name| name == UPPER_BOUND) {
        ", excluding real videos, which are an upper bound"
    } else {
        ""
    };
    format!(
        "Bold: best mean of the column{baselines}{bound}. Each score is the mean over all completed runs \
         of its arm; a score over fewer runs states their number n."
    )
}

/// Returns the columns: every metric on test, and the metric that chose the checkpoint on validation.
fn columns<'a>(results: &'a SweepResults<'_>) -> Vec<Scored<'a>> {
    let scored = |split: Split, metric: &'a ReportedMetric| {
        let decimals = results.decimals(split, metric);
        results.is_scored(split, metric).then_some(Scored { split, metric, decimals })
    };
    let test = results.metrics.iter().filter_map(|metric| scored(Split::Test, metric));
    let validation = results.choosing().and_then(|metric| scored(Split::Validate, metric));
    test.chain(validation).collect()
}

/// A row before the best of each column is known.
struct ScoreLine {
    kind: RowKind,
    label: String,
    completed: String,
    scores: Vec<Cell>,
}

struct Cell {
    mean: Option<f64>,
    text: String,
}

fn line(
    results: &SweepResults<'_>,
    arm: &ArmResults<'_>,
    predictor: &str,
    columns: &[Scored<'_>],
) -> ScoreLine {
    let scores = columns.iter().map(|column| {
        let Some(summary) = results.summary(arm, predictor, column.split, column.metric) else {
            return Cell { mean: None, text: ABSENT.to_owned() };
        };
        let score = with_spread(summary, column.decimals);
        let n = if summary.n == arm.completed() {
            String::new()
        } else {
            format!(" (n = {})", summary.n)
        };
        Cell { mean: Some(summary.mean), text: format!("{score}{n}") }
    });
    ScoreLine {
        kind: RowKind::Ordinary,
        label: arm.label.to_owned(),
        completed: completed(arm),
        scores: scores.collect(),
    }
}

/// Counts the runs of an arm by outcome.
fn completed(arm: &ArmResults<'_>) -> String {
    let mut parts = vec![format!("{} of {}", arm.completed(), arm.runs.len())];
    for (count, what) in [(arm.diverged(), "diverged"), (arm.unfinished(), "unfinished")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

/// Scores by seed.
type BySeed = BTreeMap<u64, f64>;

/// Returns the rows of a baseline. Arms in which it has the same scores for all seeds share a row.
fn baseline_lines(
    results: &SweepResults<'_>,
    baseline: &str,
    columns: &[Scored<'_>],
) -> Vec<ScoreLine> {
    let kind = if baseline == UPPER_BOUND { RowKind::UpperBound } else { RowKind::Baseline };
    let scores = |arm: &ArmResults<'_>| -> Vec<BySeed> {
        let of = |it: &Scored<'_>| results.by_seed(arm, baseline, it.split, it.metric);
        columns.iter().map(of).collect()
    };
    let mut groups: Vec<(Vec<&ArmResults<'_>>, Vec<BySeed>)> = Vec::new();
    for arm in results.arms.iter().filter(|arm| arm.completed() > 0) {
        let scores = scores(arm);
        match groups.iter_mut().find(|(_, known)| *known == scores) {
            Some((arms, _)) => arms.push(arm),
            None => groups.push((vec![arm], scores)),
        }
    }
    let is_common = groups.len() == 1;
    let row = |(arms, scores): (Vec<&ArmResults<'_>>, Vec<BySeed>)| {
        let labels: Vec<&str> = arms.iter().map(|arm| arm.label).collect();
        let of_arms =
            if is_common { String::new() } else { format!(" (for {})", labels.join("; ")) };
        let label = format!("baseline: {}{of_arms}", in_words(baseline));
        let line = line(results, arms[0], baseline, columns);
        let is_constant = scores.iter().all(|it| {
            it.values().zip(it.values().skip(1)).all(|(one, next)| one.to_bits() == next.to_bits())
        });
        if !is_constant {
            return ScoreLine { kind, label, ..line };
        }
        // A score that is the same for all seeds has no spread.
        let cell = |(cell, column): (Cell, &Scored<'_>)| match cell.mean {
            Some(mean) => Cell { text: fixed(mean, column.decimals), ..cell },
            None => cell,
        };
        let scores = line.scores.into_iter().zip(columns).map(cell).collect();
        ScoreLine { kind, label, completed: ABSENT.to_owned(), scores }
    };
    groups.into_iter().map(row).collect()
}

fn definition(metric: &ReportedMetric) -> RichText {
    RichText::default().strong(metric.heading()).recorded(&format!(
        ", {} is better: {} Source: {}",
        direction(metric),
        sentence(&metric.definition.definition),
        sentence(&metric.definition.source),
    ))
}
