//! Ports: for every system, reference inputs through our implementation to named outputs.
//!
//! One file per system; adding one is writing a type that implements [`Port`] and naming it in
//! [`all`]. A port only translates names, layouts and settings: no equation is written here.

#[cfg(feature = "torch")]
mod cells;
#[cfg(feature = "torch")]
mod convlstm;
#[cfg(feature = "torch")]
mod cvae;
mod data;
mod init;
mod metric;
#[cfg(feature = "torch")]
mod mocogan;
#[cfg(feature = "torch")]
mod physical_interaction;
#[cfg(feature = "torch")]
mod rcn;
#[cfg(feature = "torch")]
mod renamed;
mod rng;
mod schedule;
#[cfg(feature = "torch")]
mod torch;

use crate::{
    golden::{Case, Port, PortError},
    scalar::ScalarError,
};

/// Returns every port of this build.
pub fn all() -> Vec<Box<dyn Port>> {
    vec![
        #[cfg(feature = "torch")]
        Box::new(cells::Cells),
        #[cfg(feature = "torch")]
        Box::new(convlstm::ConvLstmPort),
        #[cfg(feature = "torch")]
        Box::new(cvae::CvaePort),
        Box::new(data::Data),
        Box::new(metric::Metric),
        #[cfg(feature = "torch")]
        Box::new(mocogan::MocoganPort),
        #[cfg(feature = "torch")]
        Box::new(physical_interaction::PhysicalInteraction),
        #[cfg(feature = "torch")]
        Box::new(physical_interaction::PhysicalInteractionChainer),
        #[cfg(feature = "torch")]
        Box::new(rcn::RcnPort),
        Box::new(rng::Rng),
        Box::new(schedule::Schedule),
    ]
}

/// Reads a number of the case's settings into the validated type that our code takes.
fn number<T>(case: &Case, key: &str) -> Result<T, PortError>
where
    T: TryFrom<f64, Error = ScalarError>,
{
    T::try_from(case.config.f64(key)?).map_err(refused)
}

/// Reads an integer of the case's settings into the validated type that our code takes.
fn integer<T>(case: &Case, key: &str) -> Result<T, PortError>
where
    T: TryFrom<i64>,
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(case.config.i64(key)?).map_err(refused)
}

fn refused(source: impl std::error::Error + Send + Sync + 'static) -> PortError {
    PortError::Failed { action: "take the settings of the case", source: Box::new(source) }
}

/// The error of a port that meets something it was not written for.
fn unsupported(case: &Case, what: impl Into<String>) -> PortError {
    PortError::Unsupported { case: case.id(), what: what.into() }
}
