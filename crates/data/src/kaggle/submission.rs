//! Predictions in the layout of a Kaggle submission.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use super::{
    error::{KaggleError, KaggleTableError},
    keypoints::SIDE,
    table::{self, CsvTable, shown, whole_number},
};

/// Columns of `IdLookupTable.csv`; the last one is empty.
const COLUMNS: [&str; 4] = ["RowId", "ImageId", "FeatureName", "Location"];

/// A coordinate that a submission must contain: a row of `IdLookupTable.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupRow {
    /// `RowId`: its row in the submission.
    pub row_id: u64,
    /// `ImageId` of its image.
    pub image_id: u64,
    /// `FeatureName`: the column of `training.csv`.
    pub feature: String,
}

/// How to write a location outside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideImage {
    /// Unchanged.
    Kept,
    /// Moved to the nearest edge, 0 or 96.
    Clamped,
}

/// Predicted coordinates of numbered images.
#[derive(Clone, Copy, Debug)]
pub struct Predictions<'a> {
    /// `ImageId` of every image.
    pub ids: &'a [u64],
    /// Names of the coordinates.
    pub columns: &'a [String],
    /// The coordinates in pixels, one row per image.
    pub locations: &'a [Vec<f64>],
}

/// Reads the coordinates that a submission must contain (`IdLookupTable.csv`).
///
/// # Errors
/// If the file cannot be read or a cell does not fit its column.
pub fn read_lookup(path: &Path) -> Result<Vec<LookupRow>, KaggleError> {
    table::read(path, parse_lookup)
}

pub(super) fn parse_lookup(text: &[u8]) -> Result<Vec<LookupRow>, KaggleTableError> {
    let mut table = CsvTable::open(text)?;
    if table.columns != COLUMNS {
        return Err(KaggleTableError::NotLookup);
    }
    let mut rows = Vec::new();
    table.each(|row, cells| {
        let number = |column: usize| {
            let cell = || shown(&cells[column]);
            let column_name = COLUMNS[column];
            whole_number(&cells[column]).ok_or_else(|| KaggleTableError::WholeNumber {
                row,
                column: column_name,
                cell: cell(),
            })
        };
        let feature = String::from_utf8_lossy(&cells[2]).into_owned();
        rows.push(LookupRow { row_id: number(0)?, image_id: number(1)?, feature });
        Ok(())
    })?;
    Ok(rows)
}

/// Returns a submission, `RowId,Location`, with the coordinates of the lookup table in its order.
///
/// # Errors
/// If the lookup table names an image or a coordinate that was not predicted.
pub fn submission(
    lookup: &[LookupRow],
    predictions: Predictions<'_>,
    outside: OutsideImage,
) -> Result<String, KaggleTableError> {
    let Predictions { ids, columns, locations } = predictions;
    let images: BTreeMap<u64, &[f64]> =
        ids.iter().copied().zip(locations.iter().map(Vec::as_slice)).collect();
    let columns: BTreeMap<&str, usize> = columns.iter().map(String::as_str).zip(0..).collect();
    let mut text = "RowId,Location\n".to_owned();
    for (row, LookupRow { row_id, image_id, feature }) in (1..).zip(lookup) {
        let image = images
            .get(image_id)
            .ok_or(KaggleTableError::NoSuchImage { row, image_id: *image_id })?;
        let column = columns.get(feature.as_str()).ok_or_else(|| {
            KaggleTableError::NotPredicted { row, name: shown(feature.as_bytes()) }
        })?;
        let location = match outside {
            OutsideImage::Kept => image[*column],
            OutsideImage::Clamped => image[*column].clamp(0.0, SIDE as f64),
        };
        writeln!(text, "{row_id},{location}").expect("writing to a string succeeds");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKUP: &str = "RowId,ImageId,FeatureName,Location\n\
                          1,7,eye_y,\n2,7,eye_x,\n3,9,eye_x,\n";

    fn made(lookup: &str, outside: OutsideImage) -> Result<String, KaggleTableError> {
        let columns = ["eye_x", "eye_y"].map(str::to_owned);
        let locations = [vec![10.5, 20.25], vec![96.5, -1.0]];
        let predictions = Predictions { ids: &[7, 9], columns: &columns, locations: &locations };
        submission(&parse_lookup(lookup.as_bytes())?, predictions, outside)
    }

    #[track_caller]
    fn check_rejects(lookup: &str, message: &str) {
        let error = made(lookup, OutsideImage::Kept).expect_err("the table is refused");
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn locations_are_in_the_order_of_the_lookup_table() {
        let text = made(LOOKUP, OutsideImage::Kept).expect("all of them are predicted");
        assert_eq!(text, "RowId,Location\n1,20.25\n2,10.5\n3,96.5\n");
    }

    #[test]
    fn locations_are_moved_to_the_edge_only_if_asked() {
        let text = made(LOOKUP, OutsideImage::Clamped).expect("all of them are predicted");
        assert!(text.ends_with("3,96\n"), "{text}");
    }

    #[test]
    fn a_coordinate_that_was_not_predicted_is_reported_with_its_row() {
        let head = "RowId,ImageId,FeatureName,Location\n1,7,eye_x,\n";
        check_rejects(
            &format!("{head}2,8,eye_x,\n"),
            "row 2, column `ImageId`: image 8 is not in `test.csv`",
        );
        check_rejects(
            &format!("{head}2,7,nose_tip_x,\n"),
            "row 2, column `FeatureName`: the run does not predict `nose_tip_x`",
        );
        check_rejects(
            &format!("{head}two,7,eye_x,\n"),
            "row 2, column `RowId`: `two` is not a whole number",
        );
        check_rejects(
            "RowId,Location\n1,2\n",
            "its columns are not `RowId`, `ImageId`, `FeatureName`, `Location`",
        );
    }
}
