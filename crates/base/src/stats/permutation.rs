//! The exact permutation test for differences that are paired by seed.

/// Most differences whose signs are all flipped: 2²⁰ sums.
const EXACT_MAX: usize = 20;

/// Returns the probability of a mean at least as far from 0 if every difference were as likely to have the other sign:
/// the share of all 2ⁿ assignments of signs (Fisher 1935, section 21). It assumes that differences are symmetric
/// around 0, but nothing of their form. `None` for no differences, or for more than 20.
///
/// With n differences, no p-value is below 2 / 2ⁿ: three seeds reach 0.25, six are needed for 0.05.
pub fn sign_flips(differences: &[f64]) -> Option<f64> {
    let n = differences.len();
    if n == 0 || n > EXACT_MAX {
        return None;
    }
    let sum = |signs: u32| -> f64 {
        let sign = |index: usize| if signs >> index & 1 == 0 { 1.0 } else { -1.0 };
        differences.iter().enumerate().map(|(index, value)| sign(index) * value).sum()
    };
    let observed = sum(0).abs();
    // Sums of the same terms with other signs round differently.
    let slack = 1e-12 * differences.iter().map(|value| value.abs()).sum::<f64>();
    let assignments = 1_u32 << n;
    let as_far = (0..assignments).filter(|&signs| sum(signs).abs() >= observed - slack).count();
    Some(as_far as f64 / f64::from(assignments))
}

/// Returns the smallest p-value of [`sign_flips`] with this many differences.
pub fn smallest_p(differences: usize) -> f64 {
    2.0 / 2_f64.powi(i32::try_from(differences).unwrap_or(i32::MAX))
}

/// Returns how many differences [`sign_flips`] needs for a p-value of at most `level`.
pub fn fewest_for(level: f64) -> usize {
    (1..1024).find(|&n| smallest_p(n) <= level).unwrap_or(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with `scipy.stats.permutation_test(permutation_type="samples")` of SciPy 1.18.
    #[track_caller]
    fn check(differences: &[f64], expected: f64) {
        let found = sign_flips(differences).unwrap();
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        check(&[0.31, -0.05, 0.42, 0.18, 0.27, 0.09, 0.55], 0.03125);
        check(&[0.3, 0.2, 0.5], 0.25);
        check(&[0.3, 0.2, 0.5, 0.1, 0.4, 0.6], 0.03125);
        check(&[0.0, 0.0], 1.0);
    }

    #[test]
    fn few_differences_cannot_be_significant() {
        assert_eq!([fewest_for(0.05), fewest_for(0.005)], [6, 9]);
        assert!((smallest_p(3) - 0.25).abs() < 1e-15);
        assert_eq!([sign_flips(&[]), sign_flips(&[1.0; 21])], [None, None]);
    }
}
