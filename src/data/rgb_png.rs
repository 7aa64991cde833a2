//! 8-bit RGB pictures in PNG, from anywhere.
//!
//! The header can be looked at before anything is allocated for pixels, checksums count, text and
//! colour-profile chunks are never unpacked, and what the decoder may allocate is limited.

use std::io::Cursor;

use png::{
    BitDepth, ColorType, DecodeOptions, Decoder, DecodingError, Info, Limits, Transformations,
};

/// Longest side of a frame in pixels.
pub(super) const SIDE_MAX: u32 = 1024;

/// What the decoder may allocate beside the picture itself.
const DECODER_BYTES_MAX: usize = 8 << 20;

/// Returns the decoder of a file, which has read nothing yet.
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

/// Returns whether a picture is 8-bit RGB.
pub(super) fn is_rgb(header: &Info<'_>) -> bool {
    (header.color_type, header.bit_depth) == (ColorType::Rgb, BitDepth::Eight)
}

/// Decodes an 8-bit RGB picture into `pixels`, `[H, W, 3]`, and reads the file to its end.
pub(super) fn decode(
    decoder: Decoder<Cursor<&[u8]>>,
    pixels: &mut [u8],
) -> Result<(), DecodingError> {
    let mut reader = decoder.read_info()?;
    reader.next_frame(pixels)?;
    reader.finish()
}
