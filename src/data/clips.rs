//! Clips of several lengths in categories, from strips or video files, as a pack.
//!
//! A sequence is named `<category>/<clip>`. A pack in the cache is named after the content of the files it
//! was made from and after what was asked for, so it is never outdated: other files make another pack.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    Progress, Split,
    bair::{SequenceBuffer, Source},
    cache,
    error::{DataError, Fault},
    folder::published,
    pack::{Encoder, Pack},
    source_files,
    strips::{
        self, Clips,
        split::{Shares, split},
    },
    videos,
};
use crate::{
    config::data::Dataset,
    fs::{self, DirEntry, Kind, Stamp},
    scalar::{Count, Fraction},
};

/// Share of the groups of clips that share nobody, in validation and in test.
const SHARE: f64 = 0.2;

/// Red, green and blue.
const CHANNELS: usize = 3;

/// Side of a frame where only the folder is given.
const SIDE: Count = Count::literal(64);

/// Frames that a clip needs where only the folder is given: those of a video of MoCoGAN.
const SHORTEST: Count = Count::literal(16);

/// Where clips come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin<'a> {
    Strips { root: &'a Path, shortest: Count },
    Videos { root: &'a Path, side: Count, shortest: Count },
}

impl<'a> Origin<'a> {
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

    fn read(self) -> Result<Clips, DataError> {
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
    if fs::kind(root)? != Some(Kind::Dir) {
        return Ok(false);
    }
    for entry in fs::read_dir_sorted(root)? {
        let inside = match entry.kind {
            Kind::Dir => fs::read_dir_sorted(&entry.path)?,
            _ => Vec::new(),
        };
        if is_clip(&entry) || inside.iter().any(is_clip) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens clips through their pack in `cache`.
pub(super) fn open(
    origin: Origin<'_>,
    cache: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pack, DataError> {
    let folder = cache.join(format!("{}-{}", origin.name(), &content(origin)?[..16]));
    let write =
        |out: &mut dyn Write, progress: &mut dyn FnMut(Progress)| encode(origin, out, progress);
    let pack = cache::load_or_make(&folder, &|_| Ok(None), &write, progress)?;
    Ok(pack.described(origin.name(), format!("folder `{}`", origin.root().display())))
}

/// Writes clips as a pack that can be given away; compressed if its name ends in `.zst`.
pub(super) fn pack(
    origin: Origin<'_>,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), DataError> {
    published(out, |out| encode(origin, out, progress))
}

/// Returns what is wrong with clips: the first error, or all that is doubtful.
pub(super) fn check(origin: Origin<'_>) -> Vec<Fault> {
    match origin.read().and_then(|clips| splits(origin, &clips).map(|_| clips.warnings)) {
        Ok(warnings) => warnings.into_iter().map(Fault::Warning).collect(),
        Err(error) => vec![Fault::Error(error)],
    }
}

/// Returns the digest of what a pack is made from: settings, and names and content of all files.
fn content(origin: Origin<'_>) -> Result<String, DataError> {
    let settings = match origin {
        Origin::Strips { root: _, shortest } => format!("strips {shortest}\n"),
        Origin::Videos { root: _, side, shortest } => format!("videos {side} {shortest}\n"),
    };
    let line = |path: &PathBuf| {
        let (sha256, bytes) = fs::sha256_file(path)?;
        Ok(format!("{} {bytes} {sha256}\n", relative(origin, path)))
    };
    let files = origin.files()?.iter().map(line).collect::<Result<String, DataError>>()?;
    Ok(fs::sha256_hex(format!("{settings}{files}").as_bytes()))
}

fn relative(origin: Origin<'_>, path: &Path) -> String {
    path.strip_prefix(origin.root()).unwrap_or(path).display().to_string()
}

/// Returns the split of every clip.
fn splits(origin: Origin<'_>, clips: &Clips) -> Result<Vec<Split>, DataError> {
    let share = Fraction::try_from(SHARE).expect("the literal is a fraction");
    let splits = split(clips, Shares { validate: share, test: share });
    match Split::ALL.into_iter().find(|wanted| !splits.contains(wanted)) {
        Some(_) => Err(DataError::TooFewGroups { root: origin.root().to_owned() }),
        None => Ok(splits),
    }
}

fn encode(
    origin: Origin<'_>,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), cache::WriteError> {
    let clips = origin.read()?;
    let splits = splits(origin, &clips)?;
    let mut encoder = Encoder::begin(out)?;
    encoder.sized([0, 0]);
    let mut done = 0;
    for split in Split::ALL {
        for (clip, _) in clips.clips.iter().zip(&splits).filter(|(_, of)| **of == split) {
            let Source { stamp, sha256 } = source_files::source(&clip.path)?;
            // The same files give the same bytes anywhere.
            let stamp = Stamp { bytes: stamp.bytes, ..Stamp::default() };
            let buffer = SequenceBuffer {
                frames: clip.pixels.clone(),
                sources: vec![Source { stamp, sha256 }],
                ..SequenceBuffer::default()
            };
            let file = relative(origin, &clip.path);
            encoder.sequence(split, &clip.name, &buffer, std::iter::once(file))?;
            progress(Progress::decoding(done, clips.clips.len()));
            done += 1;
        }
    }
    Ok(encoder.finish([clips.side, clips.side, CHANNELS], clips.warnings)?)
}
