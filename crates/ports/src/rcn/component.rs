//! Single layers.

use tch::Tensor;

use crate::{
    integer, renamed,
    torch::{Capture, Placement, builder, inner, input, leaf, zero},
    unsupported,
};
use reprise_base::{
    config::model::rcn::{Activation, DenseWeights},
    rng::numpy::RandomState,
    scalar::Count,
};
use reprise_golden::{Case, Outputs, PortError, Tensor as Values, TensorData};
use reprise_torch::models::rcn::layers::{self, ConvLayer, DenseLayer, KernelStride, max_pool};

/// TensorFlow's name of a variable.
pub(super) fn variable(name: &str) -> String {
    name.replace('.', "/")
}

/// From `[B, H, W, C]` to `[B, C, H, W]`.
pub(super) fn channels_second(x: &Tensor) -> Tensor {
    x.permute([0, 3, 1, 2])
}

/// From `[B, C, H, W]` to `[B, H, W, C]`.
pub(super) fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1])
}

/// A convolution, a pooling behind it and a fully connected layer, forward and backward.
pub(super) fn layers(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let builder = builder(place);
    let conv = match shape(case, "conv/w") {
        Some([height, width, inputs, outputs]) => {
            let step = |key: &str| {
                let given = case.config.contains(key);
                if given { integer::<Count>(case, key).map(Count::size) } else { Ok(1) }
            };
            let window =
                KernelStride { kernel: [height, width], stride: [step("dh")?, step("dw")?] };
            let path = builder.module("conv");
            Some(ConvLayer::new(&path, [inputs, outputs], window, Activation::Tanh))
        }
        None => None,
    };
    let dense = shape(case, "fc/w").map(|sizes| {
        DenseLayer::new(&builder.module("fc"), sizes, 1, DenseWeights::Fixed, Activation::Tanh)
    });
    let mut params = builder.finish();
    renamed::load(case, &mut params, variable, place)?;

    let mut capture = Capture::default();
    let mut total = zero(place);
    let mut add = |name: &str, y: &Tensor| -> Result<(), PortError> {
        let cotangent = format!("cotangent/{name}");
        if case.tensor_spec(&cotangent).is_some() {
            total += inner(y, &input(case, &cotangent, place)?);
        }
        Ok(())
    };
    let mut inputs = Vec::new();
    if let Some(conv) = conv {
        let x = leaf(case, "x", place)?;
        let y = conv.forward(&channels_second(&x));
        let [conv, pool] = [channels_last(&y), channels_last(&max_pool(&y))];
        for (name, y) in [("conv", conv), ("pool", pool)] {
            add(name, &y)?;
            capture.tensor(name, &y);
        }
        inputs.push(("grad/x", x));
    }
    if let Some(dense) = dense {
        let x = leaf(case, "fc/x", place)?;
        let y = dense.forward(&x);
        add("fc", &y)?;
        capture.tensor("fc", &y);
        inputs.push(("grad/fc/x", x));
    }
    total.backward();
    for (name, x) in inputs {
        capture.tensor(name, &x.grad());
    }
    renamed::gradients(&mut capture, &params, variable);
    Ok(capture.finish())
}

/// Returns the shape of a tensor if the case has it with `N` axes.
pub(super) fn shape<const N: usize>(case: &Case, name: &str) -> Option<[i64; N]> {
    let extents = case.tensor_spec(name)?.shape.iter().map(|&n| i64::try_from(n));
    extents.collect::<Result<Vec<_>, _>>().ok()?.try_into().ok()
}

/// Up-sampling by repetition, also of printed numbers.
pub(super) fn upsample(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let &[down, across] = case.config.i64s("scale")?.as_slice() else {
        return Err(unsupported(case, "a scale that is not two numbers"));
    };
    let larger = |x: &Tensor| channels_last(&layers::upsample(&channels_second(x), [down, across]));
    let mut capture = Capture::default();
    let x = leaf(case, "x", place)?;
    let y = larger(&x);
    inner(&y, &input(case, "cotangent", place)?).backward();
    capture.tensor("y", &y);
    capture.tensor("grad/x", &x.grad());
    if case.tensor_spec("seed/x").is_some() {
        capture.tensor("seed/y", &larger(&input(case, "seed/x", place)?));
    }
    let mut outputs = capture.finish();
    if let Some(drawn) = case.output_spec("seed/rand") {
        let mut random = RandomState::new(integer(case, "np_random_seed")?);
        let values = (0..drawn.len()).map(|_| random.random_sample()).collect();
        let values = Values { shape: drawn.shape.clone(), data: TensorData::F64(values) };
        outputs.insert(drawn.name.clone(), values);
    }
    Ok(outputs)
}
