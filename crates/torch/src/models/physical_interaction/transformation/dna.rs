//! Dynamic neural advection (DNA): a kernel for every pixel.

use tch::Tensor;

use super::kernels::{KERNEL, KERNEL_FLOOR};
use reprise_base::config::model::physical_interaction::{FollowedPorts, Port, Topic};

/// Transforms the previous frame x `[B, C, H, W]` by the kernels `e_7` = `enc7` `[B, 25, H, W]`
/// (section 3.1 of the paper); p is a pixel, d an offset of the kernel.
///
/// ```text
/// k = max(e_7 − ε, 0) + ε        J(x)_p = Σ_d k_{d,p} x_{p+d} / Σ_d k_{d,p}
/// ```
/// Channel `5·dy + dx` weighs the pixel at `(y + dy − 2, x + dx − 2)`.
pub fn apply(previous: &Tensor, enc7: &Tensor, numerics: impl Into<FollowedPorts>) -> Tensor {
    let numerics = numerics.into();
    let floor = match numerics.of(Topic::DnaFloor) {
        Port::Tensorflow(_) | Port::Chainer => KERNEL_FLOOR,
        // 8: the printed code adds `1e+12`, which exceeds the network's output so far that every
        // kernel becomes 1/25.
        Port::ChainerStateless => 1e12,
    };
    let kernel = (enc7 - KERNEL_FLOOR).relu() + floor;
    let normalized = &kernel / kernel.sum_dim_intlist([1].as_slice(), true, kernel.kind());
    let source = match numerics.of(Topic::DnaGradient) {
        Port::Tensorflow(_) => previous.shallow_clone(),
        // 7: the port stacks arrays (`tmp.data`), so no gradient reaches the previous frame.
        Port::Chainer | Port::ChainerStateless => previous.detach(),
    };
    let shifted = shifts(&source, numerics.of(Topic::DnaShifts));
    let weighted = normalized.unsqueeze(2) * shifted;
    weighted.sum_dim_intlist([1].as_slice(), false, weighted.kind())
}

/// Returns the frame shifted by every offset of a kernel, `[B, 25, C, H, W]`.
fn shifts(frame: &Tensor, port: Port) -> Tensor {
    let (_, _, height, width) = frame.size4().expect("frames are [B, C, H, W]");
    let reach = KERNEL / 2;
    let padded = frame.constant_pad_nd([reach; 4]);
    let offsets = (0..KERNEL).flat_map(|dy| (0..KERNEL).map(move |dx| (dy, dx)));
    let shifted: Vec<Tensor> = offsets
        .map(|(dy, dx)| match port {
            Port::Tensorflow(_) => padded.narrow(2, dy, height).narrow(3, dx, width),
            // 6: `[dy : H, dx : W]` of the padded frame lacks dy rows and dx columns, which are
            // filled with zeros.
            Port::Chainer | Port::ChainerStateless => padded
                .narrow(2, dy, (height - dy).max(0))
                .narrow(3, dx, (width - dx).max(0))
                .constant_pad_nd([0, dx, 0, dy]),
        })
        .collect();
    Tensor::stack(&shifted, 1)
}
