//! Initial values (SVG `utils.py:init_weights`).

use crate::nn::{init::Init, layers::AffineInit};

/// Convolutions and linear layers: weights N(0, 0.02²), biases 0.
pub(super) const AFFINE_INIT: AffineInit =
    AffineInit { weight: Init::Normal { mean: 0.0, std: 0.02 }, bias: Init::Constant(0.0) };

/// BatchNorm: γ ~ N(1, 0.02²), β = 0.
pub(super) const BATCH_NORM_INIT: AffineInit =
    AffineInit { weight: Init::Normal { mean: 1.0, std: 0.02 }, bias: Init::Constant(0.0) };
