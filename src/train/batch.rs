//! From sequence indices to tensors.

use tch::{Device, Kind, Tensor};

use super::system::Horizon;
use crate::data::{Pack, Sequence, Split};

/// A batch of sequences, time first.
#[derive(Debug)]
pub struct Batch {
    /// Frames `[T, B, C, H, W]`, f32 in [0, 1].
    pub frames: Tensor,
    /// Action ⊕ position `[T, B, 7]`, f32.
    pub condition: Tensor,
}

/// Largest value of an 8-bit colour channel.
const BYTE_MAX: f64 = 255.0;

/// Loads the first frames of the given sequences; pixels become `byte / 255` in f32, as
/// torchvision's `ToTensor` computes it.
pub fn load(pack: &Pack, split: Split, indices: &[usize], use_: Horizon, device: Device) -> Batch {
    let [height, width, channels] = pack.frame_shape().map(size);
    let (frames, batch) = (size(use_.frames), size(indices.len()));
    let frame_bytes = pack.frame_shape().iter().product::<usize>();
    let mut pixels = Vec::with_capacity(indices.len() * use_.frames * frame_bytes);
    let mut condition = Vec::new();
    for &index in indices {
        let sequence = pack.sequence(split, index);
        pixels.extend_from_slice(&sequence.frames[..use_.frames * frame_bytes]);
        append_condition(&mut condition, &sequence, pack.frames(), use_.frames);
    }
    let pixels = Tensor::from_slice(&pixels)
        .to_device(device)
        .view([batch, frames, height, width, channels])
        .permute([1, 0, 4, 2, 3]) // [T, B, C, H, W]
        .contiguous()
        .to_kind(Kind::Float)
        / BYTE_MAX;
    let condition = Tensor::from_slice(&condition)
        .view([batch, frames, size(pack.condition_size())])
        .permute([1, 0, 2])
        .contiguous()
        .to_device(device);
    Batch { frames: pixels, condition }
}

/// Appends action ⊕ position of the first `frames` frames.
fn append_condition(out: &mut Vec<f32>, sequence: &Sequence<'_>, recorded: usize, frames: usize) {
    let actions = sequence.actions.chunks(sequence.actions.len() / recorded);
    let positions = sequence.positions.chunks(sequence.positions.len() / recorded);
    for (action, position) in actions.zip(positions).take(frames) {
        out.extend_from_slice(action);
        out.extend_from_slice(position);
    }
}

fn size(n: usize) -> i64 {
    i64::try_from(n).expect("sizes fit an i64")
}
