//! A generated data set for tests: a coloured square that a gripper pushes between walls.
//!
//! A sequence depends only on its split and number, so a larger data set begins with the smaller one.
//! Nothing is read or cached; the pack is held in memory. An action is `[right, down, 0, grip]`, with
//! distances as shares of the frame's width; the square moves only while `grip` is 1 and stops at
//! walls. A position is `[x, y, 0]`, the square's centre.

use std::{io, path::Path};

use super::{
    error::DataError,
    findings::Findings,
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, PackBytes, SequenceFormat},
    progress::Watch,
    rgb_image::CHANNELS,
    sequence::SequenceBuffer,
};
use reprise_base::{
    config::data::Split,
    rng::streams::{Draws, Stream},
    scalar::{Count, Seed},
};

/// Height and width of a frame in pixels.
const SIDE: usize = 64;

/// Half the side of the square in pixels.
const REACH: usize = 6;

/// Longest distance of an action along an axis, in pixels.
const STEP_MAX: u64 = 5;

/// One in this many actions leaves the gripper open.
const OPEN_ONE_IN: u64 = 5;

/// All data sets are drawn from this seed: runs with different seeds see the same data.
const SEED: Seed = Seed(0);

/// Most bytes of all frames.
const BYTES_MAX: u64 = 1 << 30;

/// Returns the number of sequences of a split.
fn size(split: Split, sequences: Count) -> u64 {
    match split {
        Split::Train => sequences.get(),
        Split::Validate | Split::Test => (sequences.get() / 4).max(1),
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct MovingSquare {
    /// Training sequences.
    pub(super) sequences: Count,
    /// Frames of each sequence.
    pub(super) frames: Count,
}

impl DataOrigin for MovingSquare {
    /// Draws the whole data set.
    fn open(&self, _: Required, _: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        self.check_size()?;
        let mut bytes = Vec::new();
        draw(self.sequences, self.frames, &mut bytes).expect("writing to memory succeeds");
        let origin = "drawn by this program".to_owned();
        let description = Description { name: "moving_square", origin };
        let pack = Pack::new(PackBytes::Owned(bytes), description, progress);
        Ok(pack.expect("a pack that was just encoded is valid"))
    }

    fn check(&self, _: Required, _: Watch<'_>) -> Findings {
        Findings::of(self.check_size())
    }
}

impl MovingSquare {
    /// Refuses a data set whose frames take too much memory.
    fn check_size(self) -> Result<(), DataError> {
        let sequences = Split::ALL.iter().map(|&split| size(split, self.sequences)).sum::<u64>();
        let frames = self.frames.get();
        let bytes =
            sequences.saturating_mul(frames).saturating_mul((SIDE * SIDE * CHANNELS) as u64);
        if bytes <= BYTES_MAX {
            Ok(())
        } else {
            Err(DataError::TooLarge { sequences, frames, limit: BYTES_MAX })
        }
    }
}

fn draw(sequences: Count, frames: Count, out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = Encoder::begin(out)?;
    for split in Split::ALL {
        let stream = Stream::new(SEED, &format!("data.moving_square.{split}"));
        for number in 0..size(split, sequences) {
            let sequence = sequence(&mut stream.at(number), frames);
            encoder.sequence(split, &number.to_string(), &sequence, std::iter::empty())?;
        }
    }
    encoder.finish(SequenceFormat::new([SIDE, SIDE, CHANNELS], [4, 3]), Findings::default())
}

fn sequence(draws: &mut Draws, frames: Count) -> SequenceBuffer {
    let square = colour(draws, 128);
    let ground = colour(draws, 0);
    let (low, high) = (REACH as u64, (SIDE - REACH) as u64);
    let mut centre = [0; 2].map(|_| low + draws.below(high - low + 1));
    let mut drawn = SequenceBuffer::default();
    for _ in 0..frames.get() {
        paint(centre, square, ground, &mut drawn.frames);
        let [x, y] = centre.map(share);
        drawn.positions.extend([x, y, 0.0]);

        // A distance is drawn as 0 to 2 · STEP_MAX; STEP_MAX means no movement.
        let distance = [0; 2].map(|_| draws.below(2 * STEP_MAX + 1));
        let closed = draws.below(OPEN_ONE_IN) > 0;
        let [right, down] = distance.map(|pixels| share(pixels) - share(STEP_MAX));
        drawn.actions.extend([right, down, 0.0, if closed { 1.0 } else { -1.0 }]);
        if closed {
            for (centre, pixels) in centre.iter_mut().zip(distance) {
                *centre = (*centre + pixels).saturating_sub(STEP_MAX).clamp(low, high);
            }
        }
    }
    drawn
}

/// Returns a colour whose channels are at least `darkest` and less than `darkest` + 128.
fn colour(draws: &mut Draws, darkest: u8) -> [u8; 3] {
    [0; 3].map(|_| darkest + u8::try_from(draws.below(128)).expect("a draw below 128 is a byte"))
}

/// Returns pixels as a share of the frame's width, which is exact.
fn share(pixels: u64) -> f32 {
    f32::from(u16::try_from(pixels).expect("a distance within the frame")) / SIDE as f32
}

fn paint([x, y]: [u64; 2], square: [u8; 3], ground: [u8; 3], frames: &mut Vec<u8>) {
    let inside = |centre: u64, at: usize| {
        let (at, centre, reach) = (at as u64, centre, REACH as u64);
        (centre - reach..centre + reach).contains(&at)
    };
    for row in 0..SIDE {
        for column in 0..SIDE {
            let covered = inside(x, column) && inside(y, row);
            frames.extend(if covered { square } else { ground });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(sequences: u32, frames: u32) -> Pack {
        let (sequences, frames) = (Count::literal(sequences), Count::literal(frames));
        let square = MovingSquare { sequences, frames };
        square.open(Required::AllSplits, Path::new(""), &mut |_| {}).unwrap()
    }

    /// Returns the centre of the square in a frame, found by its colour, in pixels.
    fn seen_centre(frame: &[u8]) -> [f32; 2] {
        let mut bright = Vec::new();
        for (at, pixel) in frame.chunks(3).enumerate() {
            if pixel[0] >= 128 {
                bright.push([at % SIDE, at / SIDE]);
            }
        }
        assert_eq!(bright.len(), 4 * REACH * REACH, "all of the square is visible");
        [0, 1].map(|axis| {
            bright.iter().map(|at| at[axis] as f32 + 0.5).sum::<f32>() / bright.len() as f32
        })
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "multiples of 1/64 are exact")]
    fn positions_are_the_centre_of_the_square_in_the_frame() {
        let pack = drawn(3, 12);
        let sequence = pack.sequence(Split::Train, 2);
        for (frame, position) in
            sequence.frames.chunks(SIDE * SIDE * 3).zip(sequence.positions.chunks(3))
        {
            assert_eq!(seen_centre(frame), [0, 1].map(|axis| position[axis] * SIDE as f32));
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "multiples of 1/64 are exact")]
    fn the_square_moves_with_closed_grippers_and_stops_at_walls() {
        let pack = drawn(8, 30);
        let wall = REACH as f32 / SIDE as f32;
        let mut stopped = 0;
        for index in 0..pack.sequences(Split::Train) {
            let sequence = pack.sequence(Split::Train, index);
            let positions: Vec<_> = sequence.positions.chunks(3).collect();
            for (pair, action) in positions.windows(2).zip(sequence.actions.chunks(4)) {
                let closed = if action[3] > 0.0 { 1.0 } else { 0.0 };
                for axis in 0..2 {
                    let free = pair[0][axis] + closed * action[axis];
                    assert_eq!(pair[1][axis], free.clamp(wall, 1.0 - wall));
                    stopped += usize::from(pair[1][axis] != free);
                }
            }
        }
        assert!(stopped > 0, "no square reached a wall");
    }

    #[test]
    fn a_larger_data_set_begins_with_the_smaller_one() {
        let (small, large) = (drawn(2, 5), drawn(9, 5));
        assert_eq!(small.sequence(Split::Train, 1), large.sequence(Split::Train, 1));
        assert_ne!(large.sequence(Split::Train, 0), large.sequence(Split::Test, 0));
        assert_eq!((large.sequences(Split::Validate), small.sequences(Split::Test)), (2, 1));
    }

    #[test]
    fn the_drawn_bits_never_change() {
        let known = "42e73275eb723e5fb61dca6cd58f85dc08d7712795197259a4dcd34a36e5fbaa";
        assert_eq!(drawn(2, 5).payload_sha256(), known);
    }

    #[test]
    fn more_than_fits_in_memory_is_refused() {
        let (sequences, frames) = (Count::literal(1_000_000), Count::literal(30));
        let error = MovingSquare { sequences, frames }.check_size().unwrap_err();
        assert!(error.to_string().contains("1500000 sequences of 30 frames"), "{error}");
    }
}
