//! Differences between the ports of a model, and between their scores.

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    number::signed,
    paired::{confidence, interval},
    sweep_results::{ArmResults, SweepResults},
    words::difference_decimals,
};
use reprise_base::config::model::{
    PhysicalInteractionSpec,
    physical_interaction::{DIFFERENCES, Difference, Port},
};
use reprise_data::Split;

/// Returns the section; empty unless arms follow different ports.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let arms: Vec<(&ArmResults<'_>, &PhysicalInteractionSpec)> =
        results.arms.iter().filter_map(|arm| Some((arm, spec(arm)?))).collect();
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
    let mut columns = vec![Column::words("#"), Column::words("Difference")];
    columns.extend(ports.iter().map(|port| Column::words(port.name())));
    let note = format!(
        "{} of the {} differences between the ports apply to the arms of this sweep. Reference cases \
         check each port against its original, difference by difference. The scores of this report \
         show the effect of all differences together.",
        rows.len(),
        DIFFERENCES.len(),
    );
    let caption = "Differences between the ports.".into();
    let mut blocks = vec![
        PageBlock::Heading("Ports".to_owned()),
        PageBlock::Table(PageTable { caption, columns, rows }),
        PageBlock::Note(note.into()),
    ];
    let measured = measured(results, &arms);
    if !measured.is_empty() {
        blocks.push(PageBlock::List(measured));
    }
    blocks
}

fn spec<'a>(arm: &ArmResults<'a>) -> Option<&'a PhysicalInteractionSpec> {
    arm.runs.iter().find_map(|run| run.record()?.spec.model.physical_interaction())
}

fn row(difference: &Difference, ports: &[Port]) -> Row {
    let mut cells: Vec<RichText> =
        vec![difference.number.to_string().into(), difference.what.into()];
    cells.extend(ports.iter().map(|&port| RichText::from(difference.of(port))));
    Row::new(cells)
}

/// Lists the paired difference in test score of each arm and the first arm that differs in its port only.
fn measured(
    results: &SweepResults<'_>,
    arms: &[(&ArmResults<'_>, &PhysicalInteractionSpec)],
) -> Vec<RichText> {
    let Some(metric) = results.primary() else { return Vec::new() };
    let mut sentences = Vec::new();
    for (index, (arm, spec)) in arms.iter().enumerate() {
        let reference = arms[..index].iter().find(|(_, other)| {
            PhysicalInteractionSpec { port: spec.port, ..(*other).clone() } == **spec
        });
        let Some((reference, _)) = reference else { continue };
        let Some(paired) = results.between(arm, reference, Split::Test, metric) else { continue };
        let places = difference_decimals(results, metric, [&paired]);
        sentences.push(
            RichText::default()
                .strong(format!("{} \u{2212} {}", arm.label, reference.label))
                .plain(format!(
                    ": {} {} on test, {} interval {} (n = {}).",
                    metric.heading(),
                    signed(paired.mean, places),
                    confidence(),
                    interval(&paired, places),
                    paired.n,
                )),
        );
    }
    sentences
}
