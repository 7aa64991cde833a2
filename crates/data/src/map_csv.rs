//! The list of sequences that the importer of the Chainer original writes: `map.csv` beside `.npy` files.
//!
//! ```text
//! "id","img_bitmap_path","img_np_path","action_np_path","state_np_path"
//! "0","image_batch_0_*.png","image_batch_0.npy","action_batch_0.npy","state_batch_0.npy"
//! ```
//! The original's readers use the last three columns. Writing quotes all fields and ends lines with
//! CRLF; reading requires neither. Columns are found by their names, in any order and beside others;
//! cells may be separated by semicolons. A path that leads out of the folder is refused.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use csv::{QuoteStyle, ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use reprise_base::fs::{self, FsError};

/// Name of the list in its folder.
pub const FILE: &str = "map.csv";

/// Largest list; enough for more than 100,000 sequences.
const FILE_BYTES_MAX: u64 = 16 << 20;

const COLUMNS: [&str; 5] =
    ["id", "img_bitmap_path", "img_np_path", "action_np_path", "state_np_path"];

/// The files of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry {
    pub id: String,
    /// Pattern of image files, which nothing reads; empty if there are none.
    pub bitmaps: String,
    /// Frames, f32 `[T, H, W, 3]` in [0, 1].
    pub images: String,
    /// Actions, f32 `[T, A]`.
    pub actions: String,
    /// States, f32 `[T, S]`.
    pub states: String,
}

/// Whether an import also writes every frame as an image, which the original calls `create_img`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameImages {
    Written,
    LeftOut,
}

impl MapEntry {
    /// Returns the entry that the importer writes for sequence `number`.
    pub fn numbered(number: usize, images: FrameImages) -> Self {
        Self {
            id: number.to_string(),
            bitmaps: match images {
                FrameImages::Written => format!("image_batch_{number}_*.png"),
                FrameImages::LeftOut => String::new(),
            },
            images: format!("image_batch_{number}.npy"),
            actions: format!("action_batch_{number}.npy"),
            states: format!("state_batch_{number}.npy"),
        }
    }

    /// Returns the name of the image of a frame, if there are images.
    pub fn bitmap(&self, frame: usize) -> Option<String> {
        (!self.bitmaps.is_empty()).then(|| self.bitmaps.replace('*', &frame.to_string()))
    }

    /// Returns the names of the arrays: frames, actions, states.
    pub fn arrays(&self) -> [&str; 3] {
        [&self.images, &self.actions, &self.states]
    }
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read list `{}`", path.display())]
    List { path: PathBuf, source: MapFormatError },
}

/// Why a text is not a list of sequences; rows count from 1, the header included.
#[derive(Debug, thiserror::Error)]
pub enum MapFormatError {
    #[error("not a valid CSV file")]
    Csv(#[source] csv::Error),
    /// `found` is the escaped first row.
    #[error("its first row is `{found}`, expected `{}`", COLUMNS.join(","))]
    Header { found: String },
    #[error("row {row} has {found} cells, expected {expected}")]
    Cells { row: u64, found: usize, expected: usize },
    /// `name` is the escaped cell.
    #[error("row {row}: `{name}` is not the name of a file in the same folder")]
    Name { row: u64, name: String },
    /// The same file or id occurs twice; `row` is the second one.
    #[error("row {row}: duplicate `{name}`")]
    Duplicate { row: u64, name: String },
    #[error("it has no sequences")]
    Empty,
}

impl MapError {
    /// Returns what the user can do about it, if anything.
    pub(crate) const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::List { source: MapFormatError::Name { .. }, .. } => Some(
                "move the arrays into the folder of `map.csv` and list their names without folders",
            ),
            Self::List { source: MapFormatError::Header { .. }, .. } => {
                Some("name the columns in the first row")
            }
            Self::Fs(_) | Self::List { .. } => None,
        }
    }
}

/// Most characters of a first row in a message.
const ROW_CHARS_MAX: usize = 120;

/// Returns the position of each of [`COLUMNS`]. The patterns of image files may be missing.
fn columns(row: &StringRecord) -> Result<[Option<usize>; 5], MapFormatError> {
    let at = COLUMNS.map(|name| row.iter().position(|cell| cell.trim() == name));
    let [id, _, images, actions, states] = at;
    if [id, images, actions, states].iter().all(Option::is_some) {
        return Ok(at);
    }
    let found = row.iter().collect::<Vec<_>>().join(",");
    let found = found.escape_debug().take(ROW_CHARS_MAX).collect();
    Err(MapFormatError::Header { found })
}

/// Reads the list of a folder.
pub fn read(folder: &Path) -> Result<Vec<MapEntry>, MapError> {
    let path = folder.join(FILE);
    let text = fs::read(&path, FILE_BYTES_MAX)?;
    parse(&text).map_err(|source| MapError::List { path, source })
}

/// Parses the text of a list.
pub fn parse(text: &[u8]) -> Result<Vec<MapEntry>, MapFormatError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let delimiter = if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' };
    let mut rows = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text);
    let mut entries: Vec<MapEntry> = Vec::new();
    let (mut ids, mut files) = (BTreeSet::new(), BTreeSet::new());
    let mut row = StringRecord::new();
    let (mut at, mut width) = ([None; 5], 0);
    let mut number = 0;
    while rows.read_record(&mut row).map_err(MapFormatError::Csv)? {
        number += 1;
        if number == 1 {
            (at, width) = (columns(&row)?, row.len());
            continue;
        }
        if row.len() != width {
            let found = row.len();
            return Err(MapFormatError::Cells { row: number, found, expected: width });
        }
        let [id, bitmaps, images, actions, states] =
            at.map(|column| column.and_then(|column| row.get(column)).unwrap_or_default());
        for name in [images, actions, states] {
            if !is_file_name(name) {
                return Err(MapFormatError::Name {
                    row: number,
                    name: name.escape_debug().to_string(),
                });
            }
            if !files.insert(name.to_owned()) {
                return Err(MapFormatError::Duplicate {
                    row: number,
                    name: name.escape_debug().to_string(),
                });
            }
        }
        if !ids.insert(id.to_owned()) {
            return Err(MapFormatError::Duplicate {
                row: number,
                name: id.escape_debug().to_string(),
            });
        }
        let [id, bitmaps, images, actions, states] =
            [id, bitmaps, images, actions, states].map(str::to_owned);
        entries.push(MapEntry { id, bitmaps, images, actions, states });
    }
    match (number, entries.is_empty()) {
        (0, _) => Err(MapFormatError::Header { found: String::new() }),
        (_, true) => Err(MapFormatError::Empty),
        _ => Ok(entries),
    }
}

/// Returns whether a path is a plain file name.
fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0'])
}

/// Returns the text of a list as the importer writes it.
pub fn text(entries: &[MapEntry]) -> Vec<u8> {
    let mut rows = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let mut write = |row: [&str; 5]| rows.write_record(row).expect("writing to memory succeeds");
    write(COLUMNS);
    for MapEntry { id, bitmaps, images, actions, states } in entries {
        write([id, bitmaps, images, actions, states]);
    }
    rows.into_inner().expect("writing to memory succeeds")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "id,img_bitmap_path,img_np_path,action_np_path,state_np_path\n";

    #[track_caller]
    fn check_rejects(rows: &str, message: &str) {
        let error = parse(format!("{HEADER}{rows}").as_bytes()).expect_err("the list is refused");
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn quotes_and_line_ends_do_not_matter() {
        let entries = parse(format!("{HEADER}0,p,\"i\",a,s").as_bytes()).unwrap();
        assert_eq!(entries[0].arrays(), ["i", "a", "s"]);
    }

    #[track_caller]
    fn check(text: &str) {
        let entries = parse(text.as_bytes()).expect("the list is read");
        assert_eq!((&*entries[0].id, entries[0].arrays()), ("7", ["i", "a", "s"]));
    }

    #[test]
    fn columns_are_found_by_name() {
        check(
            "\u{feff}id,img_bitmap_path,img_np_path,action_np_path,state_np_path\r\n7,p,i,a,s\r\n",
        );
        check(",id,img_bitmap_path,img_np_path,action_np_path,state_np_path\n0,7,p,i,a,s\n\n");
        check("state_np_path;action_np_path;img_np_path;id\ns;a;i;7\n");
    }

    #[test]
    fn paths_that_lead_out_of_the_folder_are_rejected() {
        let message = "row 2: `../i` is not the name of a file in the same folder";
        check_rejects("0,p,../i,a,s", message);
        check_rejects("0,p,/i,a,s", "row 2: `/i` is not the name of a file in the same folder");
        check_rejects("0,p,i,a,..", "row 2: `..` is not the name of a file in the same folder");
        check_rejects("0,p,i,,s", "row 2: `` is not the name of a file in the same folder");
    }

    #[test]
    fn broken_lists_are_rejected() {
        check_rejects("", "it has no sequences");
        check_rejects("0,p,i,a\n", "row 2 has 4 cells, expected 5");
        check_rejects("0,p,i,a,s\n1,p,j,b,s\n", "row 3: duplicate `s`");
        check_rejects("0,p,i,a,s\n0,p,j,b,t\n", "row 3: duplicate `0`");
        assert!(matches!(parse(b""), Err(MapFormatError::Header { .. })));
        let error = parse(b"0,p,i,a,s\n").unwrap_err().to_string();
        assert!(error.starts_with("its first row is `0,p,i,a,s`, expected `id,"), "{error}");
        assert!(matches!(
            parse(&[HEADER.as_bytes(), b"\xff,,,,"].concat()),
            Err(MapFormatError::Csv(_))
        ));
    }

    proptest! {
        #[test]
        fn written_lists_are_read_back(count in 1_usize..20) {
            let entry = |number| MapEntry::numbered(number, FrameImages::Written);
            let entries: Vec<_> = (0..count).map(entry).collect();
            prop_assert_eq!(parse(&text(&entries)).unwrap(), entries);
        }

        #[test]
        fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&text));
            drop(parse(&[HEADER.as_bytes(), &text].concat()));
        }
    }
}
