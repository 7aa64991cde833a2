//! LPIPS: the distance of two pictures in the features of a network (Zhang et al. 2018, arXiv:1801.03924).
//!
//! The network and its heads are inputs. With the features y of layer l, C values at each of H·W places,
//!
//! ```text
//! ŷ_hw   = y_hw / (√(Σ_c y_chw²) + 1e-10)
//! d(x, x') = Σ_l 1/(H_l W_l) Σ_hw Σ_c w_lc (ŷ_lchw − ŷ'_lchw)²
//! ```
//!
//! which is eq. 1 of the paper as its reference implementation computes it: the head w multiplies the squared
//! difference, and the small number is added to the norm.

/// Added to the norm of the features at a place.
const EPSILON: f64 = 1e-10;

/// The features of one picture in one layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerFeatures<'a> {
    /// `[C, H·W]`, row-major.
    pub values: &'a [f32],
    pub channels: usize,
}

/// Returns the contribution of a layer to the distance of two pictures; `head` has a weight per channel.
///
/// # Panics
/// If the shapes differ, or a layer is empty.
pub fn layer_distance(x: LayerFeatures<'_>, y: LayerFeatures<'_>, head: &[f32]) -> f64 {
    let channels = x.channels;
    assert!(channels > 0 && !x.values.is_empty(), "a layer has features");
    assert_eq!((x.values.len(), channels), (y.values.len(), y.channels), "layers have one shape");
    assert_eq!(head.len(), channels, "a head has a weight per channel");
    let places = x.values.len() / channels;
    let norms = |features: &[f32]| -> Vec<f64> {
        let mut squares = vec![0.0; places];
        for plane in features.chunks_exact(places) {
            for (sum, &value) in squares.iter_mut().zip(plane) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        squares.into_iter().map(|sum: f64| sum.sqrt() + EPSILON).collect()
    };
    let (norms_x, norms_y) = (norms(x.values), norms(y.values));
    let mut sum = 0.0;
    let planes = x.values.chunks_exact(places).zip(y.values.chunks_exact(places));
    for ((plane_x, plane_y), &weight) in planes.zip(head) {
        let pairs = plane_x.iter().zip(&norms_x).zip(plane_y.iter().zip(&norms_y));
        let squares: f64 = pairs
            .map(|((&x, norm_x), (&y, norm_y))| {
                let difference = f64::from(x) / norm_x - f64::from(y) / norm_y;
                difference * difference
            })
            .sum();
        sum += f64::from(weight) * squares;
    }
    sum / places as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(values: &[f32], channels: usize) -> LayerFeatures<'_> {
        LayerFeatures { values, channels }
    }

    #[test]
    fn equal_features_have_no_distance_and_their_scale_does_not_count() {
        let x = [3.0, 0.0, 4.0, 1.0];
        let twice = x.map(|value| 2.0 * value);
        assert!(layer_distance(layer(&x, 2), layer(&x, 2), &[1.0, 1.0]).abs() < f64::MIN_POSITIVE);
        assert!(layer_distance(layer(&x, 2), layer(&twice, 2), &[1.0, 1.0]) < 1e-18);
    }

    #[test]
    fn a_distance_is_that_worked_out_by_hand() {
        // Places (3, 4) and (0, 1) have the directions (0.6, 0.8) and (0, 1); (1, 0) and (0, 1) are compared with them.
        let (x, y) = ([3.0, 0.0, 4.0, 1.0], [1.0, 0.0, 0.0, 5.0]);
        let distance = layer_distance(layer(&x, 2), layer(&y, 2), &[2.0, 10.0]);
        let [first, second] = [2.0 * 0.4 * 0.4, 10.0 * 0.8 * 0.8];
        let expected = f64::midpoint(first, second);
        assert!((distance - expected).abs() < 1e-8, "{distance}");
    }

    #[test]
    fn features_that_are_all_zero_have_no_direction() {
        let distance = layer_distance(layer(&[0.0; 2], 2), layer(&[0.0, 7.0], 2), &[1.0, 1.0]);
        assert!((distance - 1.0).abs() < 1e-9, "{distance}");
    }
}
