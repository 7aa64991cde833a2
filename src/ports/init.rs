//! The numbers that PyTorch draws when the lab report's script builds its modules.
//!
//! Every layer draws its default weights when it is created, in the order of the constructors;
//! `init_weights` draws most of them again when it is applied to a module.

use crate::rng::torch::Generator;

/// A layer of the original with the sizes that decide how many numbers it draws.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layer {
    /// `nn.Linear(inputs, outputs)`.
    Linear { inputs: usize, outputs: usize },
    /// `nn.LSTMCell(inputs, hidden)`.
    LstmCell { inputs: usize, hidden: usize },
    /// `nn.Conv2d` with a square kernel.
    Conv { inputs: usize, outputs: usize, side: usize },
    /// `nn.ConvTranspose2d` with a square kernel.
    ConvTranspose { inputs: usize, outputs: usize, side: usize },
    /// `nn.BatchNorm1d` or `nn.BatchNorm2d`.
    BatchNorm { channels: usize },
}

/// A parameter by the last part of its name.
pub(super) type Parameter = (&'static str, Vec<f32>);

impl Layer {
    /// Draws what the layer's constructor draws.
    pub(super) fn default_parameters(self, generator: &mut Generator) -> Vec<Parameter> {
        match self {
            Self::Linear { inputs, outputs } => {
                affine(generator, inputs * outputs, inputs, outputs)
            }
            Self::Conv { inputs, outputs, side } => {
                let fan_in = inputs * side * side;
                affine(generator, fan_in * outputs, fan_in, outputs)
            }
            // The weight is [inputs, outputs, side, side], and PyTorch takes its second extent.
            Self::ConvTranspose { inputs, outputs, side } => {
                let fan_in = outputs * side * side;
                affine(generator, fan_in * inputs, fan_in, outputs)
            }
            Self::LstmCell { inputs, hidden } => {
                let bound = 1.0 / (hidden as f64).sqrt();
                let gates = 4 * hidden;
                vec![
                    ("weight_ih", uniform(generator, gates * inputs, bound)),
                    ("weight_hh", uniform(generator, gates * hidden, bound)),
                    ("bias_ih", uniform(generator, gates, bound)),
                    ("bias_hh", uniform(generator, gates, bound)),
                ]
            }
            Self::BatchNorm { channels } => {
                vec![("weight", vec![1.0; channels]), ("bias", vec![0.0; channels])]
            }
        }
    }

    /// Draws what `init_weights` draws: N(0, 0.02) for weights, N(1, 0.02) for those of a
    /// `BatchNorm`, 0 for biases; recurrent cells keep their defaults.
    pub(super) fn init_weights(self, parameters: &mut [Parameter], generator: &mut Generator) {
        let mean = match self {
            Self::LstmCell { .. } => return,
            Self::BatchNorm { .. } => 1.0,
            Self::Linear { .. } | Self::Conv { .. } | Self::ConvTranspose { .. } => 0.0,
        };
        for (name, values) in parameters {
            *values = match *name {
                "weight" => generator.normal(values.len(), mean, 0.02),
                _ => vec![0.0; values.len()],
            };
        }
    }
}

/// `kaiming_uniform_(a=sqrt(5))` for the weight, `uniform_` for the bias.
fn affine(
    generator: &mut Generator,
    weights: usize,
    fan_in: usize,
    outputs: usize,
) -> Vec<Parameter> {
    let gain = (2.0 / (1.0 + 5.0_f64.sqrt() * 5.0_f64.sqrt())).sqrt();
    let bound = 3.0_f64.sqrt() * (gain / (fan_in as f64).sqrt());
    let weight = uniform(generator, weights, bound);
    let bias = uniform(generator, outputs, 1.0 / (fan_in as f64).sqrt());
    vec![("weight", weight), ("bias", bias)]
}

#[expect(clippy::cast_possible_truncation, reason = "PyTorch's kernel takes its limits as f32")]
fn uniform(generator: &mut Generator, n: usize, bound: f64) -> Vec<f32> {
    generator.uniform(n, -bound as f32, bound as f32)
}

/// Sizes of the lab report's model, as in the names of outputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelSizes {
    /// Channels of the first convolution (`w`, 64 in the lab report).
    pub(super) width: usize,
    /// Length of a frame's code (`g_dim`).
    pub(super) code: usize,
    /// Length of the latent (`z_dim`).
    pub(super) latent: usize,
    /// Width of the recurrent layers (`rnn_size`).
    pub(super) hidden: usize,
}

/// Action (4) and end-effector position (3).
const CONDITION: usize = 7;

/// The modules in the order in which the script builds them, each with its layers by name.
pub(super) fn modules(sizes: ModelSizes) -> [Vec<(String, Layer)>; 4] {
    let ModelSizes { width: w, code: g, latent: z, hidden: r } = sizes;
    let linear = |inputs, outputs| Layer::Linear { inputs, outputs };
    let cell = Layer::LstmCell { inputs: r, hidden: r };
    let named = |layers: Vec<(&str, Layer)>| -> Vec<(String, Layer)> {
        layers.into_iter().map(|(name, layer)| (name.to_owned(), layer)).collect()
    };
    let frame_predictor = named(vec![
        ("frame_predictor.embed", linear(g + z + CONDITION, r)),
        ("frame_predictor.lstm.0", cell),
        ("frame_predictor.lstm.1", cell),
        ("frame_predictor.output.0", linear(r, g)),
        ("frame_predictor.output.1", Layer::BatchNorm { channels: g }),
    ]);
    let posterior = named(vec![
        ("posterior.embed", linear(g, r)),
        ("posterior.lstm.0", cell),
        ("posterior.mu_net", linear(r, z)),
        ("posterior.logvar_net", linear(r, z)),
    ]);
    let mut encoder = Vec::new();
    for (block, channels) in [
        ("c1", [3, w, w].as_slice()),
        ("c2", &[w, 2 * w, 2 * w]),
        ("c3", &[2 * w, 4 * w, 4 * w, 4 * w]),
        ("c4", &[4 * w, 8 * w, 8 * w, 8 * w]),
    ] {
        encoder.extend(vgg_block("encoder", block, channels));
    }
    encoder.extend(named(vec![
        ("encoder.c5.0", Layer::Conv { inputs: 8 * w, outputs: g, side: 4 }),
        ("encoder.c5.1", Layer::BatchNorm { channels: g }),
    ]));
    let mut decoder = named(vec![
        ("decoder.upc1.0", Layer::ConvTranspose { inputs: g, outputs: 8 * w, side: 4 }),
        ("decoder.upc1.1", Layer::BatchNorm { channels: 8 * w }),
    ]);
    for (block, channels) in [
        ("upc2", [16 * w, 8 * w, 8 * w, 4 * w].as_slice()),
        ("upc3", &[8 * w, 4 * w, 4 * w, 2 * w]),
        ("upc4", &[4 * w, 2 * w, w]),
        ("upc5", &[2 * w, w]),
    ] {
        decoder.extend(vgg_block("decoder", block, channels));
    }
    let last = Layer::ConvTranspose { inputs: w, outputs: 3, side: 3 };
    decoder.push(("decoder.upc5.1".to_owned(), last));
    [frame_predictor, posterior, encoder, decoder]
}

/// One `vgg_layer` (convolution and `BatchNorm`) per step of the channel plan.
fn vgg_block(module: &str, block: &str, channels: &[usize]) -> Vec<(String, Layer)> {
    let steps = channels.windows(2).enumerate();
    steps
        .flat_map(|(i, step)| {
            let prefix = format!("{module}.{block}.{i}.main");
            let conv = Layer::Conv { inputs: step[0], outputs: step[1], side: 3 };
            [
                (format!("{prefix}.0"), conv),
                (format!("{prefix}.1"), Layer::BatchNorm { channels: step[1] }),
            ]
        })
        .collect()
}
