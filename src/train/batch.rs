//! From sequence indices to tensors.

use tch::{Device, Kind, Tensor};

use super::system::Horizon;
use crate::data::{Pack, Sequence, Split};

/// Which sequences an update or a roll-out is about.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    /// Where they lie.
    pub pack: &'a Pack,
    /// Their split.
    pub split: Split,
    /// Their places within it.
    pub indices: &'a [usize],
    /// Where their tensors go.
    pub device: Device,
}

/// A batch of sequences, time first.
#[derive(Debug)]
pub struct Batch {
    /// Frames `[T, B, C, H, W]`, f32 in [0, 1].
    pub frames: Tensor,
    /// Action ⊕ position `[T, B, A + P]`, f32.
    pub condition: Tensor,
}

/// Largest value of an 8-bit colour channel.
const BYTE_MAX: f64 = 255.0;

/// Loads the first frames of the given sequences; pixels become `byte / 255` in f32, as
/// torchvision's `ToTensor` computes it.
pub fn load(examples: &Examples<'_>, use_: Horizon) -> Batch {
    let &Examples { pack, split, indices, device } = examples;
    let [height, width, channels] = pack.frame_shape().map(size);
    let (frames, batch) = (size(use_.frames), size(indices.len()));
    let frame_bytes = pack.frame_shape().iter().product::<usize>();
    let mut pixels = Vec::with_capacity(indices.len() * use_.frames * frame_bytes);
    let mut condition = Vec::new();
    for &index in indices {
        let sequence = pack.sequence(split, index);
        pixels.extend_from_slice(&sequence.frames[..use_.frames * frame_bytes]);
        append_condition(&mut condition, &sequence, use_.frames);
    }
    let pixels = Tensor::from_slice(&pixels)
        .to_device(device)
        .view([batch, frames, height, width, channels])
        .permute([1, 0, 4, 2, 3]) // [T, B, C, H, W]
        .contiguous();
    let pixels = unit(&pixels);
    let condition = Tensor::from_slice(&condition)
        .view([batch, frames, size(pack.condition_size())])
        .permute([1, 0, 2])
        .contiguous()
        .to_device(device);
    Batch { frames: pixels, condition }
}

/// Turns bytes into pixels in [0, 1]: `byte / 255` in f32.
pub fn unit(bytes: &Tensor) -> Tensor {
    bytes.to_kind(Kind::Float) / BYTE_MAX
}

/// Appends action ⊕ position of the first `frames` frames.
fn append_condition(out: &mut Vec<f32>, sequence: &Sequence<'_>, frames: usize) {
    let row = |numbers: &'_ [f32], t: usize| {
        let size = numbers.len() / sequence.length;
        t * size..(t + 1) * size
    };
    for t in 0..frames {
        out.extend_from_slice(&sequence.actions[row(sequence.actions, t)]);
        out.extend_from_slice(&sequence.positions[row(sequence.positions, t)]);
    }
}

/// Returns an extent as tensors count it.
pub(super) fn size(n: usize) -> i64 {
    i64::try_from(n).expect("sizes fit an i64")
}
