//! Packs for distribution.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{
    cache::{self, WriteError},
    error::DataError,
};

/// Zstandard's highest level: a pack is compressed once.
const LEVEL: i32 = 22;

/// The compression window is 2^23 bytes: it holds twenty sequences, and every decoder accepts it.
const WINDOW_LOG: u32 = 23;

/// Writes a pack for distribution, compressed if the file's name ends in `.zst`.
pub(super) fn publish(
    path: &Path,
    encode: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), DataError> {
    cache::write_with(path, |file| {
        if path.extension().is_none_or(|extension| extension != "zst") {
            return encode(file);
        }
        let mut compressed = compressor(file)?;
        encode(&mut compressed)?;
        compressed.finish()?;
        Ok(())
    })
}

fn compressor(out: &mut dyn Write) -> io::Result<zstd::Encoder<'static, &mut dyn Write>> {
    let mut compressor = zstd::Encoder::new(out, LEVEL)?;
    compressor.window_log(WINDOW_LOG)?;
    compressor.long_distance_matching(true)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}
