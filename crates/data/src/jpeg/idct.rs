//! Integer inverse DCTs, bit-equal to libjpeg's.
//!
//! Both transform the columns first, then the rows, with [`PASS_BITS`] fractional bits in between.
//! The constants and the order of roundings define the result. Arithmetic is in 64 bits, so that no
//! damaged coefficient overflows.

use super::coefficients::{BLOCK_SIDE, Component, DctBlock};

/// The inverse DCT that turns coefficients into samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dct {
    /// The fast one (`JDCT_IFAST`), TensorFlow's default.
    #[default]
    Fast,
    /// The accurate one (`JDCT_ISLOW`), libjpeg's default.
    Accurate,
}

/// Fractional bits between the passes (`PASS1_BITS`).
const PASS_BITS: u32 = 2;

/// Returns the samples of a component, `[8 · rows of blocks, 8 · stride]`.
pub(super) fn samples(component: &Component, dct: Dct) -> Vec<u8> {
    let steps = component.steps.expect("a component that was read has quantization steps");
    let width = component.stride * BLOCK_SIDE;
    let mut samples = vec![0; component.coefficients.len() * BLOCK_SIDE * BLOCK_SIDE];
    let transform = match dct {
        Dct::Fast => fast_block,
        Dct::Accurate => accurate_block,
    };
    let steps = match dct {
        Dct::Fast => fast_steps(&steps),
        Dct::Accurate => steps.map(i64::from),
    };
    for (number, block) in component.coefficients.iter().enumerate() {
        let (row, column) = (number / component.stride, number % component.stride);
        let start = (row * width + column) * BLOCK_SIDE;
        let block = transform(block, &steps);
        for (y, line) in block.chunks_exact(BLOCK_SIDE).enumerate() {
            let start = start + y * width;
            for (sample, &value) in samples[start..start + BLOCK_SIDE].iter_mut().zip(line) {
                *sample = u8::try_from((value + 128).clamp(0, 255)).expect("a clamped byte");
            }
        }
    }
    samples
}

/// Transforms eight columns, then eight rows.
fn both_passes(
    block: &DctBlock,
    steps: &[i64; 64],
    columns: impl Fn([i64; 8]) -> [i64; 8],
    rows: impl Fn([i64; 8]) -> [i64; 8],
) -> [i64; 64] {
    let mut values = [0; 64];
    for x in 0..BLOCK_SIDE {
        let column = std::array::from_fn(|y| {
            let at = y * BLOCK_SIDE + x;
            i64::from(block[at]) * steps[at]
        });
        for (y, value) in columns(column).into_iter().enumerate() {
            values[y * BLOCK_SIDE + x] = value;
        }
    }
    for line in values.as_chunks_mut::<BLOCK_SIDE>().0 {
        *line = rows(*line);
    }
    values
}

/// The accurate transform (`jidctint.c`): Loeffler, Ligtenberg and Moschytz, 13-bit constants.
fn accurate_block(block: &DctBlock, steps: &[i64; 64]) -> [i64; 64] {
    both_passes(
        block,
        steps,
        |column| accurate(column).map(|sum| descale(sum, CONST_BITS - PASS_BITS)),
        |row| accurate(row).map(|sum| descale(sum, CONST_BITS + PASS_BITS + 3)),
    )
}

/// Fractional bits of the accurate transform's constants.
const CONST_BITS: u32 = 13;

/// Shifts right and rounds half up.
const fn descale(value: i64, bits: u32) -> i64 {
    (value + (1 << (bits - 1))) >> bits
}

/// One pass; results have [`CONST_BITS`] more fractional bits.
fn accurate(c: [i64; 8]) -> [i64; 8] {
    // Even part.
    let z1 = (c[2] + c[6]) * 4433; // 0.541196100
    let t2 = z1 - c[6] * 15137; // 1.847759065
    let t3 = z1 + c[2] * 6270; // 0.765366865
    let t0 = (c[0] + c[4]) << CONST_BITS;
    let t1 = (c[0] - c[4]) << CONST_BITS;
    let even = [t0 + t3, t1 + t2, t1 - t2, t0 - t3];

    // Odd part.
    let z5 = (c[7] + c[3] + c[5] + c[1]) * 9633; // 1.175875602
    let z1 = -(c[7] + c[1]) * 7373; // 0.899976223
    let z2 = -(c[5] + c[3]) * 20995; // 2.562915447
    let z3 = -(c[7] + c[3]) * 16069 + z5; // 1.961570560
    let z4 = -(c[5] + c[1]) * 3196 + z5; // 0.390180644
    let odd = [
        c[1] * 12299 + z1 + z4, // 1.501321110
        c[3] * 25172 + z2 + z3, // 3.072711026
        c[5] * 16819 + z2 + z4, // 2.053119869
        c[7] * 2446 + z1 + z3,  // 0.298631336
    ];
    butterfly(even, odd)
}

/// The fast transform (`jidctfst.c`): Arai, Agui and Nakajima, 8-bit constants, no rounding.
fn fast_block(block: &DctBlock, steps: &[i64; 64]) -> [i64; 64] {
    both_passes(block, steps, fast, |row| fast(row).map(|sum| sum >> (PASS_BITS + 3)))
}

/// Scale factors of the fast transform in units of 2^-14: row factor times column factor.
#[rustfmt::skip]
const FAST_SCALES: [i64; 64] = [
    16384, 22725, 21407, 19266, 16384, 12873,  8867,  4520,
    22725, 31521, 29692, 26722, 22725, 17855, 12299,  6270,
    21407, 29692, 27969, 25172, 21407, 16819, 11585,  5906,
    19266, 26722, 25172, 22654, 19266, 15137, 10426,  5315,
    16384, 22725, 21407, 19266, 16384, 12873,  8867,  4520,
    12873, 17855, 16819, 15137, 12873, 10114,  6967,  3552,
     8867, 12299, 11585, 10426,  8867,  6967,  4799,  2446,
     4520,  6270,  5906,  5315,  4520,  3552,  2446,  1247,
];

/// Multiplies the quantization steps by the scale factors; results have [`PASS_BITS`] fractional bits.
fn fast_steps(steps: &[u16; 64]) -> [i64; 64] {
    std::array::from_fn(|at| descale(i64::from(steps[at]) * FAST_SCALES[at], 14 - PASS_BITS))
}

fn fast(c: [i64; 8]) -> [i64; 8] {
    let times = |value: i64, constant: i64| (value * constant) >> 8;
    // Even part.
    let (t10, t11) = (c[0] + c[4], c[0] - c[4]);
    let t13 = c[2] + c[6];
    let t12 = times(c[2] - c[6], 362) - t13; // 1.414213562
    let even = [t10 + t13, t11 + t12, t11 - t12, t10 - t13];

    // Odd part.
    let (z13, z10) = (c[5] + c[3], c[5] - c[3]);
    let (z11, z12) = (c[1] + c[7], c[1] - c[7]);
    let z5 = times(z10 + z12, 473); // 1.847759065
    let t7 = z11 + z13;
    let t6 = times(z10, -669) + z5 - t7; // 2.613125930
    let t5 = times(z11 - z13, 362) - t6; // 1.414213562
    let t4 = times(z12, 277) - z5 + t5; // 1.082392200
    // The original swaps the last pair: row 4 takes the sum, row 3 the difference.
    butterfly(even, [t7, t6, t5, -t4])
}

/// Returns the sums in order, then the differences in reverse order.
fn butterfly(even: [i64; 4], odd: [i64; 4]) -> [i64; 8] {
    std::array::from_fn(|at| if at < 4 { even[at] + odd[at] } else { even[7 - at] - odd[7 - at] })
}
