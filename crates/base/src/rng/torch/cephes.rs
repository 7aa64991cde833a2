//! Single-precision logarithm, sine and cosine, bit-equal to those of PyTorch's AVX2 normal kernel.
//!
//! The polynomials are those of Moshier's Cephes library in the vector form of Pommier's
//! `sse_mathfun`. PyTorch compiles that code with contraction: a product that is only used in a sum
//! becomes a fused operation, written as [`fma`] here. On processors other than x86 with AVX2, PyTorch
//! uses other code with other last bits.

/// `a * b + c`, rounded once.
fn fma(a: f32, b: f32, c: f32) -> f32 {
    libm::fmaf(a, b, c)
}

/// Horner evaluation with fused operations, highest coefficient first.
fn polynomial(coefficients: &[f32], x: f32) -> f32 {
    let (highest, rest) = coefficients.split_first().expect("a polynomial has a coefficient");
    rest.iter().fold(*highest, |sum, &coefficient| fma(sum, x, coefficient))
}

const LOG: [f32; 9] = [
    0.070_376_836,
    -0.115_146_1,
    0.116_769_984,
    -0.124_201_41,
    0.142_493_23,
    -0.166_680_57,
    0.200_007_14,
    -0.249_999_94,
    0.333_333_3,
];
/// ln 2 in two parts: the first has few bits, the second is the remainder.
const LN_2: [f32; 2] = [0.693_359_4, -0.000_212_194_44];

/// Natural logarithm; smaller numbers count as the smallest positive normal one.
pub(super) fn log(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let mut mantissa = f32::from_bits(bits & 0x807f_ffff | 0.5_f32.to_bits()); // in [0.5, 1)
    let mut exponent = f32::from(u16::try_from(bits >> 23).expect("8 bits of exponent")) - 126.0;
    if mantissa < std::f32::consts::FRAC_1_SQRT_2 {
        exponent -= 1.0;
        mantissa = (mantissa - 1.0) + mantissa;
    } else {
        mantissa -= 1.0;
    }
    let x = mantissa;
    let z = x * x;
    let y = polynomial(&LOG, x) * x;
    let y = fma(y, z, exponent * LN_2[1]);
    let y = fma(-z, 0.5, y);
    fma(exponent, LN_2[0], x + y)
}

/// −π/4 in three parts; the first two have few bits.
const MINUS_PI_4: [f32; 3] = [-0.785_156_25, -0.000_241_875_65, -3.774_895e-8];
const SIN: [f32; 3] = [-0.000_195_152_96, 0.008_332_161, -0.166_666_55];
const COS: [f32; 3] = [2.443_315_7e-5, -0.001_388_731_6, 0.041_666_646];

/// Sine and cosine of an angle in [0, 8192).
#[expect(clippy::cast_possible_truncation, reason = "the octant is a small whole number")]
pub(super) fn sin_cos(angle: f32) -> (f32, f32) {
    // 4/π as in the original; the octant is rounded up to an even one.
    let octant = ((angle * 1.273_239_5) as i32 + 1) & !1;
    let x = MINUS_PI_4.iter().fold(angle, |x, &part| fma(octant as f32, part, x));
    let z = x * x;
    let near_zero = fma(polynomial(&SIN, z) * z, x, x); // sin x
    let near_one = fma(polynomial(&COS, z) * z, z, -(z * 0.5)) + 1.0; // cos x
    let (sin, cos) = if octant & 2 == 0 { (near_zero, near_one) } else { (near_one, near_zero) };
    let sin = if octant & 4 == 0 { sin } else { -sin };
    let cos = if (octant - 2) & 4 == 0 { -cos } else { cos };
    (sin, cos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_logarithm_is_within_two_units_of_the_last_place(x in 1e-7_f32..=1.0) {
            let exact = libm::log(f64::from(x));
            prop_assert!((f64::from(log(x)) - exact).abs() <= 2.4e-7 * exact.abs().max(1e-7));
        }

        #[test]
        fn sine_and_cosine_are_within_a_few_units_of_one(angle in 0.0_f32..6.3) {
            let (sin, cos) = sin_cos(angle);
            let (exact_sin, exact_cos) = libm::sincos(f64::from(angle));
            prop_assert!((f64::from(sin) - exact_sin).abs() < 2e-7);
            prop_assert!((f64::from(cos) - exact_cos).abs() < 2e-7);
        }
    }

    #[test]
    fn the_logarithm_of_one_is_zero() {
        assert_eq!(log(1.0).to_bits(), 0);
        assert!(log(0.0) < -87.0, "zero is cut off at the smallest normal number");
    }
}
