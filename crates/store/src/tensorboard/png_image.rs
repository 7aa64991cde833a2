//! Images as PNG.

use png::{BitDepth, ColorType, Encoder};

/// An encoded image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PngImage {
    pub(super) height: u32,
    pub(super) width: u32,
    /// 1 for grey, 3 for colour, as in the format's `colorspace`.
    pub(super) channels: u32,
    /// The PNG file.
    pub(super) png: Vec<u8>,
}

/// Encodes each image of `[N, H, W, C]`, or of `[N, T, H, W, C]` with frames side by side. Returns
/// nothing for any other shape and unless there are 1 or 3 channels.
pub(super) fn encode_all(shape: &[usize], bytes: &[u8]) -> Vec<PngImage> {
    let (count, frames, height, width, channels) = match *shape {
        [count, height, width, channels] => (count, 1, height, width, channels),
        [count, frames, height, width, channels] => (count, frames, height, width, channels),
        _ => return Vec::new(),
    };
    let size = frames * height * width * channels;
    if size == 0 || bytes.len() != count * size {
        return Vec::new();
    }
    let encode = |image: &[u8]| {
        encode(&side_by_side(image, frames, width * channels), height, frames * width, channels)
    };
    bytes.chunks_exact(size).filter_map(encode).collect()
}

/// Places frames side by side: from `[T, H, row]` to `[H, T, row]`.
fn side_by_side(bytes: &[u8], frames: usize, row: usize) -> Vec<u8> {
    let height = bytes.len() / (frames * row);
    let rows = (0..height).flat_map(|y| (0..frames).map(move |t| (t * height + y) * row));
    rows.flat_map(|start| &bytes[start..start + row]).copied().collect()
}

fn encode(pixels: &[u8], height: usize, width: usize, channels: usize) -> Option<PngImage> {
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
    Some(PngImage { height, width, channels, png })
}
