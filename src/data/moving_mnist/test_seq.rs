//! The published test file of Moving MNIST, `mnist_test_seq.npy`: u8 `[frame, sequence, 64, 64]`.
//!
//! The file is that of Srivastava et al. 2015 (arXiv:1502.04681), 20 frames of 10,000 sequences; one
//! with fewer sequences or another number of frames is as good. How it is divided is for the sweep
//! file to say, since publications differ: all of it tests in most of them.

use std::{ffi::OsStr, io::Write, path::Path};

use crate::{
    config::data::SplitSizes,
    data::{
        Progress, Required, Split, Watch,
        bair::SequenceBuffer,
        cache::{self, WriteError},
        error::{DataError, Fault},
        npy::{self, ArrayData, AxisLength, Dtype, ExpectedArray},
        origin::Origin,
        pack::{Encoder, Pack},
        source_files::{difference, source},
    },
};

/// Height and width of a frame.
const SIDE: usize = 64;

/// Largest file: more than 20 frames of 10,000 sequences, which are 819 MB.
const BYTES_MAX: u64 = 1 << 30;

/// The file, and how many of its sequences each split has.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct TestFile<'a> {
    pub(in crate::data) file: &'a Path,
    pub(in crate::data) sequences: SplitSizes,
}

impl Origin for TestFile<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let Self { file, sequences } = *self;
        let (root, name) = parts(file)?;
        let settings = format!("\0{sequences:?}");
        let folder = cache::folder(cache, "mnist_test_seq", file, settings.as_bytes());
        let outdated = |pack: &Pack| difference(root, &[name], pack);
        let write =
            |out: &mut dyn Write, progress: Watch<'_>| encode(file, name, sequences, out, progress);
        let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
        Ok(pack.described("mnist_test_seq", format!("file `{}`", file.display())))
    }

    fn check(&self, _: Required, progress: Watch<'_>) -> Vec<Fault> {
        let Self { file, sequences } = *self;
        Fault::of(cache::rehearse(|out| encode(file, parts(file)?.1, sequences, out, progress)))
    }
}

/// Returns folder and name of a file.
fn parts(file: &Path) -> Result<(&Path, &str), DataError> {
    let name = file.file_name().and_then(OsStr::to_str);
    let name = name.ok_or_else(|| DataError::NameNotUtf8 { path: file.to_owned() })?;
    Ok((file.parent().unwrap_or(Path::new("")), name))
}

fn encode(
    file: &Path,
    name: &str,
    sequences: SplitSizes,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), WriteError> {
    let mut buffer = SequenceBuffer { sources: vec![source(file)?], ..SequenceBuffer::default() };
    let axes =
        [AxisLength::Any, AxisLength::Any, AxisLength::Exactly(SIDE), AxisLength::Exactly(SIDE)];
    let due = ExpectedArray { dtype: Dtype::U8, axes: &axes, bytes_max: BYTES_MAX };
    let array = npy::read(file, &due).map_err(DataError::from)?;
    let ArrayData::U8(pixels) = array.elements else { unreachable!("the type is as it was due") };
    let (frames, count) = (array.shape[0], array.shape[1]);
    let needed = Split::ALL.map(|split| sequences.of(split).len());
    let total: usize = needed.iter().sum();
    if total > count {
        let (found, needed) = (count as u64, total as u64);
        return Err(DataError::TooFewSequences { path: file.to_owned(), found, needed }.into());
    }
    if frames == 1 {
        return Err(DataError::SingleFrame { path: file.to_owned() }.into());
    }

    let mut encoder = Encoder::begin(out)?;
    encoder.sized([0, 0]);
    let splits =
        Split::ALL.iter().zip(needed).flat_map(|(split, n)| std::iter::repeat_n(*split, n));
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
    Ok(encoder.finish([SIDE, SIDE, 1], Vec::new())?)
}
