//! The table of arms × metrics, with the baselines beside them.

use std::collections::BTreeMap;

use super::{findings::direction, in_words, split_name};
use crate::{
    data::Split,
    report::{
        document::{Block, Column, Row, RowKind, Table, Text},
        number::{ABSENT, fixed},
        study::{Arm, BOUND, MODEL, Metric, Study},
    },
};

/// A column of scores.
struct Scored<'a> {
    split: Split,
    metric: &'a Metric,
    decimals: usize,
}

/// Returns the section.
pub(super) fn blocks(study: &Study<'_>) -> Vec<Block> {
    let columns = columns(study);
    let mut lines = Vec::new();
    for arm in &study.arms {
        lines.push(line(study, arm, MODEL, &columns));
    }
    for baseline in &study.baselines {
        lines.extend(baseline_lines(study, baseline, &columns));
    }
    let best: Vec<Option<f64>> = (0..columns.len())
        .map(|column| {
            let higher = columns[column].metric.definition.higher_is_better;
            let candidates = lines.iter().filter(|line| line.kind != RowKind::Bound);
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
        let mut cells = vec![Text::from(line.label), Text::from(line.completed)];
        cells.extend(line.scores.into_iter().zip(&best).map(|(score, best)| {
            if score.mean.is_some() && score.mean == *best {
                Text::default().strong(score.text)
            } else {
                Text::from(score.text)
            }
        }));
        Row { kind: line.kind, cells }
    });
    let mut blocks = vec![
        Block::Heading("Results".to_owned()),
        Block::Table(Table {
            caption: "Scores of the checkpoint chosen on validation: mean \u{b1} sample standard \
                      deviation over seeds."
                .into(),
            columns: heads,
            rows: rows.collect(),
        }),
        Block::Note(note(study).into()),
    ];
    // Records define every metric there is; what the system does not score needs no explanation.
    let scored = |metric: &&Metric| columns.iter().any(|column| column.metric == *metric);
    let definitions: Vec<Text> = study.metrics.iter().filter(scored).map(definition).collect();
    if !definitions.is_empty() {
        blocks.push(Block::List(definitions));
    }
    blocks
}

/// Says how the table is read.
fn note(study: &Study<'_>) -> String {
    let baselines = if study.baselines.is_empty() { "" } else { ", baselines included" };
    let bound = if study.baselines.iter().any(|name| name == BOUND) {
        "; real videos are no competitor, they show what a perfect generator would score"
    } else {
        ""
    };
    format!(
        "Bold: best mean of the column{baselines}{bound}. The number of completed runs is n of the \
         row; a cell with another n says so."
    )
}

/// Chooses the columns: every metric on test, and on validation the one that chose the checkpoint.
fn columns<'a>(study: &'a Study<'_>) -> Vec<Scored<'a>> {
    let scored = |split: Split, metric: &'a Metric| {
        let decimals = study.decimals(split, metric);
        study.is_scored(split, metric).then_some(Scored { split, metric, decimals })
    };
    let test = study.metrics.iter().filter_map(|metric| scored(Split::Test, metric));
    let validation = study.choosing().and_then(|metric| scored(Split::Validate, metric));
    test.chain(validation).collect()
}

/// A row before the best of each column is known.
struct Line {
    kind: RowKind,
    label: String,
    completed: String,
    scores: Vec<Cell>,
}

struct Cell {
    mean: Option<f64>,
    text: String,
}

fn line(study: &Study<'_>, arm: &Arm<'_>, predictor: &str, columns: &[Scored<'_>]) -> Line {
    let scores = columns.iter().map(|column| {
        let Some(summary) = study.summary(arm, predictor, column.split, column.metric) else {
            return Cell { mean: None, text: ABSENT.to_owned() };
        };
        let mean = fixed(summary.mean, column.decimals);
        let spread = summary
            .std
            .map_or_else(String::new, |std| format!(" \u{b1} {}", fixed(std, column.decimals)));
        let n = if summary.n == arm.completed() {
            String::new()
        } else {
            format!(" (n = {})", summary.n)
        };
        Cell { mean: Some(summary.mean), text: format!("{mean}{spread}{n}") }
    });
    Line {
        kind: RowKind::Ordinary,
        label: arm.label.to_owned(),
        completed: completed(arm),
        scores: scores.collect(),
    }
}

/// Says how many runs of an arm completed and what became of the others.
fn completed(arm: &Arm<'_>) -> String {
    let mut parts = vec![format!("{} of {}", arm.completed(), arm.runs.len())];
    for (count, what) in [(arm.diverged(), "diverged"), (arm.unfinished(), "unfinished")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

/// Scores by seed.
type BySeed = BTreeMap<u32, f64>;

/// Returns the rows of a baseline, one for all arms that give it the same score with every seed.
fn baseline_lines(study: &Study<'_>, baseline: &str, columns: &[Scored<'_>]) -> Vec<Line> {
    let kind = if baseline == BOUND { RowKind::Bound } else { RowKind::Reference };
    let scores = |arm: &Arm<'_>| -> Vec<BySeed> {
        let of = |it: &Scored<'_>| study.by_seed(arm, baseline, it.split, it.metric);
        columns.iter().map(of).collect()
    };
    let mut groups: Vec<(Vec<&Arm<'_>>, Vec<BySeed>)> = Vec::new();
    for arm in study.arms.iter().filter(|arm| arm.completed() > 0) {
        let scores = scores(arm);
        match groups.iter_mut().find(|(_, known)| *known == scores) {
            Some((arms, _)) => arms.push(arm),
            None => groups.push((vec![arm], scores)),
        }
    }
    let is_common = groups.len() == 1;
    let row = |(arms, scores): (Vec<&Arm<'_>>, Vec<BySeed>)| {
        let labels: Vec<&str> = arms.iter().map(|arm| arm.label).collect();
        let of_arms =
            if is_common { String::new() } else { format!(" (for {})", labels.join("; ")) };
        let label = format!("baseline: {}{of_arms}", in_words(baseline));
        let line = line(study, arms[0], baseline, columns);
        let is_constant = scores.iter().all(|it| {
            it.values().zip(it.values().skip(1)).all(|(one, next)| one.to_bits() == next.to_bits())
        });
        if !is_constant {
            return Line { kind, label, ..line };
        }
        // What no seed changes has no spread and no number of runs.
        let cell = |(cell, column): (Cell, &Scored<'_>)| match cell.mean {
            Some(mean) => Cell { text: fixed(mean, column.decimals), ..cell },
            None => cell,
        };
        let scores = line.scores.into_iter().zip(columns).map(cell).collect();
        Line { kind, label, completed: ABSENT.to_owned(), scores }
    };
    groups.into_iter().map(row).collect()
}

/// Returns a text with a capital at its start; symbols such as β and names from code stay as they are.
pub(super) fn capitalized(text: &str) -> String {
    if text.split_whitespace().next().is_some_and(|word| word.contains('_')) {
        return text.to_owned();
    }
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        std::iter::once(first.to_ascii_uppercase()).chain(characters).collect()
    })
}

fn definition(metric: &Metric) -> Text {
    Text::default().strong(metric.heading()).recorded(&format!(
        ", {} is better: {} Source: {}",
        direction(metric),
        sentence(&metric.definition.definition),
        sentence(&metric.definition.source),
    ))
}

/// Makes a sentence of a fragment: a capital at the start, a full stop at the end.
pub(super) fn sentence(text: &str) -> String {
    let text = capitalized(text.trim());
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
