//! What was generated.

use reprise_data::npy::{Array, ArrayData};

/// Videos in rows and columns.
#[derive(Debug)]
pub struct GeneratedVideos {
    /// Frames, height, width, channels of each video.
    pub shape: [usize; 4],
    /// Names of the columns.
    pub columns: Vec<String>,
    pub rows: Vec<GeneratedRow>,
    /// Number of leading frames that were given to the model, if it predicts frames.
    pub context: Option<usize>,
    /// All frames in single precision, with their names.
    pub arrays: Vec<(String, Array)>,
}

/// A row of videos.
#[derive(Debug)]
pub struct GeneratedRow {
    pub name: String,
    /// Bytes `[T, H, W, C]` of each video.
    pub videos: Vec<Vec<u8>>,
}

/// Returns an array of single precision.
pub(super) fn array(shape: &[usize], values: Vec<f32>) -> Array {
    Array { shape: shape.to_vec(), elements: ArrayData::F32(values) }
}
