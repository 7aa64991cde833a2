//! Masks, and the composition of the predicted frame from transformed frames.

use tch::Tensor;

use reprise_base::config::model::physical_interaction::Port;

/// Computes masks from logits `[B, M + 1, H, W]`.
pub fn masks(logits: &Tensor, port: Port) -> Tensor {
    match port {
        // 3: the softmax runs over the last axis of NHWC, so the masks of each pixel sum to 1.
        Port::Tensorflow(_) => logits.softmax(1, logits.kind()),
        // `reshape(-1, M + 1)` of NCHW: groups of M + 1 adjacent pixels of one mask sum to 1.
        Port::Chainer | Port::ChainerStateless => {
            let groups = logits.contiguous().view([-1, logits.size()[1]]);
            groups.softmax(1, logits.kind()).view_as(logits)
        }
    }
}

/// Returns masks `[B, 2, H, W]` with which [`merge`] returns the first transformed frame unchanged, for
/// frames like `image` `[B, C, H, W]`.
pub fn only_the_first(image: &Tensor) -> Tensor {
    let zeros = image.narrow(1, 0, 1).zeros_like();
    Tensor::cat(&[&zeros, &zeros.ones_like()], 1)
}

/// Merges the previous frame x and its transformed versions `J_m(x)`, weighted by masks Ξ (section
/// 3.2 of the paper).
///
/// ```text
/// x̂ = Ξ_0 ⊙ x + Σ_m Ξ_m ⊙ J_m(x)
/// ```
/// As with the originals' `zip`, the sum ends with the shorter list. CDNA makes one frame more than
/// there are masks, so its last kernel has no effect and no gradient.
pub fn merge(previous: &Tensor, transformed: &[Tensor], masks: &Tensor) -> Tensor {
    let mut masks = masks.split(1, 1).into_iter();
    let background = masks.next().expect("the first mask is the previous frame's");
    let merged = background * previous;
    transformed.iter().zip(masks).fold(merged, |merged, (image, mask)| merged + image * mask)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use reprise_base::config::model::physical_interaction::Version;

    fn logits() -> Tensor {
        Tensor::arange(2 * 3 * 4 * 6, (Kind::Double, Device::Cpu)).sin().reshape([2, 3, 4, 6])
    }

    /// Expects that the masks, arranged by `groups`, sum to 1 over the last axis.
    #[track_caller]
    fn check(port: Port, groups: impl Fn(&Tensor) -> Tensor) {
        let sums =
            groups(&masks(&logits(), port)).sum_dim_intlist([-1].as_slice(), false, Kind::Double);
        let farthest = (sums - 1.0).abs().max().double_value(&[]);
        assert!(farthest < 1e-12, "{farthest}");
    }

    #[test]
    fn tensorflows_masks_sum_to_one_in_every_pixel() {
        check(Port::Tensorflow(Version::V1), |masks| masks.movedim_int(1, -1));
    }

    #[test]
    fn chainers_masks_sum_to_one_over_neighbouring_pixels() {
        check(Port::Chainer, |masks| masks.reshape([-1, 3]));
    }

    #[test]
    fn a_direct_prediction_passes_unchanged() {
        let image = Tensor::arange(24, (Kind::Float, Device::Cpu)).sin().reshape([2, 3, 2, 2]);
        let previous = image.flip([0]);
        let merged = merge(&previous, &[image.shallow_clone()], &only_the_first(&previous));
        assert_eq!(merged, image);
    }

    #[test]
    fn frames_without_a_mask_are_ignored() {
        let image = |value: f64| Tensor::full([1, 1, 2, 2], value, (Kind::Double, Device::Cpu));
        let masks = Tensor::full([1, 2, 2, 2], 0.5, (Kind::Double, Device::Cpu));
        let merged = merge(&image(1.0), &[image(3.0), image(100.0)], &masks);
        assert_eq!(merged, image(2.0));
    }
}
