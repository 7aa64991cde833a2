//! Conversion of the originals' weights to ours and back.
//!
//! The names and shapes in a dump of TensorFlow variables or a `.npz` of Chainer determine the model,
//! except height and width of its frames. Where the layout depends on these, frames must be square.
//! Start from [`to_ours`] and [`from_ours`].

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::{
    Network, NetworkSizes,
    names::{Original, bottleneck, export, import, originals},
    network::HALVINGS,
    transformation::kernels::KERNEL,
};
use crate::nn::params::{Builder, LoadError, Params};
use reprise_base::{
    config::model::{
        PhysicalInteractionSpec,
        physical_interaction::{Conditioning, Port, Transformation, Version},
    },
    scalar::{Count, Seed},
};

/// Weights of the fifth cell for width 1: 25 per kernel, 2 + 4 inputs, 16 outputs.
const LARGEST_CELL: i64 = 25 * 6 * 16;

/// The original whose names weights have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamingScheme {
    /// TensorFlow variables, e.g. `state1/Gates/weights`.
    Tensorflow,
    /// Chainer paths, e.g. `lstm1/conv/W`.
    Chainer,
}

/// Weights of an original, converted to ours.
#[derive(Debug)]
pub struct OriginalWeights {
    pub names: NamingScheme,
    /// The weights under our names, in the order of the layers.
    pub weights: Vec<(String, Tensor)>,
}

/// Why weights of an original cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// A tensor that determines the model's sizes is missing or has an unexpected shape.
    #[error("failed to determine the sizes of the model: `{name}` is missing or has another shape")]
    Sizes { name: String },
    /// The frames are not square.
    #[error(
        "failed to determine height and width of the frames: only square frames are supported, but \
         the bottleneck has {pixels} pixels"
    )]
    NotSquare { pixels: i64 },
    /// The tensors do not fit a model of these sizes.
    #[error("failed to convert the weights")]
    Load(#[from] LoadError),
}

impl NamingScheme {
    /// Returns the scheme of a port; the stateless port has no names.
    pub const fn of(port: Port) -> Option<Self> {
        match port {
            Port::Tensorflow(_) => Some(Self::Tensorflow),
            Port::Chainer => Some(Self::Chainer),
            Port::ChainerStateless => None,
        }
    }

    /// Detects the scheme by the name of the first layer. Also returns the prefix of all names,
    /// such as TensorFlow's outer scope `model/`.
    fn detect<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<(Self, String)> {
        names.find_map(|name| {
            let tensorflow = name.strip_suffix(":0").unwrap_or(name);
            let scope = |scope: &str, names| Some((names, scope.to_owned()));
            match (tensorflow.strip_suffix("scale1_conv1/weights"), name.strip_suffix("enc0/W")) {
                (Some(outer), _) => scope(outer, Self::Tensorflow),
                (None, Some(outer)) => scope(outer, Self::Chainer),
                (None, None) => None,
            }
        })
    }
}

/// Returns whether a tensor belongs to an optimizer or is a counter, not a parameter.
pub fn is_of_optimizer(name: &str) -> bool {
    let name = name.strip_suffix(":0").unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or(name);
    matches!(last, "Adam" | "Adam_1" | "beta1_power" | "beta2_power" | "global_step")
}

/// Converts weights of an original to ours; returns `None` for names of neither original.
///
/// # Errors
/// If a weight is missing or unknown or a shape differs.
pub fn to_ours(values: &BTreeMap<String, Tensor>) -> Result<Option<OriginalWeights>, ForeignError> {
    let Some((names, scope)) = NamingScheme::detect(values.keys().map(String::as_str)) else {
        return Ok(None);
    };
    let bare = |name: &str| {
        let name = name.strip_prefix(&scope).unwrap_or(name);
        name.strip_suffix(":0").unwrap_or(name).to_owned()
    };
    let values: BTreeMap<String, Tensor> =
        values.iter().map(|(name, value)| (bare(name), value.shallow_clone())).collect();
    let (spec, sizes) = model(names, &values)?;
    let (mut params, originals) = skeleton(&spec, sizes);
    import(&mut params, &originals, values)?;
    let ours = params.iter().map(|entry| (entry.name.clone(), entry.tensor.shallow_clone()));
    Ok(Some(OriginalWeights { names, weights: ours.collect() }))
}

/// Converts our weights to those of the original that `spec` follows.
///
/// # Errors
/// If a weight is missing or unknown or a shape differs.
pub fn from_ours(
    spec: &PhysicalInteractionSpec,
    frame: [i64; 3],
    batch: Count,
    values: BTreeMap<String, Tensor>,
) -> Result<Vec<(String, Tensor)>, ForeignError> {
    let state = shape_of(&values, "state.weight")?;
    let &[states, both] = state.as_slice() else { return Err(sizes_error("state.weight")) };
    let sizes = NetworkSizes { frame, actions: both - states, states, batch: batch.size() };
    let (mut params, originals) = skeleton(spec, sizes);
    params.load(values)?;
    Ok(export(&params, &originals))
}

/// Builds a model whose parameters will be loaded.
fn skeleton(spec: &PhysicalInteractionSpec, sizes: NetworkSizes) -> (Params, Vec<Original>) {
    let builder = Builder::new(Seed(0), Kind::Float, Device::Cpu);
    let _network = Network::new(&builder, spec, sizes);
    let params = builder.finish();
    let originals = originals(&params, spec.numerics(), bottleneck(spec, sizes));
    (params, originals)
}

/// Determines settings and sizes of a model from the shapes of an original's weights.
fn model(
    names: NamingScheme,
    values: &BTreeMap<String, Tensor>,
) -> Result<(PhysicalInteractionSpec, NetworkSizes), ForeignError> {
    // Outputs come first, as in Chainer; TensorFlow's shapes are reversed.
    let shape = |tensorflow: &str, chainer: &str, axes: usize| {
        let name = match names {
            NamingScheme::Tensorflow => tensorflow,
            NamingScheme::Chainer => chainer,
        };
        let mut shape = shape_of(values, name)?;
        if names == NamingScheme::Tensorflow {
            shape.reverse();
        }
        if shape.len() == axes && shape.iter().all(|&n| n > 0) {
            Ok(shape)
        } else {
            Err(sizes_error(name))
        }
    };
    let first = shape("scale1_conv1/weights", "enc0/W", 4)?; // [w, C, 5, 5]
    let state = shape("state_pred/weights", "current_state/W", 2)?; // [S, A + S]
    let merged = shape("conv4/weights", "enc3/W", 4)?; // [2w, 2w (+ A + S), 1, 1]
    // Inputs come first in a transposed convolution.
    let masks = shape("convt7/weights", "masks/W", 4)?[1] - 1;
    let (width, channels) = (first[0], first[1]);
    let (states, both) = (state[0], state[1]);

    let (cdna, stp) = match names {
        NamingScheme::Tensorflow => ("cdna_params/weights", "fc_stp/weights"),
        NamingScheme::Chainer => ("model/cdna_kerns/W", "model/stp_input/W"),
    };
    let count = |n: i64, name: &str| Count::try_from(n).map_err(|_| sizes_error(name));
    let masks = count(masks, "masks")?;
    let (transformation, dense) = if values.contains_key(cdna) {
        (Transformation::Cdna { masks }, Some(cdna))
    } else if values.contains_key(stp) {
        (Transformation::Stp { masks }, Some(stp))
    } else {
        (Transformation::Dna, None)
    };
    // The model will be allocated with these sizes, so check them against the number of weights.
    let elements: i64 = values.values().map(|value| value.size().iter().product::<i64>()).sum();
    if width.saturating_mul(width).saturating_mul(LARGEST_CELL) > elements {
        return Err(sizes_error("enc0"));
    }
    let dense = match dense {
        Some(name) => Some((name, shape(name, name, 2)?)),
        None => None,
    };
    if let (Transformation::Cdna { masks }, Some((name, shape))) = (transformation, &dense)
        && shape[0] != KERNEL * KERNEL * masks.size()
    {
        return Err(sizes_error(name));
    }
    let [rows, columns] = match (names, dense) {
        (NamingScheme::Tensorflow, None) => [1, 1],
        (NamingScheme::Tensorflow, Some((_, shape))) => square(shape[1] / (4 * width))?,
        // Chainer's layout does not depend on height and width, only on their product.
        (NamingScheme::Chainer, dense) => {
            let flat = shape("", "hidden5/norm/gamma", 1)?[0];
            match dense {
                Some((name, shape)) if shape[1] != flat => return Err(sizes_error(name)),
                _ => [flat / (4 * width), 1],
            }
        }
    };
    let spec = PhysicalInteractionSpec {
        port: match names {
            NamingScheme::Tensorflow => Port::Tensorflow(Version::V1),
            NamingScheme::Chainer => Port::Chainer,
        },
        transformation,
        conditioning: if merged[1] > 2 * width {
            Conditioning::ActionAndState
        } else {
            Conditioning::FrameOnly
        },
        width: count(width, "enc0")?,
        ..PhysicalInteractionSpec::default()
    };
    let side = |n: i64| n << HALVINGS;
    let frame = [channels, side(rows), side(columns)];
    Ok((spec, NetworkSizes { frame, actions: both - states, states, batch: 1 }))
}

/// Returns height and width of a square with this number of pixels.
fn square(pixels: i64) -> Result<[i64; 2], ForeignError> {
    let side = pixels.max(0).isqrt();
    if side > 0 && side * side == pixels {
        Ok([side, side])
    } else {
        Err(ForeignError::NotSquare { pixels })
    }
}

fn shape_of(values: &BTreeMap<String, Tensor>, name: &str) -> Result<Vec<i64>, ForeignError> {
    values.get(name).map(Tensor::size).ok_or_else(|| sizes_error(name))
}

fn sizes_error(name: &str) -> ForeignError {
    ForeignError::Sizes { name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: NetworkSizes =
        NetworkSizes { frame: [3, 16, 16], actions: 4, states: 5, batch: 2 };

    fn spec(port: Port, transformation: Transformation) -> PhysicalInteractionSpec {
        let width = Count::literal(2);
        PhysicalInteractionSpec { port, transformation, width, ..Default::default() }
    }

    fn weights(spec: &PhysicalInteractionSpec) -> BTreeMap<String, Tensor> {
        let builder = Builder::new(Seed(3), Kind::Float, Device::Cpu);
        let _network = Network::new(&builder, spec, SIZES);
        let params = builder.finish();
        params.iter().map(|entry| (entry.name.clone(), entry.tensor.detach())).collect()
    }

    /// Converts weights to an original's names with a prefix and back, and expects equal bits.
    #[track_caller]
    fn check(spec: &PhysicalInteractionSpec, scope: &str, names: NamingScheme) {
        let ours = weights(spec);
        let copies = ours.iter().map(|(name, value)| (name.clone(), value.copy())).collect();
        let theirs = from_ours(spec, SIZES.frame, Count::literal(2), copies).expect("they fit");
        let theirs: BTreeMap<String, Tensor> =
            theirs.into_iter().map(|(name, value)| (format!("{scope}{name}"), value)).collect();
        let known = to_ours(&theirs).expect("they fit").expect("the names are known");
        assert_eq!(known.names, names);
        let back: BTreeMap<String, Tensor> = known.weights.into_iter().collect();
        assert_eq!(back.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
        for (name, value) in &ours {
            assert_eq!(&back[name], value, "{name}");
        }
    }

    #[test]
    fn weights_survive_the_names_of_either_original() {
        let masks = Count::literal(3);
        for transformation in
            [Transformation::Cdna { masks }, Transformation::Dna, Transformation::Stp { masks }]
        {
            for version in [Version::V1, Version::Fixed, Version::FixedLinear] {
                let spec = spec(Port::Tensorflow(version), transformation);
                check(&spec, "model/", NamingScheme::Tensorflow);
            }
            check(&spec(Port::Chainer, transformation), "", NamingScheme::Chainer);
            check(&spec(Port::Chainer, transformation), "/", NamingScheme::Chainer);
        }
    }

    #[test]
    fn a_model_without_conditioning_is_recognised() {
        let mut spec = spec(Port::Chainer, Transformation::Dna);
        spec.conditioning = Conditioning::FrameOnly;
        check(&spec, "", NamingScheme::Chainer);
    }

    #[test]
    fn other_names_are_not_converted() {
        let values = BTreeMap::from([("encoder.c1.weight".to_owned(), Tensor::from(1.0_f32))]);
        assert!(to_ours(&values).expect("it is not an error").is_none());
    }

    #[test]
    fn a_missing_weight_and_one_too_many_are_named() {
        let spec = spec(Port::Chainer, Transformation::Dna);
        let theirs = from_ours(&spec, SIZES.frame, Count::literal(2), weights(&spec)).unwrap();
        let all: BTreeMap<String, Tensor> = theirs.into_iter().collect();
        let message = |values: BTreeMap<String, Tensor>| match to_ours(&values) {
            Err(ForeignError::Load(error)) => error.to_string(),
            other => panic!("{other:?}"),
        };
        let mut fewer: BTreeMap<_, _> =
            all.iter().map(|(name, value)| (name.clone(), value.shallow_clone())).collect();
        fewer.remove("enc4/b");
        assert_eq!(message(fewer), "missing tensor `enc4/b`");
        let mut more = all;
        more.insert("enc9/W".to_owned(), Tensor::from(1.0_f32));
        assert_eq!(message(more), "unknown tensor `enc9/W`");
    }

    #[test]
    fn frames_that_are_not_square_are_refused_where_their_sides_matter() {
        let masks = Count::literal(3);
        let spec = spec(Port::Tensorflow(Version::V1), Transformation::Cdna { masks });
        let builder = Builder::new(Seed(3), Kind::Float, Device::Cpu);
        let sizes = NetworkSizes { frame: [3, 16, 8], ..SIZES };
        let _network = Network::new(&builder, &spec, sizes);
        let ours = builder.finish();
        let ours = ours.iter().map(|entry| (entry.name.clone(), entry.tensor.detach())).collect();
        let theirs = from_ours(&spec, sizes.frame, Count::literal(2), ours).expect("they fit");
        let refused = to_ours(&theirs.into_iter().collect());
        assert!(matches!(refused, Err(ForeignError::NotSquare { pixels: 2 })), "{refused:?}");
    }

    #[test]
    fn sizes_that_exceed_the_file_are_refused() {
        let shapes: [(&str, &[i64]); 5] = [
            ("enc0/W", &[100_000, 1, 1, 1]),
            ("current_state/W", &[1, 2]),
            ("enc3/W", &[1, 1, 1, 1]),
            ("masks/W", &[1, 2, 1, 1]),
            ("hidden5/norm/gamma", &[400_000]),
        ];
        let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let values = shapes.map(|(name, shape)| (name.to_owned(), zeros(shape)));
        let refused = to_ours(&values.into());
        assert!(matches!(refused, Err(ForeignError::Sizes { .. })), "{refused:?}");
    }

    #[test]
    fn an_optimizers_variables_are_known_by_their_names() {
        for name in ["model/conv2/weights/Adam", "x/Adam_1:0", "beta1_power", "global_step:0"] {
            assert!(is_of_optimizer(name), "{name}");
        }
        assert!(!is_of_optimizer("model/conv2/weights"));
    }
}
