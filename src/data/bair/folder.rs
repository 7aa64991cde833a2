//! A folder in the BAIR layout, decoded into a pack and compared with it at every use.
//!
//! A pack in the cache is used only if each of its bytes and each source file is unchanged. Files whose
//! stamp changed are hashed again. If anything differs, the pack is made again and the reason becomes a
//! warning, because the digest of the data then changes too.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{ACTION_SIZE, POSITION_SIZE, SequenceFolder, list, read_sequence};
use crate::{
    config::data::Split,
    data::{
        cache,
        error::DataError,
        findings::{Finding, Findings},
        origin::{DataOrigin, Required},
        pack::{Description, Encoder, Pack, SequenceFormat},
        progress::{Progress, Watch},
        publish::publish,
        sequence::SequenceBuffer,
        source_files::is_unchanged,
    },
};

/// What to record of source files beside their content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamps {
    /// The file system's stamp, to detect changes.
    Kept,
    /// Nothing but the length, so that equal files give equal bytes on any machine.
    Blank,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct BairFolder<'a> {
    pub(in crate::data) root: &'a Path,
}

impl DataOrigin for BairFolder<'_> {
    fn open(
        &self,
        required: Required,
        cache: &Path,
        progress: Watch<'_>,
    ) -> Result<Pack, DataError> {
        let root = self.root;
        let (listing, warnings) = valid_list(root, required)?;
        let outdated = |pack: &Pack| difference(root, &listing, pack);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(root, &listing, warnings.clone(), Stamps::Kept, out, progress)
        };
        let folder = cache::folder(cache, "bair", root, b"");
        let origin = format!("folder `{}`", root.display());
        let description = Description { name: "bair", origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    fn check(&self, required: Required, progress: Watch<'_>) -> Vec<Finding> {
        let root = self.root;
        let mut findings = Findings::default();
        let listing = list(root, required, &mut findings);
        let mut seen = SeenSequences::default();
        let mut shape = None;
        let mut buffer = SequenceBuffer::default();
        for (done, folder) in listing.iter().enumerate() {
            let errors = findings.error_count();
            read_sequence(root, folder, &mut shape, &mut buffer, &mut findings);
            if findings.error_count() == errors {
                seen.add(folder, &buffer, &mut findings);
            }
            progress(Progress::decoding(done, listing.len()));
        }
        findings.into_list()
    }

    fn pack(&self, out: &Path, progress: Watch<'_>) -> Option<Result<(), DataError>> {
        Some(valid_list(self.root, Required::AllSplits).and_then(|(listing, warnings)| {
            publish(out, |out| encode(self.root, &listing, warnings, Stamps::Blank, out, progress))
        }))
    }
}

/// Returns all sequences and the warnings about them, or the first error.
fn valid_list(
    root: &Path,
    required: Required,
) -> Result<(Vec<SequenceFolder>, Vec<String>), DataError> {
    let mut findings = Findings::default();
    let listing = list(root, required, &mut findings);
    findings.fail_on_error()?;
    Ok((listing, findings.into_warnings()))
}

/// Decodes all sequences into a pack.
fn encode(
    root: &Path,
    listing: &[SequenceFolder],
    warnings: Vec<String>,
    stamps: Stamps,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let mut findings = Findings::with_warnings(warnings);
    let mut seen = SeenSequences::default();
    let mut shape = None;
    let mut buffer = SequenceBuffer::default();
    let mut encoder = Encoder::begin(out)?;
    for (done, folder) in listing.iter().enumerate() {
        read_sequence(root, folder, &mut shape, &mut buffer, &mut findings);
        findings.fail_on_error()?;
        seen.add(folder, &buffer, &mut findings);
        if stamps == Stamps::Blank {
            for source in &mut buffer.sources {
                *source = source.without_stamp();
            }
        }
        encoder.sequence(folder.split, &folder.name, &buffer, folder.files())?;
        progress(Progress::decoding(done, listing.len()));
    }
    let shape = shape.expect("a list without errors has a first frame");
    let format = SequenceFormat::new(shape, [ACTION_SIZE, POSITION_SIZE]);
    Ok(encoder.finish(format, findings.into_warnings())?)
}

/// Sequences by the digest of their content, to find duplicates.
#[derive(Default)]
struct SeenSequences(BTreeMap<[u8; 32], (Split, String)>);

impl SeenSequences {
    /// Warns if the same content was added before.
    fn add(&mut self, folder: &SequenceFolder, content: &SequenceBuffer, findings: &mut Findings) {
        let mut hasher = Sha256::new();
        hasher.update(&content.frames);
        for value in content.actions.iter().chain(&content.positions) {
            hasher.update(value.to_le_bytes());
        }
        let here = (folder.split, folder.name.clone());
        let Some(there) = self.0.insert(hasher.finalize().into(), here) else { return };
        let (split, name) = there;
        let place = if split == folder.split { "one split" } else { "two splits" };
        findings.warn(format!(
            "equal sequences in {place}: `{split}/{name}` and `{}/{}`",
            folder.split, folder.name
        ));
    }
}

/// Returns the first difference between a folder and the files that its pack was made from.
fn difference(
    root: &Path,
    listing: &[SequenceFolder],
    pack: &Pack,
) -> Result<Option<String>, DataError> {
    let differs =
        |path: &str, how: &str| Ok(Some(format!("`{}` {how}", root.join(path).display())));
    for split in Split::ALL {
        let listed = listing.iter().filter(|folder| folder.split == split);
        let now: BTreeSet<_> = listed.map(|folder| folder.name.as_str()).collect();
        let then: BTreeSet<_> = pack.names(split).iter().map(String::as_str).collect();
        if let Some(name) = now.difference(&then).next() {
            return differs(&format!("{split}/{name}"), "was added");
        }
        if let Some(name) = then.difference(&now).next() {
            return differs(&format!("{split}/{name}"), "is missing");
        }
    }
    if let Some(first) = listing.first().filter(|first| first.frames != pack.frames()) {
        let how = format!("has {} frames, not {}", first.frames, pack.frames());
        return differs(&format!("{}/{}", first.split, first.name), &how);
    }
    for (number, file) in listing.iter().flat_map(SequenceFolder::files).enumerate() {
        let recorded = pack.source(number).expect("a pack has a record of every file");
        match is_unchanged(&root.join(&file), &recorded) {
            Ok(true) => {}
            Ok(false) => return differs(&file, "changed"),
            Err(error) if error.is_not_found() => return differs(&file, "is missing"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
