//! A table of keypoints as a pack: sequences of one frame, whose position holds the keypoints.
//!
//! ```text
//! ROOT/training.csv      30 columns of coordinates in pixels, then `Image`; also as .zip or .csv.gz
//! ```
//! Rows that lack a coordinate are left out. The others are put in the original's order, scikit-learn's
//! `shuffle(random_state=42)`, and divided by [`RowSplit`]. A position of the pack is the network's
//! target, (p − 48) / 48 of a coordinate p in pixels, computed in `f64` and then rounded: pixels in
//! single precision would give targets with other bits. Start from [`KeypointTable`].

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    cache,
    error::DataError,
    files::training_files,
    findings::Findings,
    kaggle::{KeypointColumns, Keypoints, SIDE, read_training, shuffled},
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, SequenceFormat},
    progress::{Progress, Watch},
    publish::publish,
    sequence::{SequenceBuffer, SourceRecord},
    source_files::{difference, source},
};
use reprise_base::{
    config::data::{Dataset, RowSplit, Shares, Split},
    fs,
    scalar::Fraction,
    text::count,
};

mod error;

pub use error::KeypointError;

/// Names of the table in its folder; the first one that exists is read.
const FILES: [&str; 3] = ["training.csv", "training.zip", "training.csv.gz"];

/// Returns the name of the table in a folder, the usual one if there is none.
fn file(root: &Path) -> &'static str {
    let exists = |name: &&&str| matches!(fs::kind(&root.join(name)), Ok(Some(_)));
    FILES.iter().find(exists).unwrap_or(&FILES[0])
}

/// A table of keypoints on disk, its columns of interest, and how it is split.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeypointTable<'a> {
    pub(super) root: &'a Path,
    pub(super) columns: &'a KeypointColumns,
    pub(super) split: RowSplit,
}

/// Returns the data set in a folder, if it has a table of keypoints: all columns, with the default split.
pub(super) fn detect(root: &Path) -> Result<Option<Dataset>, DataError> {
    let (root, (columns, split)) = (root.to_owned(), <_>::default());
    let exists = fs::kind(&root.join(file(&root)))?.is_some();
    Ok(exists.then_some(Dataset::Kaggle { root, columns, split }))
}

impl DataOrigin for KeypointTable<'_> {
    fn open(&self, _: Required, cache: &Path, progress: Watch<'_>) -> Result<Pack, DataError> {
        let settings = cache::settings(&(self.columns, self.split));
        let folder = cache::folder(cache, "kaggle", self.root, &settings);
        let outdated = |pack: &Pack| difference(self.root, &[file(self.root)], pack);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(*self, source(&self.path())?, out, progress)
        };
        let origin = format!("folder `{}`", self.root.display());
        let description = Description { name: "kaggle", origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    /// Stops at the first error.
    fn check(&self, _: Required, _: Watch<'_>) -> Findings {
        let mut findings = Findings::default();
        if let Some(keypoints) = findings.keep(self.read()) {
            describe(&keypoints, &mut findings);
            let arranged = findings.keep(self.arrange(&keypoints));
            warn_of_duplicates(*self, &keypoints, &arranged.unwrap_or_default(), &mut findings);
        }
        findings
    }

    fn pack(&self, out: &Path, progress: Watch<'_>) -> Option<Result<(), DataError>> {
        Some(publish(out, |out| {
            encode(*self, source(&self.path())?.without_stamp(), out, progress)
        }))
    }
}

impl KeypointTable<'_> {
    fn path(&self) -> PathBuf {
        self.root.join(file(self.root))
    }

    fn read(&self) -> Result<Keypoints, KeypointError> {
        Ok(read_training(&self.path(), self.columns)?)
    }

    /// Returns split and complete row of every sequence in the pack's order.
    fn arrange(&self, keypoints: &Keypoints) -> Result<Vec<(Split, usize)>, KeypointError> {
        let rows = keypoints.len();
        arrange(rows, self.split)
            .ok_or_else(|| KeypointError::NoTrainingRows { path: self.path(), rows })
    }
}

/// Splits `rows` complete rows; returns nothing if none is left for training.
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

/// Says what was understood of a table, and warns about what it lacks.
fn describe(keypoints: &Keypoints, findings: &mut Findings) {
    let Keypoints { columns, rows, skipped, separator, outside, .. } = keypoints;
    let points: Vec<&str> = columns
        .iter()
        .filter_map(|name| name.strip_suffix("_x").or(name.strip_suffix("_y")))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    findings.fact("keypoints", format!("{}: {}", points.len(), points.join(", ")));
    let complete = keypoints.len() as u64;
    findings.fact("complete rows", format!("{complete} of {rows}"));
    if !skipped.is_empty() {
        let names: Vec<String> = skipped.iter().map(|name| format!("`{name}`")).collect();
        findings.fact("skipped columns", format!("{} (row numbers)", names.join(", ")));
    }
    match separator {
        ',' => {}
        '\t' => findings.fact("separator", "tab"),
        other => findings.fact("separator", format!("`{other}`")),
    }
    if complete < *rows {
        findings
            .warn(format!("{} of {rows} rows lack a coordinate and are left out", rows - complete));
    }
    if *outside > 0 {
        findings.warn(format!("{} outside the image", count(*outside, "coordinate")));
    }
}

/// Warns about images that occur more than once.
fn warn_of_duplicates(
    table: KeypointTable<'_>,
    keypoints: &Keypoints,
    arranged: &[(Split, usize)],
    findings: &mut Findings,
) {
    if table.split == RowSplit::Document {
        findings.warn("the splits validation and test consist of the training rows".to_owned());
        return;
    }
    let mut seen: BTreeMap<&[u8], (Split, usize)> = BTreeMap::new();
    for &(split, row) in arranged {
        let earlier = seen.insert(keypoints.images().grey(row), (split, row));
        if let Some((other, earlier)) = earlier {
            let place = if other == split { "one split" } else { "two splits" };
            let [first, second] = [earlier, row].map(|row| keypoints.number(row));
            findings.warn(format!(
                "equal images in {place}: `{other}/{first}` and `{split}/{second}` (rows of the table)"
            ));
        }
    }
}

/// Reads the table and writes its pack.
fn encode(
    table: KeypointTable<'_>,
    source: SourceRecord,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let keypoints = table.read().map_err(DataError::from)?;
    let arranged = table.arrange(&keypoints).map_err(DataError::from)?;
    let mut findings = Findings::default();
    describe(&keypoints, &mut findings);
    warn_of_duplicates(table, &keypoints, &arranged, &mut findings);
    let mut encoder = Encoder::begin(out)?;
    if table.split == RowSplit::Document {
        encoder = encoder.with_repeated_splits();
    }
    let mut sources = vec![source];
    for (done, &(split, row)) in arranged.iter().enumerate() {
        let buffer = SequenceBuffer {
            frames: keypoints.images().grey(row).to_vec(),
            actions: Vec::new(),
            positions: keypoints.targets(row).collect(),
            sources: std::mem::take(&mut sources),
        };
        let name = keypoints.number(row).to_string();
        encoder.sequence(split, &name, &buffer, [file(table.root).to_owned()].into_iter())?;
        progress(Progress::decoding(done, arranged.len()));
    }
    let position_names = keypoints.columns.clone();
    let position_size = position_names.len();
    let frame_shape = [SIDE, SIDE, 1];
    let format = SequenceFormat { frame_shape, action_size: 0, position_size, position_names };
    Ok(encoder.finish(format, findings)?)
}

#[cfg(test)]
mod tests;
