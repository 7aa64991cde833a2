//! `reprise report`: writes the report of a sweep from its records.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
};

use clap::Args;

use super::status::manifest;
use crate::build_identity::BUILD;
use crate::{
    cli::{
        Failure,
        args::StoreArgs,
        output::{print, tell},
    },
    experiment::REPORTS,
};
use reprise_base::{
    fs::{self, FileKind},
    text::{count, error_chain},
};
use reprise_report::{
    self as report, ReportEvaluation, ReportFiles, ReportInput, ReportRun, RunState, Samples,
};
use reprise_store::{
    store::{
        FinishedRun, RunDir, RunFile, Store, StoreError,
        evaluation::EvaluationFile,
        manifest::SweepManifest,
        tensors::{StoredTensor, TensorMetadata},
    },
    sweep::status::run_status,
};

mod written;

/// The page of a report.
const PAGE: &str = "report.html";

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
    let folder = args.reports.join(&manifest.name);
    if args.check {
        let Computed { report, damaged, missing: _ } = compute(&store, manifest)?;
        check(&report, &folder)?;
        return complain(&damaged);
    }
    let inputs = inputs(&store, &manifest)?;
    let damaged = rebuild(&store, manifest, &inputs, &folder)?;
    print(&format!("{}\n", folder.join(PAGE).display()))?;
    complain(&damaged)
}

/// Writes the report of a sweep and returns the damages that it leaves out. `inputs` was computed before, so that a
/// record that changes in between makes the report outdated.
fn rebuild(
    store: &Store,
    manifest: SweepManifest,
    inputs: &str,
    folder: &Path,
) -> Result<Vec<StoreError>, Failure> {
    let Computed { report, damaged, missing } = compute(store, manifest)?;
    for error in &missing {
        tell(&format!("warning: {}; the report lacks its pictures", error_chain(error)));
    }
    // The inputs say nothing of the files of a run, so with other files the report is never taken for the current one.
    let inputs = if damaged.is_empty() && missing.is_empty() { inputs } else { "" };
    written::write(folder, inputs, &report.files)?;
    Ok(damaged)
}

/// Fails if a report leaves out damaged files.
fn complain(damaged: &[StoreError]) -> Result<(), Failure> {
    if damaged.is_empty() {
        return Ok(());
    }
    for error in damaged {
        tell(&format!("warning: {}", error_chain(error)));
    }
    let files = count(damaged.len(), "damaged file");
    Err(Failure::Check(format!(
        "the report leaves out {files}; see `reprise store verify` for what to do about it"
    )))
}

/// Writes the report of a sweep that was just carried out, unless it is up to date, and prints its
/// path.
pub fn after_sweep(store: &Store, name: &str) -> Result<(), Failure> {
    let folder = Path::new(REPORTS).join(name);
    let manifest = manifest(store, name)?;
    let inputs = inputs(store, &manifest)?;
    let mut damaged = Vec::new();
    if !written::is_current(&folder, &inputs)? {
        damaged = rebuild(store, manifest, &inputs, &folder)?;
    }
    tell(&format!("report: `{}`", folder.join(PAGE).display()));
    complain(&damaged)
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
            let mut digests = fs::sha256_file(&dir.path(RunFile::Record))?.0;
            for evaluation in dir.evaluations()? {
                let record = evaluation.path(EvaluationFile::Record);
                if fs::kind(&record)?.is_some() {
                    digests += &fs::sha256_file(&record)?.0;
                }
            }
            digests
        } else {
            run_status(&dir).to_string()
        };
    }
    Ok(fs::sha256_hex(text.as_bytes()))
}

/// A report, and why files of its runs are not part of it.
struct Computed {
    report: ReportFiles,
    damaged: Vec<StoreError>,
    missing: Vec<StoreError>,
}

fn compute(store: &Store, manifest: SweepManifest) -> Result<Computed, Failure> {
    let (mut damaged, mut missing) = (Vec::new(), Vec::new());
    let mut runs = Vec::new();
    // One run per arm is pictured: the one with the smallest seed that stored something.
    let mut pictured = BTreeSet::new();
    for entry in &manifest.runs {
        let dir = store.run(&entry.run);
        let (state, mut samples) = match read(&dir, &mut missing) {
            Err(Failure::Store(error)) if error.is_damage() => {
                let what = format!("damaged: {}", error_chain(&error));
                damaged.push(error);
                (RunState::Unfinished { what }, Samples::default())
            }
            read => read?,
        };
        let mut evaluations = match &state {
            RunState::Finished { .. } => evaluations(&dir, &mut damaged, &mut missing)?,
            RunState::Unfinished { .. } => Vec::new(),
        };
        let has_pictures = |evaluation: &ReportEvaluation| evaluation.samples.has_pictures();
        let pictures = samples.has_pictures() || evaluations.iter().any(has_pictures);
        if pictures && !pictured.insert(&entry.arm) {
            samples = samples.without_pictures();
            for evaluation in &mut evaluations {
                evaluation.samples = std::mem::take(&mut evaluation.samples).without_pictures();
            }
        }
        runs.push(ReportRun { entry: entry.clone(), state, samples, evaluations });
    }
    let mut sheets = BTreeMap::new();
    for run in &runs {
        let RunState::Finished { record, events: _ } = &run.state else { continue };
        let Entry::Vacant(entry) = sheets.entry(record.data.pack_sha256.clone()) else { continue };
        match store.read_sheet(&record.data.pack_sha256) {
            Err(error) if error.is_damage() => damaged.push(error),
            sheet => drop(sheet?.map(|sheet| entry.insert(sheet))),
        }
    }
    let report = report::build(&ReportInput { manifest, runs, sheets })?;
    Ok(Computed { report, damaged, missing })
}

/// Reads what a run recorded. Roll-outs that were removed, to save space, are added to `missing`.
fn read(dir: &RunDir, missing: &mut Vec<StoreError>) -> Result<(RunState, Samples), Failure> {
    let run = match FinishedRun::open(dir) {
        Err(StoreError::Unfinished { .. }) => {
            let what = run_status(dir).to_string();
            return Ok((RunState::Unfinished { what }, Samples::default()));
        }
        run => run?,
    };
    let events = run.journal()?;
    let samples = samples(run.tensors(RunFile::Rollouts), dir.path(RunFile::Rollouts), missing)?;
    Ok((RunState::Finished { record: Box::new(run.into_record()), events }, samples))
}

/// Reads the finished evaluations of a run. A damaged one is left out.
fn evaluations(
    dir: &RunDir,
    damaged: &mut Vec<StoreError>,
    missing: &mut Vec<StoreError>,
) -> Result<Vec<ReportEvaluation>, Failure> {
    let (finished, unreadable) = FinishedRun::open(dir)?.evaluations()?;
    damaged.extend(unreadable);
    let mut read = Vec::new();
    for evaluation in finished {
        let record = evaluation.record().clone();
        let path = dir.evaluation(&record.evaluation).path(EvaluationFile::Rollouts);
        match samples(evaluation.rollouts(), path, missing) {
            Err(Failure::Store(error)) if error.is_damage() => damaged.push(error),
            samples => read.push(ReportEvaluation { record, samples: samples? }),
        }
    }
    Ok(read)
}

/// Returns what was stored besides scores. Files that were removed, to save space, are added to `missing`.
fn samples(
    found: Result<Option<(Vec<StoredTensor>, TensorMetadata)>, StoreError>,
    path: PathBuf,
    missing: &mut Vec<StoreError>,
) -> Result<Samples, Failure> {
    match found {
        Err(error @ StoreError::Missing { .. }) => {
            missing.push(error);
            Ok(Samples::default())
        }
        found => match found? {
            None => Ok(Samples::default()),
            Some((tensors, metadata)) => Samples::new(tensors, &metadata)
                .map_err(|source| Failure::Rollouts { path, source }),
        },
    }
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
