//! Numbers as text: a fixed number of decimals per column, a true minus sign, an en dash for absent
//! values.

use reprise_base::stats::summary::Summary;

/// Shown for an absent value.
pub(super) const ABSENT: &str = "\u{2013}";

/// Significant digits of the largest value of a column.
const SIGNIFICANT: i32 = 4;
/// Fewest and most decimals of a column.
const DECIMALS: std::ops::RangeInclusive<i32> = 2..=6;
/// Most decimals of an axis label.
const TICK_DECIMALS: usize = 6;

/// Returns the decimals that show the largest of `values` with four significant digits, at least two and
/// at most six.
pub(super) fn decimals(values: impl IntoIterator<Item = f64>) -> usize {
    let largest =
        values.into_iter().filter(|value| value.is_finite()).map(f64::abs).fold(0.0, f64::max);
    if largest == 0.0 {
        return 2;
    }
    let leading = magnitude(largest);
    let decimals = (SIGNIFICANT - 1 - leading).clamp(*DECIMALS.start(), *DECIMALS.end());
    usize::try_from(decimals).unwrap_or(0)
}

/// Returns the exponent of the leading decimal digit of a positive finite number.
#[expect(clippy::cast_possible_truncation, reason = "a decimal exponent of an f64 fits an i32")]
pub(super) fn magnitude(value: f64) -> i32 {
    value.log10().floor() as i32
}

/// Returns `value` with `decimals` decimals; an en dash if it is not finite.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if value < 0.0 && !is_zero { format!("\u{2212}{digits}") } else { digits }
}

/// Returns a mean and, if there is one, its standard deviation: `20.40 ± 0.30`.
pub(super) fn with_spread(summary: &Summary, decimals: usize) -> String {
    let spread = summary.standard_deviation.map(|std| format!(" \u{b1} {}", fixed(std, decimals)));
    format!("{}{}", fixed(summary.mean, decimals), spread.unwrap_or_default())
}

/// Returns `value` with `decimals` decimals and its sign, `+` included.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    if value.is_finite() && value > 0.0 {
        format!("+{}", fixed(value, decimals))
    } else {
        fixed(value, decimals)
    }
}

/// Returns an axis label without trailing zeros.
pub(super) fn tick(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        // Three decimals hide the rounding error of multiples of a step.
        let text = format!("{value:.3e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        return format!("{mantissa}e{exponent}").replace('-', "\u{2212}");
    }
    let text = fixed(value, TICK_DECIMALS);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Returns an integer with thin spaces between groups of three digits.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actual: &str, expected: &str) {
        assert_eq!(actual, expected);
    }

    #[test]
    fn values_that_are_not_finite_show_as_an_en_dash() {
        check(&fixed(f64::NAN, 2), "\u{2013}");
        check(&signed(f64::INFINITY, 2), "\u{2013}");
    }

    #[test]
    fn zero_has_no_sign() {
        check(&fixed(-0.001, 2), "0.00");
        check(&signed(0.0, 1), "0.0");
    }

    #[test]
    fn signs_are_typographic() {
        check(&signed(-1.25, 2), "\u{2212}1.25");
        check(&signed(1.25, 2), "+1.25");
    }

    #[test]
    fn a_column_shows_four_significant_digits() {
        assert_eq!(decimals([19.7, 3.0]), 2);
        assert_eq!(decimals([0.78]), 4);
        assert_eq!(decimals([0.0107, f64::NAN]), 5);
        assert_eq!(decimals([12_345.0]), 2);
        assert_eq!(decimals([]), 2);
    }

    #[test]
    fn axis_labels_carry_no_trailing_zeros() {
        check(&tick(0.50), "0.5");
        check(&tick(200.0), "200");
        check(&tick(0.000_02), "2e\u{2212}5");
        check(&tick(0.000_3 + 5e-20), "3e\u{2212}4");
        check(&tick(0.000_95), "9.5e\u{2212}4");
    }

    #[test]
    fn long_counts_are_grouped() {
        check(&grouped(1_234_567), "1\u{202f}234\u{202f}567");
        check(&grouped(12), "12");
    }
}
