//! Ports: for every system, from the inputs of a case through our implementation to named outputs.
//!
//! One file per system; to add one, implement [`CasePort`] and list it in [`all`]. A port only
//! translates names, layouts and settings: it contains no equation.

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
mod setting;
#[cfg(feature = "torch")]
mod torch;

use setting::{integer, number, refused, unsupported};

use crate::golden::CasePort;

/// Returns every port of this build.
pub fn all() -> Vec<Box<dyn CasePort>> {
    vec![
        #[cfg(feature = "torch")]
        Box::new(cells::CellsPort),
        #[cfg(feature = "torch")]
        Box::new(convlstm::ConvLstmPort),
        #[cfg(feature = "torch")]
        Box::new(cvae::CvaePort),
        Box::new(data::DataPort),
        Box::new(metric::MetricPort),
        #[cfg(feature = "torch")]
        Box::new(mocogan::MocoganPort),
        #[cfg(feature = "torch")]
        Box::new(physical_interaction::PhysicalInteractionPort),
        #[cfg(feature = "torch")]
        Box::new(physical_interaction::PhysicalInteractionChainerPort),
        #[cfg(feature = "torch")]
        Box::new(rcn::RcnPort),
        Box::new(rng::RngPort),
        Box::new(schedule::SchedulePort),
    ]
}
