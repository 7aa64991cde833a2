//! `reprise generate`: roll-outs, videos and keypoints from trained weights.

use self::{args::Form, making::Making, source::Source};
use crate::cli::Failure;
use reprise_base::config::{model::ModelSpec, protocol::EvaluationRequest, sweep::change_request};

mod args;
mod keypoints;
mod kinds;
mod making;
mod output;
mod selection;
mod source;
mod videos;

pub use args::GenerateArgs;

/// Generates what the system of the weights makes.
pub fn run(args: &GenerateArgs) -> Result<(), Failure> {
    let request = change_request(&EvaluationRequest::default(), &args.sets)?;
    let source = Source::open(args, &request)?;
    let refused: &[Form] = match &source.spec.model {
        ModelSpec::Cvae(_) | ModelSpec::PhysicalInteraction(_) | ModelSpec::ConvLstm(_) => {
            &[Form::Videos, Form::Keypoints]
        }
        ModelSpec::Mocogan(_) => &[Form::Rollouts, Form::Sequences, Form::Keypoints],
        ModelSpec::Rcn(_) => &[Form::Rollouts, Form::Videos],
    };
    args.refuse(&source.spec, refused)?;
    let making = Making::open(&source, &request)?;
    match &source.spec.model {
        ModelSpec::Cvae(_) | ModelSpec::PhysicalInteraction(_) | ModelSpec::ConvLstm(_) => {
            videos::make_rollouts(args, &making, &request)
        }
        ModelSpec::Mocogan(mocogan) => videos::make_videos(args, &making, mocogan),
        ModelSpec::Rcn(rcn) => keypoints::make_keypoints(args, &making, rcn),
    }
}
