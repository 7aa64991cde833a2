//! Encodes images as PNG for people to look at.

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

/// Encodes 8-bit pixels, `[H, W, C]`, with the filter that gives the smallest file.
///
/// # Errors
/// If the pixels do not fill an image of this size.
pub fn smallest_png(
    pixels: &[u8],
    [height, width]: [usize; 2],
    color: ColorType,
) -> Result<Vec<u8>, EncodingError> {
    let size = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let encode = |filter| -> Result<Vec<u8>, EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, size(width), size(height));
        encoder.set_color(color);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::High);
        encoder.set_filter(filter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()?;
        Ok(bytes)
    };
    let mut smallest = encode(Filter::NoFilter)?;
    for filter in [Filter::Up, Filter::Paeth, Filter::Adaptive] {
        let candidate = encode(filter)?;
        if candidate.len() < smallest.len() {
            smallest = candidate;
        }
    }
    Ok(smallest)
}
