//! Pictures as PNG.

use png::{BitDepth, ColorType, Encoder};

/// An encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// Rows.
    pub(super) height: u32,
    /// Columns.
    pub(super) width: u32,
    /// 1 for grey, 3 for colour; the format's `colorspace` has the same numbers.
    pub(super) channels: u32,
    /// The file.
    pub(super) png: Vec<u8>,
}

/// Encodes each picture of `[N, H, W, C]`, or of `[N, T, H, W, C]` with frames side by side; nothing if
/// the shape is another one or there are not 1 or 3 channels.
pub(super) fn pictures(shape: &[usize], bytes: &[u8]) -> Vec<Picture> {
    let (count, frames, height, width, channels) = match *shape {
        [count, height, width, channels] => (count, 1, height, width, channels),
        [count, frames, height, width, channels] => (count, frames, height, width, channels),
        _ => return Vec::new(),
    };
    let size = frames * height * width * channels;
    if size == 0 || bytes.len() != count * size {
        return Vec::new();
    }
    let encode = |picture: &[u8]| {
        encode(&side_by_side(picture, frames, width * channels), height, frames * width, channels)
    };
    bytes.chunks_exact(size).filter_map(encode).collect()
}

/// Turns frames one below the other, `[T, H, row]`, into frames beside each other, `[H, T, row]`.
fn side_by_side(bytes: &[u8], frames: usize, row: usize) -> Vec<u8> {
    let height = bytes.len() / (frames * row);
    let rows = (0..height).flat_map(|y| (0..frames).map(move |t| (t * height + y) * row));
    rows.flat_map(|start| &bytes[start..start + row]).copied().collect()
}

fn encode(pixels: &[u8], height: usize, width: usize, channels: usize) -> Option<Picture> {
    let colour = match channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => return None,
    };
    let [height, width, channels] =
        [height, width, channels].map(|extent| u32::try_from(extent).unwrap_or(0));
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, width, height);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(Picture { height, width, channels, png })
}
