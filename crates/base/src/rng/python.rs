//! Python's `random` module, bit for bit: the functions that the original programs call.

use super::mt19937::Mt19937;

/// Python's `random.Random`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    generator: Mt19937,
}

impl Random {
    /// Seeds as `random.seed(seed)` does with a non-negative integer.
    pub fn new(seed: u64) -> Self {
        let low = u32::try_from(seed & 0xffff_ffff).expect("the mask leaves 32 bits");
        let high = u32::try_from(seed >> 32).expect("the shift leaves 32 bits");
        let key: &[u32] = if high == 0 { &[low] } else { &[low, high] };
        Self { generator: Mt19937::from_key(key) }
    }

    /// Returns what `random()` returns: a multiple of 2⁻⁵³ in [0, 1).
    pub fn random(&mut self) -> f64 {
        self.generator.next_res53()
    }

    /// Returns what `randrange(n)` returns, a uniform integer below `n`: the top bits of a word, as many
    /// as `n` has, drawn again until their value is below `n`.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn randrange(&mut self, n: u32) -> u32 {
        assert!(n > 0, "the range of randrange is not empty");
        loop {
            let draw = self.generator.next_u32() >> n.leading_zeros();
            if draw < n {
                return draw;
            }
        }
    }

    /// Shuffles in place as `shuffle` does.
    ///
    /// # Panics
    /// If there are 2³² items or more.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let n = u32::try_from(i + 1).expect("fewer than 2^32 items are shuffled");
            items.swap(i, self.randrange(n) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seed: u64, expected: &[f64]) {
        let mut random = Random::new(seed);
        for value in expected {
            assert_eq!(random.random().to_bits(), value.to_bits());
        }
    }

    #[test]
    fn uniform_draws_repeat_python() {
        check(1, &[0.134_364_244_112_401_22, 0.847_433_736_937_232_7, 0.763_774_618_976_614]);
        check((1 << 40) + 5, &[0.504_380_297_041_844_3]);
    }

    #[test]
    fn whole_numbers_and_shuffles_repeat_python() {
        let mut random = Random::new(1);
        let drawn: Vec<u32> = (0..4).map(|_| random.randrange(43_264)).collect();
        assert_eq!(drawn, [8_805, 37_303, 4_135, 16_716]);
        let mut items: Vec<u32> = (0..10).collect();
        Random::new(1).shuffle(&mut items);
        assert_eq!(items, [6, 8, 9, 7, 5, 3, 0, 4, 1, 2]);
    }
}
