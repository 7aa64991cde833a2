//! Named, counter-based random streams: the only source of randomness in a run.
//!
//! A stream is defined by a seed and a name; the draws of a step do not depend on those of any other
//! step. There is no state between steps, so a resumed run needs none, and two arms with the same seed
//! have the same initial weights, data order and noise.
//!
//! The bits are part of the record format: the known-answer tests below must never change. They are the
//! same on every platform, because every operation is integer arithmetic, correctly rounded, or a
//! function of the `libm` crate. Start from [`Stream::new`].

use std::f64::consts::PI;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use crate::scalar::Seed;

/// Prefix of the key derivation of seeds below 2³².
const DOMAIN: &[u8] = b"reprise stream 1";

/// Prefix of the key derivation of larger seeds.
const LARGE_DOMAIN: &[u8] = b"reprise stream 2";

/// A named stream of a seed; drawing from it does not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u8; 32],
}

impl Stream {
    /// Returns the stream `name` of `seed`: its `ChaCha8` key is the SHA-256 of the 16 bytes
    /// `reprise stream 1`, the seed as four little-endian bytes, and the name. A seed from 2³² on takes eight
    /// bytes after `reprise stream 2`.
    pub fn new(seed: Seed, name: &str) -> Self {
        let mut hash = Sha256::new();
        if let Ok(small) = u32::try_from(seed.0) {
            hash.update(DOMAIN);
            hash.update(small.to_le_bytes());
        } else {
            hash.update(LARGE_DOMAIN);
            hash.update(seed.0.to_le_bytes());
        }
        hash.update(name.as_bytes());
        Self { key: hash.finalize().into() }
    }

    /// Returns the draws of `step` from the first one on: the `ChaCha8` nonce is the step.
    pub fn at(&self, step: u64) -> Draws {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(step);
        Draws { rng }
    }
}

/// The draws of one step of a stream. Every draw takes whole 64-bit words.
#[derive(Clone, Debug)]
pub struct Draws {
    rng: ChaCha8Rng,
}

impl Draws {
    /// Returns the next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Returns a multiple of 2⁻⁵³ in [0, 1), from the upper 53 of 64 bits.
    pub fn next_unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Fills `out` with [`Draws::next_unit`] values.
    pub fn fill_uniform(&mut self, out: &mut [f64]) {
        for value in out {
            *value = self.next_unit();
        }
    }

    /// Returns a uniform number below `n`: the low bits of a word, as many as `n − 1` has, drawn again
    /// while they are too large.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "`n` is above 0");
        let mask = u64::MAX.checked_shr((n - 1).leading_zeros()).unwrap_or(0);
        loop {
            let draw = self.next_u64() & mask;
            if draw < n {
                return draw;
            }
        }
    }

    /// Returns `n` standard normal numbers by Box and Muller in `f64`, rounded to `f32` at the end.
    ///
    /// A pair takes two uniform numbers: `r = sqrt(-2 ln(1 - u1))`, then `r cos(2πu2)` and
    /// `r sin(2πu2)`. If `n` is odd, the last sine is dropped, so each call starts a new pair.
    pub fn normal(&mut self, n: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(n + 1);
        while values.len() < n {
            let radius = (-2.0 * libm::log(1.0 - self.next_unit())).sqrt();
            let angle = 2.0 * PI * self.next_unit();
            values.push(round(radius * libm::cos(angle)));
            values.push(round(radius * libm::sin(angle)));
        }
        values.truncate(n);
        values
    }

    /// Returns a uniformly random permutation of `0..n`: Fisher-Yates from the back, the element to
    /// swap with chosen by [`Draws::below`].
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            let chosen = self.below(last as u64 + 1);
            order.swap(last, usize::try_from(chosen).expect("the draw is an index"));
        }
        order
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is intended")]
fn round(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Compares the first draws of a step with bits that must never change. A second implementation
    /// computed the same bits from the description above.
    #[track_caller]
    fn check(seed: u64, name: &str, step: u64, words: [u64; 3]) {
        let mut draws = Stream::new(Seed(seed), name).at(step);
        let found = [(); 3].map(|()| draws.next_u64());
        assert_eq!(found, words, "{found:#x?}");
    }

    #[test]
    fn the_words_of_a_stream_never_change() {
        check(
            1,
            "noise.posterior",
            0,
            [0xdea3_8b49_a1f4_c07a, 0xfae9_53cc_227a_75a1, 0xaa46_6b2a_9efc_d61d],
        );
        check(
            1,
            "noise.posterior",
            u64::MAX,
            [0x0d17_bc5a_d2c2_810a, 0x5001_fbf0_d592_d491, 0x26c1_c7c7_3cc0_847b],
        );
        check(
            2,
            "noise.posterior",
            0,
            [0x4cbb_5fae_e037_033a, 0x6679_f5f5_460e_bfd7, 0xfacb_0f32_a12f_b68a],
        );
        check(
            1 << 32,
            "noise.posterior",
            0,
            [0x55d5_6b2b_9b75_ca75, 0x60a4_6482_fac2_88f4, 0xdf42_5d98_7c5a_1aaf],
        );
        check(
            Seed::MAX.0,
            "noise.posterior",
            7,
            [0x9a87_e41a_121f_adec, 0x7d05_556e_c4e5_7a4f, 0x775c_5610_6d0f_438e],
        );
        check(1, "", 0, [0x8ac5_4793_b713_aebc, 0x475a_027d_ba0a_1e5a, 0xd6dc_93e0_6e55_7844]);
    }

    #[test]
    fn the_normals_of_a_stream_never_change() {
        let normals = Stream::new(Seed(1), "noise.posterior").at(7).normal(5);
        let bits: Vec<u32> = normals.iter().map(|value| value.to_bits()).collect();
        assert_eq!(
            bits,
            [0x3f57_1767, 0x3f90_f1c2, 0xbf76_6540, 0xbfd6_5d47, 0xbf8d_d9f8],
            "{bits:#x?}"
        );
    }

    #[test]
    fn the_permutations_of_a_stream_never_change() {
        let order = Stream::new(Seed(1), "data.order").at(0).permutation(10);
        assert_eq!(order, [7, 3, 0, 2, 6, 1, 8, 5, 4, 9]);
        let units = Stream::new(Seed(1), "data.order").at(3).next_unit();
        assert_eq!(units.to_bits(), 0x3fd1_2964_df46_7b42, "{:#x}", units.to_bits());
    }

    #[test]
    fn filling_draws_one_unit_after_the_other() {
        let stream = Stream::new(Seed(3), "coin");
        let (mut filled, mut draws) = ([0.0; 9], stream.at(1));
        stream.at(1).fill_uniform(&mut filled);
        assert_eq!(filled.map(f64::to_bits), [(); 9].map(|()| draws.next_unit().to_bits()));
    }

    #[test]
    fn normals_have_the_moments_of_a_standard_normal() {
        let values = Stream::new(Seed(1), "moments").at(0).normal(100_000);
        let mean = |f: fn(f64) -> f64| {
            values.iter().map(|&value| f(f64::from(value))).sum::<f64>() / values.len() as f64
        };
        assert!(mean(|x| x).abs() < 0.01);
        assert!((mean(|x| x * x) - 1.0).abs() < 0.02);
        assert!(mean(|x| x * x * x).abs() < 0.05);
        assert!((mean(|x| x * x * x * x) - 3.0).abs() < 0.1);
    }

    #[test]
    fn every_order_of_three_is_equally_likely() {
        let stream = Stream::new(Seed(1), "orders");
        let mut counts = std::collections::BTreeMap::new();
        for step in 0..6_000 {
            *counts.entry(stream.at(step).permutation(3)).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (count - 1_000).abs() < 150), "{counts:?}");
    }

    proptest! {
        #[test]
        fn draws_below_a_number_are_below_it(seed: u64, step: u64, n in 1_u64..) {
            prop_assert!(Stream::new(Seed(seed), "below").at(step).below(n) < n);
        }

        #[test]
        fn units_lie_in_the_half_open_interval(seed: u64, step: u64) {
            let unit = Stream::new(Seed(seed), "unit").at(step).next_unit();
            prop_assert!((0.0..1.0).contains(&unit));
        }

        #[test]
        fn streams_differ_by_step_name_and_seed(seed: u64, step: u64) {
            let word = |seed, name, step| Stream::new(Seed(seed), name).at(step).next_u64();
            let here = word(seed, "a", step);
            prop_assert_ne!(here, word(seed, "a", step.wrapping_add(1)));
            prop_assert_ne!(here, word(seed, "b", step));
            prop_assert_ne!(here, word(seed.wrapping_add(1), "a", step));
        }
    }
}
