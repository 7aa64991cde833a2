//! From measurements to ratios. The machine's pace changes while others use it, so a step is only held
//! against the one that the other side took beside it, and the median of those pairs is quoted.

use serde::Serialize;

/// What one side measured.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) name: String,
    /// Seconds of a step, one for every round.
    pub(super) seconds: Vec<f64>,
    pub(super) peak_memory_bytes: u64,
    pub(super) base_memory_bytes: u64,
}

/// One side held against the first one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ratios {
    pub(super) name: String,
    /// Median over the rounds of (seconds of the first side) / (seconds of this side).
    pub(super) speed: f64,
    /// Peak memory of this side's process / that of the first.
    pub(super) memory: f64,
    /// The same without what program and libraries took before the model was built.
    pub(super) step_memory: f64,
    /// Median over the rounds of (operations of a step in the original's order) / seconds / (speed of
    /// a matrix product in that round).
    pub(super) gemm_share: f64,
    /// Seconds of a step by round, as measured.
    pub(super) seconds: Vec<f64>,
    pub(super) peak_memory_bytes: u64,
    pub(super) base_memory_bytes: u64,
}

impl Measured {
    fn step_memory(&self) -> f64 {
        self.peak_memory_bytes as f64 - self.base_memory_bytes as f64
    }
}

/// Holds every side against the first one; `gemm` is the speed of a matrix product in every round, in
/// operations a second.
pub(super) fn ratios(measured: &[Measured], operations: f64, gemm: &[f64]) -> Vec<Ratios> {
    let Some(first) = measured.first() else { return Vec::new() };
    let against_first = |side: &Measured| {
        let pairs = first.seconds.iter().zip(&side.seconds);
        let peaks = side.seconds.iter().zip(gemm);
        Ratios {
            name: side.name.clone(),
            speed: median(pairs.map(|(first, this)| first / this).collect()),
            memory: side.peak_memory_bytes as f64 / first.peak_memory_bytes as f64,
            step_memory: side.step_memory() / first.step_memory(),
            gemm_share: median(peaks.map(|(seconds, gemm)| operations / seconds / gemm).collect()),
            seconds: side.seconds.clone(),
            peak_memory_bytes: side.peak_memory_bytes,
            base_memory_bytes: side.base_memory_bytes,
        }
    };
    measured.iter().map(against_first).collect()
}

/// The middle value, or the mean of the two in the middle; NaN of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => f64::NAN,
        (n, middle) if n % 2 == 1 => values[middle],
        (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str, seconds: &[f64], peak_memory_bytes: u64) -> Measured {
        let (name, seconds) = (name.to_owned(), seconds.to_vec());
        Measured { name, seconds, peak_memory_bytes, base_memory_bytes: 100 }
    }

    #[track_caller]
    fn check(first: &[f64], second: &[f64], speed: f64) {
        let sides = [measured("first", first, 400), measured("second", second, 300)];
        let found = ratios(&sides, 8.0, &[4.0; 3]);
        assert!((found[1].speed - speed).abs() < 1e-12, "{found:?}");
        assert!((found[0].speed - 1.0).abs() < 1e-12, "{found:?}");
        assert!((found[1].memory - 0.75).abs() < 1e-12, "{found:?}");
        assert!((found[1].step_memory - 2.0 / 3.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_slow_round_slows_both_sides_of_a_pair() {
        check(&[2.0, 20.0, 2.0], &[1.0, 10.0, 1.0], 2.0);
    }

    #[test]
    fn one_disturbed_pair_does_not_count() {
        check(&[2.0, 2.0, 2.0], &[1.0, 50.0, 1.0], 2.0);
        check(&[2.0, 2.0], &[1.0, 2.0], 1.5);
    }

    #[test]
    fn the_share_is_of_the_time_that_a_matrix_product_would_take() {
        let found = ratios(&[measured("one", &[4.0, 4.0, 1.0], 1)], 8.0, &[4.0; 3]);
        assert!((found[0].gemm_share - 0.5).abs() < 1e-12, "{found:?}");
    }
}
