//! Settings of MoCoGAN (Tulyakov et al. 2018, arXiv:1707.04993) and of the variant of seed document 002.

use serde::{Deserialize, Serialize};

use crate::{
    config::optim::AdamSpec,
    scalar::{Count, DecayRate, NonNegative, Positive},
};

/// Architecture and objective of MoCoGAN; defaults are those of the options of sergeytulyakov/mocogan
/// `train.py` at 937a99d.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MocoganSpec {
    /// Frames of a video (`video_length`).
    pub video_length: Count,
    /// Height and width of a frame, a multiple of 16: 64 in MoCoGAN, 96 in the document.
    pub side: Count,
    /// Colour channels (`n_channels`).
    pub channels: Count,
    /// Length of the content code, one a video (`dim_z_content`; the document's `d_C`).
    pub content_size: Count,
    /// Categories of videos (`dim_z_category`).
    pub categories: Categories,
    /// Length of the motion code, one a frame (`dim_z_motion`; the document's `d_E`).
    pub motion_size: Count,
    /// What makes the motion codes of a video.
    pub motion: Motion,
    /// Channels before the generator's last layer (`ngf`).
    pub generator_width: Count,
    /// Channels after a discriminator's first layer (`ndf`).
    pub discriminator_width: Count,
    /// What judges single frames (`image_discriminator`).
    pub image_discriminator: ImageDiscriminator,
    /// What judges videos (`video_discriminator`).
    pub video_discriminator: VideoDiscriminator,
    /// Noise on the inputs of the discriminators' layers (`use_noise`, `noise_sigma`).
    pub instance_noise: InstanceNoise,
    /// Frames in a batch for the image discriminator (`image_batch`); videos are as many as
    /// `training.batch_size` says (`video_batch`, 3 in `train.py`).
    pub image_batch: Count,
    /// Distance of two frames of a real video in its clip, from which it is sub-sampled.
    ///
    /// `train.py` has an option of this name with the default 4, but always takes 2.
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
    /// Returns the optimizer of each of the three networks, as `trainers.py` writes it down:
    /// α 2·10⁻⁴, β (0.5, 0.999), weight decay 10⁻⁵.
    pub fn original_optimizer() -> AdamSpec {
        AdamSpec {
            learning_rate: Positive::try_from(0.0002).expect("the literal is positive"),
            beta1: DecayRate::try_from(0.5).expect("the literal is in [0, 1)"),
            weight_decay: NonNegative::try_from(0.00001).expect("the literal is not negative"),
            ..AdamSpec::default()
        }
    }

    /// Refuses settings that do not fit together.
    ///
    /// # Errors
    /// If frames or videos are too small for a discriminator, or categories have nothing to come from.
    pub fn check(&self) -> Result<(), Unfit> {
        let (side, length) = (self.side.get(), self.video_length.get());
        if !side.is_multiple_of(SIDE_UNIT) {
            return Err(Unfit::Side { side });
        }
        let whole_images = self.image_discriminator == ImageDiscriminator::Whole;
        let whole_videos = self.video_discriminator != VideoDiscriminator::Patch;
        if (whole_images || whole_videos) && side < WHOLE_SIDE {
            return Err(Unfit::TooSmall { side });
        }
        let least = if whole_videos { WHOLE_LENGTH } else { PATCH_LENGTH };
        if length < least {
            return Err(Unfit::TooShort { length, least });
        }
        if let Motion::Lstm { frames, .. } = self.motion
            && frames.get() < length + 2
        {
            return Err(Unfit::TooFewMotionFrames { frames: frames.get(), length });
        }
        if let VideoDiscriminator::Categorical { real_categories, generated_categories } =
            self.video_discriminator
        {
            if self.categories == Categories::None {
                return Err(Unfit::NoCategories);
            }
            let learned = [real_categories, generated_categories].contains(&CategoryLoss::Added);
            if learned && (side >= WHOLE_SIDE + SIDE_UNIT || length > WHOLE_LENGTH) {
                return Err(Unfit::ManyJudgements);
            }
        }
        Ok(())
    }
}

/// A frame is up-sampled four times by two.
const SIDE_UNIT: u64 = 16;
/// Side at which a whole frame becomes one judgement.
const WHOLE_SIDE: u64 = 64;
/// Frames that become one judgement of a whole video: five kernels of four without padding.
const WHOLE_LENGTH: u64 = 16;
/// Frames that become one judgement of a patch: four kernels of four without padding.
const PATCH_LENGTH: u64 = 13;

/// Why settings do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The generator cannot make frames of this size.
    #[error("frames of side {side} cannot be generated: the side must be a multiple of 16")]
    Side {
        /// `side`.
        side: u64,
    },
    /// A discriminator of whole frames or videos has nothing left at its last layer.
    #[error("frames of side {side} are too small for a discriminator of whole frames: it needs 64")]
    TooSmall {
        /// `side`.
        side: u64,
    },
    /// The video discriminator has nothing left at its last layer.
    #[error(
        "videos of {length} frames are too short for the video discriminator: it needs {least}"
    )]
    TooShort {
        /// `video_length`.
        length: u64,
        /// Frames that it needs.
        least: u64,
    },
    /// The document cuts a part out of a longer sequence and never takes the last two starts.
    #[error("{frames} frames of motion are too few to cut {length} out of them: it takes two more")]
    TooFewMotionFrames {
        /// `motion.lstm.frames`.
        frames: u64,
        /// `video_length`.
        length: u64,
    },
    /// A categorical discriminator without categories.
    #[error("a categorical video discriminator needs categories")]
    NoCategories,
    /// The category losses take one judgement a video.
    #[error(
        "category losses need frames of side 64 and videos of 16 frames: one judgement a video"
    )]
    ManyJudgements,
}

impl Unfit {
    /// Returns the dotted keys involved, the likeliest to be at fault first.
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
            Self::TooFewMotionFrames { .. } => {
                &["model.mocogan.motion.lstm.frames", "model.mocogan.video_length"]
            }
            Self::NoCategories => {
                &["model.mocogan.categories", "model.mocogan.video_discriminator"]
            }
            Self::ManyJudgements => &[
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
            Self::Side { .. } => "64 is the original's side, 96 the document's",
            Self::TooSmall { .. } | Self::TooShort { .. } => {
                "`patch` discriminators take smaller frames and shorter videos"
            }
            Self::TooFewMotionFrames { .. } => "let the LSTM make more frames",
            Self::NoCategories => "`categories = { count = N }` gives them",
            Self::ManyJudgements => {
                "take 64 and 16, or `ignored` for `real_categories` and `generated_categories`"
            }
        }
    }
}

/// Categories of videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Categories {
    /// The latent code has no category (`dim_z_category = 0`).
    None,
    /// So many, each as likely.
    Count(Count),
}

impl Categories {
    /// Returns how many there are.
    pub const fn size(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Count(count) => count.size(),
        }
    }
}

/// What makes the motion codes of a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Motion {
    /// MoCoGAN: a GRU cell from a random state, driven by fresh noise at every frame; the latent code
    /// is content ⊕ category ⊕ motion.
    #[default]
    Gru,
    /// The document: an LSTM from the zero state, driven by the same noise at every frame, through a
    /// linear layer and BatchNorm; the latent code is motion ⊕ content.
    Lstm {
        /// Hidden units (`hidden_size`, 100 in the document).
        hidden_size: Count,
        /// Initial bias of the forget gate (`init_forget_bias`, 1 in the document).
        forget_bias: NonNegative,
        /// Frames of motion of which the video is cut; the document draws their number from the
        /// lengths of its clips.
        frames: Count,
    },
}

/// What judges single frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageDiscriminator {
    /// One judgement of a 64×64 frame (`ImageDiscriminator`).
    Whole,
    /// A grid of judgements of overlapping patches (`PatchImageDiscriminator`).
    #[default]
    Patch,
}

/// What judges videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VideoDiscriminator {
    /// One judgement of 16 frames of 64×64 (`VideoDiscriminator`).
    Whole,
    /// A grid of judgements of overlapping patches (`PatchVideoDiscriminator`).
    Patch,
    /// A whole video with its category (`CategoricalVideoDiscriminator`).
    Categorical {
        /// Whether it learns the categories of real videos (`use_categories`).
        real_categories: CategoryLoss,
        /// Whether the generator learns to be recognized (`use_infogan`).
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

/// Whether a cross-entropy of categories is part of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryLoss {
    /// It is not.
    Ignored,
    /// It is added with weight 1.
    Added,
}

/// Noise on the inputs of the discriminators' layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InstanceNoise {
    /// None.
    #[default]
    Off,
    /// N(0, σ²), drawn anew for every layer and every batch, in evaluation too.
    Gaussian {
        /// Standard deviation σ (`noise_sigma`).
        sigma: NonNegative,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &MocoganSpec, expected: Result<(), Unfit>) {
        assert_eq!(spec.check(), expected);
    }

    fn learning() -> VideoDiscriminator {
        VideoDiscriminator::Categorical {
            real_categories: CategoryLoss::Added,
            generated_categories: CategoryLoss::Added,
        }
    }

    #[test]
    fn the_defaults_fit_together() {
        check(&MocoganSpec::default(), Ok(()));
        check(&MocoganSpec { video_discriminator: learning(), ..MocoganSpec::default() }, Ok(()));
    }

    #[test]
    fn frames_and_videos_too_small_for_a_discriminator_are_refused() {
        let spec = MocoganSpec::default();
        check(
            &MocoganSpec { side: Count::literal(60), ..spec.clone() },
            Err(Unfit::Side { side: 60 }),
        );
        check(
            &MocoganSpec { side: Count::literal(32), ..spec.clone() },
            Err(Unfit::TooSmall { side: 32 }),
        );
        check(
            &MocoganSpec { video_length: Count::literal(15), ..spec.clone() },
            Err(Unfit::TooShort { length: 15, least: 16 }),
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
    fn categories_need_a_source_and_one_judgement_a_video() {
        let spec = MocoganSpec { video_discriminator: learning(), ..MocoganSpec::default() };
        let categories = Categories::None;
        check(&MocoganSpec { categories, ..spec.clone() }, Err(Unfit::NoCategories));
        check(
            &MocoganSpec { side: Count::literal(96), ..spec.clone() },
            Err(Unfit::ManyJudgements),
        );
    }

    #[test]
    fn a_video_is_cut_from_more_frames_of_motion() {
        let motion = Motion::Lstm {
            hidden_size: Count::literal(100),
            forget_bias: NonNegative::try_from(1.0).unwrap(),
            frames: Count::literal(17),
        };
        check(
            &MocoganSpec { motion, ..MocoganSpec::default() },
            Err(Unfit::TooFewMotionFrames { frames: 17, length: 16 }),
        );
    }
}
