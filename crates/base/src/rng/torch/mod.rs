//! PyTorch's CPU generator and the functions that the originals draw with, bit for bit
//! (compared with PyTorch 2.13.0 on x86-64 with AVX2 or AVX-512).
//!
//! This does not use libtorch. Where PyTorch calls `log1p`, `log`, `sin` and `cos` of the C library in
//! double precision, so does this code: the last bit of a draw depends on the platform in both.

use std::f64::consts::PI;

use super::mt19937::Mt19937;

mod cephes;

/// PyTorch draws normals in blocks of this size if there are at least this many.
const BLOCK: usize = 16;

/// From this range on, a whole number takes a 64-bit word.
const WIDE_RANGE: u64 = 1 << 28;

/// `torch.Generator()` on the CPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Generator {
    words: Mt19937,
    /// The unused second number of a pair of double-precision normals, kept between calls.
    spare_normal: Option<f64>,
}

impl Generator {
    /// Seeds as `manual_seed(seed)` does; only the low 32 bits of `seed` are used.
    pub fn manual_seed(seed: u64) -> Self {
        let low = u32::try_from(seed & 0xffff_ffff).expect("the mask leaves 32 bits");
        Self { words: Mt19937::from_word(low), spare_normal: None }
    }

    /// Returns one element of `torch.empty(…, dtype=torch.int64).random_()`, in [0, 2⁶³).
    pub fn random_i64(&mut self) -> u64 {
        self.words.next_u64() & (u64::MAX >> 1)
    }

    /// Returns `torch.rand(n)`: multiples of 2⁻²⁴ in [0, 1).
    pub fn rand(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.unit_f32()).collect()
    }

    /// Returns `torch.rand(n, dtype=torch.float64)`: multiples of 2⁻⁵³ in [0, 1).
    pub fn rand_f64(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.unit_f64()).collect()
    }

    /// Returns `torch.empty(n).uniform_(from, to)`.
    pub fn uniform(&mut self, n: usize, from: f32, to: f32) -> Vec<f32> {
        (0..n).map(|_| libm::fmaf(self.unit_f32(), to - from, from)).collect()
    }

    /// Returns `torch.empty(n).normal_(mean, std)`; `torch.randn(n)` is mean 0, std 1.
    ///
    /// Up to 15 elements are double-precision normals rounded to `f32`. From 16 elements on, blocks of
    /// 16 uniform numbers become 8 radii and 8 angles, so a longer vector does not start with a
    /// shorter one. If the length is not a multiple of 16, the last 16 elements are drawn again.
    pub fn normal(&mut self, n: usize, mean: f64, std: f64) -> Vec<f32> {
        if n < BLOCK {
            return (0..n).map(|_| round(libm::fma(self.pair_normal(), std, mean))).collect();
        }
        let (mean, std) = (round(mean), round(std));
        let mut values = self.rand(n);
        for block in values.chunks_exact_mut(BLOCK) {
            box_muller_f32(block, mean, std);
        }
        if !n.is_multiple_of(BLOCK) {
            let redrawn = self.rand(BLOCK);
            let tail = &mut values[n - BLOCK..];
            tail.copy_from_slice(&redrawn);
            box_muller_f32(tail, mean, std);
        }
        values
    }

    /// Returns `torch.randn(n, dtype=torch.float64)`, by the same two methods as [`Generator::normal`].
    pub fn randn_f64(&mut self, n: usize) -> Vec<f64> {
        if n < BLOCK {
            return (0..n).map(|_| self.pair_normal()).collect();
        }
        let mut values = self.rand_f64(n);
        for block in values.chunks_exact_mut(BLOCK) {
            box_muller_f64(block);
        }
        if !n.is_multiple_of(BLOCK) {
            let redrawn = self.rand_f64(BLOCK);
            let tail = &mut values[n - BLOCK..];
            tail.copy_from_slice(&redrawn);
            box_muller_f64(tail);
        }
        values
    }

    /// Returns one element of `torch.randint(low, high, …)`: the remainder of a 32-bit word, of a 64-bit
    /// word for ranges of 2²⁸ and more, which is slightly biased.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        assert!(low < high, "the range of randint is not empty");
        let range = high.abs_diff(low);
        let word = if range < WIDE_RANGE {
            u64::from(self.words.next_u32())
        } else {
            self.words.next_u64()
        };
        low.wrapping_add_unsigned(word % range)
    }

    /// Returns `torch.randperm(n)`: from the front, each element is swapped with one at or after it,
    /// chosen by the remainder of a 32-bit word, which is slightly biased.
    ///
    /// # Panics
    /// If `n` is 2³² / 20 or more, where PyTorch uses another algorithm.
    pub fn randperm(&mut self, n: usize) -> Vec<usize> {
        assert!(n < (u32::MAX / 20) as usize, "`n` is below 2^32 / 20");
        let mut order: Vec<usize> = (0..n).collect();
        for i in 0..n.saturating_sub(1) {
            order.swap(i, i + self.words.next_u32() as usize % (n - i));
        }
        order
    }

    /// Returns a multiple of 2⁻²⁴ from the low 24 bits of a word; an `f32` represents it exactly.
    fn unit_f32(&mut self) -> f32 {
        (self.words.next_u32() & 0x00ff_ffff) as f32 / 16_777_216.0
    }

    /// Returns a multiple of 2⁻⁵³ from the low 53 bits of two words.
    fn unit_f64(&mut self) -> f64 {
        (self.words.next_u64() & ((1 << 53) - 1)) as f64 / 9_007_199_254_740_992.0
    }

    /// Returns one of a pair of Box-Muller normals: first the cosine, at the next call the sine.
    fn pair_normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        let (u1, u2) = (self.unit_f64(), self.unit_f64());
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let theta = 2.0 * PI * u1;
        self.spare_normal = Some(radius * theta.sin());
        radius * theta.cos()
    }
}

/// Converts 16 uniform numbers to normals; elements `j` and `j + 8` are a pair.
fn box_muller_f32(block: &mut [f32], mean: f32, std: f32) {
    let (radii, angles) = block.split_at_mut(BLOCK / 2);
    for (u1, u2) in radii.iter_mut().zip(angles) {
        let radius = (-2.0 * cephes::log(1.0 - *u1)).sqrt();
        let (sin, cos) = cephes::sin_cos(std::f32::consts::TAU * *u2);
        *u1 = libm::fmaf(radius * cos, std, mean);
        *u2 = libm::fmaf(radius * sin, std, mean);
    }
}

/// Does the same in double precision, with the functions of the C library.
fn box_muller_f64(block: &mut [f64]) {
    let (radii, angles) = block.split_at_mut(BLOCK / 2);
    for (u1, u2) in radii.iter_mut().zip(angles) {
        let radius = (-2.0 * (1.0 - *u1).ln()).sqrt();
        let theta = 2.0 * PI * *u2;
        *u1 = radius * theta.cos();
        *u2 = radius * theta.sin();
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is intended")]
fn round(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares draws with seed 1 with those of PyTorch 2.13.0, bit for bit.
    #[track_caller]
    fn check(draw: impl Fn(&mut Generator) -> Vec<f32>, positions: &[(usize, f32)]) {
        let values = draw(&mut Generator::manual_seed(1));
        for &(position, expected) in positions {
            let found = values[position];
            assert_eq!(found.to_bits(), expected.to_bits(), "[{position}] is {found}");
        }
    }

    #[test]
    fn short_normals_come_in_pairs_of_doubles() {
        let short = [(0, 0.661_352_16), (1, 0.266_924_1), (7, 0.381_683_92)];
        check(|g| g.normal(8, 0.0, 1.0), &short);
        check(|g| g.normal(15, 0.0, 1.0), &[short[0], short[2], (14, 0.422_415_32)]);
    }

    #[test]
    fn long_normals_come_in_blocks_of_sixteen() {
        check(
            |g| g.normal(16, 0.0, 1.0),
            &[(0, -1.525_595_9), (8, -0.712_144_6), (15, 0.467_635_5)],
        );
        let long = [(768, -0.932_598), (1446, -0.526_422_8), (1535, -1.533_561_5)];
        check(|g| g.normal(1536, 0.0, 1.0), &long);
        check(|g| g.normal(300, 1.0, 0.02), &[(0, 0.969_488_1), (150, 1.011_027_5)]);
    }

    #[test]
    fn other_lengths_draw_the_last_sixteen_again() {
        check(|g| g.normal(313, 0.0, 1.0), &[(156, 1.746_019_1), (312, 0.774_396)]);
        check(|g| g.normal(300, 1.0, 0.02), &[(299, 1.003_026_6)]);
    }

    #[test]
    fn uniform_draws_use_the_low_bits_of_words() {
        check(|g| g.rand(300), &[(0, 0.757_631_6), (1, 0.279_310_88), (299, 0.221_020_88)]);
        check(|g| g.uniform(20, -0.1, 0.1), &[(0, 0.051_526_32), (19, 0.031_119_013)]);
        let doubles = Generator::manual_seed(1).rand_f64(2);
        assert_eq!(doubles, [0.061_053_274_719_623_63, 0.224_554_506_567_650_4]);
    }

    #[test]
    fn double_normals_are_close_to_those_of_pytorch() {
        let mut found = Generator::manual_seed(1).randn_f64(2);
        let blocks = Generator::manual_seed(1).randn_f64(20);
        found.extend([blocks[0], blocks[19]]);
        let expected = [
            0.661_352_171_570_452_2,
            0.266_924_098_292_518_8,
            -0.311_289_554_190_032_07,
            2.574_546_178_223_919,
        ];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
        }
    }

    #[test]
    fn permutations_and_whole_numbers_repeat_pytorch() {
        let mut generator = Generator::manual_seed(1);
        let drawn = [(); 3].map(|()| generator.random_i64());
        assert_eq!(
            drawn,
            [7_692_698_082_559_361_259, 4_064_269_471_072_392_264, 2_109_959_069_025_161]
        );
        assert_eq!(Generator::manual_seed(1).randperm(10), [5, 6, 1, 2, 0, 8, 9, 3, 7, 4]);
        assert_eq!(Generator::manual_seed(1).randperm(0), [0; 0]);
        let long = Generator::manual_seed(1).randperm(100_000);
        assert_eq!([long[0], long[1], long[2], long[99_999]], [95_845, 18_969, 32_002, 61_140]);
    }

    #[test]
    fn whole_numbers_of_a_range_repeat_pytorch() {
        let draw = |low, high| {
            let mut generator = Generator::manual_seed(1);
            [(); 3].map(|()| generator.randint(low, high))
        };
        assert_eq!(draw(0, 43_264), [9_509, 42_987, 4_748]);
        assert_eq!(draw(-3, 4), [-3, 0, 1]);
        assert_eq!(draw(0, (1 << 28) - 5), [180_483_139, 256_344_374, 140_980_163]);
        assert_eq!(draw(0, (1 << 29) - 5), [227_912_052, 517_703_369, 33_069_926]);
        assert_eq!(draw(0, 1 << 33), [8_577_843_435, 4_005_303_368, 4_845_257_609]);
    }

    #[test]
    fn an_unpaired_normal_is_kept_for_the_next_call() {
        let whole = Generator::manual_seed(1).normal(8, 0.0, 1.0);
        let mut generator = Generator::manual_seed(1);
        let mut parts = generator.normal(3, 0.0, 1.0);
        parts.extend(generator.normal(5, 0.0, 1.0));
        assert_eq!(parts, whole);
    }

    #[test]
    fn only_the_low_half_of_a_seed_is_used() {
        assert_eq!(Generator::manual_seed(1 << 32 | 5), Generator::manual_seed(5));
    }
}
