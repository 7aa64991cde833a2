//! Ports: for every system, from the inputs of a case through our implementation to named outputs.
//!
//! One file per system; to add one, implement [`CasePort`] and list it in [`all`]. A port only
//! translates names, layouts and settings: it contains no equation.

mod cells;
mod convlstm;
mod cvae;
mod data;
mod init;
mod metric;
mod mocogan;
mod physical_interaction;
mod rcn;
mod renamed;
mod rng;
mod schedule;
mod setting;
mod torch;

use setting::{integer, number, refused, unsupported};

use reprise_golden::CasePort;
use tch::Device;

/// Returns every port of this build; those of models compute on `device`.
pub fn all(device: Device) -> Vec<Box<dyn CasePort>> {
    vec![
        Box::new(cells::CellsPort(device)),
        Box::new(convlstm::ConvLstmPort(device)),
        Box::new(cvae::CvaePort(device)),
        Box::new(data::DataPort),
        Box::new(metric::MetricPort),
        Box::new(mocogan::MocoganPort(device)),
        Box::new(physical_interaction::PhysicalInteractionPort(device)),
        Box::new(physical_interaction::PhysicalInteractionChainerPort(device)),
        Box::new(rcn::RcnPort(device)),
        Box::new(rng::RngPort),
        Box::new(schedule::SchedulePort),
    ]
}
