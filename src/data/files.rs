//! Which files of a robot-pushing data set are for training: the original's rule.

use crate::scalar::Fraction;

/// Returns how many of `files`, counted from the first, are for training; the others validate.
///
/// `int(np.floor(train_val_split * len(filenames)))`, in double precision. Of few files that may be
/// none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
pub fn training_files(files: usize, share: Fraction) -> usize {
    (share.get() * files as f64).floor() as usize
}
