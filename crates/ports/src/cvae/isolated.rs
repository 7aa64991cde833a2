//! The modules of a training step, each on the original's outputs of the modules before it.
//!
//! An error that occurs here comes from the module itself; an error that occurs only in the whole step
//! was inherited. Recurrent modules run over all time steps with their own states.

use tch::Tensor;

use super::{load::load, training::teacher_forced};
use crate::torch::{Capture, Placement, input, kind, tensor};
use reprise_golden::{Case, Expected, Outputs, PortError, Precision};
use reprise_torch::{
    models::cvae::{
        Cvae,
        gaussian_lstm::{Gaussian, GaussianLstm},
    },
    nn::Mode,
};

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let loaded = load(case, place)?;
    let reference = OriginalOutputs { case, place };
    let mut capture = Capture::default();
    tch::no_grad(|| -> Result<(), PortError> {
        for (name, lstm) in
            [("posterior", Some(&loaded.model.posterior)), ("prior", loaded.model.prior.as_ref())]
        {
            if let Some(lstm) = lstm {
                gaussian(&reference, name, lstm, loaded.frames, &mut capture)?;
            }
        }
        frame_predictor(&reference, &loaded.model, loaded.frames, &mut capture)?;
        if teacher_forced(case, 0)? {
            frames(&reference, &loaded.model, loaded.frames, &mut capture)?;
        }
        Ok(())
    })?;
    Ok(capture.finish())
}

/// The outputs of the original's modules.
struct OriginalOutputs<'a> {
    case: &'a Case,
    place: Placement,
}

impl OriginalOutputs<'_> {
    /// Returns an output if all its elements are stored.
    fn full(&self, name: &str) -> Option<Tensor> {
        let spec = self.case.output_spec(name)?;
        let stored = self
            .case
            .expected(spec, self.place.precision)
            .or_else(|| self.case.expected(spec, Precision::F32))?;
        match stored {
            Expected::Full(data) => {
                Some(tensor(&spec.shape, data, self.place).to_kind(kind(self.place)))
            }
            Expected::Digest(_) => None,
        }
    }

    fn input(&self, name: &str) -> Result<Tensor, PortError> {
        input(self.case, name, self.place)
    }
}

/// Posterior or prior: z, μ and log σ² of every time step from the original's encodings.
fn gaussian(
    reference: &OriginalOutputs<'_>,
    name: &str,
    lstm: &GaussianLstm,
    frames: i64,
    capture: &mut Capture,
) -> Result<(), PortError> {
    let mut states = None;
    for t in 1..frames {
        let encoding = if name == "posterior" { 2 * t - 1 } else { 2 * t };
        let Some(h) = reference.full(&format!("h/{encoding}")) else { return Ok(()) };
        let states = states.get_or_insert_with(|| lstm.zero_states(&h));
        let Gaussian { mu, logvar } = lstm.step(&h, states);
        let noise = format!("noise/0/{t}/{name}");
        if reference.case.tensor_spec(&noise).is_some() {
            let gaussian = Gaussian { mu: mu.shallow_clone(), logvar: logvar.shallow_clone() };
            let z = gaussian.sample(&reference.input(&noise)?);
            capture.tensor(format!("{name}/z/{t}"), &z);
        }
        capture.tensor(format!("{name}/mu/{t}"), &mu);
        capture.tensor(format!("{name}/logvar/{t}"), &logvar);
    }
    Ok(())
}

/// g of every time step from the original's encodings and latents.
fn frame_predictor(
    reference: &OriginalOutputs<'_>,
    model: &Cvae,
    frames: i64,
    capture: &mut Capture,
) -> Result<(), PortError> {
    let condition = reference.input("cond/0")?.permute([1, 0, 2]); // [T, B, 7]
    let mut states = model.frame_predictor.zero_states(&condition.get(0));
    for t in 1..frames {
        let parts = [format!("h/{}", 2 * t), format!("posterior/z/{t}")];
        let [Some(h), Some(z)] = parts.map(|name| reference.full(&name)) else { return Ok(()) };
        let info = Tensor::cat(&[&condition.get(t - 1), &h, &z], 1);
        capture
            .tensor(format!("g/{t}"), &model.frame_predictor.step(&info, &mut states, Mode::Train));
    }
    Ok(())
}

/// Encodings of the true frames, which are the encoder's only inputs in a teacher-forced step.
fn frames(
    reference: &OriginalOutputs<'_>,
    model: &Cvae,
    frames: i64,
    capture: &mut Capture,
) -> Result<(), PortError> {
    let x = reference.input("x/0")?.permute([1, 0, 2, 3, 4]); // [T, B, C, H, W]
    for t in 1..frames {
        for (encoding, frame) in [(2 * t - 1, t), (2 * t, t - 1)] {
            let (h, _) = model.encoder.forward(&x.get(frame), Mode::Train);
            capture.tensor(format!("h/{encoding}"), &h);
        }
    }
    Ok(())
}
