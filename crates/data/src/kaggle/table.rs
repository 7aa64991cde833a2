//! The text of a table: a header, then one row per image.

use std::{
    io::{self, Cursor, Read},
    path::Path,
};

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::{
    error::{KaggleError, KaggleTableError},
    keypoints::{GreyImages, Keypoints, PIXELS, SIDE, TestImages},
};
use reprise_base::{config::data::KeypointColumns, fs};

/// Largest file in bytes; Kaggle's `training.csv` has 237 MiB.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Name of the column of grey values.
const IMAGE: &str = "Image";

/// Name of the column of image numbers in a table without keypoints.
const IMAGE_ID: &str = "ImageId";

/// Names of columns, in lower case, that programs write beside the keypoints to count the rows.
const ROW_NUMBERS: [&str; 5] = ["index", "id", "row", "rowid", "imageid"];

/// What separates cells: the one that the header contains most often, the first of equals.
const SEPARATORS: [u8; 3] = *b",;\t";

/// Cells of missing values, in any case.
const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "none"];

/// Longest row in bytes; an image takes at most 36,863, a coordinate about 20.
const ROW_BYTES_MAX: usize = 1 << 17;

/// Largest distance of a keypoint from the image in pixels.
const OUTSIDE_MAX: f64 = SIDE as f64;

/// Longest part of a cell in an error message, in bytes.
const SHOWN_BYTES: usize = 24;

/// Parses a file: a table, or one compressed as `.zip` or `.gz`.
pub(super) fn read<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, KaggleTableError>,
) -> Result<T, KaggleError> {
    let file = fs::map_limited(path, FILE_BYTES_MAX)?;
    let parsed = match unpacked(&file) {
        Ok(Some(text)) => parse(&text),
        Ok(None) => parse(&file),
        Err(error) => Err(error),
    };
    parsed.map_err(|source| KaggleError::Table { path: path.to_owned(), source })
}

/// Returns the table in a compressed file; nothing if the file is not compressed.
fn unpacked(file: &[u8]) -> Result<Option<Vec<u8>>, KaggleTableError> {
    let damaged = |why: String| KaggleTableError::Archive { why };
    let mut text = Vec::new();
    if file.starts_with(b"PK\x03\x04") {
        let mut archive =
            ZipArchive::new(Cursor::new(file)).map_err(|error| damaged(error.to_string()))?;
        let names: Vec<String> = archive
            .file_names()
            .filter(|name| name.to_lowercase().ends_with(".csv") && !name.starts_with("__MACOSX/"))
            .map(str::to_owned)
            .collect();
        let [name] = names.as_slice() else {
            return Err(KaggleTableError::TablesInArchive { found: names.len() });
        };
        let entry = archive.by_name(name).map_err(|error| damaged(error.to_string()))?;
        limited(entry, &mut text)?;
    } else if file.starts_with(b"\x1f\x8b") {
        limited(MultiGzDecoder::new(file), &mut text)?;
    } else {
        return Ok(None);
    }
    Ok(Some(text))
}

fn limited(reader: impl Read, text: &mut Vec<u8>) -> Result<(), KaggleTableError> {
    let damaged = |error: io::Error| KaggleTableError::Archive { why: error.to_string() };
    reader.take(FILE_BYTES_MAX + 1).read_to_end(text).map_err(damaged)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(KaggleTableError::Unpacked { limit: FILE_BYTES_MAX });
    }
    Ok(())
}

/// A table whose header has been read. Cells may be quoted; blanks around them and empty lines do not
/// count.
pub(super) struct CsvTable<'a> {
    pub(super) columns: Vec<String>,
    /// Separates cells.
    separator: u8,
    reader: csv::Reader<&'a [u8]>,
}

impl<'a> CsvTable<'a> {
    pub(super) fn open(text: &'a [u8]) -> Result<Self, KaggleTableError> {
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(KaggleTableError::Utf16);
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let header = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let uses = |separator: &&u8| header.split(|byte| byte == *separator).count();
        let separator = *SEPARATORS.iter().rev().max_by_key(uses).unwrap_or(&b',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text);
        let header = reader.byte_headers().map_err(|_| KaggleTableError::Empty)?;
        let mut columns: Vec<String> = Vec::new();
        for (column, name) in (1..).zip(header) {
            let name = str::from_utf8(name).map_err(|_| KaggleTableError::ColumnName { column })?;
            // pandas appends `.1` to a repeated name.
            let original = name.rsplit_once('.').filter(|(_, end)| end.parse::<u32>().is_ok());
            let original = original.map_or(name, |(start, _)| start);
            if let Some(at) = columns.iter().position(|other| other == name || other == original) {
                let (name, first) = (shown(original.as_bytes()), at + 1);
                return Err(KaggleTableError::DuplicateColumn { name, first, second: column });
            }
            columns.push(name.to_owned());
        }
        if columns.is_empty() {
            return Err(KaggleTableError::Empty);
        }
        Ok(Self { columns, separator, reader })
    }

    /// Opens a table with a column of images; also returns the position of that column.
    fn of_images(text: &'a [u8]) -> Result<(Self, usize), KaggleTableError> {
        let table = Self::open(text)?;
        let image = table.columns.iter().position(|name| name.eq_ignore_ascii_case(IMAGE));
        let last = || shown(table.columns.last().map_or(b"", |name| name.as_bytes()));
        let image = image.ok_or_else(|| KaggleTableError::NoImages { last: last() })?;
        Ok((table, image))
    }

    /// Calls `visit` with the number and the cells of every row; returns the number of rows.
    pub(super) fn each(
        &mut self,
        mut visit: impl FnMut(u64, &ByteRecord) -> Result<(), KaggleTableError>,
    ) -> Result<u64, KaggleTableError> {
        let mut record = ByteRecord::new();
        let mut row = 0;
        loop {
            let more = self.reader.read_byte_record(&mut record);
            // Nothing is read from a disk here, and rows may have any number of cells.
            if !more.map_err(|_| KaggleTableError::NoRows)? {
                break;
            }
            row += 1;
            let (bytes, limit) = (record.as_slice().len(), ROW_BYTES_MAX);
            if bytes > limit {
                return Err(KaggleTableError::RowTooLong { row, bytes, limit });
            }
            let (found, expected) = (record.len(), self.columns.len());
            if found != expected {
                return Err(KaggleTableError::Cells { row, found, expected });
            }
            visit(row, &record)?;
        }
        if row == 0 { Err(KaggleTableError::NoRows) } else { Ok(row) }
    }
}

/// What a column of a table with keypoints holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnRole {
    Image,
    Coordinate,
    /// Not a keypoint; accepted if it counts the rows.
    RowNumber,
}

/// Returns the role of each column.
fn roles(columns: &[String], image: usize) -> Result<Vec<ColumnRole>, KaggleTableError> {
    let role = |(at, name): (usize, &String)| {
        if at == image {
            return Ok(ColumnRole::Image);
        }
        let lower = name.to_lowercase();
        let is_number = name.is_empty()
            || lower.starts_with("unnamed")
            || ROW_NUMBERS.contains(&lower.as_str())
            || name.parse::<f64>().is_ok();
        if is_number {
            return Ok(ColumnRole::RowNumber);
        }
        let (point, partner) = match (name.strip_suffix("_x"), name.strip_suffix("_y")) {
            (Some(point), _) => (point, "y"),
            (_, Some(point)) => (point, "x"),
            _ => return Err(KaggleTableError::NotCoordinate { name: shown(name.as_bytes()) }),
        };
        let partner = format!("{point}_{partner}");
        if columns.contains(&partner) {
            return Ok(ColumnRole::Coordinate);
        }
        let (name, partner) = (shown(name.as_bytes()), shown(partner.as_bytes()));
        Err(KaggleTableError::NoPartner { name, partner })
    };
    columns.iter().enumerate().map(role).collect()
}

/// Parses a table with keypoints; an empty cell is a missing coordinate.
pub(super) fn parse_training(
    text: &[u8],
    wanted: &KeypointColumns,
) -> Result<Keypoints, KaggleTableError> {
    let (mut table, image) = CsvTable::of_images(text)?;
    let columns = table.columns.clone();
    if columns.len() == 1 || (columns.len() == 2 && columns.iter().any(|name| name == IMAGE_ID)) {
        return Err(KaggleTableError::NotTraining);
    }
    let roles = roles(&columns, image)?;
    let is_coordinate = |at: &usize| roles[*at] == ColumnRole::Coordinate;
    let wanted: Vec<usize> = match wanted {
        KeypointColumns::All => (0..columns.len()).filter(is_coordinate).collect(),
        KeypointColumns::Named(names) => names
            .iter()
            .map(|name| {
                let at = columns.iter().position(|column| column == name).filter(is_coordinate);
                at.ok_or_else(|| KaggleTableError::ColumnMissing { name: shown(name.as_bytes()) })
            })
            .collect::<Result<_, _>>()?,
    };
    if wanted.is_empty() {
        return Err(KaggleTableError::NotTraining);
    }
    let mut keypoints = Keypoints {
        columns: wanted.iter().map(|&at| columns[at].clone()).collect(),
        filled: vec![0; columns.len()],
        rows: 0,
        skipped: Vec::new(),
        separator: char::from(table.separator),
        outside: 0,
        numbers: Vec::new(),
        images: GreyImages::default(),
        coordinates: Vec::new(),
    };
    let mut points = vec![None; columns.len()];
    // Row numbers start at 0, as pandas counts, or at 1, as R does.
    let mut first_numbers: Vec<Option<u64>> = vec![None; columns.len()];
    keypoints.rows = table.each(|row, cells| {
        let kept = keypoints.images.grey.len();
        for (at, role) in roles.iter().enumerate() {
            let cell = &cells[at];
            match role {
                ColumnRole::Image => parse_image(cell, row, &mut keypoints.images.grey)?,
                ColumnRole::Coordinate => points[at] = coordinate(cell, row, &columns[at])?,
                ColumnRole::RowNumber => {
                    let number = whole_number(cell);
                    let first = *first_numbers[at].get_or_insert(number.unwrap_or(u64::MAX));
                    if first > 1 || number != Some(first + row - 1) {
                        let name = shown(columns[at].as_bytes());
                        return Err(KaggleTableError::UnknownColumn { column: at + 1, name });
                    }
                }
            }
            let is_filled = *role != ColumnRole::Coordinate || points[at].is_some();
            keypoints.filled[at] += u64::from(is_filled);
        }
        match wanted.iter().map(|&at| points[at]).collect::<Option<Vec<f64>>>() {
            Some(complete) => {
                let inside = |p: &f64| (0.0..=SIDE as f64).contains(p);
                keypoints.outside += complete.iter().filter(|p| !inside(p)).count() as u64;
                keypoints.coordinates.extend(complete);
                keypoints.numbers.push(row);
            }
            None => keypoints.images.grey.truncate(kept),
        }
        Ok(())
    })?;
    let skipped = columns.iter().zip(&roles).filter(|(_, role)| **role == ColumnRole::RowNumber);
    keypoints.skipped = skipped.map(|(name, _)| name.clone()).collect();
    if keypoints.is_empty() {
        return Err(KaggleTableError::NoCompleteRow { rows: keypoints.rows });
    }
    if keypoints.coordinates.iter().all(|p| p.abs() <= 1.0) {
        return Err(KaggleTableError::Scaled);
    }
    Ok(keypoints)
}

/// Parses a table of numbered images.
pub(super) fn parse_test(text: &[u8]) -> Result<TestImages, KaggleTableError> {
    let (mut table, image) = CsvTable::of_images(text)?;
    let id = table.columns.iter().position(|name| name.eq_ignore_ascii_case(IMAGE_ID));
    let Some(id) = id.filter(|_| table.columns.len() == 2) else {
        return Err(KaggleTableError::NotTest);
    };
    let mut test = TestImages { ids: Vec::new(), images: GreyImages::default() };
    table.each(|row, cells| {
        let number = whole_number(&cells[id]).ok_or_else(|| KaggleTableError::WholeNumber {
            row,
            column: IMAGE_ID,
            cell: shown(&cells[id]),
        })?;
        test.ids.push(number);
        parse_image(&cells[image], row, &mut test.images.grey)
    })?;
    Ok(test)
}

/// Parses the number of a row or an image.
pub(super) fn whole_number(cell: &[u8]) -> Option<u64> {
    str::from_utf8(cell).ok()?.parse().ok()
}

/// Parses a coordinate; returns `None` for a cell that is empty or marks a missing value.
fn coordinate(cell: &[u8], row: u64, column: &str) -> Result<Option<f64>, KaggleTableError> {
    let text = str::from_utf8(cell).ok();
    if text.is_some_and(|text| MISSING.iter().any(|mark| text.eq_ignore_ascii_case(mark))) {
        return Ok(None);
    }
    let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|p| p.is_finite());
    let (column, cell) = (|| shown(column.as_bytes()), || shown(cell));
    match number {
        None => Err(KaggleTableError::Coordinate { row, column: column(), cell: cell() }),
        Some(p) if (-OUTSIDE_MAX..=SIDE as f64 + OUTSIDE_MAX).contains(&p) => Ok(Some(p)),
        Some(_) => Err(KaggleTableError::FarOutside { row, column: column(), cell: cell() }),
    }
}

/// Parses the grey values of an image and appends them.
fn parse_image(cell: &[u8], row: u64, grey: &mut Vec<u8>) -> Result<(), KaggleTableError> {
    let start = grey.len();
    for (pixel, word) in (1..).zip(cell.split(|&byte| byte == b' ').filter(|w| !w.is_empty())) {
        if pixel > PIXELS {
            return Err(KaggleTableError::PixelCount { row, found: pixel });
        }
        let value = str::from_utf8(word).ok().and_then(|text| text.parse().ok());
        grey.push(value.ok_or_else(|| KaggleTableError::Pixel {
            row,
            pixel,
            cell: shown(word),
        })?);
    }
    let found = grey.len() - start;
    if found == PIXELS { Ok(()) } else { Err(KaggleTableError::PixelCount { row, found }) }
}

/// Returns text of the file for a message, escaped and cut to [`SHOWN_BYTES`].
pub(super) fn shown(text: &[u8]) -> String {
    match text.get(..SHOWN_BYTES) {
        Some(start) if text.len() > SHOWN_BYTES => format!("{}...", start.escape_ascii()),
        _ => text.escape_ascii().to_string(),
    }
}
