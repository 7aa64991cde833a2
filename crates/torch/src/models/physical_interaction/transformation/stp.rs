//! Spatial transformer predictors (STP; Jaderberg et al. 2015, arXiv:1506.02025): affine maps of
//! the frame, predicted from the bottleneck.

use tch::{Kind, Tensor};

use crate::{
    models::physical_interaction::layers::{LayerKind, Layers, activate},
    nn::layers::Linear,
};
use reprise_base::config::model::physical_interaction::{FollowedPorts, Port, Topic};

/// Units of the hidden layer (`fc_stp`).
const HIDDEN: i64 = 100;
/// Parameters of an affine map.
const AFFINE: i64 = 6;
/// The identity map.
const IDENTITY: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// Predicts affine maps `θ_m` from the bottleneck h and applies them to the frame x.
///
/// ```text
/// θ_m = W_m φ(W h + b) + b_m + identity        J_m(x)_p = x_{θ_m · p}, bilinear
/// ```
#[derive(Debug)]
pub struct Stp {
    hidden: Linear,
    maps: AffineMaps,
    numerics: FollowedPorts,
}

/// Linear layers from hidden units to affine maps.
#[derive(Debug)]
pub struct AffineMaps {
    layers: Vec<Linear>,
    count: i64,
    numerics: FollowedPorts,
}

impl Stp {
    /// Creates `stp_hidden` and the layers of [`AffineMaps`] for `masks − 1` maps.
    pub fn new(layers: Layers<'_>, inputs: i64, masks: i64) -> Self {
        Self {
            hidden: layers.linear("stp_hidden", inputs, HIDDEN),
            maps: AffineMaps::new(layers, HIDDEN, masks - 1),
            numerics: layers.numerics(),
        }
    }

    /// Transforms frames `[B, C, H, W]` by maps predicted from the flat bottleneck `[B, inputs]`.
    pub fn apply(&self, previous: &Tensor, bottleneck: &Tensor) -> Vec<Tensor> {
        let hidden = activate(self.hidden.forward(bottleneck), self.numerics, LayerKind::Inner);
        self.maps.apply(previous, &hidden)
    }
}

impl AffineMaps {
    /// Creates `stp.M` for each of `count` maps, or one `stp` for all of them.
    pub fn new(layers: Layers<'_>, inputs: i64, count: i64) -> Self {
        let numerics = layers.numerics();
        let layers = match numerics.of(Topic::StpMaps) {
            // 9: one layer per map.
            Port::Tensorflow(_) | Port::ChainerStateless => {
                (0..count).map(|m| layers.linear(&format!("stp.{m}"), inputs, AFFINE)).collect()
            }
            // The last commit of the port to Chainer has one layer, so all maps are equal.
            Port::Chainer => vec![layers.linear("stp", inputs, AFFINE)],
        };
        Self { layers, count, numerics }
    }

    /// Transforms frames `[B, C, H, W]` by maps predicted from hidden units `[B, inputs]`.
    pub fn apply(&self, previous: &Tensor, hidden: &Tensor) -> Vec<Tensor> {
        let identity =
            Tensor::from_slice(&IDENTITY).to_kind(hidden.kind()).to_device(hidden.device());
        let sampling = self.numerics.of(Topic::StpSampling);
        let moved =
            |layer: &Linear| sample(previous, &(layer.forward(hidden) + &identity), sampling);
        match self.numerics.of(Topic::StpMaps) {
            Port::Tensorflow(_) | Port::ChainerStateless => self.layers.iter().map(moved).collect(),
            Port::Chainer => {
                let shared = self.layers.first().map(moved);
                let copies = (0..self.count).map(|_| shared.as_ref().map(Tensor::shallow_clone));
                copies.flatten().collect()
            }
        }
    }
}

/// Samples frames `[B, C, H, W]` by affine maps θ = `theta` `[B, 6]`.
///
/// Target pixel (`x_t`, `y_t`), with coordinates evenly spaced in [−1, 1], gets the value at
/// (`x_s`, `y_s`) (equation 1 of Jaderberg et al.):
/// ```text
/// (x_s, y_s)ᵀ = θ · (x_t, y_t, 1)ᵀ
/// ```
pub fn sample(frames: &Tensor, theta: &Tensor, port: Port) -> Tensor {
    let (batch, _, height, width) = frames.size4().expect("frames are [B, C, H, W]");
    let options = (theta.kind(), theta.device());
    let x_t = even(width, port, theta).view([1, width]).expand([height, width], false);
    let y_t = even(height, port, theta).view([height, 1]).expand([height, width], false);
    let ones = Tensor::ones([height, width], options);
    let target = Tensor::stack(&[x_t, y_t, ones], 0).view([3, -1]);
    let source = theta.view([batch, 2, 3]).matmul(&target); // [B, 2, H·W]
    let [x_s, y_s] = [0, 1].map(|axis| source.select(1, axis));
    let sampled = match port {
        // 10: [−1, 1] is mapped to [0, n], beyond the last pixel. Neighbours are clipped to the frame
        // before the weights are computed, so the weights of positions outside [0, n − 1) cancel. The
        // identity map shrinks the frame and zeroes its last row and column.
        Port::Tensorflow(_) => {
            let axis = |s: &Tensor, n: i64| {
                let position: Tensor = (s + 1.0) * n as f64 / 2.0;
                let below = position.detach().floor();
                let above = &below + 1.0;
                let inside = |x: Tensor| x.clamp(0.0, (n - 1) as f64);
                Neighbours { below: inside(below), above: inside(above), position }
            };
            bilinear(frames, &axis(&x_s, width), &axis(&y_s, height))
        }
        // [−1, 1] is mapped to [0, n − 1] of a frame with a border of one zero (hence the + 1), to
        // which positions are clamped. The identity map is exact.
        Port::Chainer | Port::ChainerStateless => {
            let axis = |s: &Tensor, n: i64| {
                let position: Tensor = (s + 1.0) * (n - 1) as f64 / 2.0 + 1.0;
                let position = position.clamp(0.0, (n + 1) as f64);
                let below = position.detach().floor().clamp(0.0, n as f64);
                Neighbours { above: &below + 1.0, below, position }
            };
            bilinear(&frames.constant_pad_nd([1; 4]), &axis(&x_s, width), &axis(&y_s, height))
        }
    };
    sampled.view_as(frames)
}

/// Returns n evenly spaced numbers in [−1, 1], rounded as in the port.
fn even(n: i64, port: Port, like: &Tensor) -> Tensor {
    let step = if n > 1 { 2.0 / (n - 1) as f64 } else { 0.0 };
    match port {
        // `tf.linspace` computes in the kind of its result.
        Port::Tensorflow(_) => Tensor::arange(n, (like.kind(), like.device())) * step - 1.0,
        // `np.linspace` computes in f64 and ends exactly at 1.
        Port::Chainer | Port::ChainerStateless => {
            let at = |i: i64| if i + 1 == n && n > 1 { 1.0 } else { i as f64 * step - 1.0 };
            let values: Vec<f64> = (0..n).map(at).collect();
            Tensor::from_slice(&values).to_kind(like.kind()).to_device(like.device())
        }
    }
}

/// Positions along one axis with the adjacent pixels, all `[B, N]`.
struct Neighbours {
    position: Tensor,
    below: Tensor,
    above: Tensor,
}

/// Interpolates frames `[B, C, H, W]` at N positions each: `[B, C, N]`.
fn bilinear(frames: &Tensor, x: &Neighbours, y: &Neighbours) -> Tensor {
    let (batch, channels, _, width) = frames.size4().expect("frames are [B, C, H, W]");
    let pixels = frames.flatten(2, 3);
    let pixel = |x: &Tensor, y: &Tensor| {
        // NaN positions need a valid index; their weights keep the result NaN.
        let index = (y * width as f64 + x).nan_to_num(0.0, 0.0, 0.0).to_kind(Kind::Int64);
        pixels.gather(2, &index.unsqueeze(1).expand([batch, channels, -1], false), false)
    };
    let weight = |x: Tensor, y: Tensor| (x * y).unsqueeze(1);
    let (left, right) = (|| &x.above - &x.position, || &x.position - &x.below);
    let (upper, lower) = (|| &y.above - &y.position, || &y.position - &y.below);
    weight(left(), upper()) * pixel(&x.below, &y.below)
        + weight(left(), lower()) * pixel(&x.below, &y.above)
        + weight(right(), upper()) * pixel(&x.above, &y.below)
        + weight(right(), lower()) * pixel(&x.above, &y.above)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use reprise_base::config::model::physical_interaction::Version;

    fn identity(port: Port) -> (Tensor, Tensor) {
        let frame = (Tensor::arange(20, (Kind::Double, Device::Cpu)) + 1.0).reshape([1, 1, 4, 5]);
        let theta = Tensor::from_slice(&IDENTITY).reshape([1, AFFINE]);
        let sampled = sample(&frame, &theta, port);
        (frame, sampled)
    }

    #[test]
    fn chainers_identity_is_exact() {
        let (frame, sampled) = identity(Port::Chainer);
        assert!((frame - sampled).abs().max().double_value(&[]) < 1e-12);
    }

    #[test]
    fn tensorflows_identity_zeroes_the_last_row_and_column() {
        let (_, sampled) = identity(Port::Tensorflow(Version::V1));
        let zeros = |tensor: Tensor| tensor.abs().max().double_value(&[]) < 1e-12;
        assert!(zeros(sampled.select(2, 3)) && zeros(sampled.select(3, 4)));
        assert!(sampled.double_value(&[0, 0, 2, 3]) > 1.0);
    }
}
