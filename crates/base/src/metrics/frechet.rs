//! The Fréchet distance of two sets of vectors, as in FID (Heusel et al. 2017, arXiv:1706.08500, eq. 6) and FVD
//! (Unterthiner et al. 2018, arXiv:1812.01717, eq. 2).
//!
//! Both sets are described by a normal distribution, with means m and covariances Σ (n − 1 in the denominator):
//!
//! ```text
//! d² = |m_x − m_y|² + tr Σ_x + tr Σ_y − 2 tr (Σ_x Σ_y)^½
//! ```
//!
//! With `X` the centred vectors as rows over √(n − 1), `Σ_x = XᵀX`, and the last trace is the sum of the singular values
//! of `X Yᵀ`, since `(X Yᵀ)(X Yᵀ)ᵀ` has the eigenvalues of `Σ_x Σ_y`. So no root of a matrix is taken, and sets with
//! fewer vectors than dimensions need no correction. Of many vectors, `X` is replaced by the triangular factor of its QR
//! decomposition, which has the same `XᵀX`.

use nalgebra::{DMatrix, RowDVector};

/// Returns the Fréchet distance d² of two sets of vectors, in `f64`.
///
/// # Panics
/// If a set has fewer than 2 vectors, or vectors differ in length.
pub fn frechet_distance(xs: &[&[f32]], ys: &[&[f32]]) -> f64 {
    let (x, y) = (Normal::of(xs), Normal::of(ys));
    let means = (x.mean - y.mean).norm_squared();
    let traces = x.factor.norm_squared() + y.factor.norm_squared();
    let roots = (x.factor * y.factor.transpose()).singular_values().sum();
    // Rounding may leave a difference just below zero for equal sets.
    (means + traces - 2.0 * roots).max(0.0)
}

/// A set of vectors as a normal distribution.
struct Normal {
    mean: RowDVector<f64>,
    /// `F` with `Σ = FᵀF`.
    factor: DMatrix<f64>,
}

impl Normal {
    fn of(vectors: &[&[f32]]) -> Self {
        let (n, dimensions) = (vectors.len(), vectors.first().map_or(0, |first| first.len()));
        assert!(n >= 2 && dimensions > 0, "a covariance needs two vectors");
        assert!(vectors.iter().all(|it| it.len() == dimensions), "vectors have one length");
        let mut rows =
            DMatrix::from_fn(n, dimensions, |row, column| f64::from(vectors[row][column]));
        let mean = rows.row_mean();
        for mut row in rows.row_iter_mut() {
            row -= &mean;
        }
        rows /= ((n - 1) as f64).sqrt();
        let factor = if n > dimensions { rows.qr().unpack_r() } else { rows };
        Self { mean, factor }
    }
}
