//! The embedded default: simulated Sawyer pushing, 64×64 RGB, 30 frames.
//!
//! The program carries a compressed pack and its digests; the first use unpacks it into the cache,
//! from where it is mapped. `data/sawyer_push/` says where the sequences come from.

use std::{io::Write, path::Path};

use super::{
    Progress, Split, cache,
    error::DataError,
    pack::{Pack, PackFault},
};

/// The pack, compressed by [`pack_folder`](super::pack_folder).
const COMPRESSED: &[u8] = include_bytes!("../../data/sawyer_push/sequences.pack.zst");

/// Length of the unpacked pack in bytes.
const PACK_BYTES: usize = 71_337_481;

/// Known digest of frames, actions and positions.
const PAYLOAD_SHA256: &str = "b6602c702fe08ee37175cfea84dbfce2627c8467d69fa569640f31da6b6abcd8";

/// Known digest of the PNG and CSV files that the pack was made from.
const SOURCES_SHA256: &str = "f7565ff795e7d165e5e27856879377f3391fa37748771b24313fe756056b695d";

const ORIGIN: &str = "first sequences of a simulation made with MuJoCo and Meta-World's Sawyer arm, \
                      embedded in this program (see `data/sawyer_push/README.md`)";

/// Height, width and channels of a frame.
pub(super) const FRAME_SHAPE: [usize; 3] = [64, 64, 3];

/// Frames of a sequence.
pub(super) const FRAMES: u64 = 30;

/// Returns the number of sequences of a split.
pub(super) const fn size(split: Split) -> u64 {
    match split {
        Split::Train => 128,
        Split::Validate | Split::Test => 32,
    }
}

/// Opens the pack in `cache`, unpacking it where it is missing or broken.
pub(super) fn open(cache: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Pack, DataError> {
    let folder = cache.join(format!("sawyer_push-{}", &PAYLOAD_SHA256[..16]));
    let outdated = |pack: &Pack| Ok(known(pack).err().map(|fault| fault.to_string()));
    let write = |out: &mut dyn Write, _: &mut dyn FnMut(Progress)| {
        Ok(zstd::stream::copy_decode(COMPRESSED, out)?)
    };
    let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
    known(&pack).map_err(|fault| DataError::BrokenPack { path: folder, fault })?;
    Ok(pack.described("sawyer_push", ORIGIN.to_owned()))
}

/// Unpacks the embedded pack in memory and holds it to its digests.
pub(super) fn check(progress: &mut dyn FnMut(Progress)) -> Result<(), DataError> {
    let mut bytes = Vec::with_capacity(PACK_BYTES);
    zstd::stream::copy_decode(COMPRESSED, &mut bytes)
        .map_err(|_| PackFault::NotAPack)
        .and_then(|()| known(&Pack::from_bytes(bytes, progress)?))
        .map_err(|fault| DataError::BrokenPack { path: "sawyer_push".into(), fault })
}

fn known(pack: &Pack) -> Result<(), PackFault> {
    let digests =
        [(pack.payload_sha256(), PAYLOAD_SHA256), (pack.sources_sha256(), SOURCES_SHA256)];
    match digests.into_iter().find(|(found, expected)| found != expected) {
        Some((found, expected)) => Err(PackFault::Digest { found: found.to_owned(), expected }),
        None => Ok(()),
    }
}
