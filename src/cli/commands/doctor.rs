//! `reprise doctor`: what this machine supports, and where files are kept.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::engine;
use crate::build_identity::BUILD;
use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat, StoreArgs},
    output::{print, print_json, size},
    places,
};
use reprise_base::{fs, text::count};
use reprise_store::{
    provenance::{Worktree, host_record, worktree},
    store::record::HostRecord,
};

/// Arguments of `reprise doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise doctor
  reprise doctor --format json

The command prints the version and path of libtorch, whether CUDA works (or why it does not), the
processor with its instruction sets, the settings of libtorch that make runs deterministic, and
the free disk space.")]
pub struct DoctorArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Everything that is reported.
#[derive(Debug, Serialize)]
struct MachineFindings<E> {
    version: &'static str,
    sources_sha256: &'static str,
    engine: E,
    host: HostRecord,
    store: FolderSpace,
    cache: FolderSpace,
    git: Option<Worktree>,
}

/// A folder, which may not exist yet.
#[derive(Debug, Serialize)]
struct FolderSpace {
    path: PathBuf,
    free_bytes: u64,
}

/// Prints what this machine supports.
pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let engine = engine::findings()?;
    let engine_rows = engine.rows();
    let findings = MachineFindings {
        version: env!("CARGO_PKG_VERSION"),
        sources_sha256: BUILD.sources_sha256,
        engine,
        host: host_record(),
        store: place(args.store.store.clone())?,
        cache: place(places::cache()?)?,
        git: worktree(&places::existing(&PathBuf::from(".")))?,
    };
    match args.format.format {
        OutputFormat::Json => print_json(&findings),
        OutputFormat::Text => print(&text(&findings, engine_rows)),
    }
}

fn place(path: PathBuf) -> Result<FolderSpace, Failure> {
    let free_bytes = fs::free_bytes(&places::existing(&path))?;
    Ok(FolderSpace { path, free_bytes })
}

fn text<E>(findings: &MachineFindings<E>, engine: Vec<(&'static str, String)>) -> String {
    let MachineFindings { version, sources_sha256, engine: _, host, store, cache, git } = findings;
    let mut rows = vec![("reprise", format!("{version}, sources {}", &sources_sha256[..12]))];
    rows.extend(engine);
    let place = |place: &FolderSpace| {
        format!("`{}`, {} free", place.path.display(), size(place.free_bytes))
    };
    let git = match git {
        None => "not a repository, so records will not name a commit".to_owned(),
        Some(Worktree { commit, changed }) => {
            let commit = commit.as_deref().unwrap_or("no commit yet");
            format!("{commit}, {} changed or untracked", count(*changed, "path"))
        }
    };
    rows.extend([
        ("processor", format!("{}, {}", host.cpu, count(host.cores, "core"))),
        ("instructions", host.cpu_features.join(" ")),
        ("system", host.os.clone()),
        ("store", place(store)),
        ("cache", place(cache)),
        ("git", git),
    ]);
    let line = |(name, value): &(&str, String)| format!("{name:<14}{value}\n");
    rows.iter().map(line).collect()
}
