//! Operations that fail, and mistakes in `fs` that the crash states find.

use std::path::Path;

use rustix::io::Errno;

use super::{
    Found, Recorded, SHALLOW, SWEEP, Scene, explore,
    judge::Judge,
    recorded,
    sweeps::{TINY, one_arm},
    trace::Operation,
};

/// Explores what the program would leave if it worked differently.
fn explore_changed(scene: &Scene, recorded: &Recorded, operations: Vec<Operation>) -> Found {
    let (before, after) = (recorded.before.clone(), recorded.after.clone());
    let mut judge = Judge::new(scene, &after, &SWEEP).without_recovery();
    explore(&Recorded { before, operations, after }, SHALLOW, &mut judge)
}

#[test]
fn three_mistakes_are_found() {
    let scene = Scene::new(&one_arm());
    let recorded = recorded(&scene, &SWEEP);
    let all = &recorded.operations;
    let is_sync = |operation: &Operation, path: &dyn Fn(&str) -> bool| matches!(operation, Operation::Sync { path: synced } if path(synced));
    let without = |path: &dyn Fn(&str) -> bool| {
        let kept = all.iter().filter(|operation| !is_sync(operation, path));
        kept.cloned().collect::<Vec<_>>()
    };
    let is_folder = |path: &str| recorded.after.folders.contains(path) || path == ".";
    let mut early = all.clone();
    for at in 1..early.len() {
        if let (Operation::Sync { path }, Operation::Rename { from, .. }) = (&all[at - 1], &all[at])
            && path == from
        {
            early.swap(at - 1, at);
            // By then it has its new name.
            let Operation::Rename { to, .. } = &all[at] else { unreachable!() };
            early[at] = Operation::Sync { path: to.clone() };
        }
    }
    let mistakes = [
        ("folders are not synced", without(&is_folder), "is not durable at the end"),
        ("renamed before it is synced", early, "failed to parse"),
        (
            "the journal is not synced before the checkpoint",
            without(&|path| path.ends_with("journal.jsonl")),
            "a checkpoint that cannot be continued",
        ),
    ];
    assert!(explore_changed(&scene, &recorded, all.clone()).findings.is_empty());
    for (mistake, operations, finding) in mistakes {
        let found = explore_changed(&scene, &recorded, operations).findings;
        eprintln!("{mistake}: {} findings, such as {:?}", found.len(), found.first());
        assert!(found.iter().any(|it| it.contains(finding)), "{mistake}: {found:#?}");
    }
}

/// Errors that an operation can give, and whether a write is short before it.
const ERRORS: [(Errno, &str); 8] = [
    (Errno::NOSPC, ""),
    (Errno::IO, ""),
    (Errno::ACCESS, ""),
    (Errno::ROFS, ""),
    (Errno::INTR, ""),
    (Errno::MFILE, ""),
    (Errno::STALE, ""),
    (Errno::NOSPC, "short"),
];

/// Fails operations of a command, one per repetition, each `stride`-th with one error after the other; the command is
/// then repeated undisturbed.
#[track_caller]
fn check_failures(
    what: &str,
    sweep: &str,
    command: &[&str],
    prepare: &dyn Fn(&Scene),
    stride: usize,
) {
    let fresh = || {
        let scene = Scene::new(sweep);
        prepare(&scene);
        scene
    };
    let scene = fresh();
    let recorded = recorded(&scene, command);
    let judge = Judge::new(&scene, &recorded.after, command);
    let (mut failed, mut cases) = (0, 0);
    let mut findings = Vec::new();
    for (case, at) in (1..=recorded.operations.len()).step_by(stride).enumerate() {
        let (errno, kind) = ERRORS[case % ERRORS.len()];
        // A call that a signal interrupts is repeated until it is not, so this error comes once.
        let once = errno == Errno::INTR || (case / ERRORS.len()).is_multiple_of(2);
        let mode = if once { "once" } else { "always" };
        let fail = format!("{at} {} {mode} {kind}", errno.raw_os_error());
        let disturbed = Scene::with_cache(fresh(), &scene.cache);
        let (output, _) = disturbed.record(command, Some(&fail));
        let said = String::from_utf8_lossy(&output.stderr);
        if !matches!(output.status.code(), Some(0 | 3 | 4)) || said.contains("panicked") {
            findings.push(format!("{fail}: {:?}\n{said}", output.status));
        }
        failed += usize::from(!output.status.success());
        findings.extend(judge.recover(&disturbed.listing()).map(|it| format!("{fail}: {it}")));
        cases += 1;
    }
    eprintln!(
        "{what}: {cases} failed operations of {}, {failed} ended the command, {} findings",
        recorded.operations.len(),
        findings.len()
    );
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_sweep_survives_failed_operations() {
    check_failures("sweep", &one_arm(), &SWEEP, &|_| {}, 17);
}

#[test]
fn a_report_survives_failed_operations() {
    let prepare = |scene: &Scene| {
        scene.succeed(&SWEEP);
        std::fs::remove_dir_all(scene.root().join("reports")).unwrap();
    };
    check_failures("report", &one_arm(), &["report", "sweep"], &prepare, 19);
}

#[test]
#[ignore = "minutes: ./just crash"]
fn a_sweep_survives_every_failed_operation() {
    check_failures("sweep, every operation", TINY, &SWEEP, &|_| {}, 1);
}

impl Scene {
    /// Uses the packs of another scene.
    fn with_cache(scene: Self, cache: &Path) -> Self {
        Self { cache: cache.to_owned(), ..scene }
    }
}
