//! The text of a table: a header, then one row per image. Cells are never quoted.

use std::path::Path;

use super::{
    error::{KaggleError, KaggleTableError},
    keypoints::{GreyImages, Keypoints, PIXELS, SIDE, TestImages},
};
use reprise_base::{
    config::data::KeypointColumns,
    fs::{self, FsError},
};

/// Largest file in bytes; Kaggle's `training.csv` has 237 MiB.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Name of the column of grey values.
const IMAGE: &str = "Image";

/// Name of the column of image numbers in a table without keypoints.
const IMAGE_ID: &str = "ImageId";

/// Longest row in bytes; an image takes at most 36,863, a coordinate about 20.
const ROW_BYTES_MAX: usize = 1 << 17;

/// Largest distance of a keypoint from the image in pixels.
const OUTSIDE_MAX: f64 = SIDE as f64;

/// Longest part of a cell in an error message, in bytes.
const SHOWN_BYTES: usize = 24;

/// Parses a mapped file.
pub(super) fn read<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, KaggleTableError>,
) -> Result<T, KaggleError> {
    let file = fs::map(path)?;
    if file.len() as u64 > FILE_BYTES_MAX {
        return Err(FsError::TooLarge { path: path.to_owned(), limit: FILE_BYTES_MAX }.into());
    }
    parse(&file).map_err(|source| KaggleError::Table { path: path.to_owned(), source })
}

/// A table whose header has been read.
pub(super) struct CsvTable<'a> {
    pub(super) columns: Vec<String>,
    /// The text below the header.
    rows: &'a [u8],
}

impl<'a> CsvTable<'a> {
    pub(super) fn open(text: &'a [u8]) -> Result<Self, KaggleTableError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.is_empty() {
            return Err(KaggleTableError::Empty);
        }
        let end = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
        let header = bounded(line(&text[..end]), 0)?;
        let mut columns: Vec<String> = Vec::new();
        for (column, name) in (1..).zip(cells(header)) {
            let name = str::from_utf8(name).map_err(|_| KaggleTableError::ColumnName { column })?;
            if let Some(at) = columns.iter().position(|other| other == name) {
                let (name, first) = (shown(name.as_bytes()), at + 1);
                return Err(KaggleTableError::DuplicateColumn { name, first, second: column });
            }
            columns.push(name.to_owned());
        }
        Ok(Self { columns, rows: text.get(end + 1..).unwrap_or_default() })
    }

    /// Opens a table whose last column holds images.
    fn of_images(text: &'a [u8]) -> Result<Self, KaggleTableError> {
        let table = Self::open(text)?;
        match table.columns.last() {
            Some(last) if last == IMAGE => Ok(table),
            last => {
                let last = shown(last.map_or(b"", |name| name.as_bytes()));
                Err(KaggleTableError::ImageNotLast { last })
            }
        }
    }

    /// Calls `visit` with the number and the cells of every row; returns the number of rows.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(u64, &[&'a [u8]]) -> Result<(), KaggleTableError>,
    ) -> Result<u64, KaggleTableError> {
        let text = self.rows.strip_suffix(b"\n").unwrap_or(self.rows);
        if text.is_empty() {
            return Err(KaggleTableError::NoRows);
        }
        let mut split = Vec::with_capacity(self.columns.len());
        let mut row = 0;
        for text in text.split(|&byte| byte == b'\n') {
            row += 1;
            let text = bounded(line(text), row)?;
            split.clear();
            split.extend(cells(text));
            let (found, expected) = (split.len(), self.columns.len());
            if found != expected {
                return Err(KaggleTableError::Cells { row, found, expected });
            }
            visit(row, &split)?;
        }
        Ok(row)
    }
}

fn line(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

fn cells(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b',')
}

fn bounded(line: &[u8], row: u64) -> Result<&[u8], KaggleTableError> {
    if line.len() <= ROW_BYTES_MAX {
        Ok(line)
    } else {
        Err(KaggleTableError::RowTooLong { row, bytes: line.len(), limit: ROW_BYTES_MAX })
    }
}

/// Parses a table with keypoints; an empty cell is a missing coordinate.
pub(super) fn parse_training(
    text: &[u8],
    columns: &KeypointColumns,
) -> Result<Keypoints, KaggleTableError> {
    let table = CsvTable::of_images(text)?;
    let coordinates = table.columns.len() - 1;
    if table.columns[..coordinates].is_empty() || table.columns == [IMAGE_ID, IMAGE] {
        return Err(KaggleTableError::NotTraining);
    }
    let (names, wanted): (Vec<String>, Vec<usize>) = match columns {
        KeypointColumns::All => table.columns[..coordinates].iter().cloned().zip(0..).unzip(),
        KeypointColumns::Named(names) => {
            let find = |name: &String| {
                let at = table.columns[..coordinates].iter().position(|column| column == name);
                at.map(|at| (name.clone(), at))
                    .ok_or_else(|| KaggleTableError::ColumnMissing { name: shown(name.as_bytes()) })
            };
            names.iter().map(find).collect::<Result<Vec<_>, _>>()?.into_iter().unzip()
        }
    };
    let mut keypoints = Keypoints {
        columns: names,
        filled: vec![0; table.columns.len()],
        rows: 0,
        numbers: Vec::new(),
        images: GreyImages::default(),
        coordinates: Vec::new(),
    };
    let mut points = Vec::with_capacity(coordinates);
    keypoints.rows = table.each(|row, cells| {
        let (image, cells) = cells.split_last().expect("a row has as many cells as the header");
        points.clear();
        for (cell, column) in cells.iter().zip(&table.columns) {
            points.push(coordinate(cell, row, column)?);
        }
        let kept = keypoints.images.grey.len();
        parse_image(image, row, &mut keypoints.images.grey)?;
        for (filled, point) in keypoints.filled.iter_mut().zip(points.iter().chain([&Some(0.0)])) {
            *filled += u64::from(point.is_some());
        }
        match wanted.iter().map(|&at| points[at]).collect::<Option<Vec<f64>>>() {
            Some(complete) => {
                keypoints.coordinates.extend(complete);
                keypoints.numbers.push(row);
            }
            None => keypoints.images.grey.truncate(kept),
        }
        Ok(())
    })?;
    if keypoints.is_empty() {
        return Err(KaggleTableError::NoCompleteRow { rows: keypoints.rows });
    }
    Ok(keypoints)
}

/// Parses a table of numbered images.
pub(super) fn parse_test(text: &[u8]) -> Result<TestImages, KaggleTableError> {
    let table = CsvTable::of_images(text)?;
    if table.columns != [IMAGE_ID, IMAGE] {
        return Err(KaggleTableError::NotTest);
    }
    let mut test = TestImages { ids: Vec::new(), images: GreyImages::default() };
    table.each(|row, cells| {
        let number = whole_number(cells[0]).ok_or_else(|| KaggleTableError::WholeNumber {
            row,
            column: IMAGE_ID,
            cell: shown(cells[0]),
        })?;
        test.ids.push(number);
        parse_image(cells[1], row, &mut test.images.grey)
    })?;
    Ok(test)
}

/// Parses the number of a row or an image.
pub(super) fn whole_number(cell: &[u8]) -> Option<u64> {
    str::from_utf8(cell).ok()?.parse().ok()
}

/// Parses a coordinate; returns `None` for an empty cell.
fn coordinate(cell: &[u8], row: u64, column: &str) -> Result<Option<f64>, KaggleTableError> {
    if cell.is_empty() {
        return Ok(None);
    }
    let text = str::from_utf8(cell).ok().map(str::trim);
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
