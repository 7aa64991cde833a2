//! `reprise report`: writes the report of a sweep from its records.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use clap::Args;

use super::status::manifest;
use crate::cli::{
    Failure,
    args::StoreArgs,
    output::{print, tell},
};
use crate::experiment::Change;
use reprise_base::{
    fs::{self, FileKind},
    text::count,
};
use reprise_report::{self as report, ReportFiles, ReportInput, ReportRun, RunState, Samples};
use reprise_store::{
    store::{
        RunDir, RunFile, Store, StoreError, journal::read_journal, manifest::SweepManifest,
        tensors::read_tensors,
    },
    sweep::status::run_status,
};

/// Default folder of reports.
pub const REPORTS: &str = "reports";

/// Limit on a file of a report.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Arguments of `reprise report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise report kl_annealing            writes reports/kl_annealing/report.{md,html}
  reprise report kl_annealing.smoke      the same sweep with another preset
  reprise report kl_annealing --check    checks that the report is up to date

The report is computed from the run records of the sweep, with the preset and settings of its last
start. The same records always give byte-identical files. Besides the pages, the command writes
the figures, and all scores and curves as CSV. With --check nothing is written; the exit code is 1
if a file on disk differs from what would be written.")]
pub struct ReportArgs {
    /// Name of the sweep; `NAME.PRESET` for a preset other than its default
    #[arg(value_name = "NAME")]
    name: String,
    /// Check that the report is up to date; write nothing
    #[arg(long)]
    check: bool,
    /// Folder of reports
    #[arg(long, value_name = "DIR", default_value = REPORTS)]
    reports: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Writes or checks a report.
pub fn run(args: &ReportArgs) -> Result<(), Failure> {
    let store = Store::open(&args.store.store)?;
    let manifest = manifest(&store, &args.name)?;
    if args.check {
        let folder = args.reports.join(&manifest.name);
        return check(&compute(&store, manifest)?, &folder);
    }
    let page = rebuild(&store, manifest, &args.reports)?;
    print(&format!("{}\n", page.display()))
}

/// Writes the report of a sweep below `reports` and returns the path of its page.
fn rebuild(store: &Store, manifest: SweepManifest, reports: &Path) -> Result<PathBuf, Failure> {
    let page = page(reports, &manifest.name);
    let folder = reports.join(&manifest.name);
    for (path, bytes) in compute(store, manifest)?.files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write_atomic(&path, &bytes)?;
    }
    Ok(page)
}

/// Writes the report of a sweep that was just carried out, unless it is up to date, and prints its
/// path.
pub fn after_sweep(store: &Store, name: &str, change: Change) -> Result<(), Failure> {
    let reports = Path::new(REPORTS);
    let page = page(reports, name);
    if change == Change::Some || fs::kind(&page)?.is_none() {
        rebuild(store, manifest(store, name)?, reports)?;
    }
    tell(&format!("report: `{}`", page.display()));
    Ok(())
}

/// Returns the path of a report's page.
fn page(reports: &Path, name: &str) -> PathBuf {
    reports.join(name).join("report.html")
}

fn compute(store: &Store, manifest: SweepManifest) -> Result<ReportFiles, Failure> {
    let runs = manifest
        .runs
        .iter()
        .map(|entry| {
            let dir = store.run(&entry.run);
            let state = state(&dir)?;
            let samples = match &state {
                RunState::Finished { .. } => samples(&dir)?,
                RunState::Unfinished { .. } => Samples::default(),
            };
            Ok(ReportRun { entry: entry.clone(), state, samples })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let mut sheets = BTreeMap::new();
    for run in &runs {
        if let RunState::Finished { record, events: _ } = &run.state
            && let Entry::Vacant(entry) = sheets.entry(record.data.pack_sha256.clone())
            && let Some(sheet) = store.read_sheet(&record.data.pack_sha256)?
        {
            entry.insert(sheet);
        }
    }
    Ok(report::build(&ReportInput { manifest, runs, sheets })?)
}

fn state(dir: &RunDir) -> Result<RunState, Failure> {
    match dir.read_record() {
        Ok(record) => {
            let events = read_journal(&dir.path(RunFile::Journal))?.values;
            Ok(RunState::Finished { record: Box::new(record), events })
        }
        Err(StoreError::Unfinished { .. }) => {
            Ok(RunState::Unfinished { what: run_status(dir)?.to_string() })
        }
        Err(error) => Err(error.into()),
    }
}

fn samples(dir: &RunDir) -> Result<Samples, Failure> {
    if !dir.has(RunFile::Rollouts)? {
        return Ok(Samples::default());
    }
    let path = dir.path(RunFile::Rollouts);
    let (tensors, metadata) = read_tensors(&path).map_err(StoreError::from)?;
    Samples::new(tensors, &metadata).map_err(|source| Failure::Rollouts { path, source })
}

/// Compares a report's folder with the report byte for byte.
fn check(report: &ReportFiles, folder: &Path) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for (path, bytes) in &report.files {
        let at = folder.join(path);
        match fs::read(&at, FILE_BYTES_MAX) {
            Ok(found) if found == *bytes => {}
            Ok(_) => wrong.push(format!("{}: differs from the records", at.display())),
            Err(error) if error.is_not_found() => {
                wrong.push(format!("{}: missing", at.display()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let known: BTreeSet<PathBuf> = report.files.keys().map(|path| folder.join(path)).collect();
    for path in files(folder)?.difference(&known) {
        wrong.push(format!("{}: not part of the report", path.display()));
    }
    if wrong.is_empty() {
        tell(&format!("`{}` is up to date", folder.display()));
        return Ok(());
    }
    print(&format!("{}\n", wrong.join("\n")))?;
    let files = count(wrong.len(), "file");
    Err(Failure::Check(format!("`{}` is out of date in {files}", folder.display())))
}

/// Returns every file below a folder, which may be missing.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    if fs::kind(folder)? != Some(FileKind::Dir) {
        return Ok(found);
    }
    for entry in fs::read_dir_sorted(folder)? {
        if entry.kind == FileKind::Dir {
            found.extend(files(&entry.path)?);
        } else {
            found.insert(entry.path);
        }
    }
    Ok(found)
}
