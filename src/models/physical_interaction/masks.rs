//! Masks, and how they merge the transformed frames.

use tch::Tensor;

use crate::config::model::physical_interaction::Port;

/// Turns logits `[B, M + 1, H, W]` into masks of the same shape.
pub fn masks(logits: &Tensor, port: Port) -> Tensor {
    match port {
        // 3: the channel stands last in NHWC, so every pixel's masks sum to 1.
        Port::Tensorflow(_) => logits.softmax(1, logits.kind()),
        // `reshape(-1, M + 1)` of NCHW: groups of M + 1 neighbouring pixels of one mask sum to 1.
        Port::Chainer | Port::ChainerStateless => {
            let groups = logits.contiguous().view([-1, logits.size()[1]]);
            groups.softmax(1, logits.kind()).view_as(logits)
        }
    }
}

/// Merges the previous frame and its transformed versions.
///
/// ```text
/// x̂ = Ξ_0 ⊙ x + Σ_m Ξ_m ⊙ J_m(x)
/// ```
/// The sum ends with the shorter of masks and frames, as the originals' `zip` does: CDNA makes one
/// frame more than there are masks, so its last kernel has no effect and no gradient.
pub fn merge(previous: &Tensor, transformed: &[Tensor], masks: &Tensor) -> Tensor {
    let mut masks = masks.split(1, 1).into_iter();
    let background = masks.next().expect("there is a mask for the background");
    let merged = background * previous;
    transformed.iter().zip(masks).fold(merged, |merged, (image, mask)| merged + image * mask)
}
