//! System `rng`: the generators of Python, NumPy and PyTorch, initial weights and data order.

use std::collections::BTreeMap;

use super::{
    init::{Layer, ModelSizes, modules},
    integer, refused, unsupported,
};
use crate::{
    config::data::Sampler,
    data::sampler::{LoaderPass, Order, loader_pass},
    golden::{Case, CasePort, OutputSpec, Outputs, PortError, Precision, Tensor, TensorData},
    rng::{numpy::RandomState, python::Random, torch::Generator},
    scalar::{Count, Seed},
};

/// The generators; every output has the type that the original draws.
pub(super) struct RngPort;

impl CasePort for RngPort {
    fn serves(&self, system: &str) -> bool {
        system == "rng"
    }

    fn run(&self, case: &Case, _precision: Precision) -> Result<Outputs, PortError> {
        if case.config.contains("num_workers") { data_order(case) } else { draws(case) }
    }
}

/// `epoch_<n>/index` and `epoch_<n>/dir`: the batches of iterator n of the loader.
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

/// The first draws for one seed; each output seeds its generator again and names its draw.
fn draws(case: &Case) -> Result<Outputs, PortError> {
    let seed: u64 = integer(case, "seed")?;
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

/// `random`, `uniform_<a>_<b>`, `randint_<a>_<b>` (with b), `randrange_<n>`, `choice_<n>`, `shuffle_<n>`.
fn python(draw: &str, n: usize, seed: u64) -> Option<TensorData> {
    let mut random = Random::new(seed);
    let (function, numbers) = split(draw)?;
    let mut below = |high: f64| Some(i64::from(random.randrange(whole(high)?)));
    Some(match (function, numbers.as_slice()) {
        ("random", []) => TensorData::F64((0..n).map(|_| random.random()).collect()),
        ("uniform", &[low, high]) => {
            TensorData::F64((0..n).map(|_| low + (high - low) * random.random()).collect())
        }
        ("randint", &[low, high]) => {
            let low: i64 = whole(low)?;
            let drawn = (0..n).map(|_| Some(low + below(high - low as f64 + 1.0)?));
            TensorData::I64(drawn.collect::<Option<_>>()?)
        }
        ("randrange" | "choice", &[high]) => {
            TensorData::I64((0..n).map(|_| below(high)).collect::<Option<_>>()?)
        }
        ("shuffle", _) => {
            let mut order: Vec<usize> = (0..n).collect();
            random.shuffle(&mut order);
            TensorData::I64(signed(order))
        }
        _ => return None,
    })
}

/// `rand`, `randn`, `uniform_<low>_<high>`, `normal_<mean>_<std>`, `randint_<high>`,
/// `randint_<low>_<high>`, `choice_<n>`, `permutation_<n>`, `shuffle_<n>`.
fn numpy(draw: &str, n: usize, seed: u64) -> Option<TensorData> {
    let mut state = RandomState::new(u32::try_from(seed).ok()?);
    let (function, numbers) = split(draw)?;
    let range = match *numbers.as_slice() {
        [high] => whole(high).map(|high| (0, high)),
        [low, high] => whole(low).zip(whole(high)),
        _ => None,
    };
    let mut floats = |value: &mut dyn FnMut(&mut RandomState) -> f64| {
        TensorData::F64((0..n).map(|_| value(&mut state)).collect())
    };
    Some(match (function, numbers.as_slice()) {
        ("rand" | "random" | "random_sample", _) => floats(&mut RandomState::random_sample),
        ("randn" | "standard_normal", _) => floats(&mut RandomState::standard_normal),
        ("uniform", &[low, high]) => floats(&mut |state| state.uniform(low, high)),
        ("normal", &[mean, std]) => floats(&mut |state| mean + std * state.standard_normal()),
        ("randint" | "choice", _) => {
            let (low, high) = range.filter(|(low, high)| low < high)?;
            TensorData::I64((0..n).map(|_| state.randint(low, high)).collect())
        }
        ("permutation" | "shuffle", _) => TensorData::I64(signed(state.permutation(n))),
        _ => return None,
    })
}

/// `randn_8`, `rand_f64_8`, `normal_300_0_0.02`, `uniform_20_-0.1_0.1`, `randint_8_0_10`, `randperm_10`:
/// after the count, the parameters of the distribution.
fn torch(draw: &str, n: usize, seed: u64) -> Option<TensorData> {
    let mut generator = Generator::manual_seed(seed);
    let (function, arguments) = draw.split_once('_').unwrap_or((draw, ""));
    let double = arguments.starts_with("f64");
    let parameters = arguments.split('_').skip(1);
    let parameters = parameters.map(|text| text.parse().ok()).collect::<Option<Vec<f64>>>();
    let parameters = parameters.unwrap_or_default();
    Some(match (function, parameters.as_slice()) {
        ("randn", _) if double => TensorData::F64(generator.randn_f64(n)),
        ("randn", _) => TensorData::F32(generator.normal(n, 0.0, 1.0)),
        ("rand", _) if double => TensorData::F64(generator.rand_f64(n)),
        ("rand", _) => TensorData::F32(generator.rand(n)),
        ("normal", &[mean, std]) => TensorData::F32(generator.normal(n, mean, std)),
        ("uniform", &[from, to]) => TensorData::F32(generator.uniform(n, single(from), single(to))),
        ("randint", &[.., high]) => {
            let low = if let &[low, _] = parameters.as_slice() { whole(low)? } else { 0 };
            let high = whole(high).filter(|&high| low < high)?;
            TensorData::I64((0..n).map(|_| generator.randint(low, high)).collect())
        }
        ("randperm", _) => TensorData::I64(signed(generator.randperm(n))),
        ("random", _) => TensorData::I64((0..n).map(|_| random_i64(&mut generator)).collect()),
        ("sequence", _) => {
            let values = sequence(&mut generator);
            match arguments {
                "then_random" => TensorData::I64(vec![random_i64(&mut generator)]),
                _ => TensorData::F32(values),
            }
        }
        _ => return None,
    })
}

/// Divides a draw's name into its function and its numbers: `random_sample`, `randint_-3_4`.
fn split(draw: &str) -> Option<(&str, Vec<f64>)> {
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let at = draw.match_indices('_').map(|(at, _)| at).find(|&at| is_number(&draw[at + 1..]));
    let Some(at) = at else { return Some((draw, Vec::new())) };
    let numbers = draw[at + 1..].split('_').map(|text| text.parse().ok()).collect::<Option<_>>()?;
    Some((&draw[..at], numbers))
}

/// Converts a parameter that is an integer.
fn whole<T: TryFrom<i64>>(parameter: f64) -> Option<T> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if parameter.fract() != 0.0 || parameter.abs() > EXACT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and exact")]
    let whole = parameter as i64;
    T::try_from(whole).ok()
}

/// One generator used for randn(8), rand(8), randperm(10) and randn(4), in this order.
fn sequence(generator: &mut Generator) -> Vec<f32> {
    let mut values = generator.normal(8, 0.0, 1.0);
    values.extend(generator.rand(8));
    values.extend(signed(generator.randperm(10)).into_iter().map(|i| single(i as f64)));
    values.extend(generator.normal(4, 0.0, 1.0));
    values
}

/// Elements of the data set of `dataloader/epoch_<n>`; the incomplete last batch is dropped.
const LOADED: usize = 50;

/// A shuffling loader: two iterators, then `randn` from the generator that seeded them.
fn loader_draws(case: &Case, seed: u64) -> BTreeMap<&'static str, TensorData> {
    let mut global = Generator::manual_seed(seed);
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
fn initial_parameters(model: &str, seed: u64) -> Option<BTreeMap<String, Vec<f32>>> {
    let mut generator = Generator::manual_seed(seed);
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
