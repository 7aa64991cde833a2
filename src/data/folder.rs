//! A folder in the BAIR layout, decoded into a pack and compared with it on every use.
//!
//! A pack in the cache is used only if every byte of it is as it was written and every source file
//! is as it was read. Files whose stamp changed are hashed again; if anything differs, the pack is
//! made anew and the reason becomes a warning, because the digest of the data then changes too.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{
    Progress, Split, Watch,
    bair::{self, Required, SequenceBuffer, SequenceFolder},
    cache,
    error::{DataError, Fault, Findings},
    origin::Origin,
    pack::{Encoder, Pack},
    publish::publish,
    source_files::is_unchanged,
};

/// What to write down about source files beside their content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamps {
    /// As the file system has them, to notice changes.
    Kept,
    /// Blank, so that the same files give the same bytes anywhere.
    Blank,
}

/// A data root.
#[derive(Clone, Copy, Debug)]
pub(super) struct BairFolder<'a> {
    pub(super) root: &'a Path,
}

impl Origin for BairFolder<'_> {
    fn open(
        &self,
        required: Required,
        cache: &Path,
        progress: Watch<'_>,
    ) -> Result<Pack, DataError> {
        let root = self.root;
        let (listing, warnings) = list(root, required)?;
        let outdated = |pack: &Pack| difference(root, &listing, pack);
        let write = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(root, &listing, warnings.clone(), Stamps::Kept, out, progress)
        };
        let folder = cache::folder(cache, "bair", root, b"");
        let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
        Ok(pack.described("bair", format!("folder `{}`", root.display())))
    }

    fn check(&self, required: Required, progress: Watch<'_>) -> Vec<Fault> {
        let root = self.root;
        let mut findings = Findings::default();
        let listing = bair::list(root, required, &mut findings);
        let mut twins = Twins::default();
        let mut shape = None;
        let mut buffer = SequenceBuffer::default();
        for (done, folder) in listing.iter().enumerate() {
            let errors = findings.error_count();
            bair::read_sequence(root, folder, &mut shape, &mut buffer, &mut findings);
            if findings.error_count() == errors {
                twins.note(folder, &buffer, &mut findings);
            }
            progress(Progress::decoding(done, listing.len()));
        }
        findings.into_faults()
    }

    fn pack(&self, out: &Path, progress: Watch<'_>) -> Option<Result<(), DataError>> {
        Some(list(self.root, Required::AllSplits).and_then(|(listing, warnings)| {
            publish(out, |out| encode(self.root, &listing, warnings, Stamps::Blank, out, progress))
        }))
    }
}

/// Returns all sequences, with what is doubtful about them, unless anything is wrong.
fn list(root: &Path, required: Required) -> Result<(Vec<SequenceFolder>, Vec<String>), DataError> {
    let mut findings = Findings::default();
    let listing = bair::list(root, required, &mut findings);
    findings.fail_on_error()?;
    Ok((listing, findings.into_warnings()))
}

/// Decodes all sequences one after the other into a pack.
fn encode(
    root: &Path,
    listing: &[SequenceFolder],
    warnings: Vec<String>,
    stamps: Stamps,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let mut findings = Findings::default();
    for warning in warnings {
        findings.warn(warning);
    }
    let mut twins = Twins::default();
    let mut shape = None;
    let mut buffer = SequenceBuffer::default();
    let mut encoder = Encoder::begin(out)?;
    for (done, folder) in listing.iter().enumerate() {
        bair::read_sequence(root, folder, &mut shape, &mut buffer, &mut findings);
        findings.fail_on_error()?;
        twins.note(folder, &buffer, &mut findings);
        if stamps == Stamps::Blank {
            for source in &mut buffer.sources {
                *source = source.anywhere();
            }
        }
        encoder.sequence(folder.split, &folder.name, &buffer, folder.files())?;
        progress(Progress::decoding(done, listing.len()));
    }
    let shape = shape.expect("a listing without errors has a first frame");
    Ok(encoder.finish(shape, findings.into_warnings())?)
}

/// Sequences by their content, to find those that are there twice.
#[derive(Default)]
struct Twins(BTreeMap<[u8; 32], (Split, String)>);

impl Twins {
    fn note(&mut self, folder: &SequenceFolder, content: &SequenceBuffer, findings: &mut Findings) {
        let mut hasher = Sha256::new();
        hasher.update(&content.frames);
        for value in content.actions.iter().chain(&content.positions) {
            hasher.update(value.to_le_bytes());
        }
        let here = (folder.split, folder.name.clone());
        let Some(there) = self.0.insert(hasher.finalize().into(), here) else { return };
        let (split, name) = there;
        let what = if split == folder.split { "there twice" } else { "in two splits" };
        findings.warn(format!(
            "a sequence is {what}: `{split}/{name}` and `{}/{}`",
            folder.split, folder.name
        ));
    }
}

/// Returns the first thing in which a folder differs from what its pack was made from.
fn difference(
    root: &Path,
    listing: &[SequenceFolder],
    pack: &Pack,
) -> Result<Option<String>, DataError> {
    let said = |path: &str, what: &str| Ok(Some(format!("`{}` {what}", root.join(path).display())));
    for split in Split::ALL {
        let listed = listing.iter().filter(|folder| folder.split == split);
        let now: BTreeSet<_> = listed.map(|folder| folder.name.as_str()).collect();
        let then: BTreeSet<_> = pack.names(split).iter().map(String::as_str).collect();
        if let Some(name) = now.difference(&then).next() {
            return said(&format!("{split}/{name}"), "was added");
        }
        if let Some(name) = then.difference(&now).next() {
            return said(&format!("{split}/{name}"), "is missing");
        }
    }
    if let Some(first) = listing.first().filter(|first| first.frames != pack.frames()) {
        let what = format!("has {} frames instead of {}", first.frames, pack.frames());
        return said(&format!("{}/{}", first.split, first.name), &what);
    }
    for (number, file) in listing.iter().flat_map(SequenceFolder::files).enumerate() {
        let known = pack.source(number).expect("a pack has a record of every file");
        match is_unchanged(&root.join(&file), &known) {
            Ok(true) => {}
            Ok(false) => return said(&file, "changed"),
            Err(error) if error.is_not_found() => return said(&file, "is missing"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
