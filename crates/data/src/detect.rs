//! Detects the data set in a folder by the files in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    bair,
    error::{DataError, Unrecognised},
    keypoints,
    listing::{SideFiles, list},
    moving_mnist::{sets, test_seq},
    pushing, signature, video_folder,
};
use reprise_base::{
    config::data::Dataset,
    fs::{self, FileKind},
    scalar::Count,
    text::count,
};

/// A folder without a data set is described by at most this many of its entries.
const ENTRIES_MAX: usize = 10_000;

/// Kinds of files that a description lists, the most frequent ones.
const KINDS_MAX: usize = 4;

/// Returns the embedded data set of this name.
pub fn embedded(name: &str) -> Option<Dataset> {
    let embedded = [
        Dataset::SawyerPush,
        Dataset::FacialKeypoints,
        Dataset::MovingMnist,
        Dataset::WeizmannLike,
    ];
    embedded.into_iter().find(|dataset| dataset.name() == name)
}

/// Detects the data set in a folder, or the array of videos in a file.
///
/// `frames` is the number of frames to read per TFRecord, by default that of the first readable one.
///
/// # Errors
/// If the folder cannot be read, if nothing in it looks like a known layout, or if its first record has an
/// unknown one.
pub fn detect(root: &Path, frames: Option<Count>) -> Result<Dataset, DataError> {
    match recognise(root, frames)? {
        Some(dataset) => Ok(dataset),
        None => Err(DataError::Unrecognised(describe(root)?)),
    }
}

fn recognise(root: &Path, frames: Option<Count>) -> Result<Option<Dataset>, DataError> {
    if let Some(array) = test_seq::detect(root)? {
        return Ok(Some(array));
    }
    if fs::kind(root)? != Some(FileKind::Dir) {
        return Ok(None);
    }
    if let Some(videos) = video_folder::detect(root)? {
        return Ok(Some(videos));
    }
    if let Some(table) = keypoints::detect(root)? {
        return Ok(Some(table));
    }
    if let Some(digits) = sets::detect(root)? {
        return Ok(Some(digits));
    }
    if let Some(pushing) = pushing::import::detect(root, frames)? {
        return Ok(Some(pushing));
    }
    bair::detect(root)
}

/// Describes a file or folder in which no data set was recognised.
fn describe(root: &Path) -> Result<Unrecognised, DataError> {
    let path = root.to_owned();
    if fs::kind(root)? == Some(FileKind::File) {
        let start = fs::read_start(root, signature::BYTES)?;
        let found = signature::describe(&start).unwrap_or("a file of an unknown kind").to_owned();
        let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let data = recognise(parent, None).ok().flatten().map(|_| parent.to_owned());
        return Ok(Unrecognised { path, found, data, extensions: Vec::new() });
    }
    let mut kinds = BTreeMap::new();
    let mut folders = Vec::new();
    for entry in list(root, &mut SideFiles::default())? {
        match entry.kind {
            FileKind::Dir => {
                for entry in list(&entry.path, &mut SideFiles::default())?.iter().take(ENTRIES_MAX)
                {
                    add(&entry.path, entry.kind, &mut kinds);
                }
                folders.push(entry.path);
            }
            kind => add(&entry.path, kind, &mut kinds),
        }
    }
    let data = only(folders.iter().filter(|it| matches!(recognise(it, None), Ok(Some(_)))));
    let mut kinds: Vec<(String, u64)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let listed = kinds.iter().take(KINDS_MAX).map(|(kind, number)| count(*number, kind));
    let found = match listed.collect::<Vec<_>>().as_slice() {
        [] if folders.is_empty() => "an empty folder".to_owned(),
        [] => format!("a folder with {}, all empty", count(folders.len(), "folder")),
        kinds => format!("a folder with {}", kinds.join(", ")),
    };
    let extensions = kinds.iter().filter_map(|(kind, _)| kind.split(' ').next()?.strip_prefix('.'));
    let extensions = extensions.map(str::to_owned).collect();
    Ok(Unrecognised { path, found, data, extensions })
}

/// Counts a file by its extension.
fn add(path: &Path, kind: FileKind, kinds: &mut BTreeMap<String, u64>) {
    let extension = path.extension().map(|it| it.to_string_lossy().to_lowercase());
    let name = match (kind, extension) {
        (FileKind::Dir, _) => "folder".to_owned(),
        (_, Some(extension)) => format!(".{extension} file"),
        (_, None) => "file without an extension".to_owned(),
    };
    *kinds.entry(name).or_default() += 1;
}

fn only<'a>(mut found: impl Iterator<Item = &'a PathBuf>) -> Option<PathBuf> {
    let first = found.next()?;
    found.next().is_none().then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn folder(files: &[&str]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write_atomic(&path, b"x").unwrap();
        }
        root
    }

    #[track_caller]
    fn check(files: &[&str], at: &str, message: &str, hint: &str) {
        let root = folder(files);
        let error = detect(&root.path().join(at), None).expect_err("nothing is recognised");
        let root = root.path().display().to_string();
        assert_eq!(error.to_string().replace(&root, "ROOT"), message);
        assert_eq!(error.hint().expect("a hint").replace(&root, "ROOT"), hint);
    }

    #[test]
    fn a_folder_without_a_data_set_is_described() {
        check(
            &["a/notes.txt", "b.txt", "c.docx", ".DS_Store"],
            "",
            "failed to recognise a data set in `ROOT/`: it is a folder with 2 .txt files, 1 .docx file",
            "compare it with the layouts in `reprise data --help`",
        );
    }

    #[test]
    fn data_one_folder_deeper_are_named() {
        check(
            &["download/train/traj/0/0.png"],
            "",
            "failed to recognise a data set in `ROOT/`: it is a folder with 1 folder",
            "the data are one folder deeper: use `ROOT/download`",
        );
    }

    #[test]
    fn a_file_of_a_data_set_is_answered_with_its_folder() {
        check(
            &["training.csv"],
            "training.csv",
            "failed to recognise a data set in `ROOT/training.csv`: it is a file of an unknown kind",
            "give the folder of the data set: `ROOT`",
        );
    }

    #[test]
    fn archives_are_to_be_unpacked() {
        check(
            &["bair.tar.gz"],
            "",
            "failed to recognise a data set in `ROOT/`: it is a folder with 1 .gz file",
            "unpack the archive, then use the folder that it contains",
        );
    }

    #[test]
    fn an_embedded_data_set_has_its_name() {
        assert_eq!(embedded("weizmann_like"), Some(Dataset::WeizmannLike));
        assert_eq!(embedded("bair"), None);
    }
}
