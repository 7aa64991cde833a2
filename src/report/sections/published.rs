//! Numbers of the source document beside ours, with what separates them.

use std::collections::BTreeSet;

use super::{amount, split_name};
use crate::{
    config::{RunSpec, run::TrainingSpec},
    data::Split,
    report::{
        ReportRun,
        document::{Block, Column, Row, Table, Text},
        number::{ABSENT, decimals, fixed, grouped, signed},
        study::{Arm, MODEL, Study},
    },
    stats::summary::summarize,
    store::{event::Event, manifest::Published, record::Record},
};

/// Returns the section; nothing if the sweep names no published number.
pub(super) fn blocks(study: &Study<'_>) -> Vec<Block> {
    let published = &study.input.manifest.published;
    if published.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::words("Arm"),
        Column::words("Metric"),
        Column::numbers("Published"),
        Column::numbers("Ours"),
        Column::numbers("Ours \u{2212} published"),
    ];
    let rows = published.iter().map(|number| row(study, number)).collect();
    let mut remarks: Vec<Text> = Vec::new();
    let scales: BTreeSet<(&str, &str)> =
        published.iter().map(|number| (number.source.as_str(), number.scale.as_str())).collect();
    for (source, scale) in scales {
        remarks.push(Text::default().strong("Published").plain(format!(": {source}; {scale}.")));
    }
    remarks.extend(our_scales(study));
    if published.iter().any(|number| number.split == Split::Train) {
        remarks.push(Text::default().strong("Ours on training").plain(
            ": the root of the mean squared training loss over the updates of the last epoch, with \
             whatever the model drops while it trains.",
        ));
    }
    let arms: BTreeSet<&str> = published.iter().map(|number| number.arm.as_str()).collect();
    let order = if arms.len() > 1 { "; what can be compared is the order of the arms" } else { "" };
    vec![
        Block::Heading("Published numbers".to_owned()),
        Block::Table(Table {
            caption: "What the document reports and what these runs reach.".into(),
            columns,
            rows,
        }),
        Block::List(remarks),
        Block::Note(
            format!(
                "The scales differ, so the two columns are no reproduction of each other unless \
                 the lines above agree{order}."
            )
            .into(),
        ),
    ]
}

fn row(study: &Study<'_>, number: &Published) -> Row {
    let Published { arm, split, metric, value, source: _, scale: _ } = number;
    let known = study.metrics.iter().find(|known| known.name == *metric);
    let ours = known.and_then(|known| {
        let arm = study.arms.iter().find(|candidate| candidate.label == *arm)?;
        match split {
            Split::Train => on_training(arm, metric),
            Split::Validate | Split::Test => {
                let summary = study.summary(arm, MODEL, *split, known)?;
                Some(Ours { mean: summary.mean, std: summary.std, n: summary.n })
            }
        }
    });
    let heading = known.map_or_else(|| metric.clone(), super::super::study::Metric::heading);
    let places = decimals([*value]);
    let (mean, difference) = ours.map_or_else(
        || (ABSENT.to_owned(), ABSENT.to_owned()),
        |summary| {
            let spread = summary
                .std
                .map_or_else(String::new, |std| format!(" \u{b1} {}", fixed(std, places)));
            (
                format!("{}{spread} (n = {})", fixed(summary.mean, places), summary.n),
                signed(summary.mean - value, places),
            )
        },
    );
    Row::new(vec![
        arm.as_str().into(),
        format!("{} {heading}", split_name(*split)).into(),
        fixed(*value, places).into(),
        mean.into(),
        difference.into(),
    ])
}

/// A score over the completed runs of an arm.
struct Ours {
    mean: f64,
    std: Option<f64>,
    n: usize,
}

/// Returns what an arm reaches on its own training batches: of a root of a mean square, the root of its
/// mean square over the updates of the last epoch. No other metric is known on training.
fn on_training(arm: &Arm<'_>, metric: &str) -> Option<Ours> {
    if metric != "rmse" {
        return None;
    }
    let of_run = |run: &&ReportRun| -> Option<f64> {
        let steps = run.completed().map(|_| run.events())?.iter().filter_map(|event| match event {
            Event::Step(step) => Some(step),
            Event::Evaluation(_) => None,
        });
        let last = steps.clone().next_back()?.epoch;
        let values = steps.filter(|step| step.epoch == last);
        let squares: Vec<f64> =
            values.filter_map(|step| step.scalars.get(metric)).map(|value| value * value).collect();
        Some(summarize(&squares)?.mean.sqrt())
    };
    let values: Vec<f64> = arm.runs.iter().copied().filter_map(|run| of_run(&run)).collect();
    let summary = summarize(&values)?;
    Some(Ours { mean: summary.mean, std: summary.standard_deviation, n: values.len() })
}

/// Describes the scale of our runs, one line for all arms that share it.
fn our_scales(study: &Study<'_>) -> Vec<Text> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for arm in &study.arms {
        let Some(record) = arm.runs.iter().find_map(|run| ReportRun::record(run)) else { continue };
        let scale = scale(record);
        match groups.iter_mut().find(|(known, _)| *known == scale) {
            Some((_, arms)) => arms.push(arm.label),
            None => groups.push((scale, vec![arm.label])),
        }
    }
    let is_common = groups.len() == 1;
    groups
        .into_iter()
        .map(|(scale, arms)| {
            let whose =
                if is_common { "Ours".to_owned() } else { format!("Ours, {}", arms.join("; ")) };
            Text::default().strong(whose).plain(format!(": {scale}."))
        })
        .collect()
}

/// Describes how much a run trains, and on what.
fn scale(record: &Record) -> String {
    let RunSpec {
        training,
        model,
        initial_weights: _,
        data: _,
        seed: _,
        optimizer: _,
        evaluation: _,
        engine: _,
    } = &record.spec;
    let TrainingSpec { epochs, steps_per_epoch, batch_size } = training;
    let width = model.facts().size().map_or_else(String::new, |size| format!("{size}, "));
    format!(
        "{epochs} epochs \u{d7} {steps_per_epoch} steps = {} updates, batch {batch_size}, {width}{} \
         parameters; {} of {}",
        grouped(training.total_steps()),
        grouped(record.parameters),
        amount(&record.data),
        record.data.name,
    )
}
