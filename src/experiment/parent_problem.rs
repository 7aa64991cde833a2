//! Why a run cannot be continued.

use reprise_base::text::count;

/// Why a run cannot be continued by another.
#[derive(Debug, thiserror::Error)]
pub enum ParentProblem {
    #[error("it diverged")]
    Diverged,
    #[error("it trains `{parent}`, the new run `{system}`")]
    OtherSystem { parent: &'static str, system: &'static str },
    #[error("its epochs have {parent} steps, those of the new run {steps}")]
    OtherEpochs { parent: u64, steps: u64 },
    #[error(
        "it has {parent} epochs, and the new run {epochs}: `training.epochs` counts all of them"
    )]
    NotLonger { parent: u64, epochs: u64 },
    #[error(
        "it has no full snapshot after {}; `training.keep = {{ every_epochs = N, state = \"full\" }}` \
         keeps them", count(*epochs, "epoch")
    )]
    NoSnapshot { epochs: u64 },
    #[error("its checkpoint was written after step {step}, not after its last one")]
    NotAtItsEnd { step: u64 },
}
