//! The table as text: a header, then a row per picture. Cells are never quoted.

use super::{Columns, KaggleFault, Keypoints, PIXELS, Pictures, SIDE, TestPictures};

/// Name of the column of grey values.
const IMAGE: &str = "Image";

/// Name of the column of numbers in a table without keypoints.
const IMAGE_ID: &str = "ImageId";

/// Longest row in bytes; a picture needs at most 36,863, a coordinate about 20.
const ROW_BYTES_MAX: usize = 1 << 17;

/// How far beyond an edge of the picture a keypoint may lie, in pixels.
const OUTSIDE_MAX: f64 = SIDE as f64;

/// Longest cell that an error message repeats, in bytes.
const SHOWN_BYTES: usize = 24;

/// A table whose header has been read.
pub(super) struct Table<'a> {
    pub(super) columns: Vec<String>,
    /// Everything below the header.
    rows: &'a [u8],
}

impl<'a> Table<'a> {
    pub(super) fn open(text: &'a [u8]) -> Result<Self, KaggleFault> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.is_empty() {
            return Err(KaggleFault::Empty);
        }
        let end = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
        let header = bounded(line(&text[..end]), 0)?;
        let mut columns: Vec<String> = Vec::new();
        for (column, name) in (1..).zip(cells(header)) {
            let name = str::from_utf8(name).map_err(|_| KaggleFault::ColumnName { column })?;
            if let Some(at) = columns.iter().position(|other| other == name) {
                let (name, first) = (shown(name.as_bytes()), at + 1);
                return Err(KaggleFault::DuplicateColumn { name, first, second: column });
            }
            columns.push(name.to_owned());
        }
        Ok(Self { columns, rows: text.get(end + 1..).unwrap_or_default() })
    }

    /// Opens a table whose last column holds pictures.
    fn of_pictures(text: &'a [u8]) -> Result<Self, KaggleFault> {
        let table = Self::open(text)?;
        match table.columns.last() {
            Some(last) if last == IMAGE => Ok(table),
            last => {
                let last = shown(last.map_or(b"", |name| name.as_bytes()));
                Err(KaggleFault::ImageNotLast { last })
            }
        }
    }

    /// Calls `visit` with the number and the cells of every row.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(u64, &[&'a [u8]]) -> Result<(), KaggleFault>,
    ) -> Result<u64, KaggleFault> {
        let text = self.rows.strip_suffix(b"\n").unwrap_or(self.rows);
        if text.is_empty() {
            return Err(KaggleFault::NoRows);
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
                return Err(KaggleFault::Cells { row, found, expected });
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

fn bounded(line: &[u8], row: u64) -> Result<&[u8], KaggleFault> {
    if line.len() <= ROW_BYTES_MAX {
        Ok(line)
    } else {
        Err(KaggleFault::RowTooLong { row, bytes: line.len(), limit: ROW_BYTES_MAX })
    }
}

/// Parses a table with keypoints; an empty cell is a missing coordinate.
pub(super) fn parse_training(text: &[u8], columns: &Columns) -> Result<Keypoints, KaggleFault> {
    let table = Table::of_pictures(text)?;
    let coordinates = table.columns.len() - 1;
    if table.columns[..coordinates].is_empty() || table.columns == [IMAGE_ID, IMAGE] {
        return Err(KaggleFault::NotTraining);
    }
    let (names, wanted): (Vec<String>, Vec<usize>) = match columns {
        Columns::All => table.columns[..coordinates].iter().cloned().zip(0..).unzip(),
        Columns::Named(names) => {
            let find = |name: &String| {
                let at = table.columns[..coordinates].iter().position(|column| column == name);
                at.map(|at| (name.clone(), at))
                    .ok_or_else(|| KaggleFault::ColumnMissing { name: shown(name.as_bytes()) })
            };
            names.iter().map(find).collect::<Result<Vec<_>, _>>()?.into_iter().unzip()
        }
    };
    let mut keypoints = Keypoints {
        columns: names,
        filled: vec![0; table.columns.len()],
        rows: 0,
        numbers: Vec::new(),
        pictures: Pictures::default(),
        coordinates: Vec::new(),
    };
    let mut points = Vec::with_capacity(coordinates);
    keypoints.rows = table.each(|row, cells| {
        let (image, cells) = cells.split_last().expect("a row has as many cells as the header");
        points.clear();
        for (cell, column) in cells.iter().zip(&table.columns) {
            points.push(coordinate(cell, row, column)?);
        }
        let kept = keypoints.pictures.grey.len();
        picture(image, row, &mut keypoints.pictures.grey)?;
        for (filled, point) in keypoints.filled.iter_mut().zip(points.iter().chain([&Some(0.0)])) {
            *filled += u64::from(point.is_some());
        }
        match wanted.iter().map(|&at| points[at]).collect::<Option<Vec<f64>>>() {
            Some(complete) => {
                keypoints.coordinates.extend(complete);
                keypoints.numbers.push(row);
            }
            None => keypoints.pictures.grey.truncate(kept),
        }
        Ok(())
    })?;
    if keypoints.is_empty() {
        return Err(KaggleFault::NoCompleteRow { rows: keypoints.rows });
    }
    Ok(keypoints)
}

/// Parses a table of numbered pictures.
pub(super) fn parse_test(text: &[u8]) -> Result<TestPictures, KaggleFault> {
    let table = Table::of_pictures(text)?;
    if table.columns != [IMAGE_ID, IMAGE] {
        return Err(KaggleFault::NotTest);
    }
    let mut test = TestPictures { ids: Vec::new(), pictures: Pictures::default() };
    table.each(|row, cells| {
        let number = whole_number(cells[0]).ok_or_else(|| KaggleFault::WholeNumber {
            row,
            column: IMAGE_ID,
            cell: shown(cells[0]),
        })?;
        test.ids.push(number);
        picture(cells[1], row, &mut test.pictures.grey)
    })?;
    Ok(test)
}

/// Parses the number of a row or a picture.
pub(super) fn whole_number(cell: &[u8]) -> Option<u64> {
    str::from_utf8(cell).ok()?.parse().ok()
}

/// Parses a coordinate; an empty cell is none.
fn coordinate(cell: &[u8], row: u64, column: &str) -> Result<Option<f64>, KaggleFault> {
    if cell.is_empty() {
        return Ok(None);
    }
    let text = str::from_utf8(cell).ok().map(str::trim);
    let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|p| p.is_finite());
    let (column, cell) = (|| shown(column.as_bytes()), || shown(cell));
    match number {
        None => Err(KaggleFault::Coordinate { row, column: column(), cell: cell() }),
        Some(p) if (-OUTSIDE_MAX..=SIDE as f64 + OUTSIDE_MAX).contains(&p) => Ok(Some(p)),
        Some(_) => Err(KaggleFault::FarOutside { row, column: column(), cell: cell() }),
    }
}

/// Parses the grey values of a picture and appends them.
fn picture(cell: &[u8], row: u64, grey: &mut Vec<u8>) -> Result<(), KaggleFault> {
    let start = grey.len();
    for (pixel, word) in (1..).zip(cell.split(|&byte| byte == b' ').filter(|w| !w.is_empty())) {
        if pixel > PIXELS {
            return Err(KaggleFault::PixelCount { row, found: pixel });
        }
        let value = str::from_utf8(word).ok().and_then(|text| text.parse().ok());
        grey.push(value.ok_or_else(|| KaggleFault::Pixel { row, pixel, cell: shown(word) })?);
    }
    let found = grey.len() - start;
    if found == PIXELS { Ok(()) } else { Err(KaggleFault::PixelCount { row, found }) }
}

/// Returns text of the file as it can stand in a message.
pub(super) fn shown(text: &[u8]) -> String {
    match text.get(..SHOWN_BYTES) {
        Some(start) if text.len() > SHOWN_BYTES => format!("{}...", start.escape_ascii()),
        _ => text.escape_ascii().to_string(),
    }
}
