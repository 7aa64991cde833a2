//! Videos of several lengths in categories, from strips or video files, made into a pack.
//!
//! A sequence is named `<category>/<video>`. The name of a pack in the cache is a digest of its source
//! files and settings, so a pack is never outdated: other files make another pack.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    cache,
    error::DataError,
    findings::Findings,
    image_file::split_name,
    listing::{SideFiles, list},
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, SequenceFormat},
    progress::{Progress, Watch},
    publish::publish,
    rgb_image::CHANNELS,
    scale::Scale,
    sequence::SequenceBuffer,
    source_files, split_folders,
    strips::{
        self,
        split::{GroupShares, split},
    },
    video_set::VideoSet,
    videos::{self, VideoSettings},
};
use reprise_base::{
    config::data::{Dataset, FrameResize, Split},
    fs::{self, DirEntry, FileKind},
    scalar::{Count, Fraction},
};

mod error;

pub use error::VideoFolderError;

/// Share of the independent groups of videos in validation and in test, each.
const SHARE: f64 = 0.2;

/// A folder of strips or videos.
#[derive(Clone, Copy, Debug)]
pub(super) enum VideoFolder<'a> {
    Strips { root: &'a Path, shortest: Count, resize: Option<FrameResize> },
    Videos { root: &'a Path, settings: VideoSettings<'a> },
}

impl DataOrigin for VideoFolder<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let folder = cache.join(format!("{}-{}", self.name(), &digest(*self)?[..16]));
        let encode = |out: &mut dyn Write, progress: Watch<'_>| encode(*self, out, progress);
        let origin = format!("folder `{}`", self.root().display());
        let description = Description { name: self.name(), origin };
        cache::load_or_make(&folder, &description, &|_| Ok(None), &encode, progress)
    }

    /// Returns the first error, or all warnings.
    fn check(&self, _: Required, _: Watch<'_>) -> Findings {
        let mut findings = Findings::default();
        let checked = self.read(&mut findings).and_then(|set| splits(*self, &set).map(drop));
        findings.keep(checked);
        findings
    }

    fn pack(&self, out: &Path, progress: Watch<'_>) -> Option<Result<(), DataError>> {
        Some(publish(out, |out| encode(*self, out, progress)))
    }
}

impl<'a> VideoFolder<'a> {
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

    fn files(self) -> Result<Vec<PathBuf>, VideoFolderError> {
        Ok(match self {
            Self::Strips { root, .. } => strips::files(root)?,
            Self::Videos { root, .. } => videos::files(root)?,
        })
    }

    fn read(self, findings: &mut Findings) -> Result<VideoSet, VideoFolderError> {
        Ok(match self {
            Self::Strips { root, shortest, resize } => {
                strips::read(root, shortest, resize.map(Scale::new), findings)?
            }
            Self::Videos { root, settings } => videos::read(root, settings, findings)?,
        })
    }
}

/// Returns the data set in a folder, if it contains videos or strips.
pub(super) fn detect(root: &Path) -> Result<Option<Dataset>, DataError> {
    let is_video = |extension: &str| {
        let known = videos::EXTENSIONS.iter().chain(&videos::OTHER_EXTENSIONS);
        known.into_iter().any(|known| extension.eq_ignore_ascii_case(known))
    };
    let is_image = |extension: &str| split_name(&format!("a.{extension}")).is_some();
    let (videos, strips) = (contains(root, &is_video)?, contains(root, &is_image)?);
    // Below the folder of a split, images are frames of the BAIR layout.
    let by_split = split_folders::find(root, Split::Train)?.is_some();
    let root = root.to_owned();
    Ok(match (videos, strips) {
        (true, _) => Some(Dataset::videos(root)),
        (false, true) if !by_split => Some(Dataset::strips(root)),
        (false, _) => None,
    })
}

/// Returns whether a folder or one of its folders contains a file whose extension is wanted.
fn contains(root: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<bool, DataError> {
    let is_wanted = |entry: &DirEntry| {
        let extension = entry.path.extension().and_then(|extension| extension.to_str());
        entry.kind == FileKind::File && extension.is_some_and(wanted)
    };
    if fs::kind(root)? != Some(FileKind::Dir) {
        return Ok(false);
    }
    for entry in list(root, &mut SideFiles::default())? {
        let inside = match entry.kind {
            FileKind::Dir => list(&entry.path, &mut SideFiles::default())?,
            _ => Vec::new(),
        };
        if is_wanted(&entry) || inside.iter().any(is_wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the digest of everything that a pack is made from: settings, and names and content of all files.
fn digest(folder: VideoFolder<'_>) -> Result<String, DataError> {
    let settings = match folder {
        VideoFolder::Strips { root: _, shortest, resize } => cache::settings(&(shortest, resize)),
        VideoFolder::Videos { root: _, settings } => {
            let VideoSettings { side, shortest, names, timing } = settings;
            cache::settings(&(side, shortest, names, timing))
        }
    };
    // Warnings of a pack name files, so that equal files elsewhere make another pack.
    let root = folder.root().display();
    let settings = format!("{} {} {root}\n", folder.name(), fs::hex(&settings));
    let line = |path: &PathBuf| {
        let (sha256, bytes) = fs::sha256_file(path)?;
        Ok(format!("{} {bytes} {sha256}\n", relative(folder, path)))
    };
    let files = folder.files()?.iter().map(line).collect::<Result<String, DataError>>()?;
    Ok(fs::sha256_hex(format!("{} {settings}{files}", cache::CONTENT).as_bytes()))
}

fn relative(folder: VideoFolder<'_>, path: &Path) -> String {
    path.strip_prefix(folder.root()).unwrap_or(path).display().to_string()
}

/// Returns the split of every video.
fn splits(folder: VideoFolder<'_>, set: &VideoSet) -> Result<Vec<Split>, VideoFolderError> {
    let share = Fraction::try_from(SHARE).expect("the literal is a fraction");
    let splits = split(set, GroupShares { validate: share, test: share });
    match Split::ALL.into_iter().find(|wanted| !splits.contains(wanted)) {
        Some(_) => Err(VideoFolderError::TooFewGroups { root: folder.root().to_owned() }),
        None => Ok(splits),
    }
}

fn encode(
    folder: VideoFolder<'_>,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let mut findings = Findings::default();
    let set = folder.read(&mut findings).map_err(DataError::from)?;
    let splits = splits(folder, &set).map_err(DataError::from)?;
    let mut encoder = Encoder::begin(out)?;
    let mut done = 0;
    for split in Split::ALL {
        for (video, _) in set.videos.iter().zip(&splits).filter(|(_, of)| **of == split) {
            let buffer = SequenceBuffer {
                frames: video.pixels.clone(),
                sources: vec![source_files::source(&video.path)?.without_stamp()],
                ..SequenceBuffer::default()
            };
            let file = relative(folder, &video.path);
            encoder.sequence(split, &video.name, &buffer, std::iter::once(file))?;
            progress(Progress::decoding(done, set.videos.len()));
            done += 1;
        }
    }
    let format = SequenceFormat::frames_only([set.side, set.side, CHANNELS]);
    Ok(encoder.finish(format, findings)?)
}
