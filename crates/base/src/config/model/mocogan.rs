//! Settings of MoCoGAN (original: sergeytulyakov/mocogan at 937a99d; Tulyakov et al. 2018,
//! arXiv:1707.04993) and of its variant in the course exercise MP5 (see docs/sources.md).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{FramesUsed, ScheduleTable, SystemFacts};
use crate::{
    config::{data::Content, engine::Arithmetic, optim::AdamSpec, training::TrainingSpec},
    scalar::{Count, DecayRate, NonNegative, Positive},
};

/// Architecture and objective of MoCoGAN. The defaults are those of `train.py` of the original,
/// sergeytulyakov/mocogan at 937a99d.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MocoganSpec {
    /// Frames of a generated video, and of the part of a real video that is compared with it
    /// (`video_length`).
    pub video_length: Count,
    /// Height and width of a frame in pixels, a multiple of 16: 64 in the original, 96 in MP5.
    pub side: Count,
    /// Colour channels (`n_channels`).
    pub channels: Count,
    /// Length of the content code, which is drawn once per video (`dim_z_content`; `d_C` in MP5).
    pub content_size: Count,
    /// Number of categories that the latent code distinguishes (`dim_z_category`).
    pub categories: Categories,
    /// Length of the motion code, which is drawn once per frame (`dim_z_motion`; `d_E` in MP5).
    pub motion_size: Count,
    /// Recurrent network that produces the motion codes of a video.
    pub motion: Motion,
    /// Input channels of the last layer of the generator (`ngf`).
    pub generator_width: Count,
    /// Output channels of the first layer of each discriminator (`ndf`).
    pub discriminator_width: Count,
    /// Discriminator of single frames (`image_discriminator`).
    pub image_discriminator: ImageDiscriminator,
    /// Discriminator of videos (`video_discriminator`).
    pub video_discriminator: VideoDiscriminator,
    /// Noise that is added to the inputs of the discriminators' layers (`use_noise`, `noise_sigma`).
    pub instance_noise: InstanceNoise,
    /// Frames per batch of the image discriminator (`image_batch`). The number of videos per batch
    /// (`video_batch`, 3 in `train.py`) is `training.batch_size`.
    pub image_batch: Count,
    /// Stride in frames: every n-th frame of a real video is used. `train.py` has an option of this name
    /// with the default 4, but always uses 2.
    pub every_nth: Count,
}

impl Default for MocoganSpec {
    fn default() -> Self {
        Self {
            video_length: Count::literal(16),
            side: Count::literal(64),
            channels: Count::literal(3),
            content_size: Count::literal(50),
            categories: Categories::Count(Count::literal(6)),
            motion_size: Count::literal(10),
            motion: Motion::Gru,
            generator_width: Count::literal(64),
            discriminator_width: Count::literal(64),
            image_discriminator: ImageDiscriminator::Patch,
            video_discriminator: VideoDiscriminator::default(),
            instance_noise: InstanceNoise::Off,
            image_batch: Count::literal(10),
            every_nth: Count::literal(2),
        }
    }
}

impl MocoganSpec {
    /// Returns the optimizer that `trainers.py` gives each of the three networks: α 2·10⁻⁴,
    /// β (0.5, 0.999), weight decay 10⁻⁵.
    pub fn original_optimizer() -> AdamSpec {
        AdamSpec {
            learning_rate: Positive::try_from(0.0002).expect("the literal is positive"),
            beta1: DecayRate::try_from(0.5).expect("the literal is in [0, 1)"),
            weight_decay: NonNegative::try_from(0.00001).expect("the literal is not negative"),
            ..AdamSpec::default()
        }
    }

    /// Checks that no two settings contradict each other.
    ///
    /// # Errors
    /// If frames or videos are too small for a discriminator, or categories are needed but missing.
    pub fn check(&self) -> Result<(), MocoganConflict> {
        let (side, length) = (self.side.get(), self.video_length.get());
        if !side.is_multiple_of(SIDE_UNIT) {
            return Err(MocoganConflict::Side { side });
        }
        let whole_images = self.image_discriminator == ImageDiscriminator::Whole;
        let whole_videos = self.video_discriminator != VideoDiscriminator::Patch;
        if (whole_images || whole_videos) && side < WHOLE_SIDE {
            return Err(MocoganConflict::TooSmall { side });
        }
        let least = if whole_videos { WHOLE_LENGTH } else { PATCH_LENGTH };
        if length < least {
            return Err(MocoganConflict::TooShort { length, least });
        }
        if let Motion::Lstm { frames, .. } = self.motion
            && frames.get() < length + 2
        {
            return Err(MocoganConflict::TooFewMotionCodes { frames: frames.get(), length });
        }
        if let VideoDiscriminator::Categorical { real_categories, generated_categories } =
            self.video_discriminator
        {
            if self.categories == Categories::None {
                return Err(MocoganConflict::NoCategories);
            }
            let learned = [real_categories, generated_categories].contains(&CategoryLoss::Added);
            if learned && (side >= WHOLE_SIDE + SIDE_UNIT || length > WHOLE_LENGTH) {
                return Err(MocoganConflict::SeveralOutputs);
            }
        }
        Ok(())
    }
}

impl SystemFacts for MocoganSpec {
    fn system(&self) -> &'static str {
        "mocogan"
    }

    fn arithmetics(&self) -> &'static [Arithmetic] {
        &[Arithmetic::Exact]
    }

    fn is_data_parallel(&self) -> bool {
        false
    }

    fn content(&self) -> Content {
        Content::Frames
    }

    fn frames_used(&self) -> Option<FramesUsed> {
        None
    }

    fn has_latent(&self) -> bool {
        false
    }

    fn reads_frames_after_context(&self) -> bool {
        false
    }

    fn size(&self) -> Option<String> {
        let Self { generator_width, discriminator_width, .. } = self;
        Some(format!(
            "generator width {generator_width}, discriminator width {discriminator_width}"
        ))
    }

    fn schedules(&self, _: &TrainingSpec) -> Vec<ScheduleTable> {
        Vec::new()
    }

    fn reset_schedules(&mut self) {}
}

/// The generator up-samples a frame four times by 2.
const SIDE_UNIT: u64 = 16;
/// Side at which the discriminator of whole frames has one output.
const WHOLE_SIDE: u64 = 64;
/// Frames at which the discriminator of whole videos has one output: five kernels of 4, no padding.
const WHOLE_LENGTH: u64 = 16;
/// Frames at which the patch discriminator has one output in time: four kernels of 4, no padding.
const PATCH_LENGTH: u64 = 13;

/// Settings of MoCoGAN that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MocoganConflict {
    /// The generator cannot produce frames of this size.
    #[error(
        "frames of side {side} cannot be generated: the side must be a multiple of {SIDE_UNIT}"
    )]
    Side { side: u64 },
    /// A discriminator of whole frames or videos would have no output.
    #[error(
        "frames of side {side} are too small for a discriminator of whole frames, which needs at \
         least {WHOLE_SIDE}"
    )]
    TooSmall { side: u64 },
    /// The video discriminator would have no output.
    #[error(
        "videos of {length} frames are too short for the video discriminator, which needs at least \
         {least}"
    )]
    TooShort { length: u64, least: u64 },
    /// MP5 cuts a video out of a longer sequence of motion codes and never uses the last two starts.
    #[error("{frames} motion codes are too few for videos of {length} frames, which need at least {}", length + 2)]
    TooFewMotionCodes { frames: u64, length: u64 },
    /// A categorical discriminator without categories.
    #[error("a categorical video discriminator needs categories")]
    NoCategories,
    /// The category losses need one output per video.
    #[error(
        "category losses need one discriminator output per video: frames of side {WHOLE_SIDE} and \
         videos of {WHOLE_LENGTH} frames"
    )]
    SeveralOutputs,
}

impl MocoganConflict {
    /// Returns the keys involved, the most likely culprit first.
    pub const fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Side { .. } => &["model.mocogan.side"],
            Self::TooSmall { .. } => &[
                "model.mocogan.side",
                "model.mocogan.image_discriminator",
                "model.mocogan.video_discriminator",
            ],
            Self::TooShort { .. } => {
                &["model.mocogan.video_length", "model.mocogan.video_discriminator"]
            }
            Self::TooFewMotionCodes { .. } => {
                &["model.mocogan.motion.lstm.frames", "model.mocogan.video_length"]
            }
            Self::NoCategories => {
                &["model.mocogan.categories", "model.mocogan.video_discriminator"]
            }
            Self::SeveralOutputs => &[
                "model.mocogan.side",
                "model.mocogan.video_length",
                "model.mocogan.video_discriminator.categorical",
                "model.mocogan.video_discriminator",
            ],
        }
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Side { .. } => "use 64 as the original does, or 96 as MP5 does",
            Self::TooSmall { .. } | Self::TooShort { .. } => {
                "use `patch` discriminators, which accept smaller frames and shorter videos"
            }
            Self::TooFewMotionCodes { .. } => "increase `motion.lstm.frames`",
            Self::NoCategories => "set `categories = { count = N }`",
            Self::SeveralOutputs => {
                "use 64 and 16, or set `real_categories` and `generated_categories` to `ignored`"
            }
        }
    }
}

/// Categories of videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Categories {
    /// The latent code contains no category (`dim_z_category = 0`).
    None,
    /// Number of categories. The category of a video is drawn uniformly.
    Count(Count),
}

impl Categories {
    /// Returns the number of categories.
    pub const fn size(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Count(count) => count.size(),
        }
    }
}

/// Recurrent network that produces the motion codes of a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Motion {
    /// As in the original: a GRU cell with a random initial state and fresh noise as input of every
    /// frame. The latent code is content ⊕ category ⊕ motion, where ⊕ is concatenation.
    #[default]
    Gru,
    /// As `gru`, with an LSTM cell in place of the GRU cell and nothing else changed: its hidden state has
    /// the same random start, its cell state starts at zero.
    LstmCell,
    /// As in the course exercise MP5: an LSTM with zero initial state and the same noise as input of
    /// every frame, followed by a linear layer and BatchNorm. The latent code is motion ⊕ content.
    Lstm {
        /// Hidden units (`hidden_size`, 100 in MP5).
        hidden_size: Count,
        /// Initial bias of the forget gate (`init_forget_bias`, 1 in MP5).
        forget_bias: NonNegative,
        /// Number of motion codes to produce, at least `video_length` + 2. A video uses
        /// `video_length` consecutive ones. MP5 draws the number from the lengths of its videos.
        frames: Count,
    },
}

/// Discriminator of single frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageDiscriminator {
    /// One output per 64×64 frame (`ImageDiscriminator`).
    Whole,
    /// A grid of outputs, one per overlapping patch (`PatchImageDiscriminator`).
    #[default]
    Patch,
}

/// Discriminator of videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VideoDiscriminator {
    /// One output per video of 16 frames of 64×64 (`VideoDiscriminator`).
    Whole,
    /// A grid of outputs, one per overlapping patch (`PatchVideoDiscriminator`).
    Patch,
    /// As `whole`, with the video's category as a second output (`CategoricalVideoDiscriminator`).
    Categorical {
        /// Loss of the discriminator on the categories of real videos (`use_categories`).
        real_categories: CategoryLoss,
        /// Loss of the generator on the categories of its videos (`use_infogan`).
        generated_categories: CategoryLoss,
    },
}

impl Default for VideoDiscriminator {
    fn default() -> Self {
        Self::Categorical {
            real_categories: CategoryLoss::Ignored,
            generated_categories: CategoryLoss::Ignored,
        }
    }
}

/// Cross-entropy of categories in a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CategoryLoss {
    /// Not part of the loss.
    Ignored,
    /// Added to the loss with weight 1.
    Added,
}

/// Noise that is added to the inputs of the discriminators' layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InstanceNoise {
    /// No noise.
    #[default]
    Off,
    /// Noise from N(0, σ²), drawn separately for every layer and every batch, in training and in
    /// evaluation.
    Gaussian {
        /// Standard deviation σ (`noise_sigma`).
        sigma: NonNegative,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &MocoganSpec, expected: Result<(), MocoganConflict>) {
        assert_eq!(spec.check(), expected);
    }

    fn learning() -> VideoDiscriminator {
        VideoDiscriminator::Categorical {
            real_categories: CategoryLoss::Added,
            generated_categories: CategoryLoss::Added,
        }
    }

    #[test]
    fn the_defaults_have_no_conflict() {
        check(&MocoganSpec::default(), Ok(()));
        check(&MocoganSpec { video_discriminator: learning(), ..MocoganSpec::default() }, Ok(()));
    }

    #[test]
    fn frames_and_videos_too_small_for_a_discriminator_are_refused() {
        let spec = MocoganSpec::default();
        check(
            &MocoganSpec { side: Count::literal(60), ..spec.clone() },
            Err(MocoganConflict::Side { side: 60 }),
        );
        check(
            &MocoganSpec { side: Count::literal(32), ..spec.clone() },
            Err(MocoganConflict::TooSmall { side: 32 }),
        );
        check(
            &MocoganSpec { video_length: Count::literal(15), ..spec.clone() },
            Err(MocoganConflict::TooShort { length: 15, least: 16 }),
        );
        let video_discriminator = VideoDiscriminator::Patch;
        check(
            &MocoganSpec {
                side: Count::literal(32),
                video_length: Count::literal(13),
                video_discriminator,
                ..spec
            },
            Ok(()),
        );
    }

    #[test]
    fn category_losses_need_categories_and_one_output_per_video() {
        let spec = MocoganSpec { video_discriminator: learning(), ..MocoganSpec::default() };
        let categories = Categories::None;
        check(&MocoganSpec { categories, ..spec.clone() }, Err(MocoganConflict::NoCategories));
        check(
            &MocoganSpec { side: Count::literal(96), ..spec.clone() },
            Err(MocoganConflict::SeveralOutputs),
        );
    }

    #[test]
    fn a_video_is_cut_from_at_least_two_more_motion_codes() {
        let motion = Motion::Lstm {
            hidden_size: Count::literal(100),
            forget_bias: NonNegative::try_from(1.0).unwrap(),
            frames: Count::literal(17),
        };
        check(
            &MocoganSpec { motion, ..MocoganSpec::default() },
            Err(MocoganConflict::TooFewMotionCodes { frames: 17, length: 16 }),
        );
    }
}
