//! The published test file of Moving MNIST, `mnist_test_seq.npy`: u8 `[frame, sequence, 64, 64]`, and
//! other arrays of grey videos.
//!
//! The file is that of Srivastava et al. 2015 (arXiv:1502.04681), 20 frames of 10,000 sequences; other
//! numbers are accepted. The sweep file can say how it is split, because publications differ: most use
//! all of it for testing. [`array_file`] reads arrays, [`layout`](super::layout) says which axis is which.

use std::{ffi::OsStr, io::Write, path::Path};

use super::{array_file, error::MovingMnistError};
use crate::{
    cache::{self, WriteError},
    error::DataError,
    findings::Findings,
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, SequenceFormat},
    progress::{Progress, Watch},
    sequence::SequenceBuffer,
    source_files::{difference, source},
};
use reprise_base::{
    config::data::{ArrayAxes, Dataset, Split, SplitSizes},
    fs::{self, FileKind},
};

/// By default, one in this many sequences is for validation, and as many for testing.
const HELD_OUT_ONE_IN: usize = 10;

/// The file, and how it is split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestFile<'a> {
    pub(crate) file: &'a Path,
    pub(crate) sequences: Option<SplitSizes>,
    pub(crate) axes: Option<ArrayAxes>,
    /// Name of the array in a `.npz` file.
    pub(crate) key: Option<&'a str>,
}

/// Name of the published file.
const PUBLISHED: &str = "mnist_test_seq.npy";

/// Returns the data set in an array file, or in a folder that has the published file.
pub(crate) fn detect(root: &Path) -> Result<Option<Dataset>, DataError> {
    let is_array =
        root.extension().is_some_and(|extension| extension == "npy" || extension == "npz");
    let file = match fs::kind(root)? {
        Some(FileKind::File) if is_array => root.to_owned(),
        Some(FileKind::Dir) => root.join(PUBLISHED),
        _ => return Ok(None),
    };
    let exists = fs::kind(&file)? == Some(FileKind::File);
    Ok(exists.then(|| Dataset::mnist_test_seq(file)))
}

impl DataOrigin for TestFile<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let Self { file, sequences, axes, key } = *self;
        let (root, name) = parts(file)?;
        let settings = cache::settings(&(sequences, axes, key));
        let folder = cache::folder(cache, "mnist_test_seq", file, &settings);
        let outdated = |pack: &Pack| difference(root, &[name], pack);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| self.encode(name, out, progress);
        let origin = format!("file `{}`", file.display());
        let description = Description { name: "mnist_test_seq", origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    fn check(&self, _: Required, progress: Watch<'_>) -> Findings {
        let write = |out: &mut dyn Write| self.encode(parts(self.file)?.1, out, progress);
        Findings::of(cache::write_to_nothing(write))
    }
}

/// Returns folder and name of a file.
fn parts(file: &Path) -> Result<(&Path, &str), DataError> {
    let name = file.file_name().and_then(OsStr::to_str);
    let name = name.ok_or_else(|| DataError::NameNotUtf8 { path: file.to_owned() })?;
    Ok((file.parent().unwrap_or(Path::new("")), name))
}

/// Returns the sizes of the splits: those given, or else a tenth each for validation and test and the
/// others for training.
fn sizes(file: &Path, given: Option<SplitSizes>, found: usize) -> Result<[usize; 3], DataError> {
    let held_out = (found / HELD_OUT_ONE_IN).max(1);
    let sizes = match given {
        Some(sizes) => Split::ALL.map(|split| sizes.of(split).len()),
        None => [found.saturating_sub(2 * held_out).max(1), held_out, held_out],
    };
    let needed = sizes.iter().sum::<usize>();
    if needed > found {
        let (found, needed) = (found as u64, needed as u64);
        let path = file.to_owned();
        return Err(MovingMnistError::TooFewSequences { path, found, needed }.into());
    }
    Ok(sizes)
}

impl TestFile<'_> {
    fn encode(
        &self,
        name: &str,
        out: &mut dyn Write,
        progress: Watch<'_>,
    ) -> Result<(), WriteError> {
        let Self { file, sequences, axes, key } = *self;
        let mut buffer =
            SequenceBuffer { sources: vec![source(file)?], ..SequenceBuffer::default() };
        let film = array_file::read(file, axes, key).map_err(DataError::from)?;
        if film.shortest() < 2 {
            return Err(DataError::SingleFrame { path: file.to_owned() }.into());
        }
        let sizes = sizes(file, sequences, film.sequences())?;
        let total = sizes.iter().sum();
        let mut findings = Findings::default();
        findings.fact("array", film.text());
        findings.fact(
            "sequences used",
            match film.sequences() {
                all if all == total => format!("all {all}"),
                all => format!("the first {total} of {all}"),
            },
        );

        let mut encoder = Encoder::begin(out)?;
        let splits =
            Split::ALL.iter().zip(sizes).flat_map(|(split, n)| std::iter::repeat_n(*split, n));
        for (number, split) in splits.enumerate() {
            buffer.frames.clear();
            film.append(number, &mut buffer.frames).map_err(DataError::from)?;
            encoder.sequence(split, &number.to_string(), &buffer, [name.to_owned()].into_iter())?;
            buffer.sources.clear();
            progress(Progress::decoding(number, total));
        }
        let side = film.side();
        Ok(encoder.finish(SequenceFormat::frames_only([side, side, 1]), findings)?)
    }
}
