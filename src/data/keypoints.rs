//! A table of keypoints as a pack: sequences of one frame, whose position are the keypoints.
//!
//! ```text
//! ROOT/training.csv      30 columns of coordinates in pixels, then `Image`
//! ```
//! Rows that lack a coordinate are left out. The others are put in the document's order, scikit-learn's
//! `shuffle(random_state=42)`, and divided by [`RowSplit`]. A position of the pack is what the network
//! learns, (p − 48) / 48 of a coordinate p in pixels, computed in `f64` and then rounded: single-precision
//! pixels would not lead back to the original's targets. Start from [`open`] and [`check`].

use std::{
    collections::BTreeMap,
    io::Write,
    path::{self, Path, PathBuf},
};

use super::{
    Progress, Split,
    bair::{SequenceBuffer, Source},
    cache,
    error::{DataError, Fault, Findings},
    files::training_files,
    kaggle::{Columns, Keypoints, SIDE, read_training, shuffled},
    pack::{Encoder, Pack},
    source_files::source,
};
use crate::{
    config::data::{RowSplit, Shares},
    fs::{self, Stamp},
    scalar::Fraction,
};

/// Name of the table below a root.
pub(super) const FILE: &str = "training.csv";

/// A table of keypoints on the disk, and what is wanted of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    pub(super) root: &'a Path,
    pub(super) columns: &'a Columns,
    pub(super) split: RowSplit,
}

/// Opens a table through its pack in `cache`, which is made where it is missing or outdated.
pub(super) fn open(
    table: Table<'_>,
    cache: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pack, DataError> {
    let outdated = |pack: &Pack| difference(table, pack);
    let write = |out: &mut dyn Write, progress: &mut dyn FnMut(Progress)| {
        let source = source(&table.path())?;
        encode(table, source, out, progress)
    };
    let pack = cache::load_or_make(&table.cache_folder(cache), &outdated, &write, progress)?;
    Ok(pack.described("kaggle", format!("folder `{}`", table.root.display())))
}

/// Writes a table as a pack whose bytes are the same wherever the table lies.
pub(super) fn pack(
    table: Table<'_>,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), cache::WriteError> {
    let mut source = source(&table.path())?;
    source.stamp = Stamp { bytes: source.stamp.bytes, ..Stamp::default() };
    encode(table, source, out, progress)
}

/// Returns everything that is wrong or doubtful about a table; reading ends at its first fault.
pub(super) fn check(table: Table<'_>) -> Vec<Fault> {
    let mut findings = Findings::default();
    if let Some(keypoints) = findings.keep(table.read()) {
        let (rows, complete) = (keypoints.rows, keypoints.len() as u64);
        if complete < rows {
            let without = rows - complete;
            findings.warn(format!("{without} of {rows} rows lack a coordinate and are left out"));
        }
        let arranged = findings.keep(table.arrange(&keypoints));
        doubts(table, &keypoints, &arranged.unwrap_or_default(), &mut findings);
    }
    findings.into_faults()
}

impl Table<'_> {
    fn path(&self) -> PathBuf {
        self.root.join(FILE)
    }

    fn read(&self) -> Result<Keypoints, DataError> {
        Ok(read_training(&self.path(), self.columns)?)
    }

    /// Returns the folder for the pack: its name holds the digest of what the pack is made from.
    fn cache_folder(&self, cache: &Path) -> PathBuf {
        let absolute = path::absolute(self.root).unwrap_or_else(|_| self.root.to_owned());
        let wanted = format!("{:?} {:?}", self.columns, self.split);
        let key = [absolute.as_os_str().as_encoded_bytes(), &[0], wanted.as_bytes()].concat();
        cache.join(format!("kaggle-{}", &fs::sha256_hex(&key)[..16]))
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
        if let Some((other, twin)) = seen.insert(keypoints.pictures().grey(row), (split, row)) {
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
    progress: &mut dyn FnMut(Progress),
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
            frames: keypoints.pictures().grey(row).to_vec(),
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

/// Returns in what a table differs from what its pack was made from.
fn difference(table: Table<'_>, pack: &Pack) -> Result<Option<String>, DataError> {
    let path = table.path();
    let Some(known) = pack.source(0) else {
        return Ok(Some("it does not say what it was made from".to_owned()));
    };
    let stamp = fs::stamp(&path)?;
    let unchanged = stamp == known.stamp
        || stamp.bytes == known.stamp.bytes && fs::sha256_file(&path)?.0 == fs::hex(&known.sha256);
    Ok((!unchanged).then(|| format!("`{}` changed", path.display())))
}

#[cfg(test)]
mod tests;
