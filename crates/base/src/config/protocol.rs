//! Protocols: how a trained model is scored.
//!
//! A sweep file asks for evaluations ([`EvaluationRequest`], `[[evaluation]]`), in which most keys are left to the
//! run. With the settings of a run, a request becomes a [`Protocol`], which is explicit. Scores are comparable only if
//! they were measured by [alike](Protocol::alike) protocols on the same data.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    RunSpec,
    data::{Content, Dataset, Split},
    feature_network::{FeatureNetworks, NetworkDigest, NetworkFile},
    model::FramesUsed,
};
use crate::{
    scalar::{Count, Seed},
    text::count,
};

/// An evaluation that is asked for: a standard protocol with changed keys. Keys that are not written are those of the
/// run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationRequest {
    /// Name in reports. The default is the name of the standard protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// The standard protocol to begin with.
    pub protocol: StandardProtocol,
    /// Split to score. The default is `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Split")]
    pub split: Option<Split>,
    /// Data set to score on. The default is the run's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Dataset")]
    pub dataset: Option<Dataset>,
    /// Frames that are given. Only for systems that predict frames, like the following keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Count")]
    pub context: Option<Count>,
    /// Frames that are predicted and scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Count")]
    pub horizon: Option<Count>,
    /// Maximum number of sequences to score: the first ones in sorted order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Count")]
    pub sequences: Option<Count>,
    /// Predictions per sequence. More than 1 only for models that predict by chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Count")]
    pub samples: Option<Count>,
    /// Distribution of the latent variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Latent")]
    pub latent: Option<Latent>,
    /// What the model reads after the context.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RolloutFeedback")]
    pub feedback: Option<RolloutFeedback>,
    /// Weights to score.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "CheckpointKind")]
    pub checkpoint: Option<CheckpointKind>,
    /// Seed of the noise. The default is the run's seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Seed")]
    pub seed: Option<Seed>,
    /// Feature networks for LPIPS and FVD. A metric without a network is not computed.
    #[serde(skip_serializing_if = "FeatureNetworks::is_empty")]
    pub feature_network: FeatureNetworks<NetworkFile>,
}

/// A protocol with a name of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandardProtocol {
    /// The system's own: the run's context and `evaluation.horizon`, one prediction of each sequence.
    #[default]
    Document,
    /// The protocol of Stochastic Video Generation on BAIR (Denton & Fergus 2018, section 4.3): 2 frames given, 28
    /// predicted, and the best of 100 samples of each sequence, chosen by each metric separately.
    #[serde(rename = "svg_best_of_100")]
    SvgBestOf100,
}

impl StandardProtocol {
    /// All standard protocols.
    pub const ALL: [Self; 2] = [Self::Document, Self::SvgBestOf100];

    /// Returns the name as sweep files spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::SvgBestOf100 => "svg_best_of_100",
        }
    }

    /// Returns context, horizon and samples, where they are not the run's.
    const fn fixed(self) -> Option<[Count; 3]> {
        match self {
            Self::Document => None,
            Self::SvgBestOf100 => {
                Some([Count::literal(2), Count::literal(28), Count::literal(100)])
            }
        }
    }
}

/// Distribution of the latent variable in a roll-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Latent {
    /// The prior: all that a prediction can know.
    Prior,
    /// The posterior, which sees the frame that is read. Shows how well the model could predict with the right latent
    /// variable.
    Posterior,
}

/// What a model reads after the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutFeedback {
    /// Its own predictions.
    FreeRunning,
    /// The true frames: every prediction is one frame ahead.
    TeacherForced,
}

/// Weights of a run that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointKind {
    /// Those with the best validation score.
    Best,
    /// Those after the last step.
    Final,
    /// The moving average after the last step, if `training.weight_average` asks for one.
    Average,
    /// Those after a number of epochs, if `training.keep` keeps them.
    Epoch(Count),
}

impl fmt::Display for CheckpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best checkpoint"),
            Self::Final => f.write_str("final checkpoint"),
            Self::Average => f.write_str("averaged weights"),
            Self::Epoch(epochs) => write!(f, "checkpoint after {}", count(epochs.get(), "epoch")),
        }
    }
}

/// How a run is scored, everything written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    pub split: Split,
    /// Maximum number of sequences: the first ones.
    pub sequences: Count,
    pub checkpoint: CheckpointKind,
    /// Seed of the noise.
    pub seed: Seed,
    /// Only for systems that predict frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutProtocol>,
    /// Digests of the feature networks.
    #[serde(default, skip_serializing_if = "FeatureNetworks::is_empty")]
    pub feature_network: FeatureNetworks<NetworkDigest>,
}

/// How frames are predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutProtocol {
    /// Frames given.
    pub context: Count,
    /// Frames predicted.
    pub horizon: Count,
    /// Predictions per sequence.
    pub samples: Count,
    pub feedback: RolloutFeedback,
    /// Only for models with a latent variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latent: Option<Latent>,
}

/// The key of feature networks.
const FEATURE_NETWORK: &str = "feature_network";

/// Why a run cannot be scored as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolProblem {
    #[error("`{system}` predicts no frames, so `{key}` does not apply")]
    NoFrames { system: &'static str, key: &'static str },
    #[error("`{system}` has no latent variable, so `{key}` does not apply")]
    NoLatent { system: &'static str, key: &'static str },
    #[error("`{system}` makes no videos, so `{key}` does not apply")]
    NoVideos { system: &'static str, key: &'static str },
    #[error("`{system}` reads no frames after the context, so it cannot be teacher-forced")]
    ReadsNoFrames { system: &'static str },
    #[error("`{system}` needs {needs}, but `{dataset}` has none")]
    Content { system: &'static str, needs: &'static str, dataset: &'static str },
    #[error("the run averages no weights: see `training.weight_average`")]
    NoAverage,
    #[error(
        "the run keeps no weights after {}: see `training.keep`", count(epochs.get(), "epoch")
    )]
    NoSnapshot { epochs: Count },
    #[error(
        "{context} context frames and a horizon of {horizon} need {} frames, but sequences of \
         `{dataset}` have {frames}", context + horizon
    )]
    SequenceTooShort { context: u64, horizon: u64, dataset: &'static str, frames: u64 },
    #[error("the model predicts at most {longest} frames, not {horizon}")]
    BeyondDecoder { horizon: Count, longest: Count },
}

impl ProtocolProblem {
    /// Returns the key of the request that causes it.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NoFrames { key, .. }
            | Self::NoLatent { key, .. }
            | Self::NoVideos { key, .. } => key,
            Self::ReadsNoFrames { .. } => "feedback",
            Self::Content { .. } => "dataset",
            Self::NoSnapshot { .. } | Self::NoAverage => "checkpoint",
            Self::SequenceTooShort { .. } | Self::BeyondDecoder { .. } => "horizon",
        }
    }
}

impl EvaluationRequest {
    /// Returns the name in reports.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.protocol.name())
    }

    /// Returns the name for people. If a standard protocol was changed, the name says so.
    pub fn title(&self) -> String {
        let changed = [self.context, self.horizon, self.samples].iter().any(Option::is_some);
        match &self.name {
            None if changed && self.protocol.fixed().is_some() => {
                format!("{} (changed)", self.name())
            }
            _ => self.name().to_owned(),
        }
    }

    /// Returns the data set to score a run on.
    pub fn dataset<'a>(&'a self, spec: &'a RunSpec) -> &'a Dataset {
        self.dataset.as_ref().unwrap_or(&spec.data.dataset)
    }

    /// Returns the first key that only applies to systems that predict frames.
    fn frame_key(&self) -> Option<&'static str> {
        let keys = [
            (self.protocol.fixed().is_some(), "protocol"),
            (self.context.is_some(), "context"),
            (self.horizon.is_some(), "horizon"),
            (self.samples.is_some(), "samples"),
            (self.latent.is_some(), "latent"),
            (self.feedback.is_some(), "feedback"),
            (self.feature_network.lpips.is_some(), FEATURE_NETWORK),
        ];
        keys.into_iter().find_map(|(is_written, key)| is_written.then_some(key))
    }

    /// Returns the protocol for a run. A feature network whose digest is not known yet is left out.
    ///
    /// # Errors
    /// If the system of the run cannot be scored like this.
    pub fn resolve(&self, spec: &RunSpec) -> Result<Protocol, ProtocolProblem> {
        let (system, dataset) = (spec.model.system(), self.dataset(spec));
        if dataset.content() != spec.model.facts().content() {
            let needs = match spec.model.facts().content() {
                Content::Frames => "sequences of frames",
                Content::Keypoints => "keypoints",
            };
            return Err(ProtocolProblem::Content { system, needs, dataset: dataset.name() });
        }
        let rollout = match (spec.frames_used(), self.frame_key()) {
            (Some([_, scored]), _) => Some(self.rollout(spec, scored)?),
            (None, None) => None,
            (None, Some(key)) => return Err(ProtocolProblem::NoFrames { system, key }),
        };
        if self.feature_network.fvd.is_some() && dataset.content() != Content::Frames {
            return Err(ProtocolProblem::NoVideos { system, key: FEATURE_NETWORK });
        }
        let split = self.split.unwrap_or(Split::Test);
        let checkpoint = self.checkpoint.unwrap_or(CheckpointKind::Best);
        if checkpoint == CheckpointKind::Average && spec.training.weight_average.is_none() {
            return Err(ProtocolProblem::NoAverage);
        }
        if let CheckpointKind::Epoch(epochs) = checkpoint
            && spec.training.snapshot(epochs).is_none()
        {
            return Err(ProtocolProblem::NoSnapshot { epochs });
        }
        Ok(Protocol {
            split,
            sequences: self.sequences.unwrap_or_else(|| spec.evaluation.sequences(split)),
            checkpoint,
            seed: self.seed.unwrap_or(spec.seed),
            rollout,
            feature_network: FeatureNetworks {
                lpips: self.feature_network.lpips.as_ref().and_then(|network| network.sha256),
                fvd: self.feature_network.fvd.as_ref().and_then(|network| network.sha256),
            },
        })
    }

    fn rollout(
        &self,
        spec: &RunSpec,
        scored: FramesUsed,
    ) -> Result<RolloutProtocol, ProtocolProblem> {
        let (facts, system) = (spec.model.facts(), spec.model.system());
        let own = [scored.context, scored.horizon, Count::literal(1)];
        let [context, horizon, samples] = self.protocol.fixed().unwrap_or(own);
        let context = self.context.unwrap_or(context);
        let horizon = self.horizon.unwrap_or(horizon);
        let samples = self.samples.unwrap_or(samples);
        let latent = match (facts.has_latent(), self.latent) {
            (true, latent) => Some(latent.unwrap_or(Latent::Prior)),
            (false, Some(_)) => return Err(ProtocolProblem::NoLatent { system, key: "latent" }),
            (false, None) if samples.get() > 1 => {
                let key = if self.samples.is_some() { "samples" } else { "protocol" };
                return Err(ProtocolProblem::NoLatent { system, key });
            }
            (false, None) => None,
        };
        let feedback = self.feedback.unwrap_or(RolloutFeedback::FreeRunning);
        if feedback == RolloutFeedback::TeacherForced && !facts.reads_frames_after_context() {
            return Err(ProtocolProblem::ReadsNoFrames { system });
        }
        if let Some(longest) = facts.longest_horizon()
            && horizon > longest
        {
            return Err(ProtocolProblem::BeyondDecoder { horizon, longest });
        }
        let dataset = self.dataset(spec);
        match dataset.frames() {
            Some(frames) if context.get() + horizon.get() > frames => {
                Err(ProtocolProblem::SequenceTooShort {
                    context: context.get(),
                    horizon: horizon.get(),
                    dataset: dataset.name(),
                    frames,
                })
            }
            _ => Ok(RolloutProtocol { context, horizon, samples, feedback, latent }),
        }
    }
}

impl Protocol {
    /// Returns the protocol by which training scores a split: that of the run's own settings.
    ///
    /// # Panics
    /// If the settings contradict each other, which [`RunSpec::check`] rejects.
    pub fn own(spec: &RunSpec, split: Split) -> Self {
        let request = EvaluationRequest { split: Some(split), ..EvaluationRequest::default() };
        request.resolve(spec).expect("a run can be scored by its own settings")
    }

    /// Returns whether scores of both can be compared on the same data. Seeds may differ.
    pub fn alike(&self, other: &Self) -> bool {
        Self { seed: other.seed, ..*self } == *other
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { split, sequences, checkpoint, seed: _, rollout, feature_network } = self;
        write!(f, "{split} split, at most {}, ", count(sequences.len(), "sequence"))?;
        if let Some(RolloutProtocol { context, horizon, samples, feedback, latent }) = rollout {
            write!(f, "{context} frames given, {horizon} predicted, ")?;
            if *feedback == RolloutFeedback::TeacherForced {
                f.write_str("teacher-forced, ")?;
            }
            if samples.get() > 1 {
                write!(f, "{samples} samples, ")?;
            }
            match latent {
                Some(Latent::Prior) => f.write_str("prior, ")?,
                Some(Latent::Posterior) => f.write_str("posterior, ")?,
                None => {}
            }
        }
        write!(f, "{checkpoint}")?;
        let FeatureNetworks { lpips, fvd } = feature_network;
        for (metric, digest) in [("LPIPS", lpips), ("FVD", fvd)] {
            if let Some(digest) = digest {
                write!(f, ", {metric} of network {}", digest.short())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::CvaeSpec;

    fn run(model: &str) -> RunSpec {
        let dataset = if model.starts_with("rcn") { "facial_keypoints" } else { "sawyer_push" };
        let text = format!("seed = 7\nmodel.{model}\ndata.dataset = '{dataset}'");
        toml::from_str(&text).expect("the settings are valid")
    }

    fn request(text: &str) -> EvaluationRequest {
        toml::from_str(text).expect("the request is valid")
    }

    #[track_caller]
    fn check(model: &str, asked: &str, expected: &str) {
        let resolved = request(asked).resolve(&run(model));
        let text = resolved.map_or_else(|problem| problem.to_string(), |it| it.to_string());
        assert_eq!(text, expected);
    }

    #[test]
    fn keys_that_are_not_written_are_those_of_the_run() {
        let CvaeSpec { context_frames, horizon, .. } = CvaeSpec::default();
        let frames = format!("{context_frames} frames given, {horizon} predicted");
        let expected =
            format!("test split, at most 256 sequences, {frames}, prior, best checkpoint");
        check("cvae = {}", "", &expected);
        check(
            "rcn = {}",
            "split = 'validate'\nsequences = 1",
            "validate split, at most 1 sequence, best checkpoint",
        );
    }

    #[test]
    fn a_standard_protocol_can_be_changed() {
        check(
            "cvae = {}",
            "protocol = 'svg_best_of_100'\nsamples = 20\nlatent = 'posterior'\ncheckpoint = 'final'",
            "test split, at most 256 sequences, 2 frames given, 28 predicted, 20 samples, posterior, \
             final checkpoint",
        );
    }

    #[test]
    fn standard_protocols_are_spelled_as_they_are_named() {
        for protocol in StandardProtocol::ALL {
            let asked = request(&format!("protocol = '{}'", protocol.name()));
            assert_eq!((asked.protocol, asked.name()), (protocol, protocol.name()));
            assert_eq!(asked.title(), protocol.name());
        }
    }

    #[test]
    fn a_changed_standard_protocol_is_called_so_unless_it_has_a_name() {
        let changed = request("protocol = 'svg_best_of_100'\nsamples = 20");
        assert_eq!(changed.title(), "svg_best_of_100 (changed)");
        let named = EvaluationRequest { name: Some("best_of_20".to_owned()), ..changed };
        assert_eq!(named.title(), "best_of_20");
        assert_eq!(request("horizon = 4").title(), "document");
    }

    #[test]
    fn what_a_system_cannot_do_is_refused() {
        check("rcn = {}", "samples = 1", "`rcn` predicts no frames, so `samples` does not apply");
        check(
            "rcn = {}",
            "protocol = 'svg_best_of_100'",
            "`rcn` predicts no frames, so `protocol` does not apply",
        );
        check(
            "convlstm = {}",
            "samples = 2",
            "`convlstm` has no latent variable, so `samples` does not apply",
        );
        check(
            "convlstm = {}",
            "latent = 'prior'",
            "`convlstm` has no latent variable, so `latent` does not apply",
        );
        check(
            "convlstm = {}",
            "feedback = 'teacher_forced'",
            "`convlstm` reads no frames after the context, so it cannot be teacher-forced",
        );
        check(
            "cvae = {}",
            "horizon = 29",
            "2 context frames and a horizon of 29 need 31 frames, but sequences of `sawyer_push` have 30",
        );
    }

    #[test]
    fn weights_of_an_epoch_are_scored_if_they_are_kept() {
        let asked = "checkpoint.epoch = 20";
        check("cvae = {}", asked, "the run keeps no weights after 20 epochs: see `training.keep`");
        let kept = "cvae = {}\ntraining = { epochs = 30, keep.every_epochs = 10 }";
        let expected = request(asked).resolve(&run(kept)).unwrap().to_string();
        assert!(expected.ends_with("prior, checkpoint after 20 epochs"), "{expected}");
        check(
            kept,
            "checkpoint.epoch = 25",
            "the run keeps no weights after 25 epochs: see `training.keep`",
        );
        check(
            kept,
            "checkpoint.epoch = 40",
            "the run keeps no weights after 40 epochs: see `training.keep`",
        );
    }

    #[test]
    fn feature_networks_are_part_of_a_protocol_once_their_digest_is_known() {
        let own = "test split, at most 256 sequences, 2 frames given, 10 predicted, prior, best checkpoint";
        check("cvae = {}", "feature_network.fvd.file = 'i3d.pt'", own);
        let known =
            format!("feature_network.fvd = {{ file = 'x', sha256 = '{}' }}", "ab".repeat(32));
        check("cvae = {}", &known, &format!("{own}, FVD of network abababababab"));
        check(
            "mocogan = {}",
            &known,
            "test split, at most 256 sequences, best checkpoint, FVD of network abababababab",
        );
        check("rcn = {}", &known, "`rcn` makes no videos, so `feature_network` does not apply");
        check(
            "mocogan = {}",
            "feature_network.lpips.file = 'x'",
            "`mocogan` predicts no frames, so `feature_network` does not apply",
        );
    }

    #[test]
    fn only_the_seed_may_differ_between_alike_protocols() {
        let spec = run("cvae = {}");
        let own = Protocol::own(&spec, Split::Test);
        assert_eq!(own.seed, Seed(7));
        assert!(own.alike(&Protocol { seed: Seed(8), ..own }));
        assert!(!own.alike(&Protocol { split: Split::Validate, ..own }));
    }
}
