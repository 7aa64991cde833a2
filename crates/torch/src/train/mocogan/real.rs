//! Real frames and videos of an iteration, cut out of the sequences of a pack.

use std::collections::BTreeSet;

use tch::{Device, Kind, Tensor};

use crate::{
    models::mocogan::training::Real,
    train::batch::{Examples, size},
};
use reprise_base::{
    config::model::MocoganSpec,
    metrics::distribution::VideoShape,
    rng::streams::Stream,
    scalar::{Count, Seed, Step},
};
use reprise_data::{
    Pack, Sequence, Split,
    sampler::Order,
    strips::sample::{Cut, cut, image_at, sub_sampled},
};

/// Stream of the order of frames for the image discriminator.
pub(super) const IMAGE_ORDER_STREAM: &str = "image_order";
/// Stream of the starts of sub-sampled videos, by step.
pub(super) const START_STREAM: &str = "video_start";

/// Returns the category of a sequence: its name up to the first `/`.
pub(super) fn category(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// Returns the categories of all splits in alphabetical order.
pub(super) fn categories(pack: &Pack) -> Vec<String> {
    let all: BTreeSet<&str> = Split::ALL
        .into_iter()
        .flat_map(|split| (0..pack.sequences(split)).map(move |index| (split, index)))
        .map(|(split, index)| category(pack.sequence_name(split, index)))
        .collect();
    all.into_iter().map(str::to_owned).collect()
}

/// How frames and videos are cut out of sequences.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cutting {
    seed: Seed,
    image_batch: Count,
    video_length: usize,
    every_nth: usize,
}

impl Cutting {
    pub(super) const fn new(spec: &MocoganSpec, seed: Seed) -> Self {
        let MocoganSpec { image_batch, video_length, every_nth, .. } = spec;
        Self {
            seed,
            image_batch: *image_batch,
            video_length: video_length.len(),
            every_nth: every_nth.len(),
        }
    }

    /// Returns the shape of a video that is cut out of a pack.
    pub(super) fn shape(self, pack: &Pack) -> VideoShape {
        let [height, width, channels] = pack.frame_shape();
        VideoShape { frames: self.video_length, height, width, channels }
    }

    /// Returns the discriminators' real inputs of a step: one video per sequence of the examples,
    /// from a random start, and frames of the split in random order.
    ///
    /// Deviation: each pass over the frames is a permutation of ours; the original's `DataLoader`
    /// shuffles with a generator of its own.
    pub(super) fn real(self, examples: &Examples<'_>, categories: &[String], step: Step) -> Real {
        let &Examples { pack, split, indices, device } = examples;
        let clip = |index: usize| pack.sequence(split, index);
        let lengths: Vec<usize> =
            (0..pack.sequences(split)).map(|index| clip(index).length).collect();
        let order = Order::new(<_>::default(), self.seed, lengths.iter().sum(), self.image_batch);
        let order = order.expect("a split with examples has frames").on(IMAGE_ORDER_STREAM);
        let mut images = Vec::new();
        for item in order.batch(step) {
            let (index, frame) = image_at(&lengths, item);
            images.extend_from_slice(frame_of(&clip(index), frame));
        }

        let mut videos = Vec::new();
        let mut starts = Stream::new(self.seed, START_STREAM).at(step.0);
        for &index in indices {
            let start = match self.starts(lengths[index]) {
                1 => 0,
                count => starts.below(count as u64),
            };
            let start = usize::try_from(start).expect("a frame's index");
            self.video(&clip(index), start, &mut videos);
        }
        let number = |&index: &usize| {
            let name = category(pack.sequence_name(split, index));
            categories.iter().position(|known| known == name).map_or(0, size)
        };
        let labels: Vec<i64> = indices.iter().map(number).collect();

        let [height, width, channels] = pack.frame_shape().map(size);
        let shape = [-1, size(self.video_length), height, width, channels];
        Real {
            images: signed(&images, &[-1, height, width, channels], device).permute([0, 3, 1, 2]),
            videos: signed(&videos, &shape, device).permute([0, 4, 1, 2, 3]),
            categories: Some(Tensor::from_slice(&labels).to_device(device)),
        }
    }

    /// Returns the number of frames of a sequence at which a video may start.
    fn starts(self, frames: usize) -> usize {
        match cut(frames, self.video_length, self.every_nth) {
            Some(Cut::SubSampled { starts }) => usize::try_from(starts).expect("a frame's index"),
            Some(Cut::Leading) | None => 1,
        }
    }

    /// Appends the bytes of a video, `[T, H, W, C]`.
    fn video(self, clip: &Sequence<'_>, start: usize, out: &mut Vec<u8>) {
        let frames = match cut(clip.length, self.video_length, self.every_nth) {
            Some(Cut::SubSampled { .. }) => sub_sampled(start, self.video_length, self.every_nth),
            Some(Cut::Leading) | None => (0..self.video_length).collect(),
        };
        for frame in frames {
            out.extend_from_slice(frame_of(clip, frame));
        }
    }

    /// Cuts `count` videos with evenly spaced starts out of a sequence.
    pub(super) fn spread(self, clip: &Sequence<'_>, count: usize) -> Vec<Vec<u8>> {
        let last = self.starts(clip.length) - 1;
        let video = |number: usize| {
            let mut video = Vec::new();
            self.video(clip, number * last / (count - 1).max(1), &mut video);
            video
        };
        (0..count).map(video).collect()
    }
}

fn frame_of<'a>(clip: &Sequence<'a>, index: usize) -> &'a [u8] {
    let bytes = clip.frames.len() / clip.length;
    &clip.frames[index * bytes..(index + 1) * bytes]
}

/// Maps bytes to [−1, 1]: `(byte / 255 − ½) / ½`, as torchvision's `ToTensor` and `Normalize`.
pub(super) fn signed(bytes: &[u8], shape: &[i64], device: Device) -> Tensor {
    let pixels = Tensor::from_slice(bytes).to_device(device).to_kind(Kind::Float) / 255.0;
    ((pixels - 0.5) / 0.5).view(shape)
}
