//! What a run of each arm costs: parameters, time and memory.

use crate::{
    document::{Column, PageBlock, PageTable, Row},
    number::{ABSENT, grouped, with_spread},
    sweep_results::{ArmResults, SweepResults},
};
use reprise_base::stats::summary::summarize;
use reprise_store::store::record::Record;

/// Returns the section; empty if fewer than two arms have a completed run, which nothing compares.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let rows: Vec<Row> = results.arms.iter().filter_map(row).collect();
    if rows.len() < 2 {
        return Vec::new();
    }
    let columns = vec![
        Column::words("Arm"),
        Column::numbers("n"),
        Column::numbers("Trained parameters"),
        Column::numbers("Seconds per 1,000 updates"),
        Column::numbers("Peak memory (MB)"),
    ];
    let caption =
        "What a completed run costs: mean \u{b1} sample standard deviation over seeds.".into();
    let note = "Seconds are those of training with its evaluations, on the machine and beside the load \
                of each run (see Provenance): they are not repeated bit for bit. Peak memory is that of \
                the process on the host.";
    vec![
        PageBlock::Heading("Cost".to_owned()),
        PageBlock::Table(PageTable { caption, columns, rows }),
        PageBlock::Note(note.into()),
    ]
}

fn row(arm: &ArmResults<'_>) -> Option<Row> {
    let records: Vec<&Record> = arm.runs.iter().filter_map(|run| run.completed()).collect();
    let of = |value: fn(&Record) -> f64| {
        let values: Vec<f64> = records.iter().map(|record| value(record)).collect();
        summarize(&values)
    };
    let seconds = of(|record| 1000.0 * record.timing.active_seconds / record.updates() as f64)?;
    let memory = of(|record| record.timing.peak_memory_bytes as f64 / 1e6)?;
    let parameters = records.first().map_or_else(|| ABSENT.to_owned(), |it| grouped(it.parameters));
    Some(Row::new(vec![
        arm.label.into(),
        seconds.n.to_string().into(),
        parameters.into(),
        with_spread(&seconds, 1).into(),
        with_spread(&memory, 0).into(),
    ]))
}
