//! Differences between the ports of a model, and what they change in the scores.

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    number::signed,
    paired::{confidence, interval},
    sweep_results::{ArmResults, SweepResults},
    words::difference_decimals,
};
use reprise_base::{
    config::model::{
        PhysicalInteractionSpec,
        physical_interaction::{DIFFERENCES, Difference, Port, PortDifferences},
    },
    stats::paired::PairedDifference,
};
use reprise_data::Split;

/// Returns the section; empty unless arms follow different ports.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let arms: Vec<(&ArmResults<'_>, &PhysicalInteractionSpec)> =
        results.arms.iter().filter_map(|arm| Some((arm, spec(arm)?))).collect();
    let mut ports: Vec<Port> = Vec::new();
    for (_, spec) in &arms {
        let named = spec.differences.named().map(|(_, port)| port);
        for port in [spec.port].into_iter().chain(named) {
            if !ports.contains(&port) {
                ports.push(port);
            }
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
         check each port against its original, difference by difference.",
        rows.len(),
        DIFFERENCES.len(),
    );
    let caption = "Differences between the ports.".into();
    let mut blocks = vec![
        PageBlock::Heading("Ports".to_owned()),
        PageBlock::Table(PageTable { caption, columns, rows }),
        PageBlock::Note(note.into()),
    ];
    blocks.extend(costs(results, &arms));
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

/// An arm and an earlier one that differs from it in what it follows alone.
struct PortComparison<'a> {
    arm: &'a str,
    reference: &'a str,
    what: String,
    paired: PairedDifference,
}

/// Returns the table of what the differences change in the test score.
fn costs(
    results: &SweepResults<'_>,
    arms: &[(&ArmResults<'_>, &PhysicalInteractionSpec)],
) -> Option<PageBlock> {
    let metric = results.primary()?;
    let comparisons: Vec<PortComparison<'_>> = arms
        .iter()
        .enumerate()
        .filter_map(|(index, (arm, spec))| {
            let (reference, other) =
                arms[..index].iter().find(|(_, other)| is_same_but_for_numerics(spec, other))?;
            let paired = results.between(arm, reference, Split::Test, metric)?;
            let what = differing(spec, other);
            Some(PortComparison { arm: arm.label, reference: reference.label, what, paired })
        })
        .collect();
    if comparisons.is_empty() {
        return None;
    }
    let places = difference_decimals(results, metric, comparisons.iter().map(|it| &it.paired));
    let rows = comparisons.iter().map(|PortComparison { arm, reference, what, paired }| {
        Row::new(vec![
            (*arm).into(),
            (*reference).into(),
            what.clone().into(),
            signed(paired.mean, places).into(),
            interval(paired, places).into(),
            paired.n.to_string().into(),
        ])
    });
    let table = PageTable {
        caption: "Test scores of arms that differ in the implementation that they follow alone, paired by \
                  seed."
            .into(),
        columns: vec![
            Column::words("Arm"),
            Column::words("Minus"),
            Column::words("Differences"),
            Column::numbers(metric.heading()),
            Column::numbers(format!("{} interval", confidence())),
            Column::numbers("n"),
        ],
        rows: rows.collect(),
    };
    Some(PageBlock::Table(table.without_empty_columns()))
}

fn is_same_but_for_numerics(a: &PhysicalInteractionSpec, b: &PhysicalInteractionSpec) -> bool {
    let with_numerics_of_b =
        PhysicalInteractionSpec { port: b.port, differences: b.differences, ..a.clone() };
    with_numerics_of_b == *b
}

/// Names the differences between what two arms compute: `all`, or the numbers.
fn differing(a: &PhysicalInteractionSpec, b: &PhysicalInteractionSpec) -> String {
    let none = PortDifferences::default();
    if (a.differences, b.differences) == (none, none) {
        return "all".to_owned();
    }
    let of = |spec: &PhysicalInteractionSpec, difference: &Difference| {
        difference.of(spec.numerics().of(difference.topic()))
    };
    let differing: Vec<&Difference> = DIFFERENCES
        .iter()
        .filter(|it| it.concerns(a.transformation) && of(a, it) != of(b, it))
        .collect();
    match differing[..] {
        [] => "none".to_owned(),
        [only] => format!("{}: {}", only.number, only.what),
        _ => {
            let numbers: Vec<String> = differing.iter().map(|it| it.number.to_string()).collect();
            numbers.join(", ")
        }
    }
}
