//! Data sets that are embedded in the program as compressed packs with known digests.
//!
//! The first use unpacks one into the cache, from where it is mapped. `data/NAME/README.md` says
//! where each one comes from. Start from [`Embedded`].

use std::{io::Write, path::Path};

use super::{
    cache,
    error::DataError,
    findings::Findings,
    origin::{DataOrigin, Required},
    pack::{Description, Pack, PackBytes, PackError},
    progress::Watch,
    sequence::HwcShape,
};

/// Simulated pushing with a Sawyer arm, the default data set.
pub(super) const SAWYER_PUSH: Embedded = Embedded {
    name: "sawyer_push",
    origin: "first sequences of a simulation made with MuJoCo and Meta-World's Sawyer arm, \
             embedded in this program (see `data/sawyer_push/README.md`)",
    compressed: include_bytes!("../../../data/sawyer_push/sequences.pack.zst"),
    pack_bytes: 71_337_481,
    payload_sha256: "b6602c702fe08ee37175cfea84dbfce2627c8467d69fa569640f31da6b6abcd8",
    sources_sha256: "f7565ff795e7d165e5e27856879377f3391fa37748771b24313fe756056b695d",
    frame_shape: [64, 64, 3],
    frames: 30,
    sequences: [128, 32, 32],
};

/// Rendered faces with fifteen keypoints each.
pub(super) const FACIAL_KEYPOINTS: Embedded = Embedded {
    name: "facial_keypoints",
    origin: "complete rows of a table of rendered faces in the layout of Kaggle's facial keypoints, \
             embedded in this program (see `data/facial_keypoints/README.md`)",
    compressed: include_bytes!("../../../data/facial_keypoints/pictures.pack.zst"),
    pack_bytes: 1_916_397,
    payload_sha256: "f5f00e05e9d98db52b82cb0dbe3c25b941e416789a52773281028f29cc0e4839",
    sources_sha256: "625113b6fdf9ecdf3cfb386d40d0b663695caf0e5c8c5985a6d160202a9b000e",
    frame_shape: [96, 96, 1],
    frames: 1,
    sequences: [145, 30, 30],
};

/// Videos of five actions by four drawn people, 36 to 63 frames long. Two people are in training, one is
/// in validation, one in test.
pub(super) const WEIZMANN_LIKE: Embedded = Embedded {
    name: "weizmann_like",
    origin: "drawn people performing actions, in the layout of the Weizmann data, embedded in this \
             program (see `data/weizmann_like/README.md`)",
    compressed: include_bytes!("../../../data/weizmann_like/sequences.pack.zst"),
    pack_bytes: 12_560_562,
    payload_sha256: "215e0e3a031c80329e4eea7e51cb00c090741ea51840178e3794b0b743774d07",
    sources_sha256: "c2825978ed818b825c4295e0bdbf4ee1a5f02c859cc7f90bfc79617c9809ecaf",
    frame_shape: [64, 64, 3],
    frames: 36,
    sequences: [10, 5, 5],
};

/// An embedded data set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Embedded {
    /// Its name in a sweep file.
    pub(super) name: &'static str,
    /// Where it comes from.
    origin: &'static str,
    /// The pack, compressed by [`pack`](super::pack()).
    compressed: &'static [u8],
    /// Length of the unpacked pack.
    pack_bytes: usize,
    /// Known digest of frames, actions and positions.
    payload_sha256: &'static str,
    /// Known digest of the files that the pack was made from.
    sources_sha256: &'static str,
    pub(super) frame_shape: HwcShape,
    /// Frames of the shortest sequence.
    pub(super) frames: u64,
    /// Sequences by split, in the order of [`Split::ALL`](reprise_base::config::data::Split::ALL).
    pub(super) sequences: [u64; 3],
}

impl DataOrigin for Embedded {
    /// Opens the pack in `cache`; unpacks it there if it is missing or damaged.
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let folder = cache.join(format!("{}-{}", self.name, &self.payload_sha256[..16]));
        let outdated = |pack: &Pack| Ok(self.verify(pack).err().map(|error| error.to_string()));
        let encode = |out: &mut dyn Write, _: Watch<'_>| {
            Ok(zstd::stream::copy_decode(self.compressed, out)?)
        };
        let pack = cache::load_or_make(&folder, &self.description(), &outdated, &encode, progress)?;
        match self.verify(&pack) {
            Ok(()) => Ok(pack),
            Err(source) => Err(DataError::BrokenPack { path: folder, source }),
        }
    }

    /// Unpacks the pack in memory and compares its digests with the known ones.
    fn check(&self, _: Required, progress: Watch<'_>) -> Findings {
        let mut bytes = Vec::with_capacity(self.pack_bytes);
        let checked = zstd::stream::copy_decode(self.compressed, &mut bytes)
            .map_err(|_| PackError::NotAPack)
            .and_then(|()| Pack::new(PackBytes::Owned(bytes), self.description(), progress))
            .and_then(|pack| self.verify(&pack))
            .map_err(|source| DataError::BrokenPack { path: self.name.into(), source });
        Findings::of(checked)
    }
}

impl Embedded {
    fn description(&self) -> Description {
        Description { name: self.name, origin: self.origin.to_owned() }
    }

    fn verify(&self, pack: &Pack) -> Result<(), PackError> {
        let digests = [
            (pack.payload_sha256(), self.payload_sha256),
            (pack.sources_sha256(), self.sources_sha256),
        ];
        match digests.into_iter().find(|(found, expected)| found != expected) {
            Some((found, expected)) => Err(PackError::Digest { found: found.to_owned(), expected }),
            None => Ok(()),
        }
    }
}
