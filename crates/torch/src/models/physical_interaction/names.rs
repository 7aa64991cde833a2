//! Names and layouts of the parameters in the originals, one to one with ours.
//!
//! [`import`] converts a checkpoint of an original to ours, [`export`] ours to one of theirs.
//! Gradients and moments are converted in the same way, because a layout only permutes numbers.

use std::collections::BTreeMap;

use tch::Tensor;

use super::{network, transformation::kernels::KERNEL};
use crate::nn::params::{LoadError, Params};
use reprise_base::config::model::{
    PhysicalInteractionSpec,
    physical_interaction::{FollowedPorts, Port, Topic},
};

/// One parameter in an original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Our name.
    pub ours: String,
    /// The original's name: a TensorFlow variable without its outer scope, or a Chainer path
    /// without its leading slash. The stateless port has no names; its links are numbered in the
    /// order in which a call creates them, e.g. `03_norm/gamma`.
    pub name: String,
    pub layout: ParameterLayout,
}

/// How an original arranges the numbers of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterLayout {
    /// The original's shape.
    pub original: Vec<i64>,
    /// Our shape.
    pub ours: Vec<i64>,
    /// The original's shape, with an axis split if it combines several of ours.
    split: Vec<i64>,
    /// Our axes as positions in `split`.
    order: Vec<i64>,
}

impl ParameterLayout {
    fn new(ours: &[i64], original: &[i64], split: &[i64], order: &[i64]) -> Self {
        let [ours, original, split, order] = [ours, original, split, order].map(<[i64]>::to_vec);
        Self { original, ours, split, order }
    }

    /// Creates a layout equal to ours.
    fn same(shape: &[i64]) -> Self {
        let order: Vec<i64> = (0..).take(shape.len()).collect();
        Self::new(shape, shape, shape, &order)
    }

    /// Converts an original's tensor to ours.
    pub fn to_ours(&self, original: &Tensor) -> Tensor {
        original
            .reshape(self.split.as_slice())
            .permute(self.order.as_slice())
            .reshape(self.ours.as_slice())
    }

    /// Converts our tensor to the original's.
    pub fn to_original(&self, ours: &Tensor) -> Tensor {
        let axis = |at: i64| usize::try_from(at).expect("an axis is not negative");
        let ordered: Vec<i64> = self.order.iter().map(|&at| self.split[axis(at)]).collect();
        let mut inverse = vec![0; self.order.len()];
        for (at, &from) in (0..).zip(&self.order) {
            inverse[axis(from)] = at;
        }
        ours.reshape(ordered.as_slice())
            .permute(inverse.as_slice())
            .reshape(self.original.as_slice())
    }
}

/// Returns the shape of the bottleneck `hidden5` of a network, `[C, H, W]`.
pub fn bottleneck(spec: &PhysicalInteractionSpec, sizes: network::NetworkSizes) -> [i64; 3] {
    let [_, height, width] = sizes.frame;
    let halved = |n: i64| n >> network::HALVINGS;
    [4 * spec.width.size(), halved(height), halved(width)]
}

/// Lists the parameters of a network, or of a part of one, with their names in the original of the
/// port.
///
/// `bottleneck` is the shape `[C, H, W]` of `hidden5`, which TensorFlow flattens in another order.
///
/// # Panics
/// If a parameter does not belong to this model.
pub fn originals(
    params: &Params,
    numerics: impl Into<FollowedPorts>,
    bottleneck: [i64; 3],
) -> Vec<Original> {
    let numerics = numerics.into();
    let mut links: Vec<String> = Vec::new();
    let entries = params.trained().map(|entry| {
        let ours = entry.name.clone();
        let (module, parameter) = ours.rsplit_once('.').expect("a parameter belongs to a layer");
        if links.last().is_none_or(|last| last != module) {
            links.push(module.to_owned());
        }
        let shape = entry.tensor.size();
        let layout = layout(numerics, &ours, &shape, bottleneck);
        let name = match numerics.port() {
            Port::Tensorflow(_) => tensorflow_name(module, parameter),
            Port::Chainer => chainer_name(module, parameter),
            Port::ChainerStateless => format!(
                "{:02}_{}/{}",
                links.len() - 1,
                link_kind(module),
                chainer_parameter(parameter)
            ),
        };
        Original { ours, name, layout }
    });
    entries.collect()
}

/// Loads an original's values into a model; they must be complete.
///
/// # Errors
/// If a name is missing or unknown or a shape differs; names and shapes are the original's. The
/// model is unchanged then.
pub fn import(
    params: &mut Params,
    originals: &[Original],
    mut values: BTreeMap<String, Tensor>,
) -> Result<(), LoadError> {
    let mut translated = BTreeMap::new();
    for Original { ours, name, layout } in originals {
        let name = name.clone();
        let Some(value) = values.remove(&name) else { return Err(LoadError::Missing { name }) };
        if value.size() != layout.original {
            let expected = layout.original.clone();
            return Err(LoadError::Shape { name, found: value.size(), expected });
        }
        translated.insert(ours.clone(), layout.to_ours(&value));
    }
    match values.pop_first() {
        Some((name, _)) => Err(LoadError::Unknown { name }),
        None => params.load(translated),
    }
}

/// Returns a model's values under an original's names and layouts, in the order of the layers.
pub fn export(params: &Params, originals: &[Original]) -> Vec<(String, Tensor)> {
    let named: BTreeMap<&str, &Tensor> =
        params.iter().map(|entry| (entry.name.as_str(), &entry.tensor)).collect();
    let exported = originals.iter().filter_map(|Original { ours, name, layout }| {
        let tensor = named.get(ours.as_str())?;
        Some((name.clone(), layout.to_original(&tensor.detach())))
    });
    exported.collect()
}

/// Returns the name of a variable in `prediction_model.py:construct_model`.
fn tensorflow_name(module: &str, parameter: &str) -> String {
    let scope = match module.split_once('.') {
        Some(("stp", index)) => format!("stp_params{index}"),
        // 4: trained filters, which only the stateless port has.
        Some(("depthwise", index)) => format!("cdna_depthwise{index}"),
        _ => match module {
            "enc0" => "scale1_conv1".to_owned(),
            "norm_enc0" => "scale1_conv1/layer_norm1".to_owned(),
            "enc1" => "conv2".to_owned(),
            "enc2" => "conv3".to_owned(),
            "enc3" => "conv4".to_owned(),
            "enc4" => "convt1".to_owned(),
            "enc5" => "convt2".to_owned(),
            "enc6" => "convt3".to_owned(),
            "norm_enc6" => "convt3/layer_norm9".to_owned(),
            "enc7" => "convt4".to_owned(),
            "masks" => "convt7".to_owned(),
            "kernels" => "cdna_params".to_owned(),
            "stp_hidden" => "fc_stp".to_owned(),
            // 9: a single layer, which only the port to Chainer has.
            "stp" => "stp_params".to_owned(),
            "state" => "state_pred".to_owned(),
            _ => match (numbered(module, "lstm"), numbered(module, "hidden")) {
                (Some(k), _) => format!("state{k}/Gates"),
                (_, Some(k)) => format!("layer_norm{}", k + 1),
                (None, None) => panic!("unknown layer `{module}`"),
            },
        },
    };
    let parameter = match parameter {
        "weight" => "weights",
        "bias" => "biases",
        own => own,
    };
    format!("{scope}/{parameter}")
}

/// Returns the path of a parameter in the chain `Model` of the port to Chainer.
fn chainer_name(module: &str, parameter: &str) -> String {
    let path = match module {
        "enc7" => "model/enc7".to_owned(),
        "kernels" => "model/cdna_kerns".to_owned(),
        "stp_hidden" => "model/stp_input".to_owned(),
        "stp" => "model/identity_params".to_owned(),
        "state" => "current_state".to_owned(),
        _ if module.starts_with("lstm") => format!("{module}/conv"),
        _ if module.starts_with("hidden") || module.starts_with("norm_") => {
            format!("{module}/norm")
        }
        own => own.to_owned(),
    };
    format!("{path}/{}", chainer_parameter(parameter))
}

fn chainer_parameter(parameter: &str) -> &str {
    match parameter {
        "weight" => "W",
        "bias" => "b",
        own => own,
    }
}

/// Returns the kind of link that the stateless port creates for a layer.
fn link_kind(module: &str) -> &'static str {
    match module.split('.').next().unwrap_or(module) {
        "enc4" | "enc5" | "enc6" | "enc7" | "masks" => "deconv",
        "kernels" | "stp_hidden" | "stp" | "state" => "linear",
        "depthwise" => "depthwise",
        layer if layer.starts_with("hidden") || layer.starts_with("norm_") => "norm",
        _ => "conv",
    }
}

fn numbered(module: &str, prefix: &str) -> Option<u32> {
    module.strip_prefix(prefix)?.parse().ok()
}

/// Returns the layout of a parameter in the framework of the port. The kernels of CDNA have an order of
/// their own (5).
fn layout(
    numerics: FollowedPorts,
    ours: &str,
    shape: &[i64],
    bottleneck: [i64; 3],
) -> ParameterLayout {
    let is_kernels = ours.starts_with("kernels.");
    match (numerics.port(), numerics.of(Topic::CdnaLayout)) {
        (Port::Tensorflow(_), Port::Chainer | Port::ChainerStateless) if is_kernels => {
            tensorflow_layout("", shape, bottleneck)
        }
        (Port::Chainer | Port::ChainerStateless, Port::Tensorflow(_)) if is_kernels => {
            kernels_last(shape, bottleneck)
        }
        (Port::Tensorflow(_), _) => tensorflow_layout(ours, shape, bottleneck),
        (Port::Chainer | Port::ChainerStateless, _) => ParameterLayout::same(shape),
    }
}

/// Returns Chainer's layout `[out, in]` of CDNA's predictor, with TensorFlow's order of its rows and
/// columns.
fn kernels_last(shape: &[i64], [channels, height, width]: [i64; 3]) -> ParameterLayout {
    let masks = shape[0] / (KERNEL * KERNEL);
    match shape {
        [_, _] => {
            let split = [KERNEL, KERNEL, masks, height, width, channels];
            ParameterLayout::new(shape, shape, &split, &[2, 0, 1, 5, 3, 4])
        }
        _ => ParameterLayout::new(shape, shape, &[KERNEL, KERNEL, masks], &[2, 0, 1]),
    }
}

/// Returns TensorFlow's layout: `[k, k, in, out]` for convolutions, `[k, k, out, in]` for
/// transposed ones, `[in, out]` for linear layers. Maps are flattened with the channel last.
fn tensorflow_layout(
    ours: &str,
    shape: &[i64],
    [channels, height, width]: [i64; 3],
) -> ParameterLayout {
    let flat = channels * height * width;
    match (ours, shape) {
        // 5: TensorFlow orders kernels by (row, column, mask), we by (mask, row, column).
        ("kernels.weight", &[outputs, _]) => {
            let masks = outputs / (KERNEL * KERNEL);
            let split = [height, width, channels, KERNEL, KERNEL, masks];
            ParameterLayout::new(shape, &[flat, outputs], &split, &[5, 3, 4, 2, 0, 1])
        }
        ("kernels.bias", &[outputs]) => {
            let masks = outputs / (KERNEL * KERNEL);
            ParameterLayout::new(shape, shape, &[KERNEL, KERNEL, masks], &[2, 0, 1])
        }
        ("stp_hidden.weight", &[outputs, _]) => {
            let split = [height, width, channels, outputs];
            ParameterLayout::new(shape, &[flat, outputs], &split, &[3, 2, 0, 1])
        }
        (_, &[outputs, inputs]) => {
            let original = [inputs, outputs];
            ParameterLayout::new(shape, &original, &original, &[1, 0])
        }
        (_, &[first, second, rows, columns]) => {
            let original = [rows, columns, second, first];
            ParameterLayout::new(shape, &original, &original, &[3, 2, 0, 1])
        }
        _ => ParameterLayout::same(shape),
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{
        models::physical_interaction::{Network, NetworkSizes},
        nn::params::Builder,
    };
    use reprise_base::{
        config::model::physical_interaction::{Transformation, Version},
        scalar::{Count, Seed},
    };

    const SIZES: NetworkSizes = NetworkSizes { frame: [3, 8, 16], actions: 4, states: 5, batch: 2 };

    fn network(port: Port, transformation: Transformation) -> (Params, Vec<Original>) {
        let spec = PhysicalInteractionSpec {
            port,
            transformation,
            width: Count::literal(2),
            ..PhysicalInteractionSpec::default()
        };
        let builder = Builder::new(Seed(0), Kind::Float, Device::Cpu);
        let _network = Network::new(&builder, &spec, SIZES);
        let params = builder.finish();
        let originals = originals(&params, port, bottleneck(&spec, SIZES));
        (params, originals)
    }

    /// Exports a network, imports it into another one and expects equal numbers.
    #[track_caller]
    fn check(port: Port, transformation: Transformation) {
        let (params, originals) = network(port, transformation);
        let exported: BTreeMap<String, Tensor> = export(&params, &originals).into_iter().collect();
        assert_eq!(exported.len(), params.trained().count(), "every name is there once");
        let (mut other, _) = network(port, transformation);
        tch::no_grad(|| {
            for entry in other.trained() {
                let _zeroed = entry.tensor.shallow_clone().zero_();
            }
        });
        import(&mut other, &originals, exported).expect("what was exported fits");
        for (a, b) in params.trained().zip(other.trained()) {
            assert_eq!(a.tensor, b.tensor, "{}", a.name);
        }
    }

    #[test]
    fn every_model_survives_export_and_import() {
        let masks = Count::literal(3);
        let ports = [
            Port::Tensorflow(Version::V1),
            Port::Tensorflow(Version::FixedLinear),
            Port::Chainer,
            Port::ChainerStateless,
        ];
        for port in ports {
            for transformation in
                [Transformation::Cdna { masks }, Transformation::Dna, Transformation::Stp { masks }]
            {
                check(port, transformation);
            }
        }
    }

    #[test]
    fn a_value_that_nothing_uses_is_refused() {
        let (mut params, originals) = network(Port::Chainer, Transformation::Dna);
        let mut values: BTreeMap<String, Tensor> =
            export(&params, &originals).into_iter().collect();
        values.insert("enc9/W".to_owned(), Tensor::from(1.0));
        let refused = import(&mut params, &originals, values);
        assert_eq!(refused, Err(LoadError::Unknown { name: "enc9/W".to_owned() }));
    }

    #[test]
    fn tensorflows_kernels_have_the_mask_last() {
        let layout = tensorflow_layout("kernels.bias", &[50], [1, 1, 1]);
        let original = Tensor::arange(50, (Kind::Float, Device::Cpu));
        let ours = layout.to_ours(&original);
        // Mask 1, row 0, column 2 is the original's (0, 2, 1).
        assert_eq!(ours.get(25 + 2), original.get(5));
        assert_eq!(layout.to_original(&ours), original);
    }
}
