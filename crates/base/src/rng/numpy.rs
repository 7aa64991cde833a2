//! The functions of NumPy's legacy generator `numpy.random.RandomState` that the originals use.
//!
//! Not included: the newer `Generator` API, and integer dtypes other than the default 64-bit one.

use super::mt19937::Mt19937;

/// The state behind `np.random.seed`, `rand`, `randint`, `randn` and `permutation`.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomState {
    words: Mt19937,
    /// The unused second number of the last pair of normals.
    spare_normal: Option<f64>,
}

impl RandomState {
    /// Seeds as `np.random.seed(seed)` does with an integer.
    pub fn new(seed: u32) -> Self {
        Self { words: Mt19937::from_word(seed), spare_normal: None }
    }

    /// Returns `random_sample()`: a multiple of 2⁻⁵³ in [0, 1). `rand` is the same.
    pub fn random_sample(&mut self) -> f64 {
        self.words.next_res53()
    }

    /// Returns `uniform(low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random_sample()
    }

    /// Returns `randint(low, high)`, a whole number in `low..high`, drawn by masking and rejection
    /// from 32-bit words if they cover the range, else from 64-bit ones.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        assert!(low < high, "the range of randint is not empty");
        low.wrapping_add_unsigned(self.at_most(high.abs_diff(low) - 1))
    }

    /// Returns `randn()`, a standard normal by the polar method: the pair's second number first.
    ///
    /// The logarithm is the C library's, as in NumPy.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let x1 = 2.0 * self.random_sample() - 1.0;
            let x2 = 2.0 * self.random_sample() - 1.0;
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 != 0.0 {
                let scale = (-2.0 * r2.ln() / r2).sqrt();
                self.spare_normal = Some(scale * x1);
                return scale * x2;
            }
        }
    }

    /// Shuffles in place as `shuffle` does: from the back, swaps each element with one at or before it.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = usize::try_from(self.at_most(i as u64)).expect("the draw is at most i");
            items.swap(i, j);
        }
    }

    /// Returns `permutation(n)`, the numbers `0..n` shuffled.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// Draws from `0..=max`; a `max` of 0 draws nothing.
    fn at_most(&mut self, max: u64) -> u64 {
        let mask = u64::MAX.checked_shr(max.leading_zeros()).unwrap_or(0);
        loop {
            let draw = match max {
                0 => 0,
                1..=0xffff_ffff => u64::from(self.words.next_u32()) & mask,
                _ => self.words.next_u64() & mask,
            };
            if draw <= max {
                return draw;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(
        draw: impl FnMut(&mut RandomState) -> T,
        expected: &[T],
    ) {
        let mut draw = draw;
        let mut state = RandomState::new(1);
        let drawn: Vec<T> = expected.iter().map(|_| draw(&mut state)).collect();
        assert_eq!(drawn, expected);
    }

    #[test]
    fn uniform_draws_repeat_numpy() {
        let rand = [0x3fda_b07d_0ffa_3c06, 0x3fe7_0ce5_f3ba_f051, 0x3f1d_fb90_6661_c000];
        check(|state| state.random_sample().to_bits(), &rand);
        let uniform = [0.085_110_023_512_870_11, 1.601_622_467_210_790_4, -1.999_428_125_913_275_6];
        check(|state| state.uniform(-2.0, 3.0), &uniform);
    }

    #[test]
    fn whole_numbers_repeat_numpy() {
        check(|state| state.randint(0, 43_264), &[33_003, 12_172, 5_192, 32_511]);
        check(|state| state.randint(-3, 4), &[2, 0, 1, -3, -2]);
        check(|state| state.randint(5, 6), &[5, 5, 5]);
        let wide = [163_196_666_091, 605_300_724_808, 1_095_766_950_793];
        check(|state| state.randint(0, 1 << 40), &wide);
    }

    #[test]
    fn normals_repeat_numpy() {
        check(
            RandomState::standard_normal,
            &[1.624_345_363_663_241_7, -0.611_756_413_650_075_4, -0.528_171_752_263_455_7],
        );
    }

    #[test]
    fn permutations_repeat_numpy() {
        let mut state = RandomState::new(1);
        assert_eq!(state.permutation(10), [2, 9, 6, 4, 0, 3, 1, 7, 8, 5]);
        assert_eq!(state.permutation(1), [0]);
        assert_eq!(state.permutation(0), [0; 0]);
    }

    #[test]
    fn a_draw_from_one_number_takes_no_word() {
        let mut state = RandomState::new(1);
        state.randint(3, 4);
        assert_eq!(state, RandomState::new(1));
    }
}
