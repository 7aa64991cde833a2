//! Arithmetic of TensorFlow 1.

/// Rounds a hyper-parameter to f32, as TensorFlow 1 stores it whatever the kind of the parameters.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
pub(super) const fn single(x: f64) -> f32 {
    x as f32
}
