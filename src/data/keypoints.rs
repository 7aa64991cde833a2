//! A table of keypoints as a pack: sequences of one frame, whose position are the keypoints.
//!
//! ```text
//! ROOT/training.csv      30 columns of coordinates in pixels, then `Image`
//! ```
//! Rows that lack a coordinate are left out. The others are put in the document's order, scikit-learn's
//! `shuffle(random_state=42)`, and divided by [`RowSplit`]. A position of the pack is what the network
//! learns, (p − 48) / 48 of a coordinate p in pixels, computed in `f64` and then rounded: single-precision
//! pixels would not lead back to the original's targets. Start from [`Table`].

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    Progress, Required, Split, Watch,
    bair::SequenceBuffer,
    cache,
    error::{DataError, Fault, Findings},
    files::training_files,
    kaggle::{KeypointColumns, Keypoints, SIDE, read_training, shuffled},
    origin::Origin,
    pack::{Encoder, Pack},
    publish::publish,
    source_files::{Source, difference, source},
};
use crate::{
    config::data::{Dataset, RowSplit, Shares},
    fs,
    scalar::Fraction,
};

/// Name of the table below a root.
const FILE: &str = "training.csv";

/// A table of keypoints on the disk, and what is wanted of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    pub(super) root: &'a Path,
    pub(super) columns: &'a KeypointColumns,
    pub(super) split: RowSplit,
}

/// Returns the table that a folder holds, if it holds one: all of its columns, divided by default.
pub(super) fn recognise(root: &Path) -> Result<Option<Dataset>, DataError> {
    let (root, (columns, split)) = (root.to_owned(), <_>::default());
    let there = fs::kind(&root.join(FILE))?.is_some();
    Ok(there.then_some(Dataset::Kaggle { root, columns, split }))
}

impl Origin for Table<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let settings = format!("\0{:?} {:?}", self.columns, self.split);
        let folder = cache::folder(cache, "kaggle", self.root, settings.as_bytes());
        let outdated = |pack: &Pack| difference(self.root, &[FILE], pack);
        let write = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(*self, source(&self.path())?, out, progress)
        };
        let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
        Ok(pack.described("kaggle", format!("folder `{}`", self.root.display())))
    }

    /// Reading ends at the first fault.
    fn check(&self, _: Required, _: Watch<'_>) -> Vec<Fault> {
        let mut findings = Findings::default();
        if let Some(keypoints) = findings.keep(self.read()) {
            let (rows, complete) = (keypoints.rows, keypoints.len() as u64);
            if complete < rows {
                let without = rows - complete;
                findings
                    .warn(format!("{without} of {rows} rows lack a coordinate and are left out"));
            }
            let arranged = findings.keep(self.arrange(&keypoints));
            doubts(*self, &keypoints, &arranged.unwrap_or_default(), &mut findings);
        }
        findings.into_faults()
    }

    fn pack(&self, out: &Path, progress: Watch<'_>) -> Option<Result<(), DataError>> {
        Some(publish(out, |out| encode(*self, source(&self.path())?.anywhere(), out, progress)))
    }
}

impl Table<'_> {
    fn path(&self) -> PathBuf {
        self.root.join(FILE)
    }

    fn read(&self) -> Result<Keypoints, DataError> {
        Ok(read_training(&self.path(), self.columns)?)
    }

    /// Returns split and complete row of every sequence in the pack's order.
    fn arrange(&self, keypoints: &Keypoints) -> Result<Vec<(Split, usize)>, DataError> {
        let rows = keypoints.len();
        arrange(rows, self.split)
            .ok_or_else(|| DataError::NoRowsToTrain { path: self.path(), rows })
    }
}

/// Divides so many complete rows; nothing if none is left to train.
fn arrange(rows: usize, split: RowSplit) -> Option<Vec<(Split, usize)>> {
    let order = shuffled(rows);
    let Shares { validate, test } = match split {
        RowSplit::Shares(shares) => shares,
        RowSplit::Document => {
            let once = |split| order.iter().map(move |&row| (split, row));
            return Some(Split::ALL.into_iter().flat_map(once).collect());
        }
    };
    let held = |share: Fraction| training_files(rows, share).max(1);
    let (validate, test) = (held(validate), held(test));
    let train = rows.checked_sub(validate + test).filter(|&train| train > 0)?;
    let splits = [(Split::Train, train), (Split::Validate, validate), (Split::Test, test)];
    let splits = splits.into_iter().flat_map(|(split, n)| std::iter::repeat_n(split, n));
    Some(splits.zip(order).collect())
}

/// Warns of pictures that several splits share.
fn doubts(
    table: Table<'_>,
    keypoints: &Keypoints,
    arranged: &[(Split, usize)],
    findings: &mut Findings,
) {
    if table.split == RowSplit::Document {
        findings.warn("validation and test are the training rows once more".to_owned());
        return;
    }
    let mut seen: BTreeMap<&[u8], (Split, usize)> = BTreeMap::new();
    for &(split, row) in arranged {
        if let Some((other, twin)) = seen.insert(keypoints.images().grey(row), (split, row)) {
            let what = if other == split { "there twice" } else { "in two splits" };
            let [first, second] = [twin, row].map(|row| keypoints.number(row));
            findings.warn(format!(
                "a picture is {what}: `{other}/{first}` and `{split}/{second}` (rows of `{FILE}`)"
            ));
        }
    }
}

/// Reads the table and writes its pack.
fn encode(
    table: Table<'_>,
    source: Source,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let keypoints = table.read()?;
    let arranged = table.arrange(&keypoints)?;
    let mut findings = Findings::default();
    doubts(table, &keypoints, &arranged, &mut findings);
    let mut encoder = Encoder::begin(out)?;
    encoder.named(keypoints.columns.clone());
    let mut sources = vec![source];
    for (done, &(split, row)) in arranged.iter().enumerate() {
        let buffer = SequenceBuffer {
            frames: keypoints.images().grey(row).to_vec(),
            actions: Vec::new(),
            positions: keypoints.targets(row).collect(),
            sources: std::mem::take(&mut sources),
        };
        let name = keypoints.number(row).to_string();
        encoder.sequence(split, &name, &buffer, [FILE.to_owned()].into_iter())?;
        progress(Progress::decoding(done, arranged.len()));
    }
    Ok(encoder.finish([SIDE, SIDE, 1], findings.into_warnings())?)
}

#[cfg(test)]
mod tests;
