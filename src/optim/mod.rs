//! Optimizers whose whole state is named tensors, so that a run can be continued bit for bit.

pub mod adagrad;
pub mod adam;
pub mod gradient_descent;
pub mod sgd;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use gradient_descent::GradientDescent;
pub use sgd::Sgd;

/// Rounds a step size as TensorFlow 1 does, which keeps it in single precision whatever it moves.
#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the purpose")]
fn single(alpha: f64) -> f64 {
    f64::from(alpha as f32)
}
