//! Readers of single files for the fuzz targets. Elsewhere they are reached only through folders.

use crate::{ImageError, image_file, kaggle, videos};

/// Decodes an image file of up to 256x256 pixels.
pub fn image(bytes: &[u8]) {
    let small =
        |width: u32, height: u32| if width.max(height) <= 256 { Ok(()) } else { Err(Refused) };
    if let Ok((image, _)) = image_file::decode(bytes, small) {
        assert_eq!(image.pixels.len(), image.height * image.width * 3);
    }
}

/// Decodes a video file as every kind, and repeats its frames by their times.
pub fn video(bytes: &[u8]) {
    videos::fuzz(bytes);
}

/// Reads a table with keypoints, one of numbered images and one of wanted values.
pub fn table(bytes: &[u8]) {
    kaggle::fuzz(bytes);
}

/// An image that is invalid, or too large to be worth decoding here.
struct Refused;

impl From<ImageError> for Refused {
    fn from(_: ImageError) -> Self {
        Self
    }
}
