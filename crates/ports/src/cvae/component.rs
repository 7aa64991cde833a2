//! Single modules and formulas, forward and backward.

use tch::Tensor;

use crate::{
    torch::{Capture, Placement, builder, inner, input, leaf, load},
    unsupported,
};
use reprise_base::config::model::cvae::{PredictorRecurrence, SkipRule};
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::{
    models::cvae::{
        FramePredictor, GaussianLstm, VggDecoder, VggEncoder, VggSizes,
        gaussian_lstm::{self, Gaussian},
        predictor,
        training::{kl_between, kl_to_standard_normal},
        vgg::Skip,
    },
    nn::{Mode, layers::LstmState},
};

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let has = |name: &str| case.tensor_spec(name).is_some();
    if has("mu1") {
        divergence(case, place, ["mu1", "logvar1"], Some(["mu2", "logvar2"]))
    } else if has("mu") {
        divergence(case, place, ["mu", "logvar"], None)
    } else if has("encoder.c5.0.weight") {
        encoder(case, place)
    } else if has("decoder.upc1.0.weight") {
        decoder(case, place)
    } else if has("frame_predictor.embed.weight") {
        frame_predictor(case, place)
    } else if let Some(name) =
        ["posterior", "prior"].into_iter().find(|m| has(&format!("{m}.embed.weight")))
    {
        recurrent_gaussian(case, place, name)
    } else {
        Err(unsupported(case, "a component with these tensors"))
    }
}

fn mode(case: &Case) -> Result<Mode, PortError> {
    match case.config.str("mode")? {
        "train" => Ok(Mode::Train),
        "eval" => Ok(Mode::Eval),
        other => Err(unsupported(case, format!("mode `{other}`"))),
    }
}

fn divergence(
    case: &Case,
    place: Placement,
    q: [&str; 2],
    p: Option<[&str; 2]>,
) -> Result<Outputs, PortError> {
    let gaussian = |[mu, logvar]: [&str; 2]| -> Result<Gaussian, PortError> {
        Ok(Gaussian { mu: leaf(case, mu, place)?, logvar: leaf(case, logvar, place)? })
    };
    let posterior = gaussian(q)?;
    let prior = p.map(gaussian).transpose()?;
    let kld = match &prior {
        None => kl_to_standard_normal(&posterior),
        Some(prior) => kl_between(&posterior, prior),
    };
    // The original divides by its batch size, which may differ from the number of rows.
    let rows = posterior.mu.size()[0] as f64;
    let kld = kld * rows / case.config.f64("batch_size")?;
    kld.backward();
    let mut capture = Capture::default();
    capture.tensor("kld", &kld);
    for (names, gaussian) in [(Some(q), Some(&posterior)), (p, prior.as_ref())] {
        if let (Some([mu, logvar]), Some(gaussian)) = (names, gaussian) {
            capture.tensor(format!("d/{mu}"), &gaussian.mu.grad());
            capture.tensor(format!("d/{logvar}"), &gaussian.logvar.grad());
        }
    }
    Ok(capture.finish())
}

/// Returns the sizes of a case's encoder or decoder, which the original defines for RGB frames.
fn sizes(case: &Case) -> Result<VggSizes, PortError> {
    let (width, g_dim) = (case.config.i64("width")?, case.config.i64("g_dim")?);
    Ok(VggSizes { side: 64, channels: 3, width, g_dim })
}

fn encoder(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let builder = builder(place);
    let encoder = VggEncoder::new(&builder.module("encoder"), sizes(case)?);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let x = leaf(case, "x", place)?;
    let (h, Skip(skips)) = encoder.forward(&x, mode(case)?);
    let mut capture = Capture::default();
    capture.tensor("h", &h);
    let mut total = inner(&h, &input(case, "cot/h", place)?);
    for (k, skip) in skips.iter().enumerate() {
        capture.tensor(format!("skip{k}"), skip);
        total += inner(skip, &input(case, &format!("cot/skip{k}"), place)?);
    }
    total.backward();
    capture.tensor("grad/x", &x.grad());
    capture.gradients(&params);
    capture.after(&params);
    Ok(capture.finish())
}

fn decoder(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let builder = builder(place);
    let decoder =
        VggDecoder::new(&builder.module("decoder"), sizes(case)?, SkipRule::LastGroundTruth);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let g = leaf(case, "vec", place)?;
    let skips = ["skip0", "skip1", "skip2", "skip3"];
    let [h1, h2, h3, h4] = skips.map(|name| leaf(case, name, place));
    let skip = Skip(vec![h1?, h2?, h3?, h4?]);
    let output = decoder.forward(&g, Some(&skip), mode(case)?);
    inner(&output, &input(case, "cot", place)?).backward();
    let mut capture = Capture::default();
    capture.tensor("output", &output);
    capture.tensor("grad/in/vec", &g.grad());
    for (name, skip) in skips.iter().zip(&skip.0) {
        capture.tensor(format!("grad/in/{name}"), &skip.grad());
    }
    capture.gradients(&params);
    capture.after(&params);
    Ok(capture.finish())
}

fn frame_predictor(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let config = &case.config;
    let (g_dim, z_dim) = (config.i64("g_dim")?, config.i64("z_dim")?);
    let builder = builder(place);
    let sizes = predictor::FramePredictorSizes {
        inputs: config.i64("cond_dim")? + g_dim + z_dim,
        outputs: g_dim,
        rnn: config.i64("rnn_size")?,
        layers: config.i64("predictor_rnn_layers")?,
        recurrence: PredictorRecurrence::Lstm,
    };
    let predictor = FramePredictor::new(&builder.module("frame_predictor"), sizes);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let x = leaf(case, "x", place)?; // [steps, B, in]
    let mut states = predictor.zero_states(&x.get(0));
    let mode = mode(case)?;
    let outputs: Vec<Tensor> =
        (0..x.size()[0]).map(|t| predictor.step(&x.get(t), &mut states, mode)).collect();
    let g = Tensor::stack(&outputs, 0);
    inner(&g, &input(case, "cot", place)?).backward();
    let mut capture = Capture::default();
    capture.tensor("g", &g);
    hidden(&mut capture, &states);
    capture.tensor("grad/x", &x.grad());
    capture.gradients(&params);
    capture.after(&params);
    Ok(capture.finish())
}

fn recurrent_gaussian(case: &Case, place: Placement, name: &str) -> Result<Outputs, PortError> {
    let config = &case.config;
    let builder = builder(place);
    let sizes = gaussian_lstm::GaussianLstmSizes {
        inputs: config.i64("g_dim")?,
        z: config.i64("z_dim")?,
        rnn: config.i64("rnn_size")?,
        layers: config.i64(&format!("{name}_rnn_layers"))?,
    };
    let lstm = GaussianLstm::new(&builder.module(name), sizes);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let x = leaf(case, "x", place)?; // [steps, B, in]
    let mut states = lstm.zero_states(&x.get(0));
    let [mut z, mut mu, mut logvar] = [Vec::new(), Vec::new(), Vec::new()];
    for t in 0..x.size()[0] {
        let gaussian = lstm.step(&x.get(t), &mut states);
        z.push(gaussian.sample(&input(case, &format!("noise/{t}"), place)?));
        mu.push(gaussian.mu);
        logvar.push(gaussian.logvar);
    }
    let mut capture = Capture::default();
    let mut total = Tensor::zeros([], (x.kind(), x.device()));
    for (name, values) in [("z", z), ("mu", mu), ("logvar", logvar)] {
        let stacked = Tensor::stack(&values, 0);
        total += inner(&stacked, &input(case, &format!("cot/{name}"), place)?);
        capture.tensor(name, &stacked);
    }
    total.backward();
    hidden(&mut capture, &states);
    capture.tensor("grad/x", &x.grad());
    capture.gradients(&params);
    capture.after(&params);
    Ok(capture.finish())
}

/// Captures the states after the last step.
fn hidden(capture: &mut Capture, states: &[LstmState]) {
    for (layer, state) in states.iter().enumerate() {
        capture.tensor(format!("hidden/{layer}/h"), &state.h);
        capture.tensor(format!("hidden/{layer}/c"), &state.c);
    }
}
