//! `reprise report`: writes the report of a sweep from its records.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use clap::Args;

use super::status::manifest;
use crate::build_identity::BUILD;
use crate::cli::{
    Failure,
    args::StoreArgs,
    output::{print, tell},
};
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

mod written;

/// The page of a report.
const PAGE: &str = "report.html";

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
    let inputs = inputs(&store, &manifest)?;
    let page = rebuild(&store, manifest, &inputs, &args.reports)?;
    print(&format!("{}\n", page.display()))
}

/// Writes the report of a sweep below `reports` and returns the path of its page. `inputs` was computed before, so
/// that a record that changes in between makes the report outdated.
fn rebuild(
    store: &Store,
    manifest: SweepManifest,
    inputs: &str,
    reports: &Path,
) -> Result<PathBuf, Failure> {
    let folder = reports.join(&manifest.name);
    written::write(&folder, inputs, &compute(store, manifest)?.files)?;
    Ok(folder.join(PAGE))
}

/// Writes the report of a sweep that was just carried out, unless it is up to date, and prints its
/// path.
pub fn after_sweep(store: &Store, name: &str) -> Result<(), Failure> {
    let folder = Path::new(REPORTS).join(name);
    let manifest = manifest(store, name)?;
    let inputs = inputs(store, &manifest)?;
    if !written::is_current(&folder, &inputs)? {
        rebuild(store, manifest, &inputs, Path::new(REPORTS))?;
    }
    tell(&format!("report: `{}`", folder.join(PAGE).display()));
    Ok(())
}

/// Returns the digest of everything that decides the content of a report: the program, the manifest, and the
/// record or the state of every run.
fn inputs(store: &Store, manifest: &SweepManifest) -> Result<String, Failure> {
    let mut text = format!("{}\n", BUILD.sources_sha256);
    text += &serde_json::to_string(manifest).map_err(Failure::Encode)?;
    for entry in &manifest.runs {
        let dir = store.run(&entry.run);
        text += "\n";
        text += &if dir.has(RunFile::Record)? {
            fs::sha256_file(&dir.path(RunFile::Record))?.0
        } else {
            run_status(&dir)?.to_string()
        };
    }
    Ok(fs::sha256_hex(text.as_bytes()))
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
    let mut known: BTreeSet<PathBuf> = report.files.keys().map(|path| folder.join(path)).collect();
    known.insert(folder.join(written::LIST));
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
