//! The Mersenne twister MT19937 (Matsumoto and Nishimura 1998) with its two seeding methods.
//!
//! It returns 32-bit words; the conversion to numbers differs between [`super::numpy`],
//! [`super::python`] and [`super::torch`].

/// Words of the state.
const N: usize = 624;
/// Distance to the word that is mixed in.
const M: usize = 397;
/// Coefficients of the twist.
const MATRIX_A: u32 = 0x9908_b0df;
/// The highest bit, which the twist takes from one word; the other bits come from the next.
const UPPER: u32 = 0x8000_0000;

/// A generator of 32-bit words with period 2¹⁹⁹³⁷ − 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mt19937 {
    state: [u32; N],
    /// Number of words of the state already returned; at `N` a twist is needed.
    used: usize,
}

impl Mt19937 {
    /// Seeds from one word (`init_genrand`), as NumPy does with an integer and PyTorch with the low half
    /// of its seed.
    pub fn from_word(seed: u32) -> Self {
        let mut state = [0; N];
        state[0] = seed;
        for i in 1..N {
            let previous: u32 = state[i - 1];
            // The multiplier is the one of Knuth, TAOCP 2, 3rd edition, page 106.
            state[i] =
                1_812_433_253_u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(word(i));
        }
        Self { state, used: N }
    }

    /// Seeds from a non-empty list of words (`init_by_array`), as Python does with any integer.
    ///
    /// # Panics
    /// If `key` is empty.
    pub fn from_key(key: &[u32]) -> Self {
        assert!(!key.is_empty(), "a key has at least one word");
        let mut state = Self::from_word(19_650_218).state;
        let mix = |state: &[u32; N], i: usize| state[i - 1] ^ (state[i - 1] >> 30);
        let mut i = 1;
        for j in (0..key.len()).cycle().take(N.max(key.len())) {
            state[i] = (state[i] ^ mix(&state, i).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(word(j));
            i = next_index(&mut state, i);
        }
        for _ in 1..N {
            state[i] =
                (state[i] ^ mix(&state, i).wrapping_mul(1_566_083_941)).wrapping_sub(word(i));
            i = next_index(&mut state, i);
        }
        state[0] = UPPER; // so that the state is not all zero
        Self { state, used: N }
    }

    /// Returns the next word.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == N {
            self.twist();
        }
        let mut y = self.state[self.used];
        self.used += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Returns two words as one number, the first one in the high half.
    pub fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        high << 32 | u64::from(self.next_u32())
    }

    /// Returns a multiple of 2⁻⁵³ in [0, 1) from 27 and 26 bits of two words (`genrand_res53`), as
    /// NumPy and Python do.
    pub fn next_res53(&mut self) -> f64 {
        let (a, b) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & UPPER) | (self.state[(i + 1) % N] & !UPPER);
            let odd = if y & 1 == 1 { MATRIX_A } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ odd;
        }
        self.used = 0;
    }
}

/// Steps through `1..N` cyclically; at the end, copies the last word to word 0.
fn next_index(state: &mut [u32; N], i: usize) -> usize {
    if i + 1 < N {
        return i + 1;
    }
    state[0] = state[N - 1];
    1
}

/// Returns an index as a word.
fn word(index: usize) -> u32 {
    u32::try_from(index).expect("a key is far shorter than 2^32 words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mut generator: Mt19937, nth: usize, expected: u32) {
        let word = (0..nth).map(|_| generator.next_u32()).last().expect("nth is at least one");
        assert_eq!(word, expected);
    }

    #[test]
    fn the_default_seed_gives_the_value_in_the_cpp_standard() {
        check(Mt19937::from_word(5489), 10_000, 4_123_659_995);
    }

    #[test]
    fn the_authors_key_gives_the_words_of_their_test_output() {
        let key = [0x123, 0x234, 0x345, 0x456];
        check(Mt19937::from_key(&key), 1, 1_067_595_299);
        check(Mt19937::from_key(&key), 5, 4_228_976_476);
        check(Mt19937::from_key(&key), 1000, 3_460_025_646);
    }

    #[test]
    fn a_key_longer_than_the_state_is_used_to_its_end() {
        let mut key = vec![7; N + 5];
        let first = Mt19937::from_key(&key).next_u32();
        key[N + 4] = 8;
        assert_ne!(Mt19937::from_key(&key).next_u32(), first);
    }
}
