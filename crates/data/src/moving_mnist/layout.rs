//! Which axis of an array of videos is which.

use reprise_base::config::data::ArrayAxes;

/// Frames of a sequence of the published file.
const USUAL_FRAMES: usize = 20;

/// Smallest and largest side of a frame in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 8..=1024;

/// Where the grey value of a pixel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channels {
    One,
    /// Three equal values beside each other.
    ThreeLast,
    /// Three equal planes, one after another.
    ThreeFirst,
}

/// The axes of an array of grey videos with square frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ArrayLayout {
    pub(super) frames: usize,
    pub(super) sequences: usize,
    /// Height and width of a frame in pixels.
    pub(super) side: usize,
    axes: ArrayAxes,
    channels: Channels,
}

/// Why an array has no layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayoutError {
    /// Its number of axes or its frames are wrong.
    Shape,
    /// Either of its first two axes may be that of frames.
    Open,
}

impl ArrayLayout {
    /// Returns the layout of an array of this shape: two axes of frames and sequences, height and
    /// width, and an axis of one or three channels before or after these.
    pub(super) fn of(shape: &[usize], axes: Option<ArrayAxes>) -> Result<Self, LayoutError> {
        let (&[first, second], frame) = shape.split_first_chunk::<2>().ok_or(LayoutError::Shape)?;
        let (side, width, channels) = match *frame {
            [height, width] | [height, width, 1] | [1, height, width] => {
                (height, width, Channels::One)
            }
            [height, width, 3] => (height, width, Channels::ThreeLast),
            [3, height, width] => (height, width, Channels::ThreeFirst),
            _ => return Err(LayoutError::Shape),
        };
        if side != width || !SIDES.contains(&side) || first == 0 || second == 0 {
            return Err(LayoutError::Shape);
        }
        let axes = match axes {
            Some(axes) => axes,
            None if second != USUAL_FRAMES && (first == USUAL_FRAMES || first < second) => {
                ArrayAxes::FrameFirst
            }
            None => return Err(LayoutError::Open),
        };
        let [frames, sequences] = match axes {
            ArrayAxes::FrameFirst => [first, second],
            ArrayAxes::SequenceFirst => [second, first],
        };
        Ok(Self { frames, sequences, side, axes, channels })
    }

    /// Appends the frames of a sequence to `out`; returns whether its channels are equal.
    pub(super) fn append(&self, pixels: &[u8], sequence: usize, out: &mut Vec<u8>) -> bool {
        let plane = self.side * self.side;
        let step = if self.channels == Channels::One { plane } else { 3 * plane };
        let mut is_grey = true;
        for frame in 0..self.frames {
            let number = match self.axes {
                ArrayAxes::FrameFirst => frame * self.sequences + sequence,
                ArrayAxes::SequenceFirst => sequence * self.frames + frame,
            };
            let values = &pixels[number * step..(number + 1) * step];
            match self.channels {
                Channels::One => out.extend_from_slice(values),
                Channels::ThreeLast => {
                    let (colours, _) = values.as_chunks::<3>();
                    is_grey &=
                        colours.iter().all(|[red, green, blue]| red == green && green == blue);
                    out.extend(colours.iter().map(|[red, ..]| red));
                }
                Channels::ThreeFirst => {
                    let (red, others) = values.split_at(plane);
                    is_grey &= red == &others[..plane] && red == &others[plane..];
                    out.extend_from_slice(red);
                }
            }
        }
        is_grey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE_FIRST: Option<ArrayAxes> = Some(ArrayAxes::SequenceFirst);

    /// Checks the numbers of frames and sequences.
    #[track_caller]
    fn check(shape: &[usize], axes: Option<ArrayAxes>, expected: [usize; 2]) {
        let layout = ArrayLayout::of(shape, axes).expect("the shape has a layout");
        assert_eq!([layout.frames, layout.sequences], expected);
    }

    #[test]
    fn the_shape_decides_the_order_of_axes_where_it_can() {
        check(&[20, 10_000, 64, 64], None, [20, 10_000]);
        check(&[20, 1, 64, 64], None, [20, 1]);
        check(&[10, 40, 1, 64, 64], None, [10, 40]);
        check(&[30, 40, 64, 64, 1], None, [30, 40]);
        check(&[10_000, 20, 64, 64], SEQUENCE_FIRST, [20, 10_000]);
        check(&[20, 20, 3, 64, 64], SEQUENCE_FIRST, [20, 20]);
        check(&[40, 20, 64, 64, 3], Some(ArrayAxes::FrameFirst), [40, 20]);
    }

    #[test]
    fn an_order_of_axes_that_is_open_or_contradicted_is_refused() {
        for [first, second] in [[10_000, 20], [40, 20], [20, 20], [10, 20], [1000, 10], [30, 30]] {
            let layout = ArrayLayout::of(&[first, second, 64, 64], None);
            assert_eq!(layout, Err(LayoutError::Open), "{first} {second}");
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let shapes: [&[usize]; 6] = [
            &[],
            &[20, 64, 64],
            &[20, 5, 32, 64],
            &[64, 64, 20, 5],
            &[20, 0, 64, 64],
            &[20, 5, 64, 64, 2],
        ];
        for shape in shapes {
            assert_eq!(ArrayLayout::of(shape, None), Err(LayoutError::Shape), "{shape:?}");
        }
    }

    #[test]
    fn grey_values_are_taken_from_either_place_of_the_channels() {
        let planes: Vec<u8> =
            [[1; 64], [2; 64]].into_iter().flat_map(|v| [v, v, v]).flatten().collect();
        for shape in [[2, 1, 3, 8, 8], [2, 1, 8, 8, 3]] {
            let layout = ArrayLayout::of(&shape, Some(ArrayAxes::FrameFirst)).unwrap();
            let mut frames = Vec::new();
            assert!(layout.append(&planes, 0, &mut frames));
            assert_eq!(frames, [[1; 64], [2; 64]].concat());
            let mut coloured = planes.clone();
            coloured[65] = 9;
            assert!(!layout.append(&coloured, 0, &mut frames));
        }
    }
}
