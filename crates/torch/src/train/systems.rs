//! The list of systems that can be trained.

use super::{
    batch::FrameCounts,
    convlstm::ConvLstmSystem,
    cvae::{self, CvaeSystem},
    mocogan::{self, MocoganSystem},
    physical_interaction::{self, PhysicalInteractionSystem},
    rcn::{self, RcnSystem},
    system::{System, UnfitData},
};
use reprise_base::{
    config::{
        RunSpec,
        model::{FramesUsed, ModelSpec},
        protocol::{Protocol, RolloutProtocol},
    },
    scalar::Count,
};
use reprise_data::Pack;

/// Checks that the model of a run can be trained on a pack.
///
/// # Errors
/// If sequences are too short, frames have another size, or labels that the model learns are missing.
pub fn check_data(spec: &RunSpec, pack: &Pack) -> Result<(), UnfitData> {
    for FramesUsed { context, horizon } in spec.frames_used().into_iter().flatten() {
        check_frames(context, horizon, pack)?;
    }
    check_shapes(spec, pack)
}

/// Checks that a run can be scored on a pack.
///
/// # Errors
/// As [`check_data`].
pub fn check_protocol(spec: &RunSpec, protocol: &Protocol, pack: &Pack) -> Result<(), UnfitData> {
    if let Some(RolloutProtocol { context, horizon, .. }) = protocol.rollout {
        check_frames(context, horizon, pack)?;
        let available = protocol.sequences.len().min(pack.sequences(protocol.split));
        if protocol.feature_network.fvd.is_some() && available < 2 {
            return Err(UnfitData::TooFewVideos { available });
        }
    }
    check_shapes(spec, pack)
}

fn check_frames(context: Count, horizon: Count, pack: &Pack) -> Result<(), UnfitData> {
    let (used, available) = (FrameCounts::new(context, horizon).total, pack.frames());
    if used > available { Err(UnfitData::TooFewFrames { used, available }) } else { Ok(()) }
}

fn check_shapes(spec: &RunSpec, pack: &Pack) -> Result<(), UnfitData> {
    match &spec.model {
        ModelSpec::Cvae(_) => cvae::check_data(pack),
        ModelSpec::PhysicalInteraction(_) => physical_interaction::check_data(pack),
        ModelSpec::ConvLstm(_) => Ok(()), // convolutions take frames of any size
        ModelSpec::Mocogan(mocogan) => mocogan::check_data(mocogan, pack),
        ModelSpec::Rcn(_) => rcn::check_data(pack),
    }
}

/// Builds the system of a run on a device for the data of a pack.
pub fn build(spec: &RunSpec, pack: &Pack, device: tch::Device) -> Box<dyn System> {
    let mut system: Box<dyn System> = match &spec.model {
        ModelSpec::Cvae(cvae) => Box::new(CvaeSystem::new(spec, cvae, pack, device)),
        ModelSpec::PhysicalInteraction(model) => {
            Box::new(PhysicalInteractionSystem::new(spec, model, pack, device))
        }
        ModelSpec::ConvLstm(convlstm) => {
            Box::new(ConvLstmSystem::new(spec, convlstm, pack.frame_shape(), device))
        }
        ModelSpec::Mocogan(mocogan) => Box::new(MocoganSystem::new(spec, mocogan, pack, device)),
        ModelSpec::Rcn(rcn) => Box::new(RcnSystem::new(spec, rcn, pack.position_size(), device)),
    };
    system.state_mut().prepare(&spec.training);
    system
}
