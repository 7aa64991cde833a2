//! `reprise claims`: what the sources claim, and what the runs say of it.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat, StoreArgs},
    output::{print, print_json, tell},
    places::{sweep_names, sweep_source},
};
use reprise_base::{
    config::sweep::{Sweep, parse},
    fs,
    text::{count, error_chain},
};
use reprise_report::{
    ReportEvaluation, ReportInput, ReportRun, RunState, Samples,
    claims::{JudgedClaim, Verdict, judge},
};
use reprise_store::{
    store::{
        FinishedRun, RunDir, Store, StoreError,
        manifest::{ClaimEntry, SweepManifest},
    },
    sweep::status::run_status,
};

/// Largest ledger.
const LEDGER_BYTES_MAX: u64 = 64 << 20;

/// Arguments of `reprise claims`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise claims                       all claims of all sweeps, with their verdicts
  reprise claims kl_annealing          those of one sweep
  reprise claims --preset paper        of the runs of another preset
  reprise claims --write               writes reports/claims.json and reports/claims.md

A sweep file names the claims of its source, each with a test (docs/claims.md). A claim is
confirmed or refuted where the interval of its quantity lies inside or outside the region that
the claim names; otherwise it is inconclusive. Sweeps that were not run in this store are not run.

The exit code is 1 if a claim that the ledger (reports/claims.json) has as confirmed was run here
and is not confirmed. A claim that was not run is no failure.")]
pub struct ClaimsArgs {
    /// Names or paths of sweep files [default: all sweeps in `experiments`]
    #[arg(value_name = "SWEEP")]
    sweeps: Vec<String>,
    /// Preset whose runs are judged [default: the default preset of each file]
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// The ledger that verdicts are compared with
    #[arg(long, value_name = "FILE", default_value = "reports/claims.json")]
    ledger: PathBuf,
    /// Write the ledger, and beside it a page to read. Verdicts on claims that were not run here stay
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// A claim of a sweep in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LedgerEntry {
    sweep: String,
    preset: String,
    #[serde(flatten)]
    claim: JudgedClaim,
}

/// Prints the ledger, and compares it with the written one.
pub fn run(args: &ClaimsArgs) -> Result<(), Failure> {
    let names = if args.sweeps.is_empty() { sweep_names()? } else { args.sweeps.clone() };
    let store = Store::open_if_used(&args.store.store)?;
    let mut entries = Vec::new();
    for name in &names {
        let source = sweep_source(name)?;
        let mut sweep = parse(&source, None, &[])?;
        if let Some(preset) = &args.preset {
            if !sweep.presets.contains(preset) {
                continue;
            }
            sweep = parse(&source, Some(preset), &[])?;
        }
        let input = input(store.as_ref(), &sweep)?;
        let entry =
            |claim| LedgerEntry { sweep: sweep.name.clone(), preset: sweep.preset.clone(), claim };
        entries.extend(judge(&input).into_iter().map(entry));
    }
    let written = read(&args.ledger)?;
    let lost = lost(&written, &entries);
    if args.write {
        write(args, &merged(written, &entries))?;
    }
    match args.format.format {
        OutputFormat::Json => print_json(&entries)?,
        OutputFormat::Text => print(&text(&entries))?,
    }
    if lost.is_empty() {
        return Ok(());
    }
    for line in &lost {
        tell(line);
    }
    let claims = count(lost.len(), "claim");
    Err(Failure::Check(format!("{claims} of the ledger no longer confirmed")))
}

/// Returns the runs of a sweep as recorded, without pictures, and its claims as its file has them now.
fn input(store: Option<&Store>, sweep: &Sweep) -> Result<ReportInput, Failure> {
    let started = match store.map(|store| store.read_manifest(&sweep.storage_name())) {
        Some(Err(error)) if error.is_damage() => {
            tell(&format!("warning: {}", error_chain(&error)));
            None
        }
        Some(read) => read?,
        None => None,
    };
    let has_begun = started.is_some();
    let mut manifest =
        started.unwrap_or_else(|| SweepManifest::new(sweep, String::new(), Vec::new()));
    let before = manifest.clone();
    let now = if has_begun { ClaimEntry::AfterRuns } else { ClaimEntry::BeforeRuns };
    manifest.register(&sweep.claims, Some(&before), now);
    let mut runs = Vec::new();
    for entry in &manifest.runs {
        let Some(store) = store else { break };
        let dir = store.run(&entry.run);
        let (state, evaluations) = match recorded(&dir) {
            Ok(recorded) => recorded,
            Err(error) if error.is_damage() => {
                tell(&format!("warning: {}", error_chain(&error)));
                (RunState::Unfinished { what: "damaged".to_owned() }, Vec::new())
            }
            Err(error) => return Err(error.into()),
        };
        runs.push(ReportRun {
            entry: entry.clone(),
            state,
            samples: Samples::default(),
            evaluations,
        });
    }
    Ok(ReportInput { manifest, runs, sheets: std::collections::BTreeMap::new() })
}

fn recorded(dir: &RunDir) -> Result<(RunState, Vec<ReportEvaluation>), StoreError> {
    let run = match FinishedRun::open(dir) {
        Err(StoreError::Unfinished { .. }) => {
            let what = run_status(dir).to_string();
            return Ok((RunState::Unfinished { what }, Vec::new()));
        }
        run => run?,
    };
    let events = run.journal()?;
    let (finished, _) = run.evaluations()?;
    let evaluations = finished.iter().map(|evaluation| ReportEvaluation {
        record: evaluation.record().clone(),
        samples: Samples::default(),
    });
    let evaluations = evaluations.collect();
    Ok((RunState::Finished { record: Box::new(run.into_record()), events }, evaluations))
}

fn read(ledger: &std::path::Path) -> Result<Vec<LedgerEntry>, Failure> {
    if fs::kind(ledger)?.is_none() {
        return Ok(Vec::new());
    }
    let bytes = fs::read(ledger, LEDGER_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::Check(format!("failed to read the ledger `{}`: {error}", ledger.display()))
    })
}

/// Returns a line for every claim that was confirmed, was run again and is not confirmed.
fn lost(written: &[LedgerEntry], now: &[LedgerEntry]) -> Vec<String> {
    let was_confirmed = |entry: &&LedgerEntry| {
        let mut written = written.iter();
        let known = written.find(|known| is_same(known, entry));
        known.is_some_and(|known| known.claim.verdict == Verdict::Confirmed)
    };
    let is_lost = |entry: &&LedgerEntry| {
        !matches!(entry.claim.verdict, Verdict::Confirmed | Verdict::NotRun) && was_confirmed(entry)
    };
    let line = |LedgerEntry { sweep, preset, claim }: &LedgerEntry| {
        format!(
            "claim {} of {sweep}, preset {preset}, was confirmed and is {} now",
            claim.id,
            claim.verdict_in_words()
        )
    };
    now.iter().filter(is_lost).map(line).collect()
}

fn is_same(left: &LedgerEntry, right: &LedgerEntry) -> bool {
    (&left.sweep, &left.preset, &left.claim.id) == (&right.sweep, &right.preset, &right.claim.id)
}

/// Returns the claims of now; those that were not run keep the verdict of the ledger.
fn merged(written: Vec<LedgerEntry>, now: &[LedgerEntry]) -> Vec<LedgerEntry> {
    let mut merged: Vec<LedgerEntry> = now.to_vec();
    for entry in &mut merged {
        let known = written.iter().find(|known| is_same(known, entry));
        if let (Verdict::NotRun, Some(known)) = (entry.claim.verdict, known) {
            // The same test, run elsewhere.
            if known.claim.tested == entry.claim.tested {
                *entry = known.clone();
            }
        }
    }
    let is_elsewhere = |known: &LedgerEntry| !merged.iter().any(|entry| is_same(entry, known));
    let others: Vec<LedgerEntry> = written.into_iter().filter(is_elsewhere).collect();
    merged.extend(others);
    merged.sort_by(|left, right| (&left.sweep, &left.preset).cmp(&(&right.sweep, &right.preset)));
    merged
}

fn write(args: &ClaimsArgs, entries: &[LedgerEntry]) -> Result<(), Failure> {
    let mut json = serde_json::to_vec_pretty(entries).map_err(Failure::Encode)?;
    json.push(b'\n');
    if let Some(folder) = args.ledger.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write_atomic(&args.ledger, &json)?;
    let page = args.ledger.with_extension("md");
    fs::write_atomic(&page, markdown(entries).as_bytes())?;
    tell(&format!("ledger: `{}`, `{}`", args.ledger.display(), page.display()));
    Ok(())
}

fn text(entries: &[LedgerEntry]) -> String {
    let mut lines = Vec::new();
    for (index, LedgerEntry { sweep, preset, claim }) in entries.iter().enumerate() {
        if begins_sweep(entries, index) {
            lines.push(format!("{sweep}, preset {preset}"));
        }
        lines.push(format!("  {:<8} {}: {}", claim.id, claim.verdict_in_words(), claim.says));
        let results = claim.results();
        let results = (!results.is_empty()).then(|| format!("{}: {results}", claim.tested));
        let indented = results.into_iter().chain(remarks(claim));
        lines.extend(indented.map(|line| format!("           {line}")));
    }
    lines.push(summary(entries));
    lines.join("\n")
}

/// Returns whether an entry is the first of its sweep.
fn begins_sweep(entries: &[LedgerEntry], index: usize) -> bool {
    let of = |index: usize| entries.get(index).map(|it| (&it.sweep, &it.preset));
    index == 0 || of(index - 1) != of(index)
}

/// Returns what has to be known about a verdict.
fn remarks(claim: &JudgedClaim) -> Vec<String> {
    let mut remarks: Vec<String> = claim.reason.iter().cloned().collect();
    if let Some(first) = &claim.first {
        remarks.push(format!(
            "its test was changed after runs had begun; at first: {}: {}",
            first.tested,
            first.verdict.in_words()
        ));
    }
    if claim.entered_after_runs && claim.verdict != Verdict::NotRun {
        remarks.push("entered after runs had begun, so results may have been known".to_owned());
    }
    remarks
}

/// Counts the verdicts.
fn summary(entries: &[LedgerEntry]) -> String {
    let verdicts = [
        Verdict::Confirmed,
        Verdict::Refuted,
        Verdict::Inconclusive,
        Verdict::ProtocolDiffers,
        Verdict::NotRun,
    ];
    let of = |verdict: &Verdict| {
        let number = entries.iter().filter(|entry| entry.claim.verdict == *verdict).count();
        format!("{number} {}", verdict.in_words())
    };
    let counts: Vec<String> = verdicts.iter().map(of).collect();
    format!("{}: {}\n", count(entries.len(), "claim"), counts.join(", "))
}

fn markdown(entries: &[LedgerEntry]) -> String {
    let mut lines = vec![
        "# Claims and verdicts\n".to_owned(),
        summary(entries),
        "Written by `./just claims --write`; [docs/claims.md](../docs/claims.md) says how a verdict is reached."
            .to_owned(),
    ];
    for (index, LedgerEntry { sweep, preset, claim }) in entries.iter().enumerate() {
        if begins_sweep(entries, index) {
            lines.push(format!("\n## {sweep}, preset {preset}\n"));
            lines.push("| Claim | Tested | Result | Verdict |\n|---|---|---|---|".to_owned());
        }
        let cell = |text: &str| text.replace('|', "\\|");
        let verdict = [vec![claim.verdict_in_words()], remarks(claim)].concat().join("; ");
        lines.push(format!(
            "| **{}** {} ({}) | {} | {} | {} |",
            cell(&claim.id),
            cell(&claim.says),
            cell(&claim.source),
            cell(&claim.tested),
            cell(&claim.results()),
            cell(&verdict)
        ));
    }
    lines.join("\n") + "\n"
}
