//! The fill recipe of reference cases: large tensors that any language can compute to the same bits.
//!
//! A case stores the name of a tensor and the kind of fill instead of the elements; element `i` depends
//! only on the name and on `i`. The numbers are repeatable but statistically weak, so training does not
//! use them. Start from [`uniform`].
//!
//! ```
//! use reprise_base::rng::fill;
//!
//! assert_eq!(fill::unit("selftest/x", 0), 0.7890307903289795);
//! assert_eq!(fill::uniform("selftest/x", 2, 0.0, 1.0), [0.789_030_8, 0.028_378_308]);
//! ```

/// Step between the states of adjacent elements: 2^64 divided by the golden ratio, rounded to odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Value of the lowest of the 24 bits of a draw.
const UNIT: f64 = 1.0 / 16_777_216.0; // 2^-24

/// Number of uniform draws in one bell-shaped value.
const DRAWS: u64 = 12;

/// Returns the 64-bit FNV-1a hash of `bytes`.
pub fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Mixes the bits of `z` (the finalizer of `SplitMix64`).
pub const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns draw `i` of the tensor called `name`: a multiple of 2^-24 in [0, 1).
pub fn unit(name: &str, i: u64) -> f64 {
    unit_of_hash(fnv1a64(name.as_bytes()), i)
}

/// Returns `n` elements `f32(lo + (hi - lo) * unit)`, computed in f64 and rounded once.
pub fn uniform(name: &str, n: usize, lo: f64, hi: f64) -> Vec<f32> {
    uniform_at(name, 0..n as u64, lo, hi)
}

/// Returns the elements of [`uniform`] at `indices`.
pub fn uniform_at(
    name: &str,
    indices: impl IntoIterator<Item = u64>,
    lo: f64,
    hi: f64,
) -> Vec<f32> {
    let hash = fnv1a64(name.as_bytes());
    let width = hi - lo;
    indices.into_iter().map(|i| single(lo + width * unit_of_hash(hash, i))).collect()
}

/// Returns `n` bell-shaped elements of mean 0: `std` times (the sum of twelve draws, minus 6).
pub fn normalish(name: &str, n: usize, std: f64) -> Vec<f32> {
    normalish_at(name, 0..n as u64, std)
}

/// Returns the elements of [`normalish`] at `indices`.
pub fn normalish_at(name: &str, indices: impl IntoIterator<Item = u64>, std: f64) -> Vec<f32> {
    let hash = fnv1a64(name.as_bytes());
    indices
        .into_iter()
        .map(|i| {
            let first = DRAWS * i;
            // Multiples of 2^-24 below 12: the sum is exact in any order.
            let sum: f64 = (first..first + DRAWS).map(|k| unit_of_hash(hash, k)).sum();
            single(std * (sum - 6.0))
        })
        .collect()
}

/// Returns `n` times `f32(c)`.
pub fn constant(n: usize, c: f64) -> Vec<f32> {
    vec![single(c); n]
}

/// Returns `n` bytes `floor(256 * unit)`.
pub fn bytes(name: &str, n: usize) -> Vec<u8> {
    let hash = fnv1a64(name.as_bytes());
    (0..n as u64).map(|i| (draw(hash, i) >> 16).to_le_bytes()[0]).collect()
}

/// Returns the indices `0..n` sorted by (their draw, themselves).
pub fn permutation(name: &str, n: usize) -> Vec<i64> {
    let hash = fnv1a64(name.as_bytes());
    let mut keyed: Vec<(u64, u64)> = (0..n as u64).map(|i| (draw(hash, i), i)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, i)| i.cast_signed()).collect()
}

/// Returns the 24 bits of draw `i`.
const fn draw(hash: u64, i: u64) -> u64 {
    mix(hash.wrapping_add(i.wrapping_add(1).wrapping_mul(GAMMA))) >> 40
}

fn unit_of_hash(hash: u64, i: u64) -> f64 {
    draw(hash, i) as f64 * UNIT
}

#[expect(clippy::cast_possible_truncation, reason = "the recipe rounds to f32 here")]
fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_self_test_of_the_format_holds() {
        assert_eq!(unit("selftest/x", 0).to_bits(), 0.789_030_790_328_979_5_f64.to_bits());
        assert_eq!(unit("selftest/x", 1).to_bits(), 0.028_378_307_819_366_455_f64.to_bits());
    }

    #[test]
    fn the_hash_of_nothing_is_the_offset_basis() {
        assert_eq!(fnv1a64(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a64(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn every_kind_agrees_with_its_definition_element_by_element() {
        let name = "any/name";
        for (i, value) in (0_u64..).zip(uniform(name, 100, -0.25, 0.5)) {
            assert_eq!(value.to_bits(), single(-0.25 + 0.75 * unit(name, i)).to_bits());
        }
        for (i, value) in (0_u64..).zip(normalish(name, 100, 0.02)) {
            let sum: f64 = (0..12).map(|k| unit(name, 12 * i + k)).sum();
            assert_eq!(value.to_bits(), single(0.02 * (sum - 6.0)).to_bits());
        }
        for (i, value) in (0_u64..).zip(bytes(name, 100)) {
            assert!((f64::from(value) - (256.0 * unit(name, i)).floor()).abs() < 0.5);
        }
        assert_eq!(constant(3, 0.1), [0.1; 3]);
    }

    #[test]
    fn a_permutation_holds_every_index_once_in_the_order_of_its_draws() {
        let order = permutation("any/name", 1000);
        let draws: Vec<f64> = order.iter().map(|&i| unit("any/name", i.cast_unsigned())).collect();
        assert!(draws.is_sorted());
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<i64>>());
    }
}
