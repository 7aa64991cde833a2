//! Holm's correction for several comparisons (Holm 1979, Scandinavian Journal of Statistics 6, 65–70).

/// Returns the adjusted p-values in the order given. Comparisons whose adjusted value is at most α are found at a
/// probability of at most α that any of them is false.
///
/// ```text
/// p̃(i) = max over j ≤ i of min(1, (m − j + 1) p(j))        p(1) ≤ … ≤ p(m)
/// ```
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let m = p_values.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut adjusted = vec![0.0; m];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max((p_values[index] * (m - rank) as f64).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_are_those_of_statsmodels() {
        // `multipletests(p, method="holm")` of statsmodels 0.15.
        let found = adjusted(&[0.01, 0.04, 0.03, 0.005, 0.2]);
        for (found, expected) in found.iter().zip([0.04, 0.09, 0.09, 0.025, 0.2]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
        assert_eq!(adjusted(&[0.7, 0.6]), [1.0, 1.0]);
        assert!(adjusted(&[]).is_empty());
    }
}
