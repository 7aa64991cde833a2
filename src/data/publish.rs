//! Packs that are given away.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{
    cache::{self, WriteError},
    error::DataError,
};

/// Compression of a published pack; the highest there is, for it is done once.
const LEVEL: i32 = 22;

/// Window of the compression: 2^23 bytes hold twenty sequences and are what any decoder grants.
const WINDOW_LOG: u32 = 23;

/// Writes a pack that can be given away; compressed if the name of the file ends in `.zst`.
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
