//! System `rng`: the generators of Python, NumPy and PyTorch, initial weights and data order.

use std::collections::BTreeMap;

use super::{
    init::{Layer, ModelSizes, modules},
    integer, refused, unsupported,
};
use crate::{
    config::data::Sampler,
    data::sampler::{LoaderPass, Order, loader_pass},
    golden::{Case, OutputSpec, Outputs, Port, PortError, Precision, Tensor, TensorData},
    rng::{numpy::RandomState, python::Random, torch::Generator},
    scalar::{Count, Seed},
};

/// The compatibility generators; every output keeps the type that the original draws.
pub(super) struct Rng;

impl Port for Rng {
    fn serves(&self, system: &str) -> bool {
        system == "rng"
    }

    fn run(&self, case: &Case, _precision: Precision) -> Result<Outputs, PortError> {
        if case.config.contains("num_workers") { data_order(case) } else { draws(case) }
    }
}

/// `epoch_<n>/index` and `epoch_<n>/dir`: what iterator number n of the loader yields.
fn data_order(case: &Case) -> Result<Outputs, PortError> {
    let workers = integer(case, "num_workers")?;
    let sequences = integer::<Count>(case, "n_dirs")?.len();
    let order = Order::new(
        Sampler::Original { workers },
        Seed(integer(case, "seed")?),
        sequences,
        integer(case, "batch_size")?,
    )
    .map_err(refused)?;
    let mut outputs = Outputs::new();
    for pass in 0..integer::<u64>(case, "iterators")? {
        let LoaderPass { indices, sequences } = loader_pass(&order, workers, pass);
        for (what, batches) in [("index", indices), ("dir", sequences)] {
            let shape = vec![batches.len(), batches.first().map_or(0, Vec::len)];
            let data = TensorData::I64(signed(batches.concat()));
            outputs.insert(format!("epoch_{pass}/{what}"), Tensor { shape, data });
        }
    }
    Ok(outputs)
}

/// The first draws for one seed; each output starts from a fresh seeding and names its own draw.
fn draws(case: &Case) -> Result<Outputs, PortError> {
    let seed: u32 = integer(case, "seed")?;
    let loader = loader_draws(case, seed);
    let mut initial = BTreeMap::new();
    let mut outputs = Outputs::new();
    for output in case.outputs() {
        let name = output.name.as_str();
        let unknown = || unsupported(case, format!("output `{name}`"));
        let n = output.len();
        let data = match name.split_once('/').ok_or_else(unknown)? {
            ("python", draw) => python(draw, n, seed),
            ("numpy", draw) => numpy(draw, n, seed),
            ("torch", draw) => torch(draw, n, seed),
            ("dataloader", draw) => loader.get(draw).cloned(),
            ("init", path) => {
                let model = path.split('/').next().unwrap_or_default();
                if !initial.contains_key(model) {
                    let parameters = initial_parameters(model, seed).ok_or_else(unknown)?;
                    initial.insert(model.to_owned(), parameters);
                }
                let parameter = path.split_once('/').map(|(_, parameter)| parameter);
                initial[model].get(parameter.unwrap_or_default()).cloned().map(TensorData::F32)
            }
            _ => None,
        };
        let data = data.ok_or_else(unknown)?;
        outputs.insert(output.name.clone(), Tensor { shape: output.shape.clone(), data });
    }
    Ok(outputs)
}

fn python(draw: &str, n: usize, seed: u32) -> Option<TensorData> {
    let mut random = Random::new(u64::from(seed));
    (draw == "random").then(|| TensorData::F64((0..n).map(|_| random.random()).collect()))
}

fn numpy(draw: &str, n: usize, seed: u32) -> Option<TensorData> {
    let mut state = RandomState::new(seed);
    let (function, arguments) = draw.split_once('_').unwrap_or((draw, ""));
    match function {
        "rand" => Some(TensorData::F64((0..n).map(|_| state.random_sample()).collect())),
        "randn" => Some(TensorData::F64((0..n).map(|_| state.standard_normal()).collect())),
        "randint" => {
            let high = arguments.parse().ok().filter(|&high| high > 0)?;
            Some(TensorData::I64((0..n).map(|_| state.randint(0, high)).collect()))
        }
        "permutation" => Some(TensorData::I64(signed(state.permutation(n)))),
        _ => None,
    }
}

/// `randn_8`, `rand_f64_8`, `normal_300_0_0.02`, `uniform_20_-0.1_0.1`, `randperm_10`, ...
fn torch(draw: &str, n: usize, seed: u32) -> Option<TensorData> {
    let mut generator = Generator::manual_seed(u64::from(seed));
    let (function, arguments) = draw.split_once('_').unwrap_or((draw, ""));
    let double = arguments.starts_with("f64");
    // After the count, the two parameters of the distribution.
    let mut parameters = arguments.split('_').skip(1);
    let mut parameter = || parameters.next().and_then(|text| text.parse::<f64>().ok());
    match function {
        "randn" if double => Some(TensorData::F64(generator.randn_f64(n))),
        "randn" => Some(TensorData::F32(generator.normal(n, 0.0, 1.0))),
        "rand" if double => Some(TensorData::F64(generator.rand_f64(n))),
        "rand" => Some(TensorData::F32(generator.rand(n))),
        "normal" => Some(TensorData::F32(generator.normal(n, parameter()?, parameter()?))),
        "uniform" => {
            let (from, to) = (single(parameter()?), single(parameter()?));
            Some(TensorData::F32(generator.uniform(n, from, to)))
        }
        "randperm" => Some(TensorData::I64(signed(generator.randperm(n)))),
        "random" => Some(TensorData::I64((0..n).map(|_| random_i64(&mut generator)).collect())),
        "sequence" => {
            let values = sequence(&mut generator);
            Some(match arguments {
                "then_random" => TensorData::I64(vec![random_i64(&mut generator)]),
                _ => TensorData::F32(values),
            })
        }
        _ => None,
    }
}

/// One generator used for one thing after another: randn(8), rand(8), randperm(10), randn(4).
fn sequence(generator: &mut Generator) -> Vec<f32> {
    let mut values = generator.normal(8, 0.0, 1.0);
    values.extend(generator.rand(8));
    values.extend(signed(generator.randperm(10)).into_iter().map(|i| single(i as f64)));
    values.extend(generator.normal(4, 0.0, 1.0));
    values
}

/// Elements of the dataset behind `dataloader/epoch_<n>`; the incomplete last batch is dropped.
const LOADED: usize = 50;

/// A loader that shuffles: two iterators, then `randn` from the generator that seeded them.
fn loader_draws(case: &Case, seed: u32) -> BTreeMap<&'static str, TensorData> {
    let mut global = Generator::manual_seed(u64::from(seed));
    let mut draws = BTreeMap::new();
    let len = |name: &str| case.output_spec(name).map_or(0, OutputSpec::len);
    for epoch in ["epoch_0", "epoch_1"] {
        global.random_i64(); // the seed of the workers, drawn even if there are none
        let mut order = Generator::manual_seed(global.random_i64()).randperm(LOADED);
        order.truncate(len(&format!("dataloader/{epoch}")));
        draws.insert(epoch, TensorData::I64(signed(order)));
    }
    let after = global.normal(len("dataloader/randn_after"), 0.0, 1.0);
    draws.insert("randn_after", TensorData::F32(after));
    draws
}

/// The weights of `linear_<in>_<out>` or `model_w<w>_g<g>_z<z>_r<r>` by name.
fn initial_parameters(model: &str, seed: u32) -> Option<BTreeMap<String, Vec<f32>>> {
    let mut generator = Generator::manual_seed(u64::from(seed));
    let mut parts = model.split('_');
    let kind = parts.next()?;
    let sizes: Vec<usize> = parts
        .map(|part| part.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().ok())
        .collect::<Option<_>>()?;
    let mut named = BTreeMap::new();
    match (kind, sizes.as_slice()) {
        ("linear", &[inputs, outputs]) => {
            let layer = Layer::Linear { inputs, outputs };
            let mut parameters = layer.default_parameters(&mut generator);
            for (name, values) in &parameters {
                named.insert(format!("default_{name}"), values.clone());
            }
            layer.init_weights(&mut parameters, &mut generator);
            named.extend(parameters.into_iter().map(|(name, values)| (name.to_owned(), values)));
        }
        ("model", &[width, code, latent, hidden]) => {
            let [predictor, posterior, encoder, decoder] =
                modules(ModelSizes { width, code, latent, hidden });
            // The recurrent modules are built and initialized before the convolutional ones.
            for pair in [[predictor, posterior], [encoder, decoder]] {
                let mut built: Vec<_> = pair
                    .concat()
                    .into_iter()
                    .map(|(name, layer)| (name, layer, layer.default_parameters(&mut generator)))
                    .collect();
                for (name, layer, parameters) in &mut built {
                    layer.init_weights(parameters, &mut generator);
                    for (last, values) in parameters {
                        named.insert(format!("{name}.{last}"), std::mem::take(values));
                    }
                }
            }
            named.insert("randn_after".to_owned(), generator.normal(4, 0.0, 1.0));
        }
        _ => return None,
    }
    Some(named)
}

fn random_i64(generator: &mut Generator) -> i64 {
    generator.random_i64().cast_signed()
}

fn signed(indices: Vec<usize>) -> Vec<i64> {
    indices.into_iter().map(|i| (i as u64).cast_signed()).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the original casts to f32 here, too")]
fn single(value: f64) -> f32 {
    value as f32
}
