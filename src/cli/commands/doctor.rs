//! `reprise doctor`: what this machine offers, and where things are kept.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        args::{Format, FormatArgs, StoreArgs},
        output::{print, print_json, size},
        places,
    },
    fs,
    provenance::{SOURCES_SHA256, Worktree, host_record, worktree},
    store::record::HostRecord,
};

/// Arguments of `reprise doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise doctor
  reprise doctor --format json

Says which libtorch computes and where it lies, whether CUDA can be used or why not, the processor
with its instruction sets, which determinism switches a run has, and how much room there is.")]
pub struct DoctorArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// What there is.
#[derive(Debug, Serialize)]
struct Findings {
    version: &'static str,
    sources_sha256: &'static str,
    engine: super::engine::EngineFindings,
    host: HostRecord,
    store: Place,
    cache: Place,
    git: Option<Worktree>,
}

/// A folder, which need not exist yet.
#[derive(Debug, Serialize)]
struct Place {
    path: PathBuf,
    free_bytes: u64,
}

/// Prints what there is.
pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let findings = Findings {
        version: env!("CARGO_PKG_VERSION"),
        sources_sha256: SOURCES_SHA256,
        engine: super::engine::findings()?,
        host: host_record(),
        store: place(args.store.store.clone())?,
        cache: place(places::cache()?)?,
        git: worktree(&places::existing(&PathBuf::from(".")))?,
    };
    match args.format.format {
        Format::Json => print_json(&findings),
        Format::Text => print(&text(&findings)),
    }
}

fn place(path: PathBuf) -> Result<Place, Failure> {
    let free_bytes = fs::free_bytes(&places::existing(&path))?;
    Ok(Place { path, free_bytes })
}

fn text(findings: &Findings) -> String {
    let Findings { version, sources_sha256, engine, host, store, cache, git } = findings;
    let mut rows = vec![("reprise", format!("{version}, sources {}", &sources_sha256[..12]))];
    rows.extend(engine.rows());
    let place =
        |place: &Place| format!("`{}`, {} free", place.path.display(), size(place.free_bytes));
    let git = match git {
        None => "not a repository: records will not name a commit".to_owned(),
        Some(Worktree { commit, changed }) => {
            let commit = commit.as_deref().unwrap_or("no commit yet");
            format!("{commit}, {changed} changed or untracked paths")
        }
    };
    rows.extend([
        ("processor", format!("{}, {} cores", host.cpu, host.cores)),
        ("instructions", host.cpu_features.join(" ")),
        ("system", host.os.clone()),
        ("store", place(store)),
        ("cache", place(cache)),
        ("git", git),
    ]);
    let line = |(name, value): &(&str, String)| format!("{name:<14}{value}\n");
    rows.iter().map(line).collect()
}
