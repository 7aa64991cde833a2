//! The original's rule that divides the files of a robot-pushing data set into training and validation.

use crate::scalar::Fraction;

/// Returns how many of `files`, counted from the first, are for training; the others are for validation.
///
/// `int(np.floor(train_val_split * len(filenames)))`, in double precision. With few files the result
/// may be 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
pub fn training_files(files: usize, share: Fraction) -> usize {
    (share.get() * files as f64).floor() as usize
}
