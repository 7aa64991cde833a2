//! The list of sequences that the Chainer importer writes: `map.csv` beside `.npy` files.
//!
//! ```text
//! "id","img_bitmap_path","img_np_path","action_np_path","state_np_path"
//! "0","image_batch_0_*.png","image_batch_0.npy","action_batch_0.npy","state_batch_0.npy"
//! ```
//! Readers of the original use the last three columns. All fields are quoted and lines end in CRLF
//! when written; when read, neither is needed. A name that leads out of the folder is refused.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use csv::{QuoteStyle, ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use crate::fs::{self, FsError};

/// Name of the list in its folder.
pub const FILE: &str = "map.csv";

/// Largest list: more than 100,000 sequences.
const FILE_BYTES_MAX: u64 = 16 << 20;

const COLUMNS: [&str; 5] =
    ["id", "img_bitmap_path", "img_np_path", "action_np_path", "state_np_path"];

/// The files of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name of the sequence.
    pub id: String,
    /// Pattern of the pictures, which nothing reads.
    pub bitmaps: String,
    /// Frames, f32 `[T, H, W, 3]`, as shares of the range.
    pub images: String,
    /// Actions, f32 `[T, A]`.
    pub actions: String,
    /// States, f32 `[T, S]`.
    pub states: String,
}

impl Entry {
    /// Returns the entry that the importer writes for sequence `number`.
    pub fn numbered(number: usize) -> Self {
        Self {
            id: number.to_string(),
            bitmaps: format!("image_batch_{number}_*.png"),
            images: format!("image_batch_{number}.npy"),
            actions: format!("action_batch_{number}.npy"),
            states: format!("state_batch_{number}.npy"),
        }
    }

    /// Returns the names of the arrays: frames, actions, states.
    pub fn arrays(&self) -> [&str; 3] {
        [&self.images, &self.actions, &self.states]
    }
}

/// Why a list cannot be used; rows are counted from 1, the header included.
#[derive(Debug, thiserror::Error)]
pub enum MapFault {
    /// It is not comma-separated text.
    #[error("it is not comma-separated text")]
    Csv(#[source] csv::Error),
    /// The first row names other columns.
    #[error("its first row is not `{}`", COLUMNS.join(","))]
    Header,
    /// A row has another number of cells.
    #[error("row {row} has {found} cells instead of {}", COLUMNS.len())]
    Cells {
        /// The row.
        row: u64,
        /// Its cells.
        found: usize,
    },
    /// A cell is not the name of a file beside the list.
    #[error("row {row}: `{name}` is not the name of a file beside it")]
    Name {
        /// The row.
        row: u64,
        /// The cell, escaped.
        name: String,
    },
    /// The same file or id stands in two places.
    #[error("row {row}: `{name}` is there twice")]
    Twice {
        /// The second row.
        row: u64,
        /// The cell, escaped.
        name: String,
    },
    /// There is no sequence.
    #[error("it lists no sequence")]
    Empty,
}

/// A list that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// The file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The text is not a list of sequences.
    #[error("failed to read list `{}`", path.display())]
    List {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: MapFault,
    },
}

/// Reads the list of a folder.
pub fn read(folder: &Path) -> Result<Vec<Entry>, MapError> {
    let path = folder.join(FILE);
    let text = fs::read(&path, FILE_BYTES_MAX)?;
    parse(&text).map_err(|fault| MapError::List { path, fault })
}

/// Takes the text of a list apart.
pub fn parse(text: &[u8]) -> Result<Vec<Entry>, MapFault> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut entries: Vec<Entry> = Vec::new();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    let mut row = StringRecord::new();
    let mut number = 0;
    while rows.read_record(&mut row).map_err(MapFault::Csv)? {
        number += 1;
        if number == 1 {
            if row != COLUMNS[..] {
                return Err(MapFault::Header);
            }
            continue;
        }
        let cells: Vec<_> = row.iter().collect();
        let [id, bitmaps, images, actions, states] = cells[..] else {
            return Err(MapFault::Cells { row: number, found: cells.len() });
        };
        for name in [images, actions, states] {
            if !is_plain(name) {
                return Err(MapFault::Name { row: number, name: name.escape_debug().to_string() });
            }
            if !taken.insert(name.to_owned()) {
                return Err(MapFault::Twice { row: number, name: name.escape_debug().to_string() });
            }
        }
        if !ids.insert(id.to_owned()) {
            return Err(MapFault::Twice { row: number, name: id.escape_debug().to_string() });
        }
        let [id, bitmaps, images, actions, states] =
            [id, bitmaps, images, actions, states].map(str::to_owned);
        entries.push(Entry { id, bitmaps, images, actions, states });
    }
    match (number, entries.is_empty()) {
        (0, _) => Err(MapFault::Header),
        (_, true) => Err(MapFault::Empty),
        _ => Ok(entries),
    }
}

/// Returns whether a name is that of a file in the folder itself.
fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0'])
}

/// Returns the text of a list as the importer writes it.
pub fn text(entries: &[Entry]) -> Vec<u8> {
    let mut rows = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let mut write = |row: [&str; 5]| rows.write_record(row).expect("writing to memory succeeds");
    write(COLUMNS);
    for Entry { id, bitmaps, images, actions, states } in entries {
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
        let fault = parse(format!("{HEADER}{rows}").as_bytes()).expect_err("the list is refused");
        assert_eq!(fault.to_string(), message);
    }

    #[test]
    fn quotes_and_line_ends_do_not_matter() {
        let entries = parse(format!("{HEADER}0,p,\"i\",a,s").as_bytes()).unwrap();
        assert_eq!(entries[0].arrays(), ["i", "a", "s"]);
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_rejected() {
        let message = "row 2: `../i` is not the name of a file beside it";
        check_rejects("0,p,../i,a,s", message);
        check_rejects("0,p,/i,a,s", "row 2: `/i` is not the name of a file beside it");
        check_rejects("0,p,i,a,..", "row 2: `..` is not the name of a file beside it");
        check_rejects("0,p,i,,s", "row 2: `` is not the name of a file beside it");
    }

    #[test]
    fn broken_lists_are_rejected() {
        check_rejects("", "it lists no sequence");
        check_rejects("0,p,i,a\n", "row 2 has 4 cells instead of 5");
        check_rejects("0,p,i,a,s\n1,p,j,b,s\n", "row 3: `s` is there twice");
        check_rejects("0,p,i,a,s\n0,p,j,b,t\n", "row 3: `0` is there twice");
        assert!(matches!(parse(b""), Err(MapFault::Header)));
        assert!(matches!(parse(b"0,p,i,a,s\n"), Err(MapFault::Header)));
        assert!(matches!(parse(&[HEADER.as_bytes(), b"\xff,,,,"].concat()), Err(MapFault::Csv(_))));
    }

    proptest! {
        #[test]
        fn written_lists_are_read_back(count in 1_usize..20) {
            let entries: Vec<_> = (0..count).map(Entry::numbered).collect();
            prop_assert_eq!(parse(&text(&entries)).unwrap(), entries);
        }

        #[test]
        fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&text));
            drop(parse(&[HEADER.as_bytes(), &text].concat()));
        }
    }
}
