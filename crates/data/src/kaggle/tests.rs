use std::{error::Error, path::PathBuf};

use proptest::prelude::*;

use super::{table::parse_test, table::parse_training, *};
use reprise_base::fs;

const POINTS: [&str; 15] = [
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
];

fn names() -> Vec<String> {
    POINTS.iter().flat_map(|point| ["x", "y"].map(|axis| format!("{point}_{axis}"))).collect()
}

fn points() -> Vec<String> {
    (0..30).map(|i| format!("{:.4}", 20.0 + 1.7 * f64::from(i))).collect()
}

fn with_point(index: usize, cell: &str) -> Vec<String> {
    let mut points = points();
    cell.clone_into(&mut points[index]);
    points
}

fn pixels() -> Vec<String> {
    (0..PIXELS).map(|i| ((i * 7) % 256).to_string()).collect()
}

fn with_pixel(index: usize, word: &str) -> Vec<String> {
    let mut pixels = pixels();
    word.clone_into(&mut pixels[index]);
    pixels
}

fn row(points: &[String], pixels: &[String]) -> String {
    format!("{},{}\n", points.join(","), pixels.join(" "))
}

fn good_row() -> String {
    row(&points(), &pixels())
}

fn header() -> String {
    format!("{},Image\n", names().join(","))
}

fn table(rows: &[String]) -> String {
    header() + &rows.concat()
}

fn read(text: &str) -> Result<Keypoints, KaggleTableError> {
    parse_training(text.as_bytes(), &KeypointColumns::All)
}

#[track_caller]
fn check_rejects(text: impl AsRef<[u8]>, message: &str) {
    let error =
        parse_training(text.as_ref(), &KeypointColumns::All).expect_err("the table is refused");
    assert_eq!(error.to_string(), message);
}

#[test]
fn rows_that_lack_a_coordinate_are_left_out_and_counted() {
    let keypoints = read(&table(&[
        row(&with_point(5, ""), &pixels()),
        good_row(),
        row(&with_point(29, ""), &with_pixel(0, "255")),
    ]))
    .unwrap();
    assert_eq!((keypoints.rows, keypoints.len()), (3, 1));
    assert_eq!([keypoints.filled[5], keypoints.filled[6], keypoints.filled[30]], [2, 3, 3]);
    assert_eq!(keypoints.coordinates(0)[..2], [20.0, 21.7]);
    assert_eq!(keypoints.images().grey(0)[..3], [0, 7, 14]);
    assert_eq!(keypoints.targets(0).next(), Some(-28.0 / 48.0));
    assert_eq!(keypoints.images().unit(0).nth(1), Some(7.0 / 255.0));
}

#[test]
fn wanted_columns_decide_which_rows_are_complete_and_the_order_of_coordinates() {
    let text = table(&[row(&with_point(5, ""), &pixels())]);
    let wanted = ["nose_tip_y", "left_eye_center_x"].map(str::to_owned).to_vec();
    let keypoints = parse_training(text.as_bytes(), &KeypointColumns::Named(wanted)).unwrap();
    assert_eq!(
        keypoints.coordinates(0),
        [20.0 + 1.7 * 21.0, 20.0].map(|p: f64| (p * 1e4).round() / 1e4)
    );
    let error = parse_training(text.as_bytes(), &KeypointColumns::Named(vec!["chin_x".to_owned()]));
    assert_eq!(error.unwrap_err().to_string(), "it has no column `chin_x`");
}

#[test]
fn a_byte_order_mark_crlf_and_a_missing_last_newline_change_nothing() {
    let plain = table(&[good_row(), good_row()]);
    let other = format!("\u{feff}{}", plain.trim_end().replace('\n', "\r\n"));
    assert_eq!(read(&other).unwrap(), read(&plain).unwrap());
}

#[test]
fn coordinates_go_by_the_name_of_their_column() {
    let mut swapped = names();
    swapped.swap(0, 1);
    let text = format!("{},Image\n{}", swapped.join(","), good_row());
    assert_eq!(read(&text).unwrap().columns[..2], ["left_eye_center_y", "left_eye_center_x"]);
    let x = KeypointColumns::Named(vec!["left_eye_center_x".to_owned()]);
    assert_eq!(parse_training(text.as_bytes(), &x).unwrap().coordinates(0), [21.7]);
}

#[test]
fn images_are_refused_by_row_and_pixel() {
    let at_row_1 = |pixels: &[String]| table(&[row(&points(), pixels)]);
    let short = &pixels()[..PIXELS - 1];
    check_rejects(
        table(&[good_row(), row(&points(), short)]),
        "row 2, column `Image`: 9215 pixels, expected 9216",
    );
    check_rejects(
        at_row_1(&[pixels(), vec!["0".to_owned()]].concat()),
        "row 1, column `Image`: 9217 pixels, expected 9216",
    );
    check_rejects(at_row_1(&[]), "row 1, column `Image`: 0 pixels, expected 9216");
    for word in ["300", "-1", "12.5", "abc", "1e2", "0x10", "\u{661}"] {
        let shown = word.as_bytes().escape_ascii();
        check_rejects(
            at_row_1(&with_pixel(3, word)),
            &format!("row 1, column `Image`, pixel 4: `{shown}` is not a whole number in [0, 255]"),
        );
    }
}

#[test]
fn coordinates_are_refused_by_row_and_column() {
    for (cell, why) in [
        ("left", "is not a finite number"),
        ("inf", "is not a finite number"),
        ("1e400", "is not a finite number"),
        ("1e9", "is more than 96 pixels outside the image"),
        ("-97", "is more than 96 pixels outside the image"),
    ] {
        let text = table(&[good_row(), row(&with_point(3, cell), &pixels())]);
        check_rejects(text, &format!("row 2, column `right_eye_center_y`: `{cell}` {why}"));
    }
}

#[test]
fn headers_and_ragged_rows_are_refused() {
    check_rejects("", "it is empty");
    check_rejects(header(), "it has no rows");
    check_rejects(
        format!("{}\n{}\n", names().join(","), points().join(",")),
        "it has no column `Image`; its last column is `mouth_center_bottom_lip_...`",
    );
    check_rejects(header() + &points().join(",") + "\n", "row 1 has 30 cells, expected 31");
    check_rejects(
        table(&[row(&[points(), vec!["1.0".to_owned()]].concat(), &pixels())]),
        "row 1 has 32 cells, expected 31",
    );
    check_rejects(
        header().replacen("left_eye_center_y", "left_eye_center_x", 1) + &good_row(),
        "columns 1 and 2 are both named `left_eye_center_x`",
    );
    check_rejects(
        table(&[row(&with_point(0, ""), &pixels())]),
        "none of its 1 rows has all coordinates",
    );
}

#[test]
fn other_files_are_refused() {
    let open_quote = header() + "\"" + &good_row() + &good_row();
    check_rejects(open_quote, "row 1 has 1 cells, expected 31");
    check_rejects(b"\xff\xfee\0", "it is UTF-16");
    let not_text = [header().as_bytes(), b"\xff\xfe", good_row().as_bytes()].concat();
    check_rejects(
        not_text,
        "row 1, column `left_eye_center_x`: `\\xff\\xfe20.0000` is not a finite number",
    );
    check_rejects(b"\xffa,Image\n", "column 1: its name is not valid UTF-8");
    let long = header() + &"1".repeat(1 << 18);
    check_rejects(long, "row 1 has 262144 bytes; the limit is 131072");
}

#[track_caller]
fn check_same(text: &str) {
    let plain = read(&table(&[good_row(), good_row()])).unwrap();
    let found = read(text).unwrap();
    assert_eq!((found.columns, found.coordinates), (plain.columns, plain.coordinates));
    assert_eq!(found.images, plain.images);
}

#[test]
fn tables_are_read_as_programs_export_them() {
    let plain = table(&[good_row(), good_row()]);
    let quoted = |text: &str| {
        let line = |line: &str| format!("\"{}\"\n", line.replace(',', "\",\""));
        text.lines().map(line).collect::<String>()
    };
    check_same(&quoted(&plain));
    check_same(&format!("{plain}\n\n"));
    check_same(&plain.replace(',', " , "));
    check_same(&plain.replace(',', ";"));
    check_same(&plain.replace(',', "\t"));
    check_same(&plain.replace('\n', "\r"));
    check_same(&plain.replace("Image", "IMAGE"));
    let first_column = |text: &str| {
        let move_image = |line: &str| {
            let (points, image) = line.rsplit_once(',').unwrap();
            format!("{image},{points}\n")
        };
        text.lines().map(move_image).collect::<String>()
    };
    check_same(&first_column(&plain));
}

#[test]
fn missing_values_have_many_names() {
    for mark in ["NA", "NaN", "nan", "null", "None", "N/A"] {
        let text = table(&[row(&with_point(5, mark), &pixels()), good_row()]);
        assert_eq!(read(&text).unwrap().len(), 1, "{mark}");
    }
}

#[test]
fn a_column_that_counts_the_rows_is_no_keypoint() {
    let numbered = |name: &str, first: usize| {
        let numbers = [name.to_owned(), first.to_string(), (first + 1).to_string()];
        let plain = table(&[good_row(), good_row()]);
        let lines = plain.lines().zip(numbers).map(|(line, number)| format!("{number},{line}\n"));
        lines.collect::<String>()
    };
    for (name, first) in [("", 0), ("Unnamed: 0", 0), ("index", 1), ("0", 0)] {
        check_same(&numbered(name, first));
        assert_eq!(read(&numbered(name, first)).unwrap().skipped, [name]);
    }
    check_rejects(numbered("", 7), "column 1 is named `` and does not count the rows");
    check_rejects(
        numbered("age", 0),
        "column `age` is neither `Image` nor a coordinate named `KEYPOINT_x` or `KEYPOINT_y`",
    );
}

#[test]
fn columns_that_do_not_belong_together_are_refused() {
    let renamed = |from: &str, to: &str| header().replacen(from, to, 1) + &good_row();
    check_rejects(
        renamed("left_eye_center_y", "left_eye_y"),
        "column `left_eye_center_x` has no partner `left_eye_center_y`",
    );
    check_rejects(
        renamed("right_eye_center_x", "left_eye_center_x.1"),
        "columns 1 and 3 are both named `left_eye_center_x`",
    );
    let scaled: Vec<String> = (0..30).map(|i| format!("{}", f64::from(i) / 30.0 - 0.5)).collect();
    check_rejects(
        table(&[row(&scaled, &pixels())]),
        "all coordinates are between -1 and 1, so they are not pixels",
    );
}

#[test]
fn a_table_is_read_in_its_archive() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let plain = table(&[good_row()]);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::FileOptions::default();
    for (name, content) in [("__MACOSX/._training.csv", "x"), ("training.csv", plain.as_str())] {
        archive.start_file(name, options).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    let path = folder.path().join("training.zip");
    let bytes = archive.finish().unwrap().into_inner();
    fs::write_atomic(&path, &bytes).unwrap();
    assert_eq!(read_training(&path, &KeypointColumns::All).unwrap(), read(&plain).unwrap());
    for end in [bytes.len() / 2, 30] {
        fs::write_atomic(&path, &bytes[..end]).unwrap();
        assert!(read_training(&path, &KeypointColumns::All).is_err(), "cut at {end}");
    }
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(plain.as_bytes()).unwrap();
    let path = folder.path().join("training.csv.gz");
    fs::write_atomic(&path, &packer.finish().unwrap()).unwrap();
    assert_eq!(read_training(&path, &KeypointColumns::All).unwrap(), read(&plain).unwrap());
}

#[test]
fn test_tables_have_numbers_and_images() {
    let text = format!("ImageId,Image\n7,{}\n", pixels().join(" "));
    let test = parse_test(text.as_bytes()).unwrap();
    assert_eq!((test.ids, test.images.len()), (vec![7], 1));
    let error = |text: &str| parse_test(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        error(&text.replace("7,0", "-7,0")),
        "row 1, column `ImageId`: `-7` is not a whole number"
    );
    assert_eq!(error(&table(&[good_row()])), "its columns are not `ImageId` and `Image`");
    check_rejects(text, "it has no keypoints, only `ImageId` and `Image`");
}

#[test]
fn messages_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write_atomic(&path, text.as_bytes()).unwrap();
        path
    };
    let path = write("training.csv", &table(&[row(&with_point(3, "left"), &pixels())]));
    let error = read_training(&path, &KeypointColumns::All).unwrap_err();
    assert_eq!(error.to_string(), format!("failed to read keypoints `{}`", path.display()));
    assert!(error.source().is_some_and(|source| source.to_string().starts_with("row 1, column")));
    let empty = read_test(&write("empty.csv", "")).unwrap_err();
    assert!(empty.source().is_some_and(|source| source.to_string() == "it is empty"));
    assert!(matches!(read_test(&folder.path().join("none")), Err(KaggleError::Fs(_))));
}

#[test]
fn an_incomplete_last_batch_is_left_out() {
    let batches = minibatches(23, 5, &mut reprise_base::rng::numpy::RandomState::new(7));
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 5, 5]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_training(&text, &KeypointColumns::All).is_err());
        prop_assert!(parse_test(&text).is_err());
    }

    #[test]
    fn no_cells_below_a_good_header_make_it_panic(rows in "[0-9., \n\r\"-]{0,300}") {
        prop_assert!(read(&(header() + &rows)).is_err());
    }
}
