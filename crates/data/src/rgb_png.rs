//! 8-bit RGB images in PNG from untrusted files.
//!
//! The header is read before memory is allocated for pixels. Checksums are verified, text and
//! colour-profile chunks are not decompressed, and the memory of the decoder is limited.

use std::io::Cursor;

use png::{
    BitDepth, ColorType, DecodeOptions, Decoder, DecodingError, Info, Limits, Transformations,
};

/// Longest side of a frame in pixels.
pub(super) const SIDE_MAX: u32 = 1024;

/// Memory limit of the decoder in bytes, without the image itself.
const DECODER_BYTES_MAX: usize = 8 << 20;

/// Returns a decoder for a file; it has read nothing yet.
pub(super) fn decoder(file: &[u8]) -> Decoder<Cursor<&[u8]>> {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(file), options);
    decoder.set_limits(Limits { bytes: DECODER_BYTES_MAX });
    decoder.set_transformations(Transformations::IDENTITY);
    decoder
}

/// Returns whether an image is 8-bit RGB.
pub(super) fn is_rgb(header: &Info<'_>) -> bool {
    (header.color_type, header.bit_depth) == (ColorType::Rgb, BitDepth::Eight)
}

/// Decodes an 8-bit RGB image into `pixels`, `[H, W, 3]`, and reads the file to its end.
pub(super) fn decode(
    decoder: Decoder<Cursor<&[u8]>>,
    pixels: &mut [u8],
) -> Result<(), DecodingError> {
    let mut reader = decoder.read_info()?;
    reader.next_frame(pixels)?;
    reader.finish()
}
