//! Separable filtering of a plane at the positions where the window fits.

/// Returns the `(height − K + 1) × (width − K + 1)` sums of a plane of `width` columns, weighted with
/// the outer product of `kernel` with itself. The kernels are symmetric, so correlation and
/// convolution are the same.
pub(super) fn valid<const K: usize>(plane: &[f64], width: usize, kernel: &[f64; K]) -> Vec<f64> {
    let height = plane.len() / width;
    let (rows, columns) = (height + 1 - K, width + 1 - K);

    let mut across = vec![0.0; height * columns];
    for (row, out) in plane.chunks_exact(width).zip(across.chunks_exact_mut(columns)) {
        weighted_sum(out, std::array::from_fn(|k| &row[k..k + columns]), kernel);
    }
    let mut filtered = vec![0.0; rows * columns];
    for (y, out) in filtered.chunks_exact_mut(columns).enumerate() {
        weighted_sum(out, std::array::from_fn(|k| &across[(y + k) * columns..][..columns]), kernel);
    }
    filtered
}

/// Writes `Σₖ weights[k] · rows[k][i]` to each `out[i]`, summing in the order of `k`.
fn weighted_sum<const K: usize>(out: &mut [f64], rows: [&[f64]; K], weights: &[f64; K]) {
    let rows = rows.map(|row| &row[..out.len()]); // one bounds check, so that the loop vectorizes
    for i in 0..out.len() {
        let mut sum = 0.0;
        for k in 0..K {
            sum += weights[k] * rows[k][i];
        }
        out[i] = sum;
    }
}

/// Returns the means over `side × side` pixels: [`valid`] for a uniform window of any side.
pub(super) fn valid_means(plane: &[f64], width: usize, side: usize) -> Vec<f64> {
    let height = plane.len() / width;
    let (rows, columns) = (height + 1 - side, width + 1 - side);
    let weight = 1.0 / side as f64;

    let mut across = vec![0.0; height * columns];
    for (row, out) in plane.chunks_exact(width).zip(across.chunks_exact_mut(columns)) {
        for (x, out) in out.iter_mut().enumerate() {
            *out = row[x..x + side].iter().map(|value| weight * value).sum();
        }
    }
    let mut means = vec![0.0; rows * columns];
    for (y, out) in means.chunks_exact_mut(columns).enumerate() {
        for (x, out) in out.iter_mut().enumerate() {
            *out = (y..y + side).map(|row| weight * across[row * columns + x]).sum();
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_filter_sums_every_window_that_fits() {
        let plane = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0];
        assert_eq!(valid(&plane, 4, &[1.0, 1.0]), [14.0, 18.0, 22.0, 30.0, 34.0, 38.0]);
    }

    #[test]
    fn means_are_a_box_filter_of_any_side() {
        let plane: Vec<f64> = (0..42).map(|i| f64::from(i * i % 17)).collect();
        assert_eq!(valid_means(&plane, 7, 3), valid(&plane, 7, &[1.0 / 3.0; 3]));
    }

    #[test]
    fn rows_and_columns_get_the_same_kernel() {
        let mut plane = [0.0; 9];
        plane[4] = 1.0;
        let spread = valid(&plane, 3, &[2.0, 3.0]);
        assert_eq!(spread, [9.0, 6.0, 6.0, 4.0]);
    }
}
