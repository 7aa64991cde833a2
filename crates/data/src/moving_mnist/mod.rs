//! Moving MNIST as the original generates it: digits that move in a square and bounce off its walls.
//!
//! A sequence is a pure function of the generator's state and the digits ([`trajectories`], then
//! [`draw`]), so the original's order of NumPy draws is repeated exactly. Digits come from
//! [`super::idx`]; `sets` makes data sets of generated sequences, `test_seq` of the published ones.
//!
//! After `data/MovingMNIST.py` of holmdk/Video-Prediction-using-PyTorch at edab22a, itself from
//! edenton/svg; the data set is that of Srivastava et al. 2015 (arXiv:1502.04681).

mod array_file;
mod digit_files;
mod error;
mod fresh;
mod layout;
mod resize;
pub(super) mod sets;
pub(super) mod test_seq;

use super::idx::{self, Digits};
use reprise_base::{
    config::digits::{Bounce, DIGIT_SIDE, DigitScene},
    rng::{numpy::RandomState, streams::Draws},
    scalar::Count,
};

pub use error::MovingMnistError;
pub use fresh::{FRESH_STREAM, FreshDigits};
pub use resize::resize_bilinear;

/// Pixels of a digit.
pub const DIGIT_PIXELS: usize = DIGIT_SIDE * DIGIT_SIDE;

/// Highest speed of a digit along an axis, in pixels per frame.
const SPEED_MAX: i64 = 4;

/// Size and content of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Frames of the sequence (`seq_len`).
    pub frames: usize,
    /// Digits in a frame (`num_digits`).
    pub digits: usize,
    /// Height and width of a frame in pixels (`image_size`), more than [`DIGIT_SIDE`].
    pub side: usize,
    pub bounce: Bounce,
}

impl Scene {
    /// Returns the scene that settings describe.
    pub const fn of(frames: Count, scene: DigitScene) -> Self {
        let DigitScene { digits, side, bounce } = scene;
        Self { frames: frames.len(), digits: digits.len(), side: side.len(), bounce }
    }
}

/// A source of random integers.
pub trait Integers {
    /// Returns a uniformly distributed number of `low..high`.
    fn between(&mut self, low: i64, high: i64) -> i64;
}

impl Integers for RandomState {
    fn between(&mut self, low: i64, high: i64) -> i64 {
        self.randint(low, high)
    }
}

impl Integers for Draws {
    fn between(&mut self, low: i64, high: i64) -> i64 {
        let count = u64::try_from(high - low).expect("the range is not empty");
        low + i64::try_from(self.below(count)).expect("a draw is less than an i64")
    }
}

/// The path of a digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trajectory {
    /// Index of the digit.
    pub digit: usize,
    /// Row and column of its upper left corner in every frame.
    pub corners: Vec<[usize; 2]>,
}

/// Draws the trajectories of one sequence in the original's order.
///
/// For each digit: its index below `available`, x, y, then the velocities along x and y; with
/// [`Bounce::Redrawn`] two more numbers at each wall. The original seeds NumPy once, with the index of
/// the first requested item, so a whole data set uses one [`RandomState`].
///
/// ```text
/// before each frame:  y < 0 → 0, y ≥ L → L − 1, and bounce; then x the same
/// after each frame:   y += dy, x += dx                              L = side − 32
/// ```
///
/// # Panics
/// If no digit is available or a frame is not larger than a digit.
pub fn trajectories(scene: Scene, available: usize, random: &mut dyn Integers) -> Vec<Trajectory> {
    let below = |n: usize, random: &mut dyn Integers| random.between(0, extent(n));
    (0..scene.digits)
        .map(|_| {
            let digit = usize::try_from(below(available, random)).expect("the draw is an index");
            let limit = scene.side - DIGIT_SIDE;
            let mut x = AxisMotion { position: below(limit, random), velocity: 0 };
            let mut y = AxisMotion { position: below(limit, random), velocity: 0 };
            x.velocity = any_velocity(random);
            y.velocity = any_velocity(random);
            let corners = (0..scene.frames)
                .map(|_| {
                    y.bounce(&mut x, limit, scene.bounce, random);
                    x.bounce(&mut y, limit, scene.bounce, random);
                    let corner = [y.position, x.position];
                    y.position += y.velocity;
                    x.position += x.velocity;
                    corner.map(|at| usize::try_from(at).expect("a digit stays inside the walls"))
                })
                .collect();
            Trajectory { digit, corners }
        })
        .collect()
}

/// Position and velocity of a digit along one axis.
#[derive(Clone, Copy, Debug)]
struct AxisMotion {
    position: i64,
    velocity: i64,
}

impl AxisMotion {
    /// Puts a digit that has left the frame back at the wall and changes its velocity; `other` is the
    /// other axis.
    fn bounce(&mut self, other: &mut Self, limit: usize, how: Bounce, random: &mut dyn Integers) {
        let last = extent(limit) - 1;
        let (wall, away) = if self.position < 0 {
            (0, [1, SPEED_MAX + 1])
        } else if self.position > last {
            (last, [-SPEED_MAX, 0])
        } else {
            return;
        };
        self.position = wall;
        match how {
            Bounce::Mirrored => self.velocity = -self.velocity,
            Bounce::Redrawn => {
                self.velocity = random.between(away[0], away[1]);
                other.velocity = any_velocity(random);
            }
        }
    }
}

/// Draws a velocity in pixels per frame.
fn any_velocity(random: &mut dyn Integers) -> i64 {
    random.between(-SPEED_MAX, SPEED_MAX + 1)
}

fn extent(n: usize) -> i64 {
    i64::try_from(n).expect("sizes are small")
}

/// Draws the frames `[T, side, side]` in [0, 1]: digits are summed and clipped at 1.
///
/// `digit` returns the [`DIGIT_PIXELS`] of a digit in [0, 1], row by row.
///
/// # Panics
/// If a digit has another number of pixels.
pub fn draw<'a>(
    scene: Scene,
    trajectories: &[Trajectory],
    digit: impl Fn(usize) -> &'a [f32],
) -> Vec<f32> {
    let mut frames = vec![0.0; scene.frames * scene.side * scene.side];
    add(scene, trajectories, &mut frames, digit, |sum, pixel| sum + pixel);
    // Clipped only after the last digit, so that the order of digits does not matter.
    for pixel in &mut frames {
        *pixel = pixel.min(1.0);
    }
    frames
}

/// Draws the frames `[T, side, side]` in bytes, which a pack can hold; otherwise as [`draw`].
///
/// # Panics
/// If a digit has another number of pixels.
pub fn draw_bytes<'a>(
    scene: Scene,
    trajectories: &[Trajectory],
    digit: impl Fn(usize) -> &'a [u8],
) -> Vec<u8> {
    let mut frames = vec![0; scene.frames * scene.side * scene.side];
    add(scene, trajectories, &mut frames, digit, u8::saturating_add);
    frames
}

/// Adds every digit to every frame at its corner.
fn add<'a, T: Copy + 'a>(
    scene: Scene,
    trajectories: &[Trajectory],
    frames: &mut [T],
    digit: impl Fn(usize) -> &'a [T],
    plus: impl Fn(T, T) -> T,
) {
    for trajectory in trajectories {
        let pixels = digit(trajectory.digit);
        assert_eq!(pixels.len(), DIGIT_PIXELS, "a digit has 32x32 pixels");
        for (t, &[top, left]) in trajectory.corners.iter().enumerate() {
            for (row, line) in pixels.chunks_exact(DIGIT_SIDE).enumerate() {
                let start = (t * scene.side + top + row) * scene.side + left;
                for (sum, &pixel) in frames[start..start + DIGIT_SIDE].iter_mut().zip(line) {
                    *sum = plus(*sum, pixel);
                }
            }
        }
    }
}

/// Returns all digits resized to [`DIGIT_SIDE`], one after another (`transforms.Scale(32)`).
pub fn resized(digits: &Digits) -> Vec<u8> {
    let resize = |index| resize_bilinear(digits.digit(index), [idx::SIDE; 2], [DIGIT_SIDE; 2]);
    (0..digits.len()).flat_map(resize).collect()
}

/// Returns a byte as a number in [0, 1] (`ToTensor`).
pub fn to_unit(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

#[cfg(test)]
mod array_tests;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod set_tests;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scene(side: usize, bounce: Bounce) -> Scene {
        Scene { frames: 30, digits: 3, side, bounce }
    }

    #[test]
    fn a_digit_that_leaves_is_put_at_the_wall_and_reversed() {
        let mut y = AxisMotion { position: -2, velocity: -4 };
        let mut x = AxisMotion { position: 32, velocity: 3 };
        let mut random = RandomState::new(0);
        y.bounce(&mut x, 32, Bounce::Mirrored, &mut random);
        x.bounce(&mut y, 32, Bounce::Mirrored, &mut random);
        assert_eq!([y.position, y.velocity, x.position, x.velocity], [0, 4, 31, -3]);
        assert_eq!(random, RandomState::new(0));
    }

    #[test]
    fn overlapping_digits_are_clipped_at_one() {
        let scene = Scene { frames: 1, digits: 2, side: 33, bounce: Bounce::Mirrored };
        let still = Trajectory { digit: 0, corners: vec![[0, 0]] };
        let frames = draw(scene, &[still.clone(), still.clone()], |_| &[0.75; DIGIT_PIXELS]);
        assert_eq!(frames[30..34], [1.0, 1.0, 0.0, 1.0]);
        let bytes = draw_bytes(scene, &[still.clone(), still], |_| &[200; DIGIT_PIXELS]);
        assert_eq!([bytes[0], bytes[31], bytes[32]], [255, 255, 0]);
    }

    proptest! {
        #[test]
        fn digits_never_leave_the_frame(seed: u32, side in 33_usize..100, mirrored: bool) {
            let bounce = if mirrored { Bounce::Mirrored } else { Bounce::Redrawn };
            let mut random = RandomState::new(seed);
            for trajectory in trajectories(scene(side, bounce), 10, &mut random) {
                prop_assert!(trajectory.digit < 10);
                let inside = |&at: &usize| at + DIGIT_SIDE < side;
                prop_assert!(trajectory.corners.iter().flatten().all(inside));
            }
        }
    }
}
