//! What the program sees of a state, and whether it recovers from it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use git2::{ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};
use reprise_store::store::{
    FinishedRun, RunDir, RunFile, State, Store,
    checkpoint::read_checkpoint,
    diff::{DiffVerdict, diff_stores},
    tensors::read_tensors,
    verify::verify,
};
use tempfile::TempDir;

use super::{Listing, Scene, put};

/// Judges the states of one recorded command.
pub(crate) struct Judge<'a> {
    cache: &'a Path,
    command: Vec<String>,
    /// The folder after the undisturbed command.
    whole: Scene,
    after: Listing,
    /// Where states are put, and what is there.
    at: TempDir,
    there: Listing,
    recovers: bool,
}

/// What the program sees of a state.
pub(crate) struct Class {
    pub(crate) name: String,
    /// What no state may show.
    pub(crate) wrong: Vec<String>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(scene: &'a Scene, after: &Listing, command: &[&str]) -> Self {
        Self {
            cache: &scene.cache,
            command: command.iter().map(|&it| it.to_owned()).collect(),
            whole: Scene::holding(after, &scene.cache),
            after: after.clone(),
            at: tempfile::tempdir().unwrap(),
            there: Listing::default(),
            recovers: true,
        }
    }

    /// Does not repeat the command in any state.
    pub(crate) fn without_recovery(self) -> Self {
        Self { recovers: false, ..self }
    }

    /// Returns whether the command is to be repeated in a state of each class.
    pub(crate) const fn recovers(&self) -> bool {
        self.recovers
    }

    /// Looks at a state as the program does before it starts a worker.
    pub(crate) fn class(&mut self, state: &Listing) -> Class {
        let root = self.at.path().join("work");
        put(state, &root, &mut self.there);
        let mut class = Class { name: String::new(), wrong: Vec::new() };
        let store = match Store::open_if_used(&root.join("store")) {
            Ok(store) => store,
            Err(error) => {
                class.wrong.push(format!("the store is not opened: {error}"));
                None
            }
        };
        if let Some(store) = store {
            let manifests = store.manifests().unwrap();
            class.wrong.extend(manifests.unreadable.iter().map(|it| format!("a manifest: {it}")));
            write!(class.name, "{} manifests", manifests.readable.len()).unwrap();
            for id in store.runs().unwrap() {
                class.run(&store.run(&id), &root);
            }
        }
        let of_reports = |listing: &Listing| -> BTreeMap<String, usize> {
            let files = listing.files.iter().filter(|(path, _)| path.starts_with("reports/"));
            files.map(|(path, bytes)| (path.clone(), bytes.as_ptr() as usize)).collect()
        };
        let reports = of_reports(state);
        class.name += match () {
            () if reports.is_empty() => ", no report",
            () if reports.keys().eq(of_reports(&self.after).keys()) => ", a report",
            () => ", part of a report",
        };
        class
    }

    /// Returns what is not in a state although the command has ended.
    pub(crate) fn lost(&mut self, durable: &Listing) -> Vec<String> {
        let is_log = |path: &str| {
            ["stderr.log", ".lock"].iter().any(|end| path.ends_with(end))
                || path.starts_with(".git/")
        };
        let files = self.after.files.iter().filter(|(path, _)| !is_log(path));
        let lost = files.filter(|(path, bytes)| durable.files.get(*path) != Some(bytes));
        lost.map(|(path, _)| format!("`{path}` is not durable at the end")).collect()
    }

    /// Repeats the command in a state, and returns what is then wrong.
    pub(crate) fn recover(&self, state: &Listing) -> Option<String> {
        let scene = Scene::holding(state, self.cache);
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let output = scene.run(&command);
        if !output.status.success() {
            return Some(format!("not repeated: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let [whole, recovered] =
            [&self.whole, &scene].map(|scene| Store::open(&scene.root().join("store")).unwrap());
        let diff = diff_stores(&whole, &recovered).unwrap();
        if diff.verdict != DiffVerdict::BitEqual {
            return Some(format!("other bits: {diff}"));
        }
        let damages = verify(&recovered).unwrap().damages;
        if !damages.is_empty() {
            return Some(format!("damaged: {damages:?}"));
        }
        let listing = scene.listing();
        let left: Vec<&String> =
            listing.files.keys().filter(|path| path.contains(".unfinished-")).collect();
        if !left.is_empty() {
            return Some(format!("left behind: {left:?}"));
        }
        let checked = scene.run(&["report", "sweep", "--check"]);
        if !checked.status.success() {
            return Some(format!("the report: {}", String::from_utf8_lossy(&checked.stdout)));
        }
        broken_objects(&scene.root()).map(|what| format!("git: {what}"))
    }
}

impl Class {
    fn run(&mut self, dir: &RunDir, root: &Path) {
        let observed = dir.observe().state;
        let state = match &observed {
            State::Nothing => "nothing".to_owned(),
            State::Finished(record) => {
                let run = FinishedRun::open(dir).unwrap();
                for error in run.check_files().into_iter().filter_map(Result::err) {
                    self.wrong.push(format!("a record without its file: {error}"));
                }
                if let Some(git) = &record.code.git
                    && let Err(error) = whole_tree(root, &git.tree)
                {
                    self.wrong.push(format!("a record without its tree: {error}"));
                }
                "finished".to_owned()
            }
            State::Resumable(position) => {
                let trainer = read_checkpoint(&dir.path(RunFile::Checkpoint)).unwrap().trainer;
                let best = read_tensors(&dir.path(RunFile::Best)).ok();
                let best = best.map(|(_, metadata)| metadata);
                format!("{position:?} {} {best:?}", trainer["best"]["epoch"])
            }
            State::NotResumable { refusal: None } => "started".to_owned(),
            State::NotResumable { refusal: Some(why) } => {
                self.wrong.push(format!("a checkpoint that cannot be continued: {why}"));
                "lost".to_owned()
            }
            other => {
                self.wrong.push(format!("{other:?}"));
                "damaged".to_owned()
            }
        };
        let spec = dir.read_spec().is_ok();
        write!(self.name, ", {}: {state}, spec {spec}", &dir.id().as_str()[..4]).unwrap();
    }
}

/// Checks that a tree and all its files can be read.
fn whole_tree(root: &Path, tree: &str) -> Result<(), git2::Error> {
    let repository = Repository::open(root)?;
    let tree = repository.find_tree(Oid::from_str(tree)?)?;
    let mut broken = Ok(());
    tree.walk(TreeWalkMode::PreOrder, |_, entry| {
        if entry.kind() == Some(ObjectType::Blob)
            && let Err(error) = repository.find_blob(entry.id())
        {
            broken = Err(error);
        }
        TreeWalkResult::Ok
    })?;
    broken
}

/// Returns an object of the user's repository that cannot be read, if there is one.
fn broken_objects(root: &Path) -> Option<String> {
    let objects = root.join(".git/objects");
    let folders = fs::read_dir(objects).unwrap().map(|entry| entry.unwrap().path());
    let of = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_loose = |path: &PathBuf| path.file_name().is_some_and(|name| name.len() == 38);
    let mut empty =
        folders.flat_map(of).filter(is_loose).filter(|path| fs::metadata(path).unwrap().len() == 0);
    empty.next().map(|path| format!("{} is empty", path.display()))
}
