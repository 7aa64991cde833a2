//! Ratios between contestants. Load on the machine varies, so a step is compared only with the step
//! that the other contestant took in the same round, and the median over rounds is reported.

use serde::Serialize;

/// What one contestant measured.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) name: String,
    /// Seconds per step, one for every round.
    pub(super) seconds: Vec<f64>,
    pub(super) peak_memory_bytes: u64,
    pub(super) base_memory_bytes: u64,
}

/// One contestant compared with the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ratios {
    pub(super) name: String,
    /// Median over the rounds of (seconds of the first contestant) / (seconds of this one).
    pub(super) speed: f64,
    /// Peak memory of this process / that of the first.
    pub(super) memory: f64,
    /// The same without the memory in use before the model was built.
    pub(super) step_memory: f64,
    /// Median over the rounds of (operations of a step in the original's order) / seconds / (speed
    /// of a matrix product in that round).
    pub(super) gemm_share: f64,
    /// Seconds per step, by round.
    pub(super) seconds: Vec<f64>,
    pub(super) peak_memory_bytes: u64,
    pub(super) base_memory_bytes: u64,
}

impl Measured {
    fn step_memory(&self) -> f64 {
        self.peak_memory_bytes as f64 - self.base_memory_bytes as f64
    }
}

/// Compares every contestant with the first; `gemm` is the speed of a matrix product in every
/// round, in operations per second.
pub(super) fn ratios(measured: &[Measured], operations: f64, gemm: &[f64]) -> Vec<Ratios> {
    let Some(first) = measured.first() else { return Vec::new() };
    let against_first = |this: &Measured| {
        let pairs = first.seconds.iter().zip(&this.seconds);
        let peaks = this.seconds.iter().zip(gemm);
        Ratios {
            name: this.name.clone(),
            speed: median(pairs.map(|(first, own)| first / own).collect()),
            memory: this.peak_memory_bytes as f64 / first.peak_memory_bytes as f64,
            step_memory: this.step_memory() / first.step_memory(),
            gemm_share: median(peaks.map(|(seconds, gemm)| operations / seconds / gemm).collect()),
            seconds: this.seconds.clone(),
            peak_memory_bytes: this.peak_memory_bytes,
            base_memory_bytes: this.base_memory_bytes,
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
        let both = [measured("first", first, 400), measured("second", second, 300)];
        let found = ratios(&both, 8.0, &[4.0; 3]);
        assert!((found[1].speed - speed).abs() < 1e-12, "{found:?}");
        assert!((found[0].speed - 1.0).abs() < 1e-12, "{found:?}");
        assert!((found[1].memory - 0.75).abs() < 1e-12, "{found:?}");
        assert!((found[1].step_memory - 2.0 / 3.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_slow_round_slows_both_of_a_pair() {
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
