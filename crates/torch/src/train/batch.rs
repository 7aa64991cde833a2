//! Loading of sequences into tensors.

use tch::{Device, Kind, Tensor};

use reprise_base::scalar::Count;
use reprise_data::{Pack, Sequence, Split};

/// The sequences of an update or a roll-out.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    pub pack: &'a Pack,
    pub split: Split,
    /// Positions within the split.
    pub indices: &'a [usize],
    /// Where their tensors are placed.
    pub device: Device,
}

/// How many frames of a sequence a system uses.
#[derive(Clone, Copy, Debug)]
pub struct FrameCounts {
    /// Frames that are given.
    pub context: usize,
    /// Given and predicted frames together.
    pub total: usize,
}

impl FrameCounts {
    /// Adds the predicted frames to the context.
    pub const fn new(context: Count, predicted: Count) -> Self {
        Self { context: context.len(), total: context.len() + predicted.len() }
    }
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

/// Loads the first frames of each sequence. Pixels become `byte / 255` in f32, as in torchvision's
/// `ToTensor`.
pub fn load(examples: &Examples<'_>, counts: FrameCounts) -> Batch {
    let &Examples { pack, split, indices, device } = examples;
    let [height, width, channels] = pack.frame_shape().map(size);
    let (frames, batch) = (size(counts.total), size(indices.len()));
    let frame_bytes = pack.frame_shape().iter().product::<usize>();
    let mut pixels = Vec::with_capacity(indices.len() * counts.total * frame_bytes);
    let mut condition = Vec::new();
    for &index in indices {
        let sequence = pack.sequence(split, index);
        pixels.extend_from_slice(&sequence.frames[..counts.total * frame_bytes]);
        append_condition(&mut condition, &sequence, counts.total);
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

/// Maps bytes to pixels in [0, 1]: `byte / 255` in f32.
pub fn unit(bytes: &Tensor) -> Tensor {
    bytes.to_kind(Kind::Float) / BYTE_MAX
}

/// Maps pixels in [0, 1] to bytes: rounded, and clamped where a prediction leaves the range.
pub(super) fn to_bytes(pixels: &Tensor) -> Tensor {
    (pixels * BYTE_MAX).round().clamp(0.0, BYTE_MAX).to_kind(Kind::Uint8)
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

/// Converts a count to the integer type of tensor sizes.
pub(super) fn size(n: usize) -> i64 {
    i64::try_from(n).expect("sizes fit an i64")
}
