//! Training sequences of Moving MNIST that are drawn anew for every update, as the original does.

use std::ops::Range;

use super::{
    digit_files::DigitFiles,
    sets::{self, DrawSettings, ResizedDigits},
};
use crate::{
    error::DataError,
    findings::Findings,
    pack::{Description, Encoder, Pack, PackBytes, SequenceFormat},
    sequence::SequenceBuffer,
};
use reprise_base::{
    config::{
        data::{Dataset, Split},
        digits::DigitSampling,
    },
    rng::streams::Stream,
    scalar::Seed,
};

/// Name of the stream that draws the sequences; the nonce is the number of the sequence, counted over the whole run.
pub const FRESH_STREAM: &str = "data.fresh";

/// Digits from which training sequences are drawn without end.
pub struct FreshDigits {
    digits: [ResizedDigits; 2],
    settings: DrawSettings,
}

impl std::fmt::Debug for FreshDigits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FreshDigits").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl FreshDigits {
    /// Reads the digits of a data set; none if it is not drawn from digits.
    ///
    /// # Errors
    /// If its files cannot be read.
    pub fn open(dataset: &Dataset) -> Result<Option<Self>, DataError> {
        let Some(settings) = sets::settings(dataset) else { return Ok(None) };
        let digits = match dataset {
            Dataset::MovingMnistIdx { root, .. } => {
                DigitFiles::find(root)?.read(root)?.each_ref().map(ResizedDigits::of)
            }
            _ => sets::embedded_digits(),
        };
        Ok(Some(Self { digits, settings }))
    }

    /// Draws the sequences with these numbers into the training split of a pack. They show the digits of the data
    /// set's training split.
    pub fn draw(&self, seed: Seed, numbers: Range<u64>) -> Pack {
        let Self { digits, settings } = self;
        let stream = Stream::new(seed, FRESH_STREAM);
        let shown = match settings.sampling {
            DigitSampling::Streams => sets::training_digits(&digits[0]),
            DigitSampling::Original { .. } => 0..digits[0].len(),
        };
        let mut bytes = Vec::new();
        let mut encoder = Encoder::begin(&mut bytes).expect("writing to memory succeeds");
        let mut buffer = SequenceBuffer::default();
        for number in numbers {
            let random = &mut stream.at(number);
            buffer.frames = sets::drawn(settings.scene(), &digits[0], shown.clone(), random);
            encoder
                .sequence(Split::Train, &number.to_string(), &buffer, std::iter::empty())
                .expect("writing to memory succeeds");
        }
        let format = SequenceFormat::frames_only(settings.frame_shape());
        encoder.finish(format, Findings::default()).expect("writing to memory succeeds");
        let description = Description { name: "fresh_digits", origin: String::new() };
        Pack::new(PackBytes::Owned(bytes), description, &mut |_| {})
            .expect("a pack that was just encoded is whole")
    }
}
