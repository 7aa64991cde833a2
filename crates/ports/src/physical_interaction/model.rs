//! The whole model: a forward pass, or optimizer steps on one fixed batch.

use tch::Tensor;

use super::{
    settings::ModelSettings,
    translate::{Axes, Mixed, OriginalForm, RecordedShuffle, Translated},
};
use crate::torch::{Capture, Placement, builder, input};
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::{
    models::physical_interaction::{
        Network, Sequences,
        names::bottleneck,
        network::NetworkStep,
        objective::Objective,
        sampling::ScheduledFeedback,
        training::{Pass, PassTime, feedback, pass},
    },
    optim::AdamOptimizer,
};

pub(super) fn run(
    case: &Case,
    place: Placement,
    settings: &ModelSettings,
) -> Result<Outputs, PortError> {
    let mut model = Model::load(case, place, settings)?;
    let mut optimizer = AdamOptimizer::new(settings.adam, &model.translated.params);
    let mut capture = Capture::default();
    let mut series = Series::default();
    let updates = settings.steps;
    if updates == 0 && !wanted(case, "grad/") {
        let objective = tch::no_grad(|| model.first(place, &mut capture))?;
        series.push(&objective);
    } else {
        for step in 0..updates.max(1) {
            model.translated.params.zero_grad();
            let objective = if step == 0 {
                model.first(place, &mut capture)?
            } else {
                model.forward(step, |_, _| ())?.objective
            };
            series.push(&objective);
            objective.loss.backward();
            if step == 0 {
                model.translated.gradients(&mut capture);
            }
            if updates > 0 {
                optimizer.step(&model.translated.params);
            }
        }
        model.translated.after(&mut capture);
    }
    // The port to Chainer also records the loss after the last update.
    if case.output_spec("losses").is_some_and(|losses| losses.len() > updates.max(1)) {
        let last = tch::no_grad(|| model.forward(updates.saturating_sub(1), |_, _| ()))?;
        series.push(&last.objective);
    }
    series.capture(case, place, &mut capture);
    Ok(capture.finish())
}

/// Returns whether the name of any output begins with `prefix`.
fn wanted(case: &Case, prefix: &str) -> bool {
    case.outputs().iter().any(|output| output.name.starts_with(prefix))
}

/// A network with the case's weights, and the case's batch.
struct Model<'a> {
    case: &'a Case,
    settings: &'a ModelSettings,
    network: Network,
    translated: Translated,
    batch: Sequences,
}

impl<'a> Model<'a> {
    fn load(
        case: &'a Case,
        place: Placement,
        settings: &'a ModelSettings,
    ) -> Result<Self, PortError> {
        let ModelSettings { spec, sizes, scope, axes, .. } = settings;
        let builder = builder(place);
        let network = Network::new(&builder, spec, *sizes);
        let form = OriginalForm { port: spec.port, bottleneck: bottleneck(spec, *sizes) };
        let translated =
            Translated::load(case, place, builder, form, "", |name| format!("{scope}{name}"))?;
        let (images, actions, states) = (
            input(case, "images", place)?,
            input(case, "actions", place)?,
            input(case, "states", place)?,
        );
        let batch = match axes {
            Axes::ChannelsLast => Sequences {
                images: images.permute([1, 0, 4, 2, 3]).contiguous(),
                actions: actions.transpose(0, 1).contiguous(),
                states: states.transpose(0, 1).contiguous(),
            },
            Axes::ChannelsFirst => Sequences { images, actions, states },
        };
        Ok(Self { case, settings, network, translated, batch })
    }

    /// One pass over the batch as in optimizer step `step`.
    fn forward(
        &self,
        step: usize,
        each: impl FnMut(usize, &NetworkStep),
    ) -> Result<Pass, PortError> {
        let ModelSettings { spec, sizes, iterations, mode, .. } = self.settings;
        let at = PassTime { step: iterations[step], mode: *mode };
        let batch = sizes.batch.unsigned_abs();
        let (draws, mixed) = match feedback(spec, &self.batch, at) {
            ScheduledFeedback::Prediction => (0, Mixed::No),
            ScheduledFeedback::Mixture { true_frames } if (1..batch).contains(&true_frames) => {
                (spec.horizon.len() - 1, Mixed::Yes)
            }
            ScheduledFeedback::Mixture { .. } => (spec.horizon.len() - 1, Mixed::No),
        };
        let mut shuffle = RecordedShuffle::read(self.case, step, draws, sizes.batch, mixed)?;
        Ok(pass(&self.network, spec, &self.batch, at, &mut shuffle, each))
    }

    /// The first pass, from which outputs without a step index are taken.
    fn first(&self, place: Placement, capture: &mut Capture) -> Result<Objective, PortError> {
        let axes = self.settings.axes;
        let last = self.settings.spec.context_frames.len() + self.settings.spec.horizon.len() - 2;
        let Pass { prediction, objective, .. } = self.forward(0, |t, step| {
            let mut prefixes = vec![format!("step{t}/")];
            if t == last {
                prefixes.push("last/".to_owned());
            }
            for prefix in prefixes.iter().filter(|prefix| wanted(self.case, prefix)) {
                trace(capture, axes, prefix, step);
            }
        })?;
        for (t, image) in prediction.images.iter().enumerate() {
            capture.tensor(format!("gen_images/{t}"), &axes.to_original(image));
        }
        for (t, state) in prediction.states.iter().enumerate() {
            capture.tensor(format!("gen_states/{t}"), state);
        }
        // In one tensor: all states, or the last ones.
        if let Some(output) = self.case.output_spec("gen_states") {
            let kept = output.shape.first().copied().unwrap_or(0).min(prediction.states.len());
            let from = prediction.states.len() - kept;
            if kept > 0 {
                capture.tensor("gen_states", &Tensor::stack(&prediction.states[from..], 0));
            }
        }
        for (name, costs) in [
            ("recon_cost", &objective.reconstruction),
            ("psnr", &objective.psnr),
            ("state_cost", &objective.state),
        ] {
            let values = costs.iter().map(value).collect();
            capture.vector(self.case, name, values, place.precision);
        }
        Ok(objective)
    }
}

/// Captures the intermediates of a step.
fn trace(capture: &mut Capture, axes: Axes, prefix: &str, step: &NetworkStep) {
    let mut map = |name: String, map: &Tensor| {
        capture.tensor(format!("{prefix}{name}"), &axes.to_original(map));
    };
    for (k, features) in step.features.iter().enumerate() {
        map(format!("enc{k}"), features);
    }
    map("enc7".to_owned(), &step.transformed.enc7);
    for (k, hidden) in (1..).zip(&step.hidden) {
        map(format!("hidden{k}"), hidden);
    }
    for (k, cell) in (1..).zip(&step.cells) {
        map(format!("lstm{k}/h"), &cell.h);
        map(format!("lstm{k}/c"), &cell.c);
        map(format!("lstm_state{k}"), &Tensor::cat(&[&cell.c, &cell.h], 1));
    }
    for (k, image) in step.transformed.images.iter().enumerate() {
        map(format!("transformed/{k}"), image);
    }
    let masks = axes.to_original(&step.masks);
    // TensorFlow's softmax has one row per pixel.
    let masks = match axes {
        Axes::ChannelsLast => masks.flatten(0, 2),
        Axes::ChannelsFirst => masks,
    };
    capture.tensor(format!("{prefix}masks"), &masks);
}

fn value(scalar: &Tensor) -> f64 {
    scalar.double_value(&[])
}

/// Scalars per step.
#[derive(Default)]
struct Series(Vec<(String, Vec<f64>)>);

impl Series {
    fn push(&mut self, objective: &Objective) {
        let Objective { reconstruction, psnr, state, loss, psnr_sum } = objective;
        let mut add = |name: String, scalar: &Tensor| match self
            .0
            .iter_mut()
            .find(|(known, _)| *known == name)
        {
            Some((_, values)) => values.push(value(scalar)),
            None => self.0.push((name, vec![value(scalar)])),
        };
        for (name, scalar) in
            [("loss", loss), ("losses", loss), ("psnr_all", psnr_sum), ("psnr_alls", psnr_sum)]
        {
            add(name.to_owned(), scalar);
        }
        for (prefix, costs) in
            [("recon_cost", reconstruction), ("psnr", psnr), ("state_cost", state)]
        {
            for (i, cost) in costs.iter().enumerate() {
                add(format!("{prefix}{i}"), cost);
            }
        }
    }

    /// Captures as many steps of each, from the first on, as the case has.
    fn capture(self, case: &Case, place: Placement, capture: &mut Capture) {
        for (name, mut values) in self.0 {
            if let Some(output) = case.output_spec(&name) {
                values.truncate(output.len());
                capture.vector(case, &name, values, place.precision);
            }
        }
    }
}
