//! Published numbers beside ours, with the scale of both.

use std::collections::BTreeSet;

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    input::ReportRun,
    number::{ABSENT, decimals, fixed, grouped, signed, with_spread},
    reported::ReportedMetric,
    sweep_results::{ArmResults, MODEL, SweepResults},
    words::{split_name, split_sizes},
};
use reprise_base::{
    config::{RunSpec, run::TrainingSpec},
    stats::summary::{Summary, summarize},
};
use reprise_data::Split;
use reprise_store::store::{event::Event, manifest::Published, record::Record};

/// Returns the section; empty if the sweep names no published number.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let published = &results.input.manifest.published;
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
    let rows = published.iter().map(|number| row(results, number)).collect();
    let mut remarks: Vec<RichText> = Vec::new();
    let scales: BTreeSet<(&str, &str)> =
        published.iter().map(|number| (number.source.as_str(), number.scale.as_str())).collect();
    for (source, scale) in scales {
        remarks
            .push(RichText::default().strong("Published").plain(format!(": {source}; {scale}.")));
    }
    remarks.extend(our_scales(results));
    if published.iter().any(|number| number.split == Split::Train) {
        remarks.push(RichText::default().strong("Ours on training").plain(
            ": the root mean square of the training RMSE over the steps of the last epoch, with dropout \
             active if the model has any.",
        ));
    }
    let arms: BTreeSet<&str> = published.iter().map(|number| number.arm.as_str()).collect();
    let order = if arms.len() > 1 { "; otherwise compare only the order of the arms" } else { "" };
    vec![
        PageBlock::Heading("Published numbers".to_owned()),
        PageBlock::Table(PageTable {
            caption: "Published scores and scores of these runs.".into(),
            columns,
            rows,
        }),
        PageBlock::List(remarks),
        PageBlock::Note(
            format!(
                "Compare the published scores with ours only if the data, the number of updates and \
                 the batch size listed above agree{order}."
            )
            .into(),
        ),
    ]
}

fn row(results: &SweepResults<'_>, number: &Published) -> Row {
    let Published { arm, split, metric, value, source: _, scale: _ } = number;
    let known = results.metrics.iter().find(|known| known.name == *metric);
    let ours = known.and_then(|known| {
        let arm = results.arms.iter().find(|candidate| candidate.label == *arm)?;
        match split {
            Split::Train => on_training(arm, metric),
            Split::Validate | Split::Test => results.summary(arm, MODEL, *split, known).copied(),
        }
    });
    let heading = known.map_or_else(|| metric.clone(), ReportedMetric::heading);
    let places = decimals([*value]);
    let (mean, difference) = ours.map_or_else(
        || (ABSENT.to_owned(), ABSENT.to_owned()),
        |summary| {
            (
                format!("{} (n = {})", with_spread(&summary, places), summary.n),
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

/// Returns the RMSE of an arm on its own training batches: the root mean square over the steps of the last
/// epoch. Other metrics are not computed on training data.
fn on_training(arm: &ArmResults<'_>, metric: &str) -> Option<Summary> {
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
    summarize(&values)
}

/// Describes the scale of our runs, one line per distinct scale.
fn our_scales(results: &SweepResults<'_>) -> Vec<RichText> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for arm in &results.arms {
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
            RichText::default().strong(whose).plain(format!(": {scale}."))
        })
        .collect()
}

/// Describes the training of a run, its model and its data.
fn scale(record: &Record) -> String {
    let RunSpec {
        training,
        model,
        initial_weights: _,
        continue_from: _,
        data: _,
        seed: _,
        optimizer: _,
        evaluation: _,
        engine: _,
    } = &record.spec;
    let TrainingSpec { epochs, steps_per_epoch, batch_size, .. } = training;
    let width = model.facts().size().map_or_else(String::new, |size| format!("{size}, "));
    format!(
        "{epochs} epochs \u{d7} {steps_per_epoch} steps = {} steps, batch {batch_size}, {width}{} \
         parameters; {} of {}",
        grouped(training.total_steps()),
        grouped(record.parameters),
        split_sizes(&record.data),
        record.data.name,
    )
}
