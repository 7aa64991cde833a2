//! What the ports of a model compute differently, beside how much it changes the result.

use super::findings::difference_places;
use crate::{
    config::model::{
        PhysicalInteractionSpec,
        physical_interaction::{DIFFERENCES, Difference, Port},
    },
    data::Split,
    report::{
        document::{Block, Column, Row, Table, Text},
        number::signed,
        paired::{confidence, interval},
        study::{Arm, Study},
    },
};

/// Returns the section; nothing unless arms follow different ports.
pub(super) fn blocks(study: &Study<'_>) -> Vec<Block> {
    let arms: Vec<(&Arm<'_>, &PhysicalInteractionSpec)> =
        study.arms.iter().filter_map(|arm| Some((arm, spec(arm)?))).collect();
    let mut ports: Vec<Port> = Vec::new();
    for (_, spec) in &arms {
        if !ports.contains(&spec.port) {
            ports.push(spec.port);
        }
    }
    if ports.len() < 2 {
        return Vec::new();
    }
    let concerned = |difference: &&Difference| {
        let first = difference.of(ports[0]);
        arms.iter().any(|(_, spec)| difference.concerns(spec.transformation))
            && ports.iter().any(|&port| difference.of(port) != first)
    };
    let rows: Vec<Row> = DIFFERENCES.iter().filter(concerned).map(|it| row(it, &ports)).collect();
    let mut columns = vec![Column::words("#"), Column::words("What")];
    columns.extend(ports.iter().map(|port| Column::words(port.name())));
    let note = format!(
        "{} of the {} known differences tell these ports apart in these models. Each port is held \
         against its original by reference cases, difference by difference; a result here is that of \
         all of them together.",
        rows.len(),
        DIFFERENCES.len(),
    );
    let caption = "Where the ports differ.".into();
    let mut blocks = vec![
        Block::Heading("Ports".to_owned()),
        Block::Table(Table { caption, columns, rows }),
        Block::Note(note.into()),
    ];
    let measured = measured(study, &arms);
    if !measured.is_empty() {
        blocks.push(Block::List(measured));
    }
    blocks
}

fn spec<'a>(arm: &Arm<'a>) -> Option<&'a PhysicalInteractionSpec> {
    arm.runs.iter().find_map(|run| run.record()?.spec.model.physical_interaction())
}

fn row(difference: &Difference, ports: &[Port]) -> Row {
    let mut cells: Vec<Text> = vec![difference.number.to_string().into(), difference.what.into()];
    cells.extend(ports.iter().map(|&port| Text::from(difference.of(port))));
    Row::new(cells)
}

/// Says by how much each port's test score differs from that of the first arm whose other settings it
/// shares.
fn measured(study: &Study<'_>, arms: &[(&Arm<'_>, &PhysicalInteractionSpec)]) -> Vec<Text> {
    let Some(metric) = study.primary() else { return Vec::new() };
    let mut sentences = Vec::new();
    for (index, (arm, spec)) in arms.iter().enumerate() {
        let reference = arms[..index].iter().find(|(_, other)| {
            PhysicalInteractionSpec { port: spec.port, ..(*other).clone() } == **spec
        });
        let Some((reference, _)) = reference else { continue };
        let Some(paired) = study.between(arm, reference, Split::Test, metric) else { continue };
        let places = difference_places(study, metric, [&paired]);
        sentences.push(
            Text::default().strong(format!("{} \u{2212} {}", arm.label, reference.label)).plain(
                format!(
                    ": {} {} on test, {} interval {} (n = {}).",
                    metric.heading(),
                    signed(paired.mean, places),
                    confidence(),
                    interval(&paired, places),
                    paired.n,
                ),
            ),
        );
    }
    sentences
}
