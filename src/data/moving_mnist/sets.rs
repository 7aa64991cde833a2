//! Data sets of Moving MNIST: the embedded one, and those drawn from MNIST's own files.
//!
//! Sequences are drawn once into a pack. The original draws anew whenever an item is asked for and so
//! never shows a sequence twice; a pack is as long as `sequences` says and is then repeated. A pixel
//! where digits overlap is their sum clipped at 255, which is the original's sum of unit values but
//! for the last bit.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{Integers, Scene, draw_bytes, resized, trajectories};
use crate::{
    config::data::{DigitSampling, SplitSizes},
    data::{
        Progress, Required, Split, Watch,
        bair::SequenceBuffer,
        cache::{self, WriteError},
        error::{DataError, Fault},
        idx,
        origin::Origin,
        pack::{Encoder, Pack, PackFault},
        source_files::{difference, source},
    },
    fs,
    rng::{numpy::RandomState, streams::Stream},
    scalar::{Count, Seed},
};

/// Files of training and test digits, as MNIST names them.
const FILES: [&str; 2] = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"];

/// What is appended to the name of a packed file.
const PACKED: &str = ".gz";

/// Height, width and channels of a frame.
pub(in crate::data) const FRAME_SHAPE: [usize; 3] = [64, 64, 1];

/// All data sets are drawn from this seed: runs with different seeds see the same data.
const SEED: Seed = Seed(0);

/// One training digit in this many shows only in validation.
const HELD_OUT_ONE_IN: usize = 10;

/// The embedded files of training and test digits.
const EMBEDDED_FILES: [&[u8]; 2] = [
    include_bytes!("../../../data/moving_mnist/train-images-idx3-ubyte.gz"),
    include_bytes!("../../../data/moving_mnist/t10k-images-idx3-ubyte.gz"),
];

/// What is drawn of the embedded digits.
pub(in crate::data) const EMBEDDED: Recipe = Recipe {
    sampling: DigitSampling::Streams,
    frames: Count::literal(20),
    sequences: SplitSizes {
        train: Count::literal(1000),
        validate: Count::literal(100),
        test: Count::literal(100),
    },
};

/// Known digest of the frames that are drawn of the embedded digits.
const EMBEDDED_SHA256: &str = "1a93ac00d087caed01ba7ddd025492fadc4b0e81b30110ef3e5d8fbd9a56b4fb";

const ORIGIN: &str = "two of 7000 MNIST digits that bounce about, drawn by this program from digits \
                      embedded in it (see `data/moving_mnist/README.md`)";

/// How sequences are drawn.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct Recipe {
    /// Whose random numbers are drawn.
    pub(in crate::data) sampling: DigitSampling,
    /// Frames of a sequence.
    pub(in crate::data) frames: Count,
    /// Sequences of each split.
    pub(in crate::data) sequences: SplitSizes,
}

/// Digits of 32×32 pixels, one after another.
struct Resized {
    pixels: Vec<u8>,
}

impl Resized {
    fn of(digits: &idx::Digits) -> Self {
        Self { pixels: resized(digits) }
    }

    const fn len(&self) -> usize {
        self.pixels.len() / super::DIGIT_PIXELS
    }

    fn digit(&self, index: usize) -> &[u8] {
        &self.pixels[index * super::DIGIT_PIXELS..(index + 1) * super::DIGIT_PIXELS]
    }
}

/// The data set that is drawn from the embedded digits.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct EmbeddedDigits;

impl Origin for EmbeddedDigits {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let folder = cache.join(format!("moving_mnist-{}", &EMBEDDED_SHA256[..16]));
        let outdated = |pack: &Pack| Ok(known(pack).err().map(|fault| fault.to_string()));
        let write = |out: &mut dyn Write, progress: Watch<'_>| {
            Ok(encode(&embedded_digits(), EMBEDDED, Sources::default(), out, progress)?)
        };
        let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
        known(&pack).map_err(|fault| DataError::BrokenPack { path: folder, fault })?;
        Ok(pack.described("moving_mnist", ORIGIN.to_owned()))
    }

    /// Draws all of it in memory and holds it to its digest.
    fn check(&self, _: Required, progress: Watch<'_>) -> Vec<Fault> {
        let mut bytes = Vec::new();
        encode(&embedded_digits(), EMBEDDED, Sources::default(), &mut bytes, progress)
            .expect("writing to memory succeeds");
        let whole = Pack::from_bytes(bytes, progress)
            .and_then(|pack| known(&pack))
            .map_err(|fault| DataError::BrokenPack { path: "moving_mnist".into(), fault });
        Fault::of(whole)
    }
}

fn embedded_digits() -> [Resized; 2] {
    EMBEDDED_FILES
        .map(|file| Resized::of(&idx::parse_digits(file).expect("the embedded files are whole")))
}

fn known(pack: &Pack) -> Result<(), PackFault> {
    let found = pack.payload_sha256();
    if found == EMBEDDED_SHA256 {
        Ok(())
    } else {
        Err(PackFault::Digest { found: found.to_owned(), expected: EMBEDDED_SHA256 })
    }
}

/// A folder of MNIST's files, and what is drawn from their digits.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct DigitFiles<'a> {
    pub(in crate::data) root: &'a Path,
    pub(in crate::data) recipe: Recipe,
}

impl Origin for DigitFiles<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let Self { root, recipe } = *self;
        let files = files(root)?;
        let names = files.each_ref().map(String::as_str);
        let settings = format!("\0{recipe:?}");
        let folder = cache::folder(cache, "moving_mnist_idx", root, settings.as_bytes());
        let outdated = |pack: &Pack| difference(root, &names, pack);
        let write = |out: &mut dyn Write, progress: Watch<'_>| self.write(&files, out, progress);
        let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
        let origin = format!("two digits of `{}` that bounce about", root.display());
        Ok(pack.described("moving_mnist_idx", origin))
    }

    /// Reads the files and draws every sequence, but keeps none.
    fn check(&self, _: Required, progress: Watch<'_>) -> Vec<Fault> {
        Fault::of(cache::rehearse(|out| self.write(&files(self.root)?, out, progress)))
    }
}

impl DigitFiles<'_> {
    fn write(
        &self,
        files: &[String; 2],
        out: &mut dyn Write,
        progress: Watch<'_>,
    ) -> Result<(), WriteError> {
        let [train, test] = files.each_ref().map(|file| self.root.join(file));
        let buffer = SequenceBuffer {
            sources: vec![source(&train)?, source(&test)?],
            ..SequenceBuffer::default()
        };
        let read = |path: &Path| idx::read_digits(path).map_err(DataError::from);
        let digits = [Resized::of(&read(&train)?), Resized::of(&read(&test)?)];
        Ok(encode(&digits, self.recipe, Sources { buffer, files: files.to_vec() }, out, progress)?)
    }
}

/// Returns the names of the files below `root`, plain ones first choice.
fn files(root: &Path) -> Result<[String; 2], DataError> {
    let find = |file: &str| {
        for name in [file.to_owned(), format!("{file}{PACKED}")] {
            if fs::kind(&root.join(&name))?.is_some() {
                return Ok(name);
            }
        }
        Err(DataError::DigitsMissing { path: root.join(file) })
    };
    Ok([find(FILES[0])?, find(FILES[1])?])
}

/// The files that digits come from; they stand beside the first sequence.
#[derive(Default)]
struct Sources {
    /// A sequence without frames, whose sources they are.
    buffer: SequenceBuffer,
    /// Their names.
    files: Vec<String>,
}

/// Draws all sequences of training and test digits into a pack.
fn encode(
    digits: &[Resized; 2],
    recipe: Recipe,
    sources: Sources,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> io::Result<()> {
    let Recipe { sampling, frames, sequences } = recipe;
    let scene = Scene { frames: frames.len(), ..Scene::default() };
    let total = Split::ALL.iter().map(|&split| sequences.of(split).len()).sum();
    let Sources { mut buffer, mut files } = sources;
    let mut encoder = Encoder::begin(out)?;
    encoder.sized([0, 0]);
    let mut done = 0;
    let mut each = |split: Split, number: u64, pixels: Vec<u8>| {
        buffer.frames = pixels;
        let files = std::mem::take(&mut files);
        encoder.sequence(split, &number.to_string(), &buffer, files.into_iter())?;
        buffer.sources.clear();
        progress(Progress::decoding(done, total));
        done += 1;
        io::Result::Ok(())
    };
    match sampling {
        DigitSampling::Streams => {
            for split in Split::ALL {
                let stream = Stream::new(SEED, &format!("data.moving_mnist.{split}"));
                for number in 0..sequences.of(split).get() {
                    let pixels = sequence(scene, digits, split, &mut stream.at(number));
                    each(split, number, pixels)?;
                }
            }
        }
        DigitSampling::Original { first_index } => {
            // Two objects of the original's class, `train=True` and `train=False`.
            let mut training = RandomState::new(first_index);
            let mut testing = RandomState::new(first_index);
            for split in Split::ALL {
                let (digits, random) = match split {
                    Split::Train | Split::Validate => (&digits[0], &mut training),
                    Split::Test => (&digits[1], &mut testing),
                };
                for number in 0..sequences.of(split).get() {
                    each(split, number, drawn(scene, digits, 0..digits.len(), random))?;
                }
            }
        }
    }
    encoder.finish(FRAME_SHAPE, Vec::new())
}

/// Draws a sequence of the digits that a split may show.
fn sequence(
    scene: Scene,
    [training, test]: &[Resized; 2],
    split: Split,
    random: &mut dyn Integers,
) -> Vec<u8> {
    // At least one digit trains and one validates, and be it the same.
    let seen = (training.len() - training.len() / HELD_OUT_ONE_IN).min(training.len() - 1).max(1);
    match split {
        Split::Train => drawn(scene, training, 0..seen, random),
        Split::Validate => {
            drawn(scene, training, seen.min(training.len() - 1)..training.len(), random)
        }
        Split::Test => drawn(scene, test, 0..test.len(), random),
    }
}

/// Draws the frames of a sequence of some digits.
fn drawn(
    scene: Scene,
    digits: &Resized,
    shown: std::ops::Range<usize>,
    random: &mut dyn Integers,
) -> Vec<u8> {
    let paths = trajectories(scene, shown.len(), random);
    draw_bytes(scene, &paths, |index| digits.digit(shown.start + index))
}
