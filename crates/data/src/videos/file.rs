//! A video file in its folder.

use std::path::PathBuf;

/// A file format; if a video exists in both, the first one is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Container {
    Avi,
    Gif,
}

/// A video file; ordered by folder, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VideoFile {
    /// The folder below the root, if it is in one.
    pub(super) folder: Option<String>,
    /// File name without extension.
    pub(super) stem: String,
    pub(super) container: Container,
    pub(super) path: PathBuf,
}

impl VideoFile {
    /// Returns its path below the root, without extension.
    pub(super) fn name(&self) -> String {
        match &self.folder {
            Some(folder) => format!("{folder}/{}", self.stem),
            None => self.stem.clone(),
        }
    }

    #[cfg(test)]
    pub(super) fn at(path: &str) -> Self {
        let (folder, stem) = path.rsplit_once('/').map_or((None, path), |(a, b)| (Some(a), b));
        let (folder, stem) = (folder.map(str::to_owned), stem.to_owned());
        Self { folder, stem, container: Container::Avi, path: path.into() }
    }
}
