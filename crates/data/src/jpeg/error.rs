//! Why JPEG data cannot be decoded.

/// Largest number of pixels of an image; a frame of the Google data set has 640×512.
pub const PIXELS_MAX: u64 = 1 << 20;

/// Why bytes cannot be decoded as a JPEG image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    #[error("no data")]
    Empty,
    #[error("no JPEG signature at the start")]
    NotJpeg,
    #[error("the file ends inside the image")]
    Truncated,
    /// The coded coefficients end too early or are invalid.
    #[error("the entropy-coded data are damaged")]
    Coded,
    #[error("expected a JPEG marker at byte {offset}")]
    NoMarker { offset: usize },
    /// A segment contradicts itself or an earlier one.
    #[error("invalid {what}")]
    Segment { what: &'static str },
    #[error("{what} is not supported")]
    Unsupported { what: &'static str },
    #[error("{width}x{height} pixels; the limit is {PIXELS_MAX} pixels")]
    TooLarge { width: usize, height: usize },
}
