//! How close a prediction is to the truth, and a set of videos to another.
//!
//! Plain functions of slices: no tensor, no averaging over frames beyond what a definition says itself.
//! A frame is planar, `[C, H, W]` row-major, with pixels in [0, 1]; sums are taken in `f64`, in storage
//! order. Frames are compared by [`psnr()`], [`ssim()`] and [`mse()`], coordinates by [`keypoints`],
//! generated videos by [`distribution`]; [`definitions()`] says what each name in a record means.

mod definitions;
pub mod distribution;
mod error;
mod filter;
pub mod keypoints;
pub mod ssim;

pub use definitions::{MetricDefinition, definitions, written};
pub use error::{mse, mse_sum, psnr, psnr_in_range};
pub use ssim::{skimage_ssim, ssim};

/// A pixel value in single or double precision; every metric computes in double precision.
pub trait Pixel: Copy + Into<f64> {}

impl Pixel for f32 {}
impl Pixel for f64 {}

/// Channels, height and width of a planar frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// Number of planes.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
}

impl FrameShape {
    /// Returns the number of pixels of one plane.
    pub const fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Returns the number of values of a frame.
    pub const fn len(&self) -> usize {
        self.channels * self.plane()
    }

    /// Returns whether a frame has no values.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Panics unless both frames have the shape: a mistake of the caller.
#[track_caller]
fn assert_frames<T>(truth: &[T], prediction: &[T], shape: FrameShape) {
    assert!(!shape.is_empty(), "a frame has pixels");
    assert_eq!(truth.len(), shape.len(), "the true frame is [C, H, W]");
    assert_eq!(prediction.len(), shape.len(), "the predicted frame is [C, H, W]");
}
