//! A table of numbers: comma separated, no header, a row per frame.

use csv::{ByteRecord, ReaderBuilder};

/// Largest CSV file of a sequence.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 20;

/// Longest cell that an error message repeats, in bytes.
const SHOWN_BYTES: usize = 24;

/// What is wrong with a table; rows and columns count from 1.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("it is not comma-separated text")]
    Csv(#[source] csv::Error),
    #[error("row {row} has {found} columns, expected {expected}")]
    Columns { row: u64, found: usize, expected: usize },
    #[error("row {row}, column {column}: `{cell}` is not a number")]
    NotANumber {
        row: u64,
        column: usize,
        /// The cell's text, escaped and shortened.
        cell: String,
    },
    #[error("row {row}, column {column}: `{cell}` is not a finite 32-bit number")]
    NotFinite { row: u64, column: usize, cell: String },
    #[error("it has {found} rows, but the sequence has {expected} frames")]
    Rows { found: usize, expected: usize },
}

impl TableError {
    pub(super) const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotANumber { row: 1, .. } => {
                Some("remove the header row, and save the table as UTF-8 text")
            }
            Self::Columns { found: 1, .. } => Some("separate cells with commas"),
            Self::Columns { .. } => {
                Some("write 4 columns in `actions.csv`, 3 in `endeffector_positions.csv`")
            }
            Self::Csv(_) | Self::NotANumber { .. } | Self::NotFinite { .. } | Self::Rows { .. } => {
                None
            }
        }
    }
}

/// Parses a table of `rows` × `columns` numbers, row by row. Numbers are parsed as `f64`, then rounded. A
/// byte-order mark, CRLF line ends and blanks around numbers are accepted.
pub(super) fn parse(text: &[u8], rows: usize, columns: usize) -> Result<Vec<f32>, TableError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).quoting(false).from_reader(text);
    let mut values = Vec::with_capacity(rows * columns);
    let mut found = 0;
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(TableError::Csv)? {
        let row = record.position().map_or(0, csv::Position::line);
        if record.len() != columns {
            return Err(TableError::Columns { row, found: record.len(), expected: columns });
        }
        for (column, cell) in (1..).zip(&record) {
            values.push(number(cell, row, column)?);
        }
        found += 1;
        if found > rows {
            found += reader.byte_records().count();
            break;
        }
    }
    if found == rows { Ok(values) } else { Err(TableError::Rows { found, expected: rows }) }
}

#[expect(clippy::cast_possible_truncation, reason = "the one rounding to single precision")]
fn number(cell: &[u8], row: u64, column: usize) -> Result<f32, TableError> {
    let text = str::from_utf8(cell).ok().map(str::trim);
    let Some(value) = text.and_then(|text| text.parse::<f64>().ok()) else {
        return Err(TableError::NotANumber { row, column, cell: shown(cell) });
    };
    let rounded = value as f32;
    if rounded.is_finite() {
        Ok(rounded)
    } else {
        Err(TableError::NotFinite { row, column, cell: shown(cell) })
    }
}

/// Returns a cell for a message, escaped and shortened.
fn shown(cell: &[u8]) -> String {
    match cell.get(..SHOWN_BYTES) {
        Some(start) if cell.len() > SHOWN_BYTES => format!("{}...", start.escape_ascii()),
        _ => cell.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[f32]) {
        assert_eq!(parse(text.as_bytes(), 2, 2).expect("the table is valid"), expected);
    }

    #[track_caller]
    fn check_rejects(text: &[u8], message: &str) {
        let fault = parse(text, 2, 2).expect_err("the table is refused");
        assert_eq!(fault.to_string(), message);
    }

    #[test]
    fn any_number_format_is_read() {
        check("1,-2.5e-1\n+3.,4.000000000000000000e+00\n", &[1.0, -0.25, 3.0, 4.0]);
    }

    #[test]
    fn byte_order_mark_crlf_blanks_and_a_missing_last_newline_change_nothing() {
        check("\u{feff}1, 2\r\n3 ,4", &[1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_header_row_is_rejected_with_its_row() {
        check_rejects(b"dx,dy\n1,2\n3,4\n", "row 1, column 1: `dx` is not a number");
    }

    #[test]
    fn ragged_rows_are_rejected_with_their_row() {
        check_rejects(b"1,2\n3\n", "row 2 has 1 columns, expected 2");
        check_rejects(b"1,2,3\n3,4\n", "row 1 has 3 columns, expected 2");
    }

    #[test]
    fn too_few_and_too_many_rows_are_counted() {
        check_rejects(b"", "it has 0 rows, but the sequence has 2 frames");
        check_rejects(b"1,2\n3,4\n5,6\n7,8\n", "it has 4 rows, but the sequence has 2 frames");
    }

    #[test]
    fn numbers_that_are_not_finite_in_single_precision_are_rejected() {
        check_rejects(b"1,2\nnan,4\n", "row 2, column 1: `nan` is not a finite 32-bit number");
        check_rejects(b"1,-inf\n3,4\n", "row 1, column 2: `-inf` is not a finite 32-bit number");
        check_rejects(b"1,1e39\n3,4\n", "row 1, column 2: `1e39` is not a finite 32-bit number");
    }

    #[test]
    fn control_characters_are_escaped_and_long_cells_shortened() {
        check_rejects(b"1,2\n3,4\0\n", "row 2, column 2: `4\\x00` is not a number");
        let long = [&b"1,"[..], &[b'x'; 99], b"\n"].concat();
        check_rejects(&long, "row 1, column 2: `xxxxxxxxxxxxxxxxxxxxxxxx...` is not a number");
    }

    proptest! {
        #[test]
        fn written_numbers_are_read_back_exactly(
            values in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::ZERO, 6)
        ) {
            let rows: Vec<_> = values.chunks(2).map(|row| format!("{:e},{}", row[0], row[1])).collect();
            let text = rows.join("\n");
            prop_assert_eq!(parse(text.as_bytes(), 3, 2).unwrap(), values);
        }

        #[test]
        fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(values) = parse(&text, 3, 2) {
                prop_assert_eq!(values.len(), 6);
            }
        }
    }
}
