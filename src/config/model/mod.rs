//! Which system a run trains, with everything specific to it.

use serde::{Deserialize, Serialize};

pub mod convlstm;
pub mod cvae;
pub mod mocogan;
pub mod physical_interaction;
pub mod rcn;

pub use convlstm::ConvLstmSpec;
pub use cvae::CvaeSpec;
pub use mocogan::MocoganSpec;
pub use physical_interaction::PhysicalInteractionSpec;
pub use rcn::RcnSpec;

use super::engine::Arithmetic;

/// The model of a run. One variant per system; the variant's table holds all its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// SVG-style conditional VAE (seed document 001).
    Cvae(CvaeSpec),
}

impl ModelSpec {
    /// Returns the system's name, as `--system` and `golden/` spell it.
    pub const fn system(&self) -> &'static str {
        match self {
            Self::Cvae(_) => "cvae",
        }
    }

    /// Returns the arithmetics in which the system can be trained; `exact` is always one.
    pub const fn arithmetics(&self) -> &'static [Arithmetic] {
        match self {
            Self::Cvae(_) => &[Arithmetic::Exact, Arithmetic::Fast, Arithmetic::Bf16],
        }
    }
}
