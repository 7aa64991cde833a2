//! Predictions in the layout that Kaggle scores: which coordinates it wants, and where they are.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use super::{
    KaggleError, KaggleFault, SIDE,
    table::{Table, shown, whole_number},
    with_text,
};

/// Columns of `IdLookupTable.csv`; the last one is empty there.
const COLUMNS: [&str; 4] = ["RowId", "ImageId", "FeatureName", "Location"];

/// A coordinate that Kaggle wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `RowId`: its row of the submission.
    pub row_id: u64,
    /// `ImageId` of its picture.
    pub image_id: u64,
    /// `FeatureName`: the column of `training.csv`.
    pub feature: String,
}

/// What becomes of a location outside the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// It stays.
    Kept,
    /// It is moved to the nearest edge, 0 or 96.
    Clamped,
}

/// Predicted coordinates of numbered pictures.
#[derive(Clone, Copy, Debug)]
pub struct Predictions<'a> {
    /// `ImageId` of every picture.
    pub ids: &'a [u64],
    /// Names of the coordinates.
    pub columns: &'a [String],
    /// The coordinates in pixels, a row a picture.
    pub locations: &'a [Vec<f64>],
}

/// Reads which coordinates are wanted (`IdLookupTable.csv`).
///
/// # Errors
/// If the file cannot be read or a cell is not what its column says.
pub fn read_lookup(path: &Path) -> Result<Vec<Wanted>, KaggleError> {
    with_text(path, parse_lookup)
}

pub(super) fn parse_lookup(text: &[u8]) -> Result<Vec<Wanted>, KaggleFault> {
    let table = Table::open(text)?;
    if table.columns != COLUMNS {
        return Err(KaggleFault::NotLookup);
    }
    let mut wanted = Vec::new();
    table.each(|row, cells| {
        let number = |column: usize| {
            let cell = || shown(cells[column]);
            let column_name = COLUMNS[column];
            whole_number(cells[column]).ok_or_else(|| KaggleFault::WholeNumber {
                row,
                column: column_name,
                cell: cell(),
            })
        };
        let feature = String::from_utf8_lossy(cells[2]).into_owned();
        wanted.push(Wanted { row_id: number(0)?, image_id: number(1)?, feature });
        Ok(())
    })?;
    Ok(wanted)
}

/// Returns the wanted coordinates as `RowId,Location`, in the order in which they are wanted.
///
/// # Errors
/// If a picture or a coordinate is wanted that was not predicted; the row is that of the lookup table.
pub fn submission(
    wanted: &[Wanted],
    predictions: Predictions<'_>,
    outside: Outside,
) -> Result<String, KaggleFault> {
    let Predictions { ids, columns, locations } = predictions;
    let pictures: BTreeMap<u64, &[f64]> =
        ids.iter().copied().zip(locations.iter().map(Vec::as_slice)).collect();
    let columns: BTreeMap<&str, usize> = columns.iter().map(String::as_str).zip(0..).collect();
    let mut text = "RowId,Location\n".to_owned();
    for (row, Wanted { row_id, image_id, feature }) in (1..).zip(wanted) {
        let picture = pictures
            .get(image_id)
            .ok_or(KaggleFault::NoSuchPicture { row, image_id: *image_id })?;
        let column = columns
            .get(feature.as_str())
            .ok_or_else(|| KaggleFault::NotPredicted { row, name: shown(feature.as_bytes()) })?;
        let location = match outside {
            Outside::Kept => picture[*column],
            Outside::Clamped => picture[*column].clamp(0.0, SIDE as f64),
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{row_id},{location}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKUP: &str = "RowId,ImageId,FeatureName,Location\n\
                          1,7,eye_y,\n2,7,eye_x,\n3,9,eye_x,\n";

    fn made(lookup: &str, outside: Outside) -> Result<String, KaggleFault> {
        let columns = ["eye_x", "eye_y"].map(str::to_owned);
        let locations = [vec![10.5, 20.25], vec![96.5, -1.0]];
        let predictions = Predictions { ids: &[7, 9], columns: &columns, locations: &locations };
        submission(&parse_lookup(lookup.as_bytes())?, predictions, outside)
    }

    #[track_caller]
    fn check_rejects(lookup: &str, message: &str) {
        let fault = made(lookup, Outside::Kept).expect_err("the table is refused");
        assert_eq!(fault.to_string(), message);
    }

    #[test]
    fn locations_stand_in_the_order_in_which_they_are_wanted() {
        let text = made(LOOKUP, Outside::Kept).expect("all of them are predicted");
        assert_eq!(text, "RowId,Location\n1,20.25\n2,10.5\n3,96.5\n");
    }

    #[test]
    fn locations_are_moved_to_the_edge_only_if_asked() {
        let text = made(LOOKUP, Outside::Clamped).expect("all of them are predicted");
        assert!(text.ends_with("3,96\n"), "{text}");
    }

    #[test]
    fn what_was_not_predicted_is_named_with_its_row() {
        let head = "RowId,ImageId,FeatureName,Location\n1,7,eye_x,\n";
        check_rejects(
            &format!("{head}2,8,eye_x,\n"),
            "row 2, column `ImageId`: there is no picture 8 in `test.csv`",
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
