//! Clips of several lengths in categories, from strips or video files, as a pack.
//!
//! A sequence is named `<category>/<clip>`. A pack in the cache is named after the content of the files it
//! was made from and after what was asked for, so it is never outdated: other files make another pack.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    CHANNELS, Progress, Required, Split, Watch,
    bair::SequenceBuffer,
    cache,
    error::{DataError, Fault},
    origin::Origin,
    pack::{Encoder, Pack},
    publish::publish,
    source_files,
    strips::{
        self,
        split::{GroupShares, split},
    },
    video_set::VideoSet,
    videos,
};
use crate::{
    config::data::Dataset,
    fs::{self, DirEntry, FileKind},
    scalar::{Count, Fraction},
};

/// Share of the groups of clips that share nobody, in validation and in test.
const SHARE: f64 = 0.2;

/// Side of a frame where only the folder is given.
const SIDE: Count = Count::literal(64);

/// Frames that a clip needs where only the folder is given: those of a video of MoCoGAN.
const SHORTEST: Count = Count::literal(16);

/// A folder of clips.
#[derive(Clone, Copy, Debug)]
pub(super) enum ClipFolder<'a> {
    Strips { root: &'a Path, shortest: Count },
    Videos { root: &'a Path, side: Count, shortest: Count },
}

impl Origin for ClipFolder<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let folder = cache.join(format!("{}-{}", self.name(), &content(*self)?[..16]));
        let write = |out: &mut dyn Write, progress: Watch<'_>| encode(*self, out, progress);
        let pack = cache::load_or_make(&folder, &|_| Ok(None), &write, progress)?;
        Ok(pack.described(self.name(), format!("folder `{}`", self.root().display())))
    }

    /// Returns the first error, or all that is doubtful.
    fn check(&self, _: Required, _: Watch<'_>) -> Vec<Fault> {
        match self.read().and_then(|clips| splits(*self, &clips).map(|_| clips.warnings)) {
            Ok(warnings) => warnings.into_iter().map(Fault::Warning).collect(),
            Err(error) => vec![Fault::Error(error)],
        }
    }

    fn pack(&self, out: &Path, progress: Watch<'_>) -> Option<Result<(), DataError>> {
        Some(publish(out, |out| encode(*self, out, progress)))
    }
}

impl<'a> ClipFolder<'a> {
    const fn name(self) -> &'static str {
        match self {
            Self::Strips { .. } => "strips",
            Self::Videos { .. } => "videos",
        }
    }

    const fn root(self) -> &'a Path {
        match self {
            Self::Strips { root, .. } | Self::Videos { root, .. } => root,
        }
    }

    fn files(self) -> Result<Vec<PathBuf>, DataError> {
        Ok(match self {
            Self::Strips { root, .. } => strips::files(root)?,
            Self::Videos { root, .. } => videos::files(root)?,
        })
    }

    fn read(self) -> Result<VideoSet, DataError> {
        Ok(match self {
            Self::Strips { root, shortest } => strips::read(root, shortest)?,
            Self::Videos { root, side, shortest } => videos::read(root, side, shortest)?,
        })
    }
}

/// Returns the clips that a folder holds, if it looks as if it held any.
pub(super) fn recognise(root: &Path) -> Result<Option<Dataset>, DataError> {
    let (videos, strips) = (holds(root, &["avi", "gif"])?, holds(root, &["png"])?);
    // The layouts of frame predictors begin with this folder.
    let by_split = fs::kind(&root.join(Split::Train.name()))?.is_some();
    let root = root.to_owned();
    Ok(match (videos, strips) {
        (true, _) => Some(Dataset::Videos { root, side: SIDE, shortest: SHORTEST }),
        (false, true) if !by_split => Some(Dataset::Strips { root, shortest: SHORTEST }),
        (false, _) => None,
    })
}

/// Returns whether a file with one of these extensions lies in a folder or in one of its folders.
fn holds(root: &Path, extensions: &[&str]) -> Result<bool, DataError> {
    let is_clip = |entry: &DirEntry| {
        let extension = entry.path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|found| extensions.iter().any(|it| found.eq_ignore_ascii_case(it)))
    };
    if fs::kind(root)? != Some(FileKind::Dir) {
        return Ok(false);
    }
    for entry in fs::read_dir_sorted(root)? {
        let inside = match entry.kind {
            FileKind::Dir => fs::read_dir_sorted(&entry.path)?,
            _ => Vec::new(),
        };
        if is_clip(&entry) || inside.iter().any(is_clip) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the digest of what a pack is made from: settings, and names and content of all files.
fn content(folder: ClipFolder<'_>) -> Result<String, DataError> {
    let settings = match folder {
        ClipFolder::Strips { root: _, shortest } => format!("strips {shortest}\n"),
        ClipFolder::Videos { root: _, side, shortest } => format!("videos {side} {shortest}\n"),
    };
    let line = |path: &PathBuf| {
        let (sha256, bytes) = fs::sha256_file(path)?;
        Ok(format!("{} {bytes} {sha256}\n", relative(folder, path)))
    };
    let files = folder.files()?.iter().map(line).collect::<Result<String, DataError>>()?;
    Ok(fs::sha256_hex(format!("{settings}{files}").as_bytes()))
}

fn relative(folder: ClipFolder<'_>, path: &Path) -> String {
    path.strip_prefix(folder.root()).unwrap_or(path).display().to_string()
}

/// Returns the split of every clip.
fn splits(folder: ClipFolder<'_>, clips: &VideoSet) -> Result<Vec<Split>, DataError> {
    let share = Fraction::try_from(SHARE).expect("the literal is a fraction");
    let splits = split(clips, GroupShares { validate: share, test: share });
    match Split::ALL.into_iter().find(|wanted| !splits.contains(wanted)) {
        Some(_) => Err(DataError::TooFewGroups { root: folder.root().to_owned() }),
        None => Ok(splits),
    }
}

fn encode(
    folder: ClipFolder<'_>,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let clips = folder.read()?;
    let splits = splits(folder, &clips)?;
    let mut encoder = Encoder::begin(out)?;
    encoder.sized([0, 0]);
    let mut done = 0;
    for split in Split::ALL {
        for (clip, _) in clips.videos.iter().zip(&splits).filter(|(_, of)| **of == split) {
            let buffer = SequenceBuffer {
                frames: clip.pixels.clone(),
                sources: vec![source_files::source(&clip.path)?.anywhere()],
                ..SequenceBuffer::default()
            };
            let file = relative(folder, &clip.path);
            encoder.sequence(split, &clip.name, &buffer, std::iter::once(file))?;
            progress(Progress::decoding(done, clips.videos.len()));
            done += 1;
        }
    }
    Ok(encoder.finish([clips.side, clips.side, CHANNELS], clips.warnings)?)
}
