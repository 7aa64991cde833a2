//! The published test file of Moving MNIST, `mnist_test_seq.npy`: u8 `[frame, sequence, 64, 64]`.
//!
//! The file is that of Srivastava et al. 2015 (arXiv:1502.04681), 20 frames of 10,000 sequences; other
//! numbers are accepted. The sweep file says how it is split, because publications differ: most use all
//! of it for testing.

use std::{ffi::OsStr, io::Write, path::Path};

use super::error::MovingMnistError;
use crate::{
    cache::{self, WriteError},
    error::DataError,
    findings::Findings,
    npy::{self, ArrayData, AxisLength, Dtype, ExpectedArray},
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, SequenceFormat},
    progress::{Progress, Watch},
    sequence::SequenceBuffer,
    source_files::{difference, source},
};
use reprise_base::config::data::{Split, SplitSizes};

/// Height and width of a frame.
const SIDE: usize = 64;

/// Largest file: more than 20 frames of 10,000 sequences, which are 819 MB.
const BYTES_MAX: u64 = 1 << 30;

/// The file, and how it is split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestFile<'a> {
    pub(crate) file: &'a Path,
    pub(crate) sequences: SplitSizes,
}

impl DataOrigin for TestFile<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let Self { file, sequences } = *self;
        let (root, name) = parts(file)?;
        let folder = cache::folder(cache, "mnist_test_seq", file, &cache::settings(&sequences));
        let outdated = |pack: &Pack| difference(root, &[name], pack);
        let encode =
            |out: &mut dyn Write, progress: Watch<'_>| encode(file, name, sequences, out, progress);
        let origin = format!("file `{}`", file.display());
        let description = Description { name: "mnist_test_seq", origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    fn check(&self, _: Required, progress: Watch<'_>) -> Findings {
        let Self { file, sequences } = *self;
        let write = |out: &mut dyn Write| encode(file, parts(file)?.1, sequences, out, progress);
        Findings::of(cache::write_to_nothing(write))
    }
}

/// Returns folder and name of a file.
fn parts(file: &Path) -> Result<(&Path, &str), DataError> {
    let name = file.file_name().and_then(OsStr::to_str);
    let name = name.ok_or_else(|| DataError::NameNotUtf8 { path: file.to_owned() })?;
    Ok((file.parent().unwrap_or(Path::new("")), name))
}

/// Reads the file, which must have at least `needed` sequences; returns its numbers of frames and
/// sequences, and its pixels.
fn read(file: &Path, needed: usize) -> Result<([usize; 2], Vec<u8>), DataError> {
    let axes =
        [AxisLength::Any, AxisLength::Any, AxisLength::Exactly(SIDE), AxisLength::Exactly(SIDE)];
    let expected = ExpectedArray { dtype: Dtype::U8, axes: &axes, bytes_max: BYTES_MAX };
    let array = npy::read(file, &expected).map_err(MovingMnistError::from)?;
    let ArrayData::U8(pixels) = array.elements else { unreachable!("`read` checks the type") };
    let (frames, count) = (array.shape[0], array.shape[1]);
    let path = file.to_owned();
    if needed > count {
        let (found, needed) = (count as u64, needed as u64);
        return Err(MovingMnistError::TooFewSequences { path, found, needed }.into());
    }
    if frames == 1 {
        return Err(DataError::SingleFrame { path });
    }
    Ok(([frames, count], pixels))
}

fn encode(
    file: &Path,
    name: &str,
    sequences: SplitSizes,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), WriteError> {
    let mut buffer = SequenceBuffer { sources: vec![source(file)?], ..SequenceBuffer::default() };
    let sizes = Split::ALL.map(|split| sequences.of(split).len());
    let total = sizes.iter().sum();
    let ([frames, count], pixels) = read(file, total)?;

    let mut encoder = Encoder::begin(out)?;
    let splits = Split::ALL.iter().zip(sizes).flat_map(|(split, n)| std::iter::repeat_n(*split, n));
    for (number, split) in splits.enumerate() {
        buffer.frames.clear();
        for frame in 0..frames {
            let start = (frame * count + number) * SIDE * SIDE;
            buffer.frames.extend_from_slice(&pixels[start..start + SIDE * SIDE]);
        }
        encoder.sequence(split, &number.to_string(), &buffer, [name.to_owned()].into_iter())?;
        buffer.sources.clear();
        progress(Progress::decoding(number, total));
    }
    Ok(encoder.finish(SequenceFormat::frames_only([SIDE, SIDE, 1]), Findings::default())?)
}
