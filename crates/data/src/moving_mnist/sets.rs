//! Data sets of Moving MNIST: the embedded one, and those drawn from MNIST's own files.
//!
//! Two deviations: the original draws a new sequence for every request and never repeats one; here
//! `sequences` of them are drawn once into a pack, and every epoch uses them again, unless the sampler is
//! `fresh` (see [`super::FreshDigits`]). Where digits overlap,
//! the original adds values in [0, 1] and clips at 1; here bytes are added and clipped at 255, which
//! differs in the last bit only.

use std::{
    io::{self, Write},
    ops::Range,
    path::Path,
};

use super::{
    DIGIT_PIXELS, Integers, Scene, digit_files::DigitFiles, draw_bytes, resized, trajectories,
};
use crate::{
    cache::{self, WriteError},
    error::DataError,
    findings::Findings,
    idx,
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, PackBytes, PackError, SequenceFormat},
    progress::{Progress, Watch},
    sequence::{HwcShape, SequenceBuffer},
    source_files::{difference, source},
};
use reprise_base::{
    config::{
        data::{Dataset, EMBEDDED_DIGIT_SEQUENCES, Split, SplitSizes},
        digits::{DigitSampling, DigitScene},
    },
    rng::{numpy::RandomState, streams::Stream},
    scalar::{Count, Seed},
    text::quoted_list,
};

/// Seed of [`DigitSampling::Streams`]: runs with different seeds see the same data.
const SEED: Seed = Seed(0);

/// With [`DigitSampling::Streams`], one in this many training digits appears only in validation.
const HELD_OUT_ONE_IN: usize = 10;

/// The embedded files of training and test digits.
const EMBEDDED_FILES: [&[u8]; 2] = [
    include_bytes!("../../../../data/moving_mnist/train-images-idx3-ubyte.gz"),
    include_bytes!("../../../../data/moving_mnist/t10k-images-idx3-ubyte.gz"),
];

/// Settings of the embedded data set.
pub(crate) const EMBEDDED: DrawSettings = DrawSettings {
    sampling: DigitSampling::Streams,
    scene: DigitScene::ORIGINAL,
    frames: Count::literal(20),
    sequences: EMBEDDED_DIGIT_SEQUENCES,
};

/// Expected digest of the decoded embedded data set.
const EMBEDDED_SHA256: &str = "1a93ac00d087caed01ba7ddd025492fadc4b0e81b30110ef3e5d8fbd9a56b4fb";

const ORIGIN: &str = "two of 7000 MNIST digits that bounce about, drawn by this program from digits \
                      embedded in it (see `data/moving_mnist/README.md`)";

/// How sequences are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrawSettings {
    pub(crate) sampling: DigitSampling,
    pub(crate) scene: DigitScene,
    /// Frames of a sequence.
    pub(crate) frames: Count,
    pub(crate) sequences: SplitSizes,
}

impl DrawSettings {
    /// Returns the part of a cached pack's name that tells the settings.
    fn key(self) -> Vec<u8> {
        let Self { sampling, scene, frames, sequences } = self;
        cache::settings(&(sampling, scene, frames, sequences))
    }

    /// Returns size and content of a sequence.
    pub(super) const fn scene(self) -> Scene {
        Scene::of(self.frames, self.scene)
    }

    /// Returns height, width and channels of a frame.
    pub(crate) const fn frame_shape(self) -> HwcShape {
        [self.scene.side.len(), self.scene.side.len(), 1]
    }
}

/// Returns how the sequences of a data set are drawn from digits, if they are.
pub(crate) const fn settings(dataset: &Dataset) -> Option<DrawSettings> {
    match *dataset {
        Dataset::MovingMnist => Some(EMBEDDED),
        Dataset::MovingMnistDrawn { scene, frames, sequences } => {
            Some(DrawSettings { sampling: DigitSampling::Streams, scene, frames, sequences })
        }
        Dataset::MovingMnistIdx { sampling, scene, frames, sequences, .. } => {
            Some(DrawSettings { sampling, scene, frames, sequences })
        }
        _ => None,
    }
}

/// Digits of 32×32 pixels, one after another.
pub(super) struct ResizedDigits {
    pixels: Vec<u8>,
}

impl ResizedDigits {
    pub(super) fn of(digits: &idx::Digits) -> Self {
        Self { pixels: resized(digits) }
    }

    pub(super) const fn len(&self) -> usize {
        self.pixels.len() / DIGIT_PIXELS
    }

    fn digit(&self, index: usize) -> &[u8] {
        &self.pixels[index * DIGIT_PIXELS..(index + 1) * DIGIT_PIXELS]
    }
}

/// The data set that is drawn from the embedded digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmbeddedDigits;

impl DataOrigin for EmbeddedDigits {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let folder = cache.join(format!("moving_mnist-{}", &EMBEDDED_SHA256[..16]));
        let outdated = |pack: &Pack| Ok(verify(pack).err().map(|error| error.to_string()));
        let encode = |out: &mut dyn Write, progress: Watch<'_>| {
            Ok(encode(&embedded_digits(), EMBEDDED, DigitSources::default(), out, progress)?)
        };
        let pack = cache::load_or_make(&folder, &description(), &outdated, &encode, progress)?;
        match verify(&pack) {
            Ok(()) => Ok(pack),
            Err(source) => Err(DataError::BrokenPack { path: folder, source }),
        }
    }

    /// Draws the data set in memory and compares its digest with the known one.
    fn check(&self, _: Required, progress: Watch<'_>) -> Findings {
        let mut bytes = Vec::new();
        encode(&embedded_digits(), EMBEDDED, DigitSources::default(), &mut bytes, progress)
            .expect("writing to memory succeeds");
        let checked = Pack::new(PackBytes::Owned(bytes), description(), progress)
            .and_then(|pack| verify(&pack))
            .map_err(|source| DataError::BrokenPack { path: "moving_mnist".into(), source });
        Findings::of(checked)
    }
}

fn description() -> Description {
    Description { name: "moving_mnist", origin: ORIGIN.to_owned() }
}

pub(super) fn embedded_digits() -> [ResizedDigits; 2] {
    EMBEDDED_FILES.map(|file| {
        ResizedDigits::of(&idx::parse_digits(file).expect("the embedded files are valid"))
    })
}

fn verify(pack: &Pack) -> Result<(), PackError> {
    let found = pack.payload_sha256();
    if found == EMBEDDED_SHA256 {
        Ok(())
    } else {
        Err(PackError::Digest { found: found.to_owned(), expected: EMBEDDED_SHA256 })
    }
}

/// What is drawn from the embedded digits with settings of one's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrawnDigits {
    pub(crate) settings: DrawSettings,
}

impl DataOrigin for DrawnDigits {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        // The digits are those of the embedded data set, so its digest stands for them.
        let (name, key) = ("moving_mnist_drawn", self.settings.key());
        let folder = cache::drawn_folder(cache, name, EMBEDDED_SHA256, &key);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| self.encode(out, progress);
        let digits = self.settings.scene.digits;
        let origin = format!("{digits} of 7000 embedded MNIST digits that bounce about");
        let description = Description { name, origin };
        cache::load_or_make(&folder, &description, &|_| Ok(None), &encode, progress)
    }

    fn check(&self, _: Required, progress: Watch<'_>) -> Findings {
        Findings::of(cache::write_to_nothing(|out| self.encode(out, progress)))
    }
}

impl DrawnDigits {
    fn encode(self, out: &mut dyn Write, progress: Watch<'_>) -> Result<(), WriteError> {
        let (digits, sources) = (embedded_digits(), DigitSources::default());
        Ok(encode(&digits, self.settings, sources, out, progress)?)
    }
}

/// A folder of MNIST's files, and what is drawn from their digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DigitFolder<'a> {
    pub(crate) root: &'a Path,
    pub(crate) settings: DrawSettings,
}

/// Returns the data set that is drawn from a folder's files of digits, if it has some.
pub(crate) fn detect(root: &Path) -> Result<Option<Dataset>, DataError> {
    Ok(DigitFiles::detect(root)?.map(|_| Dataset::moving_mnist_idx(root.to_owned())))
}

impl DataOrigin for DigitFolder<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let Self { root, settings } = *self;
        let files = DigitFiles::find(root)?;
        let names = files.names();
        let key = settings.key();
        let folder = cache::folder(cache, "moving_mnist_idx", root, &key);
        let outdated = |pack: &Pack| difference(root, &names, pack);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| self.encode(&files, out, progress);
        let digits = settings.scene.digits;
        let origin = format!("{digits} digits of `{}` that bounce about", root.display());
        let description = Description { name: "moving_mnist_idx", origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    /// Reads the files and draws every sequence, but keeps none.
    fn check(&self, _: Required, progress: Watch<'_>) -> Findings {
        Findings::of(cache::write_to_nothing(|out| {
            self.encode(&DigitFiles::find(self.root)?, out, progress)
        }))
    }
}

impl DigitFolder<'_> {
    fn encode(
        &self,
        files: &DigitFiles,
        out: &mut dyn Write,
        progress: Watch<'_>,
    ) -> Result<(), WriteError> {
        let names = files.names();
        let records: Result<_, _> =
            names.iter().map(|name| source(&self.root.join(name))).collect();
        let template = SequenceBuffer { sources: records?, ..SequenceBuffer::default() };
        let digits = files.read(self.root).map_err(DataError::from)?;
        let digits = digits.each_ref().map(ResizedDigits::of);
        let mut findings = Findings::default();
        let [train, test] = digits.each_ref().map(ResizedDigits::len);
        let quoted = quoted_list(&names.iter().copied().map(str::to_owned).collect::<Vec<_>>());
        findings.fact("digits", format!("{train} for training, {test} for testing, from {quoted}"));
        let names = names.into_iter().map(str::to_owned).collect();
        let sources = DigitSources { template, names, findings };
        Ok(encode(&digits, self.settings, sources, out, progress)?)
    }
}

/// The files of the digits. The pack records them with its first sequence only, because all sequences
/// come from the same two files.
#[derive(Default)]
struct DigitSources {
    /// A sequence that has the records of the files and no frames yet.
    template: SequenceBuffer,
    names: Vec<String>,
    /// What was understood of the files.
    findings: Findings,
}

/// Draws all sequences of training and test digits into a pack.
fn encode(
    digits: &[ResizedDigits; 2],
    settings: DrawSettings,
    sources: DigitSources,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> io::Result<()> {
    let DrawSettings { sampling, scene, frames, sequences } = settings;
    let scene = Scene::of(frames, scene);
    let total = Split::ALL.iter().map(|&split| sequences.of(split).len()).sum();
    let DigitSources { template: mut buffer, names: mut files, findings } = sources;
    let mut encoder = Encoder::begin(out)?;
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
            // The original has two data sets, `train=True` and `train=False`, each with a generator.
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
    encoder.finish(SequenceFormat::frames_only(settings.frame_shape()), findings)
}

/// Draws a sequence of the digits that belong to a split.
fn sequence(
    scene: Scene,
    [training, test]: &[ResizedDigits; 2],
    split: Split,
    random: &mut dyn Integers,
) -> Vec<u8> {
    let seen = training_digits(training);
    match split {
        Split::Train => drawn(scene, training, seen, random),
        Split::Validate => {
            drawn(scene, training, seen.end.min(training.len() - 1)..training.len(), random)
        }
        Split::Test => drawn(scene, test, 0..test.len(), random),
    }
}

/// Returns the digits of the training split. The last tenth is held out, at least one digit. A single digit is in both
/// splits.
pub(super) fn training_digits(training: &ResizedDigits) -> Range<usize> {
    0..(training.len() - training.len() / HELD_OUT_ONE_IN).min(training.len() - 1).max(1)
}

/// Draws the frames of a sequence of some digits.
pub(super) fn drawn(
    scene: Scene,
    digits: &ResizedDigits,
    shown: Range<usize>,
    random: &mut dyn Integers,
) -> Vec<u8> {
    let paths = trajectories(scene, shown.len(), random);
    draw_bytes(scene, &paths, |index| digits.digit(shown.start + index))
}
