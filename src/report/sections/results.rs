//! The table of arms × metrics, with the baselines beside them.

use super::in_words;
use crate::{
    data::Split,
    report::{
        document::{Block, Column, Row, RowKind, Table, Text},
        number::{ABSENT, fixed},
        study::{Arm, MODEL, Metric, Study},
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
            let means = lines.iter().filter_map(|line| line.scores[column].mean);
            if higher { means.max_by(f64::total_cmp) } else { means.min_by(f64::total_cmp) }
        })
        .collect();

    let mut heads = vec![Column::words("Arm"), Column::words("Completed")];
    heads.extend(columns.iter().map(|column| {
        let split = match column.split {
            Split::Train => "Train",
            Split::Validate => "Validation",
            Split::Test => "Test",
        };
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
        Block::Note(
            "Bold: best mean of the column, baselines included. The number of completed runs is n \
             of the row; a cell with another n says so."
                .into(),
        ),
    ];
    // Records define every metric there is; what the system does not score needs no explanation.
    let scored = |metric: &&Metric| columns.iter().any(|column| column.metric == *metric);
    let definitions: Vec<Text> = study.metrics.iter().filter(scored).map(definition).collect();
    if !definitions.is_empty() {
        blocks.push(Block::List(definitions));
    }
    blocks
}

/// Chooses the columns: every metric on test, the first one also on validation.
fn columns<'a>(study: &'a Study<'_>) -> Vec<Scored<'a>> {
    let scored = |split: Split, metric: &'a Metric| {
        let decimals = study.decimals(split, metric);
        study.is_scored(split, metric).then_some(Scored { split, metric, decimals })
    };
    let test = study.metrics.iter().filter_map(|metric| scored(Split::Test, metric));
    let validation = study.metrics.iter().find_map(|metric| scored(Split::Validate, metric));
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

/// Returns one row for a baseline that scores the same in all runs, otherwise one row an arm.
fn baseline_lines(study: &Study<'_>, baseline: &str, columns: &[Scored<'_>]) -> Vec<Line> {
    let common: Option<Vec<Cell>> = columns
        .iter()
        .map(|column| {
            let mut values = study
                .arms
                .iter()
                .flat_map(|arm| study.by_seed(arm, baseline, column.split, column.metric))
                .map(|(_, value)| value);
            let Some(first) = values.next() else {
                return Some(Cell { mean: None, text: ABSENT.to_owned() });
            };
            values
                .all(|value| value.to_bits() == first.to_bits())
                .then(|| Cell { mean: Some(first), text: fixed(first, column.decimals) })
        })
        .collect();
    match common {
        Some(scores) => vec![Line {
            kind: RowKind::Reference,
            label: format!("baseline: {}", in_words(baseline)),
            completed: ABSENT.to_owned(),
            scores,
        }],
        None => study
            .arms
            .iter()
            .map(|arm| Line {
                kind: RowKind::Reference,
                label: format!("baseline: {}, {}", in_words(baseline), arm.label),
                ..line(study, arm, baseline, columns)
            })
            .collect(),
    }
}

/// Returns a text with a capital at its start; symbols such as β stay as they are.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        std::iter::once(first.to_ascii_uppercase()).chain(characters).collect()
    })
}

fn definition(metric: &Metric) -> Text {
    let direction = if metric.definition.higher_is_better { "higher" } else { "lower" };
    Text::default().strong(metric.heading()).recorded(&format!(
        ", {direction} is better: {} Source: {}",
        sentence(&metric.definition.definition),
        sentence(&metric.definition.source),
    ))
}

/// Makes a sentence of a fragment: a capital at the start, a full stop at the end.
pub(super) fn sentence(text: &str) -> String {
    let text = capitalized(text.trim());
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
