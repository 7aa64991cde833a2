//! Data sets that the program carries as compressed packs with known digests.
//!
//! The first use unpacks one into the cache, from where it is mapped. Start from [`Embedded`].

use std::{io::Write, path::Path};

use super::{
    Required, Watch,
    bair::FrameShape,
    cache,
    error::{DataError, Fault},
    origin::Origin,
    pack::{Pack, PackFault},
};

/// A data set inside the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Embedded {
    /// Its name in a sweep file.
    pub(super) name: &'static str,
    /// Where it comes from.
    pub(super) origin: &'static str,
    /// The pack, compressed by [`pack`](super::pack()).
    pub(super) compressed: &'static [u8],
    /// Length of the unpacked pack in bytes.
    pub(super) pack_bytes: usize,
    /// Known digest of frames, actions and positions.
    pub(super) payload_sha256: &'static str,
    /// Known digest of the files that the pack was made from.
    pub(super) sources_sha256: &'static str,
    /// Height, width and channels of a frame.
    pub(super) frame_shape: FrameShape,
    /// Frames of a sequence.
    pub(super) frames: u64,
    /// Sequences by split, in the order of [`Split::ALL`](super::Split::ALL).
    pub(super) sequences: [u64; 3],
}

impl Origin for Embedded {
    /// Opens the pack in `cache`, unpacking it where it is missing or broken.
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let folder = cache.join(format!("{}-{}", self.name, &self.payload_sha256[..16]));
        let outdated = |pack: &Pack| Ok(self.known(pack).err().map(|fault| fault.to_string()));
        let write = |out: &mut dyn Write, _: Watch<'_>| {
            Ok(zstd::stream::copy_decode(self.compressed, out)?)
        };
        let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
        self.known(&pack).map_err(|fault| DataError::BrokenPack { path: folder, fault })?;
        Ok(pack.described(self.name, self.origin.to_owned()))
    }

    /// Unpacks the pack in memory and holds it to its digests.
    fn check(&self, _: Required, progress: Watch<'_>) -> Vec<Fault> {
        let mut bytes = Vec::with_capacity(self.pack_bytes);
        let whole = zstd::stream::copy_decode(self.compressed, &mut bytes)
            .map_err(|_| PackFault::NotAPack)
            .and_then(|()| self.known(&Pack::from_bytes(bytes, progress)?))
            .map_err(|fault| DataError::BrokenPack { path: self.name.into(), fault });
        Fault::of(whole)
    }
}

impl Embedded {
    fn known(&self, pack: &Pack) -> Result<(), PackFault> {
        let digests = [
            (pack.payload_sha256(), self.payload_sha256),
            (pack.sources_sha256(), self.sources_sha256),
        ];
        match digests.into_iter().find(|(found, expected)| found != expected) {
            Some((found, expected)) => Err(PackFault::Digest { found: found.to_owned(), expected }),
            None => Ok(()),
        }
    }
}
