//! Metrics: errors of predictions, and distances between sets of videos.
//!
//! Functions of slices, without tensors; averages over frames are left to the caller unless a definition
//! includes them. A frame is planar, `[C, H, W]` row-major, with pixels in [0, 1]; sums are in `f64`, in
//! storage order. Metrics of frames: [`psnr()`], [`ssim()`], [`mse()`]; of coordinates: [`keypoints`];
//! of generated videos: [`distribution`]; in the features of a network: [`lpips`], [`frechet`].
//! [`definitions()`] defines every metric name in a record, except those that contain the digest of a network:
//! [`network_definitions()`].

mod definitions;
pub mod distribution;
mod error;
mod filter;
pub mod frechet;
pub mod keypoints;
pub mod lpips;
pub mod ssim;
#[cfg(test)]
mod tests;

pub use definitions::{MetricDefinition, definitions, network_definitions, written};
pub use error::{mse, mse_sum, psnr, psnr_in_range};
pub use ssim::{skimage_ssim, ssim};

/// A pixel value in single or double precision; metrics compute in double precision.
pub trait Pixel: Copy + Into<f64> {}

impl Pixel for f32 {}
impl Pixel for f64 {}

/// Channels, height and width of a planar frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    pub channels: usize,
    pub height: usize,
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

/// Panics unless both frames have the shape.
#[track_caller]
fn assert_frames<T>(truth: &[T], prediction: &[T], shape: FrameShape) {
    assert!(!shape.is_empty(), "a frame has pixels");
    assert_eq!(truth.len(), shape.len(), "the true frame is [C, H, W]");
    assert_eq!(prediction.len(), shape.len(), "the predicted frame is [C, H, W]");
}
