//! Which system a run trains, with everything specific to it.

use serde::{Deserialize, Serialize};

pub mod convlstm;
pub mod cvae;
pub mod rcn;

pub use convlstm::ConvLstmSpec;
pub use cvae::CvaeSpec;
pub use rcn::RcnSpec;

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
}
