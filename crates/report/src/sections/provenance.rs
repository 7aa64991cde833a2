//! The origin of every number: runs, code, data, engine, and the commands that reproduce them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    input::{ReportRun, RunState},
    number::{ABSENT, fixed, grouped},
    sweep_results::SweepResults,
    words::{in_words, sentence, split_sizes},
};
use reprise_base::{config::engine::Arithmetic, text::count};
use reprise_store::store::record::{
    CodeRecord, DataRecord, EngineRecord, GitRecord, HostRecord, Outcome, Record, RunId,
};

/// Digits of a digest in a table; the record has all of them.
const DIGEST_DIGITS: usize = 12;
/// Changed paths in a table; the record has all of them.
const PATHS_MAX: usize = 8;

/// Returns the section.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let manifest = &results.input.manifest;
    let mut blocks = vec![
        PageBlock::Heading("Provenance".to_owned()),
        PageBlock::Prose("Command that produced the runs:".into()),
        PageBlock::Command(manifest.command.clone()),
        PageBlock::Prose(
            "Command that rebuilds this report from the records of the runs, byte for byte:".into(),
        ),
        PageBlock::Command(format!("./just report {}", manifest.name)),
        PageBlock::Table(runs(results)),
        PageBlock::Note(
            RichText::from("The folder of a run in the store is ")
                .code("runs/<run>/")
                .plain(". In this folder, ")
                .code("record.json")
                .plain(" contains everything below in full, and ")
                .code("journal.jsonl")
                .plain(" contains every step. ")
                .strong("Final state")
                .plain(
                    ": the SHA-256 of all parameters and buffers after the last step; equal digests mean \
                     bit-equal models.",
                ),
        ),
    ];
    blocks.extend(protocol(results));
    let facts = shared(results, facts);
    if !facts.is_empty() {
        blocks.push(PageBlock::Table(PageTable {
            caption: "Code, data and machine of the runs.".into(),
            columns: vec![Column::words("Item"), Column::words("Value")],
            rows: facts,
        }));
    }
    let streams = shared(results, streams);
    if !streams.is_empty() {
        blocks.push(PageBlock::Fold {
            summary: "Random streams".to_owned(),
            blocks: vec![PageBlock::Table(PageTable {
                caption: "Each random draw comes from a named stream that is derived from the run's seed."
                    .into(),
                columns: vec![Column::words("Stream"), Column::words("Use")],
                rows: streams,
            })],
        });
    }
    blocks
}

fn runs(results: &SweepResults<'_>) -> PageTable {
    let columns = vec![
        Column::words("Run"),
        Column::words("Arm"),
        Column::numbers("Seed"),
        Column::words("State"),
        Column::numbers("Tested checkpoint (epoch)"),
        Column::numbers("Time"),
        Column::words("Final state"),
    ];
    let rows = results.input.runs.iter().map(run_row).collect();
    PageTable { caption: "Runs of the sweep.".into(), columns, rows }
}

fn run_row(run: &ReportRun) -> Row {
    let entry = &run.entry;
    let mut cells: Vec<RichText> = vec![
        RichText::default().code(entry.run.as_str()),
        entry.arm.as_str().into(),
        entry.seed.to_string().into(),
    ];
    match &run.state {
        RunState::Finished { record, events: _ } => {
            let epoch = record
                .best
                .as_ref()
                .map_or_else(|| ABSENT.to_owned(), |best| (best.epoch.0 + 1).to_string());
            cells.extend([
                outcome(&record.outcome),
                epoch.into(),
                time(record.timing.active_seconds).into(),
                RichText::default().code(short(&record.final_state)),
            ]);
        }
        RunState::Unfinished { what } => cells.extend([
            RichText::default().strong("unfinished").plain(format!(": {what}")),
            ABSENT.into(),
            ABSENT.into(),
            ABSENT.into(),
        ]),
    }
    Row::new(cells)
}

/// Returns seconds in seconds, minutes or hours.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{} s", fixed(s, 0)),
        s if s < 3600.0 => format!("{} min", fixed(s / 60.0, 1)),
        s => format!("{} h", fixed(s / 3600.0, 1)),
    }
}

fn outcome(outcome: &Outcome) -> RichText {
    match outcome {
        Outcome::Completed => "completed".into(),
        Outcome::StoppedEarly { epochs } => {
            format!("stopped early after {}", count(epochs.get(), "epoch")).into()
        }
        Outcome::Diverged { step, quantity, value } => RichText::default()
            .strong("diverged")
            .plain(format!(" at step {}: {quantity} = {value}", grouped(step.0))),
    }
}

/// States which checkpoint was tested and how it was chosen.
fn protocol(results: &SweepResults<'_>) -> Option<PageBlock> {
    let label = results.choosing()?.label();
    Some(PageBlock::Prose(RichText::default().strong("Protocol.").plain(format!(
        " In each run, the checkpoint with the best validation {label} is tested. Test data are not \
         used for this choice. All runs of the sweep are reported."
    ))))
}

/// A fact about a run by its name.
type RecordedFact = (String, RichText);

/// Lists facts of all records: one row if all agree, else one row per value with its arms or runs.
fn shared(results: &SweepResults<'_>, facts_of: fn(&Record) -> Vec<RecordedFact>) -> Vec<Row> {
    let mut names: Vec<String> = Vec::new();
    let mut values: BTreeMap<String, Vec<(RichText, BTreeSet<&RunId>)>> = BTreeMap::new();
    for record in results.records() {
        for (name, value) in facts_of(record) {
            if !names.contains(&name) {
                names.push(name.clone());
            }
            let known = values.entry(name).or_default();
            match known.iter_mut().find(|(text, _)| *text == value) {
                Some((_, runs)) => drop(runs.insert(&record.run)),
                None => known.push((value, [&record.run].into())),
            }
        }
    }
    let mut rows = Vec::new();
    for name in names {
        let known = values.remove(&name).unwrap_or_default();
        let agree = known.len() == 1;
        for (value, runs) in known {
            let value =
                if agree { value } else { value.plain(format!(" ({})", whose(results, runs))) };
            rows.push(Row::new(vec![name.as_str().into(), value]));
        }
    }
    rows
}

/// Names runs: all runs of an arm by its label, others by their ids.
fn whose(results: &SweepResults<'_>, mut runs: BTreeSet<&RunId>) -> String {
    let mut names = Vec::new();
    for arm in &results.arms {
        let of_arm: Vec<&RunId> =
            arm.runs.iter().filter(|run| run.record().is_some()).map(|it| &it.entry.run).collect();
        if !of_arm.is_empty() && of_arm.iter().all(|run| runs.contains(run)) {
            names.push(arm.label.to_owned());
            runs.retain(|run| !of_arm.contains(run));
        }
    }
    if !runs.is_empty() {
        let ids: Vec<&str> = runs.iter().map(|run| run.as_str()).collect();
        names.push(format!("{}: {}", count(ids.len(), "run"), ids.join(", ")));
    }
    names.join("; ")
}

fn streams(record: &Record) -> Vec<RecordedFact> {
    let streams = record.streams.iter();
    streams.map(|(name, purpose)| (name.clone(), purpose.as_str().into())).collect()
}

fn facts(record: &Record) -> Vec<RecordedFact> {
    let mut facts = Vec::new();
    code_facts(&record.code, &mut facts);
    data_facts(&record.data, &mut facts);
    engine_facts(&record.engine, &mut facts);
    let HostRecord { os, cpu, cpu_features, cores } = &record.host;
    facts.push(fact("Machine", format!("{cpu}, {}; {os}", count(*cores, "core"))));
    facts.push(fact("CPU features", cpu_features.join(" ")));
    facts.push(fact("Trained parameters", grouped(record.parameters)));
    facts
}

fn code_facts(code: &CodeRecord, facts: &mut Vec<RecordedFact>) {
    let CodeRecord { version, sources_sha256, rustc, git, git_refused } = code;
    facts.push(fact("Code", format!("reprise {version}, {rustc}")));
    facts.push(("Source digest".to_owned(), RichText::default().code(short(sources_sha256))));
    let Some(git) = git else {
        let why = git_refused.as_deref().unwrap_or("not in a git repository");
        facts.push(("Commit".to_owned(), RichText::from("none: ").recorded(why)));
        return;
    };
    let GitRecord {
        commit,
        branch,
        tree,
        reference,
        changed,
        changed_more,
        left_out,
        all_left_out,
    } = git;
    let commit = commit.as_deref().map_or("none", |id| short(id));
    let branch = branch.as_deref().map_or_else(String::new, |name| format!(" on {name}"));
    let state = if changed.is_empty() {
        ", working tree clean".to_owned()
    } else {
        let all = changed.len() as u64 + changed_more;
        let verb = if all == 1 { "differs" } else { "differ" };
        let paths = format!("{} {verb}", count(all, "path"));
        let mut listed: Vec<&str> = changed.iter().map(String::as_str).take(PATHS_MAX).collect();
        let more = format!("and {} more", all - listed.len() as u64);
        if all > listed.len() as u64 {
            listed.push(&more);
        }
        format!(", working tree dirty ({paths}: {})", listed.join(", "))
    };
    facts.push((
        "Commit".to_owned(),
        RichText::default().code(commit).plain(format!("{branch}{state}")),
    ));
    let tree =
        RichText::default().code(short(tree)).plain(", stored under ").code(reference.as_str());
    let tree = if left_out.is_empty() {
        tree
    } else {
        let more = all_left_out.as_ref().map_or(0, |all| all.files - left_out.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        tree.plain(format!("; left out: {}{more}", left_out.join(", ")))
    };
    facts.push(("Exact tree".to_owned(), tree));
}

fn data_facts(data: &DataRecord, facts: &mut Vec<RecordedFact>) {
    let DataRecord {
        name,
        pack_sha256,
        sources_sha256,
        source_files,
        sequences: _,
        frames,
        frame_shape: [height, width, channels],
        origin,
        facts: _,
    } = data;
    let frames = if *frames == 1 { String::new() } else { format!(" of {frames} frames") };
    facts.push((
        "Data".to_owned(),
        RichText::from(format!(
            "{name}: {}{frames}, {height}\u{d7}{width}\u{d7}{channels}. ",
            split_sizes(data)
        ))
        .recorded(&sentence(origin)),
    ));
    let digests = RichText::from("decoded data ").code(short(pack_sha256));
    facts.push((
        "Data digests".to_owned(),
        match source_files {
            0 => digests.plain(", no source files"),
            1 => digests.plain(", 1 source file ").code(short(sources_sha256)),
            files => digests
                .plain(format!(", {} source files ", grouped(*files)))
                .code(short(sources_sha256)),
        },
    ));
}

fn engine_facts(engine: &EngineRecord, facts: &mut Vec<RecordedFact>) {
    let EngineRecord {
        libtorch,
        device,
        device_name,
        cuda,
        cpu_capability,
        threads,
        arithmetic,
        switches,
    } = engine;
    let threads = count(*threads, "thread");
    facts.push(fact(
        "Engine",
        format!(
            "libtorch {libtorch} on {device} ({device_name}), CPU capability {cpu_capability}, {threads}"
        ),
    ));
    match arithmetic {
        Arithmetic::Exact => {}
        Arithmetic::Fast => facts.push(fact(
            "Arithmetic",
            "fast: fewer operations than the original; results differ by rounding only",
        )),
        Arithmetic::Bf16 => facts.push(fact(
            "Arithmetic",
            "bf16: fewer operations than the original; convolutions and linear layers in bfloat16",
        )),
        Arithmetic::Fp16 => facts.push(fact(
            "Arithmetic",
            "fp16: fewer operations than the original; convolutions and linear layers in float16, \
             with dynamic loss scaling",
        )),
    }
    if let Some(cuda) = cuda {
        let (runtime, driver, cudnn) = (&cuda.runtime, &cuda.driver, &cuda.cudnn);
        facts.push(fact("CUDA", format!("runtime {runtime}, driver {driver}, cuDNN {cudnn}")));
    }
    let switches: Vec<String> =
        switches.iter().map(|(name, value)| format!("{} {value}", in_words(name))).collect();
    facts.push(fact("Switches", switches.join(", ")));
}

fn fact(name: &str, value: impl Into<String>) -> RecordedFact {
    let value = value.into();
    (name.to_owned(), if value.is_empty() { ABSENT.into() } else { value.into() })
}

/// Returns the first digits of a digest.
fn short(digest: &str) -> &str {
    digest.get(..DIGEST_DIGITS).unwrap_or(digest)
}
