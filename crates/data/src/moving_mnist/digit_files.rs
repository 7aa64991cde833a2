//! MNIST's digits in a folder, under any of the usual names of their files.

use std::path::Path;

use super::error::MovingMnistError;
use crate::{
    error::DataError,
    idx::{self, Digits},
    listing::{self, SideFiles},
    npy, npz,
};
use reprise_base::fs::{self, FileKind};

/// Names of the files of training and of test digits: MNIST's own, and as some programs unpack them.
const NAMES: [[&str; 2]; 2] = [
    ["train-images-idx3-ubyte", "train-images.idx3-ubyte"],
    ["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"],
];

/// Extension of a compressed file.
const GZIP: &str = ".gz";

/// Folders below the root in which the files may be; torchvision uses `MNIST/raw`.
const FOLDERS: [&str; 3] = ["", "raw/", "MNIST/raw/"];

/// The file of Keras, and the names of its arrays of training and test digits.
const KERAS: &str = "mnist.npz";
const KERAS_ARRAYS: [&str; 2] = ["x_train", "x_test"];

/// Largest array of digits in bytes before its values become bytes.
const BYTES_MAX: u64 = 1 << 30;

/// Most names in a message.
const NAMES_LISTED: usize = 5;

/// The files of training and test digits, relative to their root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DigitFiles {
    Idx([String; 2]),
    Keras(String),
}

impl DigitFiles {
    /// Finds the files below `root`, if there are any; a plain file is preferred to a compressed one.
    pub(super) fn detect(root: &Path) -> Result<Option<Self>, DataError> {
        if let (Some(train), Some(test)) = (first(root, NAMES[0])?, first(root, NAMES[1])?) {
            return Ok(Some(Self::Idx([train, test])));
        }
        Ok(is_file(root, KERAS)?.then(|| Self::Keras(KERAS.to_owned())))
    }

    /// Finds the files below `root`.
    ///
    /// # Errors
    /// If one is missing.
    pub(super) fn find(root: &Path) -> Result<Self, DataError> {
        if let Some(files) = Self::detect(root)? {
            return Ok(files);
        }
        let [train, test] = NAMES.map(|[name, _]| name);
        let missing = if first(root, NAMES[0])?.is_some() { test } else { train };
        let (path, found) = (root.to_owned(), content(root)?);
        Err(MovingMnistError::DigitsMissing { path, missing, found }.into())
    }

    /// Returns the names of the files.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Idx(names) => names.iter().map(String::as_str).collect(),
            Self::Keras(name) => vec![name],
        }
    }

    /// Reads training and test digits.
    pub(super) fn read(&self, root: &Path) -> Result<[Digits; 2], MovingMnistError> {
        let [train, test] = match self {
            Self::Idx(names) => {
                names.each_ref().map(|name| Ok(idx::read_digits(&root.join(name))?))
            }
            Self::Keras(name) => KERAS_ARRAYS.map(|array| keras(&root.join(name), array)),
        };
        Ok([train?, test?])
    }
}

/// Reads an array of digits, `[n, 28, 28]`.
fn keras(path: &Path, array: &str) -> Result<Digits, MovingMnistError> {
    let read =
        npz::read_one(path, array, BYTES_MAX, |member, len| npy::decode_pixels(member, len))?;
    match read.shape[..] {
        [count, idx::SIDE, idx::SIDE] if count > 0 => Ok(Digits::of(read.pixels)),
        _ => Err(MovingMnistError::DigitShape { path: path.to_owned(), found: read.shape }),
    }
}

/// Returns the first existing file with one of these names, plain files first.
fn first(root: &Path, names: [&str; 2]) -> Result<Option<String>, DataError> {
    for extension in ["", GZIP] {
        for folder in FOLDERS {
            for name in names {
                let name = format!("{folder}{name}{extension}");
                if is_file(root, &name)? {
                    return Ok(Some(name));
                }
            }
        }
    }
    Ok(None)
}

/// Some programs unpack `NAME.gz` to a folder `NAME` with the file in it, so a folder does not count.
fn is_file(root: &Path, name: &str) -> Result<bool, DataError> {
    Ok(fs::kind(&root.join(name))? == Some(FileKind::File))
}

/// Names the content of a folder for people.
fn content(root: &Path) -> Result<String, DataError> {
    if fs::kind(root)? != Some(FileKind::Dir) {
        return Ok("does not exist".to_owned());
    }
    let entries = listing::list(root, &mut SideFiles::default())?;
    let name = |entry: &fs::DirEntry| format!("`{}`", entry.name.to_string_lossy().escape_debug());
    let listed: Vec<_> = entries.iter().take(NAMES_LISTED).map(name).collect();
    Ok(match entries.len().saturating_sub(NAMES_LISTED) {
        _ if listed.is_empty() => "is empty".to_owned(),
        0 => format!("has {}", listed.join(", ")),
        more => format!("has {} and {more} more", listed.join(", ")),
    })
}
