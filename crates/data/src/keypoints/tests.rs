use std::{error::Error, fmt::Write as _};

use super::*;

const FILE: &str = FILES[0];
use crate::kaggle::PIXELS;
use reprise_base::scalar::Fraction;

/// Writes a table of `rows` rows. The first pixel of each is its number; row 2 lacks a coordinate.
fn folder(rows: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    write(folder.path(), rows, "");
    folder
}

fn write(root: &Path, rows: usize, in_row_two: &str) {
    let mut text = "eye_x,eye_y,Image\n".to_owned();
    for row in 1..=rows {
        let y = if row == 2 { in_row_two.to_owned() } else { format!("{}.1234567891", 20 + row) };
        let pixels = vec!["7"; PIXELS - 1].join(" ");
        writeln!(text, "{}.9876543219,{y},{row} {pixels}", 30 + row).expect("a string takes it");
    }
    fs::write_atomic(&root.join(FILE), text.as_bytes()).expect("the table can be written");
}

fn table(root: &Path, split: RowSplit) -> KeypointTable<'_> {
    KeypointTable { root, columns: &KeypointColumns::All, split }
}

fn shares(validate: f64, test: f64) -> RowSplit {
    let share = |x| Fraction::try_from(x).expect("a share");
    RowSplit::Shares(Shares { validate: share(validate), test: share(test) })
}

fn opened(table: KeypointTable<'_>) -> Pack {
    let cache = table.root.join("cache");
    table.open(Required::AllSplits, &cache, &mut |_| {}).expect("the table is valid")
}

fn checked(table: KeypointTable<'_>) -> Findings {
    table.check(Required::AllSplits, &mut |_| {})
}

fn rows(pack: &Pack, split: Split) -> Vec<usize> {
    pack.names(split).iter().map(|name| name.parse().expect("a name is a row")).collect()
}

#[test]
fn splits_are_consecutive_parts_of_the_originals_order() {
    let folder = folder(11);
    let pack = opened(table(folder.path(), shares(0.2, 0.1)));
    // Ten complete rows: all but the second.
    let complete: Vec<usize> = (1..=11).filter(|&row| row != 2).collect();
    let order: Vec<usize> = shuffled(10).into_iter().map(|index| complete[index]).collect();
    assert_eq!(Split::ALL.map(|split| rows(&pack, split)).concat(), order);
    assert_eq!(Split::ALL.map(|split| pack.sequences(split)), [7, 2, 1]);
    for split in Split::ALL {
        for (index, row) in rows(&pack, split).into_iter().enumerate() {
            assert_eq!(usize::from(pack.sequence(split, index).frames[0]), row);
        }
    }
}

#[test]
fn the_originals_split_trains_on_every_complete_row() {
    let folder = folder(6);
    let pack = opened(table(folder.path(), RowSplit::Document));
    assert_eq!(pack.sequences(Split::Train), 5);
    assert_eq!(rows(&pack, Split::Test), rows(&pack, Split::Train));
    assert_eq!(rows(&pack, Split::Validate), rows(&pack, Split::Train));
    assert!(pack.warnings()[1].contains("consist of the training rows"), "{:?}", pack.warnings());
}

#[test]
fn few_rows_still_leave_one_each_or_are_refused() {
    let found = arrange(3, shares(0.1, 0.1)).expect("one row each");
    assert_eq!(found.iter().map(|(split, _)| *split).collect::<Vec<_>>(), Split::ALL);
    assert_eq!(arrange(2, shares(0.1, 0.1)), None);
    assert_eq!(arrange(10, shares(0.9, 0.2)), None);
    let folder = folder(3);
    let keypoints = table(folder.path(), RowSplit::default()).read();
    let keypoints = keypoints.expect("the table can be read");
    let refused = table(folder.path(), RowSplit::default()).arrange(&keypoints).unwrap_err();
    assert!(refused.to_string().contains("none of its 2 complete rows"), "{refused}");
}

#[test]
fn positions_are_the_originals_targets_to_the_last_bit() {
    let folder = folder(40);
    let pack = opened(table(folder.path(), RowSplit::default()));
    let mut lost_in_pixels = 0;
    for (index, row) in rows(&pack, Split::Train).into_iter().enumerate() {
        let [x, y] = [format!("{}.9876543219", 30 + row), format!("{}.1234567891", 20 + row)];
        let found = pack.sequence(Split::Train, index).positions;
        for (text, found) in [x, y].iter().zip(found) {
            let pixels: f64 = text.parse().expect("a number");
            assert_eq!(single((pixels - 48.0) / 48.0).to_bits(), found.to_bits());
            let rounded_early = (f64::from(single(pixels)) - 48.0) / 48.0;
            lost_in_pixels += usize::from(single(rounded_early).to_bits() != found.to_bits());
        }
    }
    assert!(lost_in_pixels > 0, "single-precision pixels would do");
    assert_eq!(pack.position_names(), ["eye_x", "eye_y"]);
    assert_eq!((pack.frame_shape(), pack.frames(), pack.action_size()), ([SIDE, SIDE, 1], 1, 0));
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the purpose")]
fn single(x: f64) -> f32 {
    x as f32
}

#[test]
fn columns_decide_which_rows_are_complete() {
    let folder = folder(6);
    let columns = KeypointColumns::Named(vec!["eye_x".to_owned()]);
    let pack =
        opened(KeypointTable { columns: &columns, ..table(folder.path(), RowSplit::default()) });
    assert_eq!(Split::ALL.map(|split| pack.sequences(split)), [4, 1, 1]);
    assert_eq!(pack.position_names(), ["eye_x"]);
}

#[test]
fn a_changed_table_is_packed_again_and_an_unchanged_one_is_not() {
    let folder = folder(6);
    let split = RowSplit::default();
    let first = opened(table(folder.path(), split)).payload_sha256().to_owned();
    let again = opened(table(folder.path(), split));
    assert_eq!((again.payload_sha256(), again.warnings().len()), (first.as_str(), 1));
    write(folder.path(), 6, "44.5");
    let changed = opened(table(folder.path(), split));
    assert_ne!(changed.payload_sha256(), first);
    assert!(changed.warnings().iter().any(|it| it.contains("changed")), "{:?}", changed.warnings());
}

#[test]
fn a_broken_cell_is_named_with_file_row_and_column() {
    let folder = folder(6);
    write(folder.path(), 6, "north");
    let findings = checked(table(folder.path(), RowSplit::default()));
    let [error] = findings.errors() else { panic!("{findings:?}") };
    let message = format!("{error}: {}", error.source().expect("a cause"));
    assert!(message.contains(FILE), "{message}");
    assert!(message.contains("row 2, column `eye_y`: `north`"), "{message}");
}

#[test]
fn rows_left_out_and_equal_images_are_warnings() {
    let folder = folder(6);
    let path = folder.path().join(FILE);
    let text = fs::read_text(&path, 1 << 20).expect("the table can be read");
    let edited =
        text.replace("\n35.9876543219,25.1234567891,5 ", "\n35.9876543219,25.1234567891,1 ");
    fs::write_atomic(&path, edited.as_bytes()).expect("the table can be written");
    let findings = checked(table(folder.path(), RowSplit::default()));
    assert_eq!(findings.error_count(), 0);
    let messages = findings.warnings();
    assert_eq!(messages[0], "1 of 6 rows lack a coordinate and are left out");
    assert!(messages[1].starts_with("equal images in "), "{messages:?}");
}
