//! The parts of predicted frames: the previous frame and its transformed versions, each weighted by a mask,
//! and the kernels of the transformations.

use png::EncodingError;
use safetensors::Dtype;

use super::{
    palette::{MUTED, TEXT},
    samples::Samples,
    strip::{FRAME, GAP, LABEL_HEIGHT, ROW_GAP, image, on_paper, png, text},
    svg::Drawing,
};
use reprise_base::vocabulary::rollouts::{INSPECTED_FRAMES, KERNELS, MASKS, PREVIOUS, TRANSFORMED};

/// Height of a row of headings.
const HEAD_HEIGHT: usize = 16;
/// Gap between the rows of two frames.
const BLOCK_GAP: usize = 14;
/// Side of the square that shows a value of a kernel, in pixels.
const KERNEL_PIXELS: usize = 12;

/// The parts of some predicted frames of one test sequence; all shapes agree.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Anatomy {
    /// Indices of the frames in the sequence.
    pub(super) frames: Vec<usize>,
    /// `[H, W, C]` per frame.
    previous: Vec<Vec<u8>>,
    /// `[J, H, W, C]` per frame.
    transformed: Vec<Vec<u8>>,
    /// `[M + 1, H, W]` per frame.
    masks: Vec<Vec<u8>>,
    kernels: Option<Kernels>,
    /// Height, width, channels.
    shape: [usize; 3],
    /// J and M + 1.
    counts: [usize; 2],
}

/// Kernels, `[M, K, K]` per frame.
#[derive(Clone, Debug, PartialEq)]
struct Kernels {
    by_frame: Vec<Vec<f32>>,
    count: usize,
    side: usize,
}

impl Anatomy {
    /// Returns the parts of the first sequence from the tensors that `train::physical_interaction` stores;
    /// `None` if any is missing or their shapes disagree.
    pub(super) fn of(samples: &Samples) -> Option<Self> {
        let (_, indices) = samples.floats(INSPECTED_FRAMES)?;
        let bytes = |name: &str| samples.bytes(name).filter(|it| it.dtype == Dtype::U8);
        let (previous, transformed, masks) = (bytes(PREVIOUS)?, bytes(TRANSFORMED)?, bytes(MASKS)?);
        let &[sequences, count, height, width, channels] = previous.shape.as_slice() else {
            return None;
        };
        let &[.., images, _, _, _] = transformed.shape.as_slice() else { return None };
        let &[.., maps, _, _] = masks.shape.as_slice() else { return None };
        let whole = transformed.shape == [sequences, count, images, height, width, channels]
            && masks.shape == [sequences, count, maps, height, width]
            && indices.len() == count
            && ![sequences, count, height, width, images, maps].contains(&0)
            && matches!(channels, 1 | 3);
        if !whole {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small indices"
        )]
        let frames = indices.iter().map(|&index| index as usize).collect();
        let first = |data: &[u8]| -> Vec<Vec<u8>> {
            let size = data.len() / (sequences * count);
            data.chunks_exact(size).take(count).map(<[u8]>::to_vec).collect()
        };
        Some(Self {
            frames,
            previous: first(&previous.data),
            transformed: first(&transformed.data),
            masks: first(&masks.data),
            kernels: kernels(samples, [sequences, count]),
            shape: [height, width, channels],
            counts: [images, maps],
        })
    }

    /// Returns whether there are kernels.
    pub(super) const fn has_kernels(&self) -> bool {
        self.kernels.is_some()
    }

    /// Draws the `shown` frames, one below the other: images in the first row, their masks in the second,
    /// kernels in the third.
    pub(super) fn draw(&self, shown: &[usize], context: usize) -> Result<Drawing, EncodingError> {
        let [height, width, channels] = self.shape;
        let [images, maps] = self.counts;
        let columns = (images + 1).max(maps);
        let tile = FRAME * height / width;
        let row_width = |count: usize| count * (FRAME + GAP) - GAP;
        let mut elements = String::new();
        let mut y = 0;
        for &index in shown {
            let frame = self.frames[index];
            let label =
                format!("t = {frame}: predicted frame {}", (frame + 1).saturating_sub(context));
            text(&mut elements, [0, y + 12], TEXT, &label, "start");
            y += LABEL_HEIGHT;
            for column in 0..=images {
                let middle = column * (FRAME + GAP) + FRAME / 2;
                text(&mut elements, [middle, y + 11], MUTED, &self.heading(column), "middle");
            }
            y += HEAD_HEIGHT;
            let all = [self.previous[index].as_slice(), &self.transformed[index]].concat();
            let picture = png(&all, [images + 1, height, width, channels])?;
            image(&mut elements, [0, y, row_width(images + 1), tile], &picture);
            y += tile + ROW_GAP;
            let picture = png(&self.masks[index], [maps, height, width, 1])?;
            image(&mut elements, [0, y, row_width(maps), tile], &picture);
            y += tile + ROW_GAP;
            if let Some(kernels) = &self.kernels {
                let (pixels, side) = kernels.pixels(index);
                let picture = png(&pixels, [kernels.count, side, side, 1])?;
                // Kernels are below the frames that they produced.
                let x = (images + 1).saturating_sub(kernels.count) * (FRAME + GAP);
                image(&mut elements, [x, y, row_width(kernels.count), FRAME], &picture);
                y += FRAME + ROW_GAP;
            }
            y += BLOCK_GAP;
        }
        Ok(on_paper(&elements, [row_width(columns), y]))
    }

    /// Returns the heading of a column. Of several transformed frames the first is synthesized.
    fn heading(&self, column: usize) -> String {
        match (column, self.counts[0]) {
            (0, _) => "previous".to_owned(),
            (1, 2..) => "synthesized".to_owned(),
            (1, _) => "moved".to_owned(),
            _ => format!("moved {}", column - 1),
        }
    }
}

impl Kernels {
    /// Returns the kernels of a frame in grey, the largest value of each white, and their side in pixels.
    fn pixels(&self, frame: usize) -> (Vec<u8>, usize) {
        let side = self.side * KERNEL_PIXELS;
        let mut pixels = Vec::with_capacity(self.count * side * side);
        for kernel in self.by_frame[frame].chunks_exact(self.side * self.side) {
            let largest = kernel.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
            for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                let value = kernel[y / KERNEL_PIXELS * self.side + x / KERNEL_PIXELS];
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a float becomes the nearest byte"
                )]
                pixels.push((value / largest * 255.0).round() as u8);
            }
        }
        (pixels, side)
    }
}

/// Returns the kernels of the first sequence, from `[N, K, M, side, side]`.
fn kernels(samples: &Samples, [sequences, frames]: [usize; 2]) -> Option<Kernels> {
    let (shape, values) = samples.floats(KERNELS)?;
    let &[n, k, count, side, columns] = shape else { return None };
    let whole = [n, k, columns] == [sequences, frames, side] && count > 0 && side > 0;
    let size = count * side * side;
    let by_frame = values.chunks_exact(size.max(1)).take(frames).map(<[f32]>::to_vec).collect();
    whole.then_some(Kernels { by_frame, count, side })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reprise_store::store::tensors::StoredTensor;

    fn stored(name: &str, dtype: Dtype, shape: &[usize], data: Vec<u8>) -> StoredTensor {
        StoredTensor { name: name.to_owned(), dtype, shape: shape.to_vec(), data }
    }

    /// Two sequences, two inspected frames of 8x8 grey, two transformed frames, three masks.
    fn samples() -> Samples {
        let f32s = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let frames = |count: usize| vec![7; 2 * 2 * count * 64];
        let kernel: Vec<f32> =
            (0..2 * 2 * 2 * 25).map(|i| f32::from(u8::try_from(i % 25).unwrap())).collect();
        let tensors = vec![
            stored("inspected_frames", Dtype::F32, &[2], f32s(&[2.0, 5.0])),
            stored("previous", Dtype::U8, &[2, 2, 8, 8, 1], frames(1)),
            stored("transformed", Dtype::U8, &[2, 2, 2, 8, 8, 1], frames(2)),
            stored("masks", Dtype::U8, &[2, 2, 3, 8, 8], frames(3)),
            stored("kernels", Dtype::F32, &[2, 2, 2, 5, 5], f32s(&kernel)),
        ];
        let names = [("sequences".to_owned(), r#"["a", "b"]"#.to_owned())];
        Samples::new(tensors, &names.into()).expect("there are names")
    }

    #[test]
    fn a_frame_is_drawn_with_its_parts() {
        let anatomy = Anatomy::of(&samples()).expect("all tensors are there");
        assert_eq!(anatomy.frames, [2, 5]);
        let one = anatomy.draw(&[1], 2).expect("it is drawn");
        assert_eq!(one.elements.matches("<image").count(), 3);
        assert!(one.elements.contains("t = 5: predicted frame 4"));
        assert_eq!(one.width as usize, 3 * FRAME + 2 * GAP);
        let both = anatomy.draw(&[0, 1], 2).expect("they are drawn");
        assert_eq!(both.height, 2 * one.height);
    }

    #[test]
    fn a_kernels_largest_value_is_white() {
        let anatomy = Anatomy::of(&samples()).expect("all tensors are there");
        let (pixels, side) = anatomy.kernels.expect("CDNA has kernels").pixels(0);
        assert_eq!((side, pixels.len()), (60, 2 * 60 * 60));
        assert_eq!((pixels[0], pixels[60 * 60 - 1]), (0, 255));
    }

    #[test]
    fn tensors_whose_shapes_disagree_are_not_shown() {
        let mut broken = samples();
        broken.tensors[3].shape = vec![2, 2, 3, 8, 4];
        assert_eq!(Anatomy::of(&broken), None);
        assert_eq!(Anatomy::of(&Samples::default()), None);
    }
}
