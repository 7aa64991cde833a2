//! Tests on real folders.

use std::{os::unix::fs::symlink, process::Command};

use super::*;

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T, FsError>, fragment: &str) {
    let message = result.expect_err("the operation is refused").to_string();
    assert!(message.contains(fragment), "`{message}` does not say `{fragment}`");
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn names(path: &Path) -> Vec<OsString> {
    read_dir_sorted(path).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_refused() {
    let folder = folder();
    let path = folder.path().join("four");
    write_atomic(&path, b"1234").unwrap();
    assert_eq!(read(&path, 4).unwrap(), b"1234");
    check_refused(read(&path, 3), "larger than 3 bytes");
}

#[test]
fn a_named_pipe_is_refused_without_waiting_for_a_writer() {
    let folder = folder();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    check_refused(read(&path, 10), "a named pipe");
    check_refused(sha256_file(&path), "a named pipe");
    assert_eq!(kind(&path).unwrap(), Some(FileKind::Other));
}

#[test]
fn devices_and_folders_are_refused_by_kind() {
    check_refused(read(Path::new("/dev/zero"), 10), "a character device");
    check_refused(read(folder().path(), 10), "a folder");
    check_refused(map(Path::new("/dev/zero")), "a character device");
}

#[test]
fn a_missing_file_is_named() {
    let folder = folder();
    let path = folder.path().join("missing");
    check_refused(read(&path, 10), "missing");
    assert!(read(&path, 10).unwrap_err().is_not_found());
}

#[test]
fn the_first_byte_that_is_not_utf8_is_named() {
    let folder = folder();
    let path = folder.path().join("text");
    write_atomic(&path, b"ab\xff").unwrap();
    check_refused(read_text(&path, 10), "offset 2");
}

#[test]
fn a_write_that_fails_leaves_the_old_file_and_no_temporary_one() {
    let folder = folder();
    let path = folder.path().join("value");
    write_atomic(&path, b"old").unwrap();
    let full = write_atomic_with(&path, |file| {
        file.write_all(&vec![b'n'; 100_000])?;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    });
    check_refused(full, "value");
    assert_eq!(read(&path, 10).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["value"]);
}

#[test]
fn only_temporary_files_are_removed() {
    let folder = folder();
    write_atomic(&folder.path().join("kept"), b"x").unwrap();
    write_atomic(&folder.path().join(".unfinished-a1"), b"x").unwrap();
    assert_eq!(remove_temporaries(folder.path()).unwrap(), 1);
    assert_eq!(names(folder.path()), ["kept"]);
    assert_eq!(remove_temporaries(&folder.path().join("missing")).unwrap(), 0);
}

#[test]
fn the_temporary_file_of_a_running_writer_stays() {
    let folder = folder();
    let path = folder.path().join("value");
    write_atomic_with(&path, |file| {
        assert_eq!(temporaries(folder.path()).unwrap().len(), 1);
        assert_eq!(remove_temporaries(folder.path()).unwrap(), 0);
        file.write_all(b"whole")
    })
    .unwrap();
    assert_eq!(read(&path, 10).unwrap(), b"whole");
}

#[test]
fn entries_are_sorted_and_symlinks_resolved() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    create_dir_all(&at("b")).unwrap();
    write_atomic(&at("c"), b"").unwrap();
    symlink(at("b"), at("a")).unwrap();
    symlink(at("nowhere"), at("d")).unwrap();
    symlink(at("e"), at("e")).unwrap();
    let kinds: Vec<_> = read_dir_sorted(folder.path()).unwrap().iter().map(|e| e.kind).collect();
    assert_eq!(
        kinds,
        [FileKind::Dir, FileKind::Dir, FileKind::File, FileKind::Dangling, FileKind::Dangling]
    );
    assert_eq!(kind(&at("f")).unwrap(), None);
}

#[test]
fn an_append_file_continues_at_an_offset_and_counts() {
    let folder = folder();
    let path = folder.path().join("log");
    let mut log = AppendFile::open(&path).unwrap();
    assert!(log.is_empty());
    log.append(b"one\ntwo\n").unwrap();
    let mut log = AppendFile::open_truncated_at(&path, 4).unwrap();
    log.append(b"2\n").unwrap();
    log.sync().unwrap();
    assert_eq!(log.len(), 6);
    assert_eq!(read(&path, 10).unwrap(), b"one\n2\n");
    check_refused(AppendFile::open_truncated_at(&path, 7), "it has only 6");
}

#[test]
fn an_append_to_a_full_device_is_an_error() {
    check_refused(AppendFile::open(Path::new("/dev/full")), "a character device");
}

#[test]
fn a_lock_excludes_others_until_it_is_dropped() {
    let folder = folder();
    let path = folder.path().join("lease");
    assert!(!is_locked(&path).unwrap());
    let held = try_lock(&path).unwrap().expect("nobody holds it");
    assert!(try_lock(&path).unwrap().is_none());
    assert!(is_locked(&path).unwrap());
    drop(held);
    assert!(!is_locked(&path).unwrap());
    drop(lock(&path).unwrap());
}

#[test]
fn a_mapping_holds_the_bytes_of_the_file_even_if_there_are_none() {
    let folder = folder();
    let path = folder.path().join("pack");
    write_atomic(&path, b"frames").unwrap();
    assert_eq!(&map(&path).unwrap()[..], b"frames");
    write_atomic(&path, b"").unwrap();
    assert!(map(&path).unwrap().is_empty());
}

#[test]
fn the_digest_of_a_file_is_the_digest_of_its_bytes() {
    let folder = folder();
    let path = folder.path().join("abc");
    write_atomic(&path, b"abc").unwrap();
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2
    assert_eq!(sha256_file(&path).unwrap(), (known.to_owned(), 3));
    assert_eq!(sha256_hex(b"abc"), known);
}

#[test]
fn there_is_free_space_where_tests_run() {
    assert!(free_bytes(folder().path()).unwrap() > 0);
}

#[test]
fn a_path_is_inside_a_folder_unless_it_leaves_it() {
    for path in ["report.md", "figures/one.svg", "./a"] {
        assert!(is_inside(Path::new(path)), "{path}");
    }
    for path in ["../a", "figures/../../a", "/etc/passwd"] {
        assert!(!is_inside(Path::new(path)), "{path}");
    }
}
