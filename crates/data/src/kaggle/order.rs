//! The order in which the original reads the rows.

use reprise_base::rng::numpy::RandomState;

/// Seed of the order of the rows (`random_state=42`).
const ORDER_SEED: u32 = 42;

/// Returns the order in which the original reads `n` complete rows: entry i is the i-th row read
/// (`sklearn.utils.shuffle` with `random_state=42`).
pub fn shuffled(n: usize) -> Vec<usize> {
    RandomState::new(ORDER_SEED).permutation(n)
}

/// Returns the batches of one pass over `n` rows in random order, without an incomplete last batch
/// (`iterate_minibatches` with `shuffle=True`).
///
/// The original draws from NumPy's global generator, whose state carries over from pass to pass.
///
/// # Panics
/// If `batch_size` is 0.
pub fn minibatches(n: usize, batch_size: usize, random: &mut RandomState) -> Vec<Vec<usize>> {
    random.permutation(n).chunks_exact(batch_size).map(<[usize]>::to_vec).collect()
}
