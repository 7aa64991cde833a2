//! Number of multiplications in a training step on one sequence of 64×64 frames, forward and
//! backward.

use reprise_base::{
    config::model::{CvaeSpec, PhysicalInteractionSpec},
    scalar::Count,
};

/// Length of action ⊕ position in the generated data.
const CONDITION: f64 = 7.0;

/// Counts those of the conditional VAE with teacher forcing.
pub(super) fn cvae(spec: &CvaeSpec) -> f64 {
    let (w, g, z, r) = (real(spec.width), real(spec.g_dim), real(spec.z_dim), real(spec.rnn_size));
    // 3×3 convolutions in sequence, from each channel count to the next, on maps of one side length.
    let chain = |side: f64, channels: &[f64]| {
        channels.windows(2).map(|pair| 9.0 * side * side * pair[0] * pair[1]).sum::<f64>()
    };
    let lstm = |layers: Count| real(layers) * 8.0 * r * r;
    let first = chain(64.0, &[3.0, w]);
    let encoder = chain(64.0, &[w, w])
        + chain(32.0, &[w, 2.0 * w, 2.0 * w])
        + chain(16.0, &[2.0 * w, 4.0 * w, 4.0 * w, 4.0 * w])
        + chain(8.0, &[4.0 * w, 8.0 * w, 8.0 * w, 8.0 * w])
        + 16.0 * 8.0 * w * g;
    let decoder = 16.0 * g * 8.0 * w
        + chain(8.0, &[16.0 * w, 8.0 * w, 8.0 * w, 4.0 * w])
        + chain(16.0, &[8.0 * w, 4.0 * w, 4.0 * w, 2.0 * w])
        + chain(32.0, &[4.0 * w, 2.0 * w, w])
        + chain(64.0, &[2.0 * w, w, 3.0]);
    let posterior = g * r + lstm(spec.posterior_layers) + 2.0 * r * z;
    let predictor = (CONDITION + g + z) * r + lstm(spec.predictor_layers) + r * g;
    // Forward, gradient of the weights, gradient of the input. True frames need no gradient.
    let step = 2.0 * (3.0 * encoder + 2.0 * first) + 3.0 * (decoder + posterior + predictor);
    step * (real(spec.context_frames) + real(spec.horizon) - 1.0)
}

/// Counts those of CDNA.
pub(super) fn physical_interaction(spec: &PhysicalInteractionSpec) -> f64 {
    let (w, masks) = (real(spec.width), real(spec.transformation.masks()));
    // A convolution, by the side of its smaller map.
    let conv = |side: f64, kernel: f64, inputs: f64, outputs: f64| {
        side * side * kernel * kernel * inputs * outputs
    };
    let cell = |side: f64, inputs: f64, hidden: f64| conv(side, 5.0, inputs + hidden, 4.0 * hidden);
    let step = conv(32.0, 5.0, 3.0, w)
        + cell(32.0, w, w)
        + cell(32.0, w, w)
        + conv(16.0, 3.0, w, w)
        + cell(16.0, w, 2.0 * w)
        + cell(16.0, 2.0 * w, 2.0 * w)
        + conv(8.0, 3.0, 2.0 * w, 2.0 * w)
        + conv(8.0, 1.0, 2.0 * w + CONDITION, 2.0 * w)
        + cell(8.0, 2.0 * w, 4.0 * w)
        + conv(8.0, 3.0, 4.0 * w, 4.0 * w)
        + cell(16.0, 4.0 * w, 2.0 * w)
        + conv(16.0, 3.0, 3.0 * w, 3.0 * w)
        + cell(32.0, 3.0 * w, w)
        + conv(32.0, 3.0, 2.0 * w, 2.0 * w)
        + conv(64.0, 1.0, 2.0 * w, 3.0 + masks + 1.0)
        + 64.0 * 4.0 * w * 25.0 * masks
        + conv(64.0, 5.0, 3.0, masks);
    // Forward, gradient of the weights, gradient of the input.
    3.0 * step * (real(spec.context_frames) + real(spec.horizon) - 1.0)
}

fn real(count: Count) -> f64 {
    count.get() as f64
}
