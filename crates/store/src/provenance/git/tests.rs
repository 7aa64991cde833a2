//! Snapshots of small repositories in all kinds of states.

use std::os::unix::fs::symlink;

use git2::{IndexAddOption, RepositoryInitOptions};
use tempfile::TempDir;

use super::*;

fn repository() -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main");
    let repository = Repository::init_opts(folder.path().join("repo"), &options).unwrap();
    (folder, repository)
}

fn workdir(repository: &Repository) -> &Path {
    repository.workdir().unwrap()
}

fn put(repository: &Repository, path: &str, content: &[u8]) {
    let path = workdir(repository).join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write_atomic(&path, content).unwrap();
}

fn remove(repository: &Repository, path: &str) {
    std::fs::remove_file(workdir(repository).join(path)).unwrap();
}

/// Stages everything in the user's index and commits it.
fn commit_all(repository: &Repository) -> Oid {
    let mut index = repository.index().unwrap();
    index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = Signature::new("a", "a@b", &Time::new(1, 0)).unwrap();
    let parent = head_commit(repository).unwrap();
    let parents: Vec<_> = parent.iter().collect();
    repository.commit(Some("HEAD"), &author, &author, "message", &tree, &parents).unwrap()
}

/// A repository with one commit of `code.rs`, `data.bin` and `.gitignore`.
fn committed() -> (TempDir, Repository) {
    let (folder, repository) = repository();
    put(&repository, "code.rs", b"one\ntwo\n");
    put(&repository, "data.bin", b"\0\x01");
    put(&repository, ".gitignore", b"/target\n");
    commit_all(&repository);
    (folder, repository)
}

/// Takes a snapshot and checks that it equals what `git add --all` would commit, that the reference
/// points to it, and that the index file is unchanged.
#[track_caller]
fn check(repository: &Repository, changed: &[&str]) -> GitSnapshot {
    let index_file = repository.path().join("index");
    let index_bytes = || fs::read(&index_file, 1 << 20).ok();
    let before = index_bytes();
    let snapshot = git_snapshot(workdir(repository), &[]).unwrap().unwrap();
    assert_eq!(index_bytes(), before);

    let mut all = repository.index().unwrap();
    all.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
    assert_eq!(snapshot.record.tree, all.write_tree().unwrap().to_string());
    let kept = repository.find_reference(&snapshot.record.reference).unwrap();
    assert_eq!(kept.peel_to_tree().unwrap().id().to_string(), snapshot.record.tree);
    assert_eq!(snapshot.record.changed, changed);
    assert_eq!(snapshot.record.left_out, Vec::<String>::new());
    snapshot
}

#[test]
fn a_folder_outside_a_repository_has_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(git_snapshot(folder.path(), &[]).unwrap(), None);
}

#[test]
fn a_clean_tree_is_that_of_its_commit() {
    let (_keep, repository) = committed();
    let snapshot = check(&repository, &[]);
    let commit = head_commit(&repository).unwrap().unwrap();
    assert_eq!(snapshot.record.commit, Some(commit.id().to_string()));
    assert_eq!(snapshot.record.branch.as_deref(), Some("main"));
    assert_eq!(snapshot.record.tree, commit.tree_id().to_string());
    assert_eq!(snapshot.patch, b"");
}

#[test]
fn dirty_staged_deleted_and_untracked_files_are_in_the_tree() {
    let (_keep, repository) = committed();
    put(&repository, "staged.rs", b"staged\n");
    let mut index = repository.index().unwrap();
    index.add_path(Path::new("staged.rs")).unwrap();
    index.write().unwrap();
    put(&repository, "staged.rs", b"staged, then changed\n");
    put(&repository, "code.rs", b"one\n2\n");
    put(&repository, "deep/er/new.rs", b"new\n");
    put(&repository, "target/ignored", b"ignored\n");
    remove(&repository, "data.bin");
    check(&repository, &["code.rs", "data.bin", "deep/er/new.rs", "staged.rs"]);
}

#[test]
fn the_patch_has_text_and_only_names_binary_files() {
    let (_keep, repository) = committed();
    put(&repository, "code.rs", b"one\n2\n");
    put(&repository, "data.bin", b"\0\x02");
    let patch = String::from_utf8(check(&repository, &["code.rs", "data.bin"]).patch).unwrap();
    let lines: Vec<_> = patch.lines().filter(|line| !line.starts_with("index ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    diff --git a/code.rs b/code.rs
    --- a/code.rs
    +++ b/code.rs
    @@ -1,2 +1,2 @@
     one
    -two
    +2
    diff --git a/data.bin b/data.bin
    Binary files a/data.bin and b/data.bin differ
    ");
}

#[test]
fn the_same_tree_twice_makes_one_commit() {
    let (_keep, repository) = committed();
    put(&repository, "code.rs", b"changed\n");
    let first = check(&repository, &["code.rs"]);
    let reference = |snapshot: &GitSnapshot| {
        repository.find_reference(&snapshot.record.reference).unwrap().target().unwrap()
    };
    let kept = reference(&first);
    let second = check(&repository, &["code.rs"]);
    assert_eq!((&second, reference(&second)), (&first, kept));
    let parent = repository.find_commit(kept).unwrap().parent_id(0).unwrap();
    assert_eq!(Some(parent.to_string()), first.record.commit);
}

#[test]
fn a_tree_whose_reference_git_has_packed_is_kept() {
    let (_folder, repository) = committed();
    put(&repository, "new.txt", b"new");
    let name = check(&repository, &["new.txt"]).record.reference;
    let target = repository.find_reference(&name).unwrap().target().unwrap();
    fs::write_atomic(
        &repository.path().join("packed-refs"),
        format!("{target} {name}\n").as_bytes(),
    )
    .unwrap();
    std::fs::remove_dir_all(repository.path().join("refs/reprise")).unwrap();
    assert_eq!(check(&repository, &["new.txt"]).record.reference, name);
}

#[test]
fn the_lock_that_a_killed_program_left_is_an_error() {
    let (_folder, repository) = committed();
    put(&repository, "new.txt", b"new");
    let tree = check(&repository, &["new.txt"]).record.tree;
    let name = format!("refs/reprise/trees/{tree}");
    repository.find_reference(&name).unwrap().delete().unwrap();
    let lock = repository.path().join(format!("{name}.lock"));
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write_atomic(&lock, b"").unwrap();
    let error = snapshot(&repository, &[]).unwrap_err();
    assert!(error.hint().unwrap().contains("a killed one left the file"), "{error}");
    fs::remove_file(&lock).unwrap();
    assert_eq!(snapshot(&repository, &[]).unwrap().record.reference, name);
}

#[test]
fn symlinks_and_executable_files_keep_their_kind() {
    let (_keep, repository) = committed();
    symlink("nowhere/at/all", workdir(&repository).join("link")).unwrap();
    put(&repository, "run.sh", b"#!/bin/sh\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(workdir(&repository).join("run.sh"), executable).unwrap();
    check(&repository, &["link", "run.sh"]);
}

#[test]
fn a_folder_in_the_place_of_a_file_and_the_reverse_are_recorded() {
    let (_keep, repository) = committed();
    put(&repository, "folder/a.rs", b"a\n");
    commit_all(&repository);
    remove(&repository, "code.rs");
    put(&repository, "code.rs/part.rs", b"part\n");
    std::fs::remove_dir_all(workdir(&repository).join("folder")).unwrap();
    put(&repository, "folder", b"a file\n");
    check(&repository, &["code.rs", "code.rs/part.rs", "folder", "folder/a.rs"]);
}

#[test]
fn a_repository_without_commits_has_a_tree_and_a_branch() {
    let (_keep, repository) = repository();
    let empty = check(&repository, &[]).record;
    assert_eq!((empty.commit, empty.branch.as_deref()), (None, Some("main")));
    put(&repository, "first.rs", b"first\n");
    let snapshot = check(&repository, &["first.rs"]);
    assert!(snapshot.patch.ends_with(b"+first\n"));
}

#[test]
fn a_detached_head_has_a_commit_and_no_branch() {
    let (_keep, repository) = committed();
    let commit = head_commit(&repository).unwrap().unwrap().id();
    repository.set_head_detached(commit).unwrap();
    let record = check(&repository, &[]).record;
    assert_eq!((record.commit, record.branch), (Some(commit.to_string()), None));
}

#[test]
fn a_bare_repository_has_the_tree_of_its_commit() {
    let (keep, repository) = committed();
    let commit = head_commit(&repository).unwrap().unwrap();
    let bare = keep.path().join("bare");
    let path = workdir(&repository).to_str().unwrap();
    let bare = git2::build::RepoBuilder::new().bare(true).clone(path, &bare).unwrap();
    bare.set_head_detached(commit.id()).unwrap();
    let record = git_snapshot(bare.path(), &[]).unwrap().unwrap().record;
    assert_eq!(record.tree, commit.tree_id().to_string());
    assert_eq!((record.commit, record.branch), (Some(commit.id().to_string()), None));
}

#[test]
fn a_large_untracked_file_is_left_out_and_a_large_tracked_one_is_not() {
    let (_keep, repository) = committed();
    let large = vec![b'x'; (10 << 20) + 1];
    put(&repository, "code.rs", &large);
    put(&repository, "weights.bin", &large);
    put(&repository, "small.bin", &large[1..]);
    let record = git_snapshot(workdir(&repository), &[]).unwrap().unwrap().record;
    assert_eq!(record.changed, ["code.rs", "small.bin"]);
    assert_eq!(record.left_out, ["weights.bin"]);
}

#[test]
fn a_nested_repository_is_recorded_by_its_commit() {
    let (_keep, repository) = committed();
    let nested = Repository::init(workdir(&repository).join("nested")).unwrap();
    put(&nested, "a.rs", b"a\n");
    let unborn = git_snapshot(workdir(&repository), &[]).unwrap().unwrap().record;
    assert_eq!((unborn.changed, unborn.left_out), (vec![], vec!["nested/".to_owned()]));
    let commit = commit_all(&nested);
    let record = git_snapshot(workdir(&repository), &[]).unwrap().unwrap().record;
    let tree = repository.find_tree(Oid::from_str(&record.tree).unwrap()).unwrap();
    assert_eq!(tree.get_name("nested").unwrap().id(), commit);
}

#[test]
fn a_named_pipe_in_the_working_tree_is_no_obstacle() {
    let (_keep, repository) = committed();
    let pipe = workdir(&repository).join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let record = git_snapshot(workdir(&repository), &[]).unwrap().unwrap().record;
    assert_eq!(record.changed, Vec::<String>::new());
}

#[test]
fn a_repository_of_another_user_is_refused_with_the_command_that_helps() {
    let (_keep, repository) = committed();
    let path = workdir(&repository);
    for part in [path.to_owned(), path.join(".git")] {
        if std::os::unix::fs::chown(&part, Some(12345), None).is_err() {
            // Only the administrator can give files away; the repository stays trusted.
            check_trust(path).unwrap();
            return;
        }
    }
    let error = check_trust(path).unwrap_err();
    assert!(matches!(error, GitError::Untrusted { .. }), "{error:?}");
    let command = format!("git config --global --add safe.directory {}", path.display());
    assert!(error.hint().unwrap().contains(&command), "{:?}", error.hint());
    assert!(matches!(git_snapshot(path, &[]), Err(GitError::Untrusted { .. })));
}

#[test]
fn masses_of_untracked_files_stay_out_of_git_and_of_the_record() {
    let (_keep, repository) = committed();
    for number in 0..400 {
        put(&repository, &format!("frames/{number}.png"), format!("{number}").as_bytes());
    }
    put(&repository, "data/a.npy", b"x");
    put(&repository, ".env", b"TOKEN=1");
    put(&repository, "new.rs", b"code");
    let excluded = [workdir(&repository).join("data")];
    let record = git_snapshot(workdir(&repository), &excluded).unwrap().unwrap().record;
    assert_eq!(
        (record.changed.len() as u64 + record.changed_more, record.left_out.len()),
        (256, 20)
    );
    assert_eq!(record.left_out[..2], [".env", "data/a.npy"]);
    let tree = repository.find_tree(record.tree.parse().unwrap()).unwrap();
    assert!(tree.get_name("new.rs").is_some() && tree.get_name(".env").is_none());
    assert_eq!(record.all_left_out.unwrap().files, 400 + 3 - 256);
}
