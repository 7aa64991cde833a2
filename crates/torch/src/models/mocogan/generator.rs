//! The generator: latent codes, and the network that maps each to a frame.

use tch::Tensor;

use super::motion::{MotionNetwork, at_every_frame, one_hot};
use crate::{
    models::{ChoicePurpose, IndexChoice, NoisePurpose, RandomSource},
    nn::{
        Mode,
        conv::{Conv, Windows},
        init::Init,
        layers::{AffineInit, BatchNorm},
        params::Path,
    },
};
use reprise_base::config::model::MocoganSpec;

/// PyTorch's default: γ = 1, β = 0.
pub(super) const BATCH_NORM_INIT: AffineInit =
    AffineInit { weight: Init::Constant(1.0), bias: Init::Constant(0.0) };

/// Doubles height and width.
const UP: Windows<2> = Windows { kernel: [4; 2], stride: [2; 2], padding: [1; 2] };

/// Maps latent codes `[R, Z]` to frames `[R, C, S, S]` in (−1, 1) (`main`).
///
/// Transposed convolutions without bias to 8, 4, 2 and 1 times `width` channels (`ngf`), each with
/// BatchNorm and ReLU, and one to the colours with tanh. The first makes a map of side S/16, each
/// of the others doubles the side.
#[derive(Debug)]
pub struct FrameNetwork {
    blocks: Vec<(Conv, BatchNorm)>,
    last: Conv,
}

impl FrameNetwork {
    /// Creates `0`, `1`, `3`, `4`, …, `12`, the original's layer numbers.
    pub fn new(path: &Path<'_>, latent: i64, width: i64, channels: i64, side: i64) -> Self {
        let first = Windows { kernel: [side / 16; 2], stride: [1; 2], padding: [0; 2] };
        let plan = [
            (0, [latent, 8 * width], first),
            (3, [8 * width, 4 * width], UP),
            (6, [4 * width, 2 * width], UP),
            (9, [2 * width, width], UP),
        ];
        let blocks = plan.map(|(index, channels, windows)| {
            let place = |index: u32| path.sub(&index.to_string());
            (
                Conv::transposed(&place(index), channels, windows),
                BatchNorm::new(&place(index + 1), channels[1], BATCH_NORM_INIT),
            )
        });
        let last = Conv::transposed(&path.sub("12"), [width, channels], UP);
        Self { blocks: blocks.into(), last }
    }

    /// Maps `[R, Z]` to `[R, C, S, S]`.
    pub fn forward(&self, z: &Tensor, mode: Mode) -> Tensor {
        let mut x = z.unsqueeze(-1).unsqueeze(-1);
        for (conv, norm) in &self.blocks {
            x = norm.forward(&conv.forward(&x), mode).relu();
        }
        self.last.forward(&x).tanh()
    }
}

/// The parts of the latent codes of N videos of T frames.
#[derive(Debug)]
pub struct CodeParts {
    /// What all frames of a video share: `[N, content]`.
    pub content: Tensor,
    /// The category of each video `[N]`, if there are categories.
    pub categories: Option<Tensor>,
    /// What differs between frames: `[N, T, motion]`.
    pub motion: Tensor,
}

impl CodeParts {
    /// Combines each of the first A contents with each of the first B motions and its category: the parts of A·B videos,
    /// content by content (figure 3 of the paper varies one of both).
    #[must_use]
    pub fn crossed(&self, contents: i64, motions: i64) -> Self {
        let repeat = |of_motion: &Tensor| {
            let mut times = vec![1; of_motion.dim()];
            times[0] = contents;
            of_motion.narrow(0, 0, motions).repeat(&times)
        };
        Self {
            content: at_every_frame(&self.content.narrow(0, 0, contents), motions),
            categories: self.categories.as_ref().map(repeat),
            motion: repeat(&self.motion),
        }
    }
}

/// Latent codes of N videos of T frames.
#[derive(Debug)]
pub struct Latents {
    /// One code per frame, video by video: `[N·T, Z]`.
    pub z: Tensor,
    /// The category of each video `[N]`, if there are categories.
    pub categories: Option<Tensor>,
}

/// Generated videos.
#[derive(Debug)]
pub struct Videos {
    /// `[N, C, T, S, S]` in (−1, 1).
    pub frames: Tensor,
    pub latents: Latents,
}

/// Generated frames.
#[derive(Debug)]
pub struct Images {
    /// `[N, C, S, S]` in (−1, 1).
    pub frames: Tensor,
    /// Their latent codes `[N, Z]`.
    pub z: Tensor,
}

/// `VideoGenerator` of the original.
#[derive(Debug)]
pub struct VideoGenerator {
    motion: MotionNetwork,
    frames: FrameNetwork,
    content_size: i64,
    categories: i64,
    motion_size: i64,
    video_length: i64,
    /// Has the kind and device of the codes.
    like: Tensor,
}

impl VideoGenerator {
    /// Creates the motion network and the frame network at their paths.
    pub fn new(motion: &Path<'_>, frames: &Path<'_>, spec: &MocoganSpec) -> Self {
        let (content_size, motion_size) = (spec.content_size.size(), spec.motion_size.size());
        let categories = spec.categories.size();
        let latent = content_size + categories + motion_size;
        let (width, channels) = (spec.generator_width.size(), spec.channels.size());
        let side = spec.side.size();
        Self {
            motion: MotionNetwork::new(motion, &spec.motion, motion_size),
            frames: FrameNetwork::new(frames, latent, width, channels, side),
            content_size,
            categories,
            motion_size,
            video_length: spec.video_length.size(),
            like: frames.scalar(),
        }
    }

    /// Returns the largest number of frames of a video, if there is one.
    pub const fn frames_max(&self) -> Option<i64> {
        self.motion.frames_max()
    }

    /// Returns the number of frames of a training video.
    pub const fn video_length(&self) -> i64 {
        self.video_length
    }

    /// Samples the parts of the codes of `samples` videos of `frames` frames. Content, category and motion are drawn in
    /// this order.
    pub fn sample_parts(
        &self,
        samples: i64,
        frames: i64,
        mode: Mode,
        random: &mut dyn RandomSource,
    ) -> CodeParts {
        let like = &self.like;
        let shape = [samples, self.content_size];
        let content = random.standard_normal(NoisePurpose::Content, 0, &shape, like);
        let categories = (self.categories > 0).then(|| {
            let choice = IndexChoice::Independent { count: samples, below: self.categories };
            let drawn = random.choose(ChoicePurpose::Category, choice);
            Tensor::from_slice(&drawn).to_device(like.device())
        });
        let motion = self.motion.sample(samples, frames, mode, like, random);
        CodeParts { content, categories, motion }
    }

    /// Joins the parts of codes.
    pub fn join(&self, parts: CodeParts) -> Latents {
        let CodeParts { content, categories, motion } = parts;
        let frames = motion.size()[1];
        let content = at_every_frame(&content, frames);
        let category = categories
            .as_ref()
            .map(|chosen| at_every_frame(&one_hot(chosen, self.categories, &self.like), frames));
        let motion = motion.reshape([-1, self.motion_size]);
        Latents { z: self.motion.join(&content, category.as_ref(), &motion), categories }
    }

    /// Samples the codes of `samples` videos of `frames` frames (`sample_z_video`).
    pub fn sample_latents(
        &self,
        samples: i64,
        frames: i64,
        mode: Mode,
        random: &mut dyn RandomSource,
    ) -> Latents {
        self.join(self.sample_parts(samples, frames, mode, random))
    }

    /// Maps codes `[R, Z]` to frames `[R, C, S, S]`.
    pub fn frames(&self, z: &Tensor, mode: Mode) -> Tensor {
        self.frames.forward(z, mode)
    }

    /// Maps codes `[N·T, Z]`, video by video, to videos `[N, C, T, S, S]`.
    pub fn videos(&self, z: &Tensor, frames: i64, mode: Mode) -> Tensor {
        let x = self.frames(z, mode);
        let (_, channels, height, width) = x.size4().expect("frames are [R, C, S, S]");
        x.view([-1, frames, channels, height, width]).permute([0, 2, 1, 3, 4])
    }

    /// Generates videos (`sample_videos`). With a GRU, `frames` may differ from the length in
    /// training.
    pub fn sample_videos(
        &self,
        samples: i64,
        frames: i64,
        mode: Mode,
        random: &mut dyn RandomSource,
    ) -> Videos {
        let latents = self.sample_latents(samples, frames, mode, random);
        Videos { frames: self.videos(&latents.z, frames, mode), latents }
    }

    /// Generates single frames (`sample_images`). As in the original, the codes of 2·T videos per
    /// sample are drawn, and `samples` of all their frames are chosen without replacement, in
    /// ascending order.
    pub fn sample_images(&self, samples: i64, mode: Mode, random: &mut dyn RandomSource) -> Images {
        let videos = samples * self.video_length * 2;
        let Latents { z, .. } = self.sample_latents(videos, self.video_length, mode, random);
        let choice = IndexChoice::Distinct { count: samples, below: z.size()[0] };
        let mut rows = random.choose(ChoicePurpose::Frames, choice);
        rows.sort_unstable();
        let rows = Tensor::from_slice(&rows).to_device(z.device());
        let z = z.index_select(0, &rows);
        Images { frames: self.frames(&z, mode), z }
    }
}
