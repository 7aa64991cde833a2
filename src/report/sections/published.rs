//! Numbers of the source document beside ours, with what separates them.

use std::collections::BTreeSet;

use crate::{
    config::{RunSpec, model::ModelSpec, run::TrainingSpec},
    data::Split,
    report::{
        ReportRun,
        document::{Block, Column, Row, Table, Text},
        number::{ABSENT, decimals, fixed, grouped, signed},
        study::{Arm, MODEL, Study},
    },
    store::{manifest::Published, record::Record},
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
    vec![
        Block::Heading("Published numbers".to_owned()),
        Block::Table(Table {
            caption: "What the document reports and what these runs reach.".into(),
            columns,
            rows,
        }),
        Block::List(remarks),
        Block::Note(
            "The scales differ, so the two columns are no reproduction of each other unless the \
             lines above agree; what can be compared is the order of the arms."
                .into(),
        ),
    ]
}

fn row(study: &Study<'_>, number: &Published) -> Row {
    let Published { arm, split, metric, value, source: _, scale: _ } = number;
    let known = study.metrics.iter().find(|known| known.name == *metric);
    let ours = known.and_then(|known| {
        let arm = study.arms.iter().find(|candidate| candidate.label == *arm)?;
        study.summary(arm, MODEL, *split, known)
    });
    let heading = known.map_or_else(|| metric.clone(), super::super::study::Metric::heading);
    let split = match split {
        Split::Train => "Train",
        Split::Validate => "Validation",
        Split::Test => "Test",
    };
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
        format!("{split} {heading}").into(),
        fixed(*value, places).into(),
        mean.into(),
        difference.into(),
    ])
}

/// Describes the scale of our runs: one line if all arms share it, otherwise one an arm.
fn our_scales(study: &Study<'_>) -> Vec<Text> {
    let first = |arm: &Arm<'_>| arm.runs.iter().find_map(|run| ReportRun::record(run)).map(scale);
    let scales: Vec<(&str, String)> =
        study.arms.iter().filter_map(|arm| Some((arm.label, first(arm)?))).collect();
    let distinct: BTreeSet<&str> = scales.iter().map(|(_, scale)| scale.as_str()).collect();
    if distinct.len() <= 1 {
        let texts = distinct.into_iter();
        return texts
            .map(|scale| Text::default().strong("Ours").plain(format!(": {scale}.")))
            .collect();
    }
    let texts = scales.into_iter();
    texts
        .map(|(arm, scale)| {
            Text::default().strong(format!("Ours, {arm}")).plain(format!(": {scale}."))
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
    let width = match model {
        ModelSpec::Cvae(cvae) => format!("width {}, ", cvae.width),
        ModelSpec::PhysicalInteraction(model) => format!("width {}, ", model.width),
        ModelSpec::ConvLstm(model) => format!("{} hidden channels, ", model.hidden),
        ModelSpec::Mocogan(model) => format!(
            "generator width {}, discriminator width {}, ",
            model.generator_width, model.discriminator_width
        ),
        ModelSpec::Rcn(_) => String::new(),
    };
    let count = |split: Split| record.data.sequences.get(split.name()).copied().unwrap_or(0);
    format!(
        "{epochs} epochs \u{d7} {steps_per_epoch} steps = {} updates, batch {batch_size}, {width}{} \
         parameters; {} training, {} validation and {} test sequences of {}",
        grouped(training.total_steps()),
        grouped(record.parameters),
        grouped(count(Split::Train)),
        grouped(count(Split::Validate)),
        grouped(count(Split::Test)),
        record.data.name,
    )
}
