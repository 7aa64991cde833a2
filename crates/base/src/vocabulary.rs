//! Names that training writes into run folders and reports read back.
//!
//! They are part of the file formats: renaming one makes old runs unreadable. The variants of an
//! enum are in the order in which reports list them.

/// Defines an enum whose variants stand for fixed names in files.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type {
            $(#[doc = concat!("`", $name, "`\n")] $(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// All names in reading order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name as it is in files.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Returns the place of a name in reading order; unknown names come after all others.
            pub fn rank(name: &str) -> usize {
                Self::ALL.iter().position(|it| it.as_str() == name).unwrap_or(Self::ALL.len())
            }
        }
    };
}

names! {
    /// What makes the predictions that are scored: the trained model or a baseline.
    Predictor {
        Model = "model",
        /// The sample of each sequence with the best PSNR.
        BestByPsnr = "best_by_psnr",
        /// The sample of each sequence with the best SSIM.
        BestBySsim = "best_by_ssim",
        /// The sample of each sequence with the lowest LPIPS.
        BestByLpips = "best_by_lpips",
        /// The sample of each sequence with the worst PSNR.
        WorstByPsnr = "worst_by_psnr",
        /// The sample of each sequence with the worst SSIM.
        WorstBySsim = "worst_by_ssim",
        /// The sample of each sequence with the highest LPIPS.
        WorstByLpips = "worst_by_lpips",
        /// Standard deviation between the samples of a sequence.
        SampleSpread = "sample_spread",
        /// The last context frame, repeated.
        CopyLastFrame = "copy_last_frame",
        /// The mean keypoints of the training images, for every image.
        MeanPosition = "mean_position",
        /// Training videos; an upper bound for a generator, not a competitor.
        RealVideos = "real_videos",
        /// The generator with its initial weights.
        UntrainedGenerator = "untrained_generator",
        /// The mean training video, repeated.
        MeanVideo = "mean_video",
    }
}

names! {
    /// A metric of an evaluation; `metrics::definitions` defines each.
    MetricName {
        Psnr = "psnr",
        Ssim = "ssim",
        /// In records followed by the digest of its network: [`MetricName::of_network`].
        Lpips = "lpips",
        /// In records followed by the digest of its network: [`MetricName::of_network`].
        Fvd = "fvd",
        Mse = "mse",
        MseSum = "mse_sum",
        StateMse = "state_mse",
        Rmse = "rmse",
        RmsePixels = "rmse_pixels",
        EnergyDistance = "energy_distance",
        MotionEnergyDistance = "motion_energy_distance",
        CategoryAccuracy = "category_accuracy",
        RecognitionAccuracy = "recognition_accuracy",
    }
}

names! {
    /// A scalar of every training step; each system defines its own in the record.
    SeriesName {
        Loss = "loss",
        Rmse = "rmse",
        GeneratorLoss = "l_gen",
        ImageDiscriminatorLoss = "l_image_dis",
        VideoDiscriminatorLoss = "l_video_dis",
        Reconstruction = "reconstruction",
        Kl = "kl",
        ActiveUnits = "active_units",
        KlWeight = "kl_weight",
        TeacherForcingRatio = "teacher_forcing_ratio",
        TeacherForced = "teacher_forced",
        StateLoss = "state_loss",
        PsnrSum = "psnr_sum",
        TrueFrameShare = "true_frame_share",
        LearningRate = "learning_rate",
        LossScale = "loss_scale",
    }
}

impl MetricName {
    /// Metrics in the features of a network.
    pub const OF_NETWORKS: [Self; 2] = [Self::Lpips, Self::Fvd];

    /// Returns the name in records of a metric in the features of a network, of which `digest` is the beginning of the
    /// SHA-256.
    pub fn of_network(self, digest: &str) -> String {
        format!("{}_{digest}", self.as_str())
    }

    /// Returns the name of a metric without the digest of its network.
    pub fn without_network(name: &str) -> &str {
        let of = |metric: &&Self| {
            name.strip_prefix(metric.as_str()).is_some_and(|rest| rest.starts_with('_'))
        };
        Self::OF_NETWORKS.iter().find(of).map_or(name, |metric| metric.as_str())
    }

    /// Returns the place of a name in records in reading order; unknown names come after all others.
    pub fn rank_in_records(name: &str) -> usize {
        Self::rank(Self::without_network(name))
    }
}

impl Predictor {
    /// Returns whether it is a statistic over samples of the model, neither its mean nor a baseline.
    pub fn is_statistic(name: &str) -> bool {
        let statistics = [
            Self::BestByPsnr,
            Self::BestBySsim,
            Self::WorstByPsnr,
            Self::WorstBySsim,
            Self::BestByLpips,
            Self::WorstByLpips,
            Self::SampleSpread,
        ];
        statistics.iter().any(|it| it.as_str() == name)
    }
}

/// Tensors and metadata of `rollouts.safetensors`.
///
/// N counts sequences, T frames of a sequence, K inspected frames, M masks besides the background's,
/// J transformed frames and G categories.
pub mod rollouts {
    /// Metadata: a JSON list of the names of the N sequences.
    pub const SEQUENCES: &str = "sequences";
    /// Metadata: the number of leading frames that the model was given; 0 if it predicts no frames.
    pub const CONTEXT_FRAMES: &str = "context_frames";

    /// True frames, u8 `[N, T, H, W, C]`.
    pub const TRUTH: &str = "truth";
    /// Context frames followed by predicted ones, u8 `[N, T, H, W, C]`.
    pub const PREDICTION: &str = "prediction";
    /// The first S samples of each sequence, u8 `[N, S, T, H, W, C]`; `prediction` is the first of them.
    pub const SAMPLES: &str = "samples";
    /// The sample with the best PSNR, u8 `[N, T, H, W, C]`.
    pub const BEST_SAMPLE: &str = "best_sample";

    /// The image that the original ConvLSTM logs, u8 `[1, H, W, 3]`.
    pub const PICTURE_GRID: &str = "picture_grid";

    /// Indices of the inspected frames within their sequence, f32 `[K]`.
    pub const INSPECTED_FRAMES: &str = "inspected_frames";
    /// The frames that were transformed into the inspected ones, u8 `[N, K, H, W, C]`.
    pub const PREVIOUS: &str = "previous";
    /// Their transformed versions, u8 `[N, K, J, H, W, C]`.
    pub const TRANSFORMED: &str = "transformed";
    /// Masks, the previous frame's first, u8 `[N, K, M + 1, H, W]`.
    pub const MASKS: &str = "masks";
    /// CDNA kernels, f32 `[N, K, M, 5, 5]`.
    pub const KERNELS: &str = "kernels";

    /// Generated videos, category by category, u8 `[G · N, T, H, W, C]`.
    pub const GENERATED_VIDEOS: &str = "generated_videos";
    /// One real video per category, u8 `[G, T, H, W, C]`.
    pub const REAL_VIDEOS: &str = "real_videos";

    /// Test images, u8 `[N, H, W]`.
    pub const KEYPOINT_IMAGES: &str = "keypoints/picture";
    /// True keypoints in pixels, f32 `[N, keypoints, 2]`.
    pub const KEYPOINT_TRUTH: &str = "keypoints/truth";
    /// Predicted keypoints in pixels, f32 `[N, keypoints, 2]`.
    pub const KEYPOINT_PREDICTION: &str = "keypoints/prediction";
    /// Prefix before the name of a keypoint: RMSE of model and baseline in pixels, f32 `[2]`.
    pub const KEYPOINT_RMSE_PREFIX: &str = "keypoints/rmse_pixels/";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_rank_after_known_ones() {
        assert_eq!(MetricName::rank("psnr"), 0);
        assert_eq!(MetricName::rank("recognition_accuracy"), 12);
        assert_eq!(MetricName::rank("fid"), 13);
    }

    #[test]
    fn the_digest_of_a_network_does_not_change_the_order() {
        let name = MetricName::Fvd.of_network("0123456789ab");
        assert_eq!(name, "fvd_0123456789ab");
        assert_eq!(MetricName::without_network(&name), "fvd");
        assert_eq!(MetricName::rank_in_records(&name), MetricName::rank("fvd"));
        assert_eq!(MetricName::without_network("mse_sum"), "mse_sum");
    }
}
