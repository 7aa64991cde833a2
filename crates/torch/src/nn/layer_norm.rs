//! Layer normalization (Ba et al. 2016, arXiv:1607.06450) over all axes except the batch, in the
//! forms of the two `physical_interaction` originals.

use tch::{Kind, Tensor};

use super::{init::Init, params::Path};

/// Shape of scale and shift, and place of ε.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerNormForm {
    pub parameters: ScaleAndShift,
    pub epsilon: NormEpsilon,
}

impl LayerNormForm {
    /// `tf.contrib.layers.layer_norm` of TensorFlow 1.
    pub const TENSORFLOW: Self =
        Self { parameters: ScaleAndShift::Channel, epsilon: NormEpsilon::InRoot };
}

/// Shape of the scale γ and the shift β.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleAndShift {
    /// One number per channel.
    Channel,
    /// One number per element of a map.
    Element,
}

/// Size and place of ε.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormEpsilon {
    /// 1e-12 inside the square root.
    InRoot,
    /// 1e-6 added to the standard deviation.
    AfterRoot,
}

/// ε of `tf.contrib.layers.layer_norm`.
const CHANNEL_EPSILON: f64 = 1e-12;
/// ε of `chainer.links.LayerNormalization`.
const ELEMENT_EPSILON: f64 = 1e-6;

/// Layer normalization; the mean μ and the biased variance σ² are those of all channels, rows and
/// columns.
///
/// ```text
/// y = (x − μ) / √(σ² + 1e-12) · γ + β            InRoot
/// y = (x − μ) / (σ + 1e-6) · γ + β               AfterRoot
/// ```
#[derive(Debug)]
pub struct LayerNorm {
    beta: Tensor,
    gamma: Tensor,
    form: LayerNormForm,
}

impl LayerNorm {
    /// Creates `beta` = 0 and `gamma` = 1 for maps `[C, H, W]` or vectors `[C]`; their shape is
    /// `[C]`, or `[C·H·W]` per element.
    pub fn new(path: &Path<'_>, map: &[i64], form: LayerNormForm) -> Self {
        let n = match form.parameters {
            ScaleAndShift::Channel => map[0],
            ScaleAndShift::Element => map.iter().product(),
        };
        Self {
            beta: path.parameter("beta", &[n], Init::Constant(0.0)),
            gamma: path.parameter("gamma", &[n], Init::Constant(1.0)),
            form,
        }
    }

    /// Normalizes `[B, C, H, W]` or `[B, C]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let size = x.size();
        let map = &size[1..];
        let normalized = match self.form.epsilon {
            NormEpsilon::InRoot => {
                let none: Option<Tensor> = None;
                x.layer_norm(map, none.as_ref(), none.as_ref(), CHANNEL_EPSILON, false)
            }
            NormEpsilon::AfterRoot => {
                let axes: Vec<i64> = (1..).take(map.len()).collect();
                let mean = |x: &Tensor| x.mean_dim(axes.as_slice(), true, None::<Kind>);
                let centred = x - mean(x);
                let deviation = mean(&(&centred * &centred)).sqrt() + ELEMENT_EPSILON;
                centred / deviation
            }
        };
        let shape: Vec<i64> = match self.form.parameters {
            ScaleAndShift::Channel => {
                [map[0]].into_iter().chain(map.iter().skip(1).map(|_| 1)).collect()
            }
            ScaleAndShift::Element => map.to_vec(),
        };
        normalized * self.gamma.reshape(shape.as_slice()) + self.beta.reshape(shape.as_slice())
    }
}
