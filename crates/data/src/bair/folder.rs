//! A folder in the BAIR layout, decoded into a pack and compared with it at every use.
//!
//! A pack in the cache is used only if each of its bytes and each source file is unchanged. Files whose
//! stamp changed are hashed again. If anything differs, the pack is made again and the reason becomes a
//! warning, because the digest of the data then changes too.

use std::{collections::BTreeSet, io::Write, path::Path};

use super::{
    ACTION_SIZE, DecodedFrames, Listing, POSITION_SIZE, SequenceReader, SequenceTables, list,
};
use crate::{
    cache,
    equal::EqualSequences,
    error::DataError,
    findings::{Findings, Notes},
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, SequenceFormat},
    progress::{Progress, Watch},
    publish::publish,
    scale::Scale,
    sequence::SequenceBuffer,
    source_files::is_unchanged,
};
use reprise_base::config::data::{FrameResize, Split};

/// What to record of source files beside their content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamps {
    /// The file system's stamp, to detect changes.
    Kept,
    /// Nothing but the length, so that equal files give equal bytes on any machine.
    Blank,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct BairFolder<'a> {
    pub(crate) root: &'a Path,
    pub(crate) resize: Option<FrameResize>,
}

impl<'a> BairFolder<'a> {
    fn reader(self, listing: &Listing) -> SequenceReader<'a> {
        let (root, tables) = (self.root, listing.tables);
        SequenceReader { root, tables, scale: self.resize.map(Scale::new) }
    }
}

impl DataOrigin for BairFolder<'_> {
    fn open(
        &self,
        required: Required,
        cache: &Path,
        progress: Watch<'_>,
    ) -> Result<Pack, DataError> {
        let root = self.root;
        let (listing, notes) = valid_list(root, required)?;
        let outdated = |pack: &Pack| difference(root, &listing, pack);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(*self, &listing, notes.clone(), Stamps::Kept, out, progress)
        };
        let settings = self.resize.map(|resize| cache::settings(&resize)).unwrap_or_default();
        let folder = cache::folder(cache, "bair", root, &settings);
        let origin = format!("folder `{}`", root.display());
        let description = Description { name: "bair", origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    fn check(&self, required: Required, progress: Watch<'_>) -> Findings {
        let root = self.root;
        let mut findings = Findings::default();
        let listing = list(root, required, &mut findings);
        let mut seen = EqualSequences::default();
        let mut decoded = DecodedFrames::default();
        let mut buffer = SequenceBuffer::default();
        let reader = self.reader(&listing);
        for (done, folder) in listing.sequences.iter().enumerate() {
            let errors = findings.error_count();
            reader.read(folder, &mut decoded, &mut buffer, &mut findings);
            if findings.error_count() == errors {
                seen.add(folder.split, &folder.name, &buffer);
            }
            progress(Progress::decoding(done, listing.sequences.len()));
        }
        seen.finish(&mut findings);
        findings
    }

    fn pack(&self, out: &Path, progress: Watch<'_>) -> Option<Result<(), DataError>> {
        Some(valid_list(self.root, Required::AllSplits).and_then(|(listing, notes)| {
            publish(out, |out| encode(*self, &listing, notes, Stamps::Blank, out, progress))
        }))
    }
}

/// Returns all sequences and the warnings about them, or the first error.
fn valid_list(root: &Path, required: Required) -> Result<(Listing, Notes), DataError> {
    let mut findings = Findings::default();
    let listing = list(root, required, &mut findings);
    Ok((listing, findings.into_notes()?))
}

/// Decodes all sequences into a pack.
fn encode(
    folder: BairFolder<'_>,
    listing: &Listing,
    notes: Notes,
    stamps: Stamps,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let mut findings = Findings::with_notes(notes);
    let mut decoded = DecodedFrames::default();
    let mut buffer = SequenceBuffer::default();
    let mut encoder = Encoder::begin(out)?;
    let reader = folder.reader(listing);
    for (done, folder) in listing.sequences.iter().enumerate() {
        reader.read(folder, &mut decoded, &mut buffer, &mut findings);
        findings.fail_on_error()?;
        if stamps == Stamps::Blank {
            for source in &mut buffer.sources {
                *source = source.without_stamp();
            }
        }
        encoder.sequence(folder.split, &folder.name, &buffer, folder.files(listing.tables))?;
        progress(Progress::decoding(done, listing.sequences.len()));
    }
    let shape = decoded.shape.expect("a list without errors has a first frame");
    decoded.kinds.describe(&mut findings);
    let format = match listing.tables {
        SequenceTables::Read => SequenceFormat::new(shape, [ACTION_SIZE, POSITION_SIZE]),
        SequenceTables::Absent => SequenceFormat::frames_only(shape),
    };
    Ok(encoder.finish(format, findings)?)
}

/// Returns the first difference between a folder and the files that its pack was made from.
fn difference(root: &Path, listing: &Listing, pack: &Pack) -> Result<Option<String>, DataError> {
    let differs =
        |path: &str, how: &str| Ok(Some(format!("`{}` {how}", root.join(path).display())));
    for split in Split::ALL {
        let listed = listing.sequences.iter().filter(|folder| folder.split == split);
        let now: BTreeSet<_> = listed.map(|folder| folder.name.as_str()).collect();
        let then: BTreeSet<_> = pack.names(split).iter().map(String::as_str).collect();
        if let Some(name) = now.difference(&then).next() {
            return differs(&format!("{split}/{name}"), "was added");
        }
        if let Some(name) = then.difference(&now).next() {
            return differs(&format!("{split}/{name}"), "is missing");
        }
    }
    let first = listing.sequences.first();
    if let Some(first) = first.filter(|first| first.frames.len() != pack.frames()) {
        let how = format!("has {} frames, not {}", first.frames.len(), pack.frames());
        return differs(&first.folder, &how);
    }
    if listing.files().count() as u64 != pack.source_files() {
        return differs("", "has another number of tables");
    }
    for (number, file) in listing.files().enumerate() {
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
