use super::{npy::ArrayData, *};

fn array(shape: &[usize], values: &[f32]) -> Array {
    Array { shape: shape.to_vec(), elements: ArrayData::F32(values.to_vec()) }
}

fn arrays() -> Vec<(String, Array)> {
    vec![
        ("model/enc0/W".to_owned(), array(&[2, 3], &[0.0, -1.5, f32::MIN_POSITIVE, 2.0, 3.0, 4.0])),
        ("b".to_owned(), array(&[], &[7.0])),
        ("none".to_owned(), array(&[0], &[])),
    ]
}

/// Returns an archive with one member.
fn archive(name: &str, bytes: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, FileOptions::default().compression_method(method)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

#[track_caller]
fn check_rejects(bytes: &[u8], message: &str) {
    let error = decode(bytes, |_| true).expect_err("the archive is refused");
    assert_eq!(error.to_string(), message);
}

#[test]
fn arrays_are_read_back_bit_for_bit_and_equal_arrays_give_equal_bytes() {
    let bytes = encode(&arrays());
    assert_eq!(decode(&bytes, |_| true).expect("it is valid"), arrays());
    assert_eq!(bytes, encode(&arrays()));
}

#[test]
fn files_of_numpy_are_read() {
    let eighths = (0_u8..12).map(|n| f32::from(n) / 8.0).collect::<Vec<_>>();
    let expected = [
        ("enc0/W".to_owned(), array(&[2, 3, 2], &eighths)),
        ("enc0/b".to_owned(), array(&[2], &[-0.0, 1e-45])),
        ("scale".to_owned(), array(&[], &[7.0])),
    ];
    let files = [
        &include_bytes!("../../../../tests/fixtures/npz/plain.npz")[..],
        include_bytes!("../../../../tests/fixtures/npz/compressed.npz"),
    ];
    for bytes in files {
        assert_eq!(decode(bytes, |_| true).expect("it is valid"), expected);
    }
}

#[test]
fn deflated_members_are_read() {
    let one = array(&[100], &[1.0; 100]);
    let bytes = archive("x.npy", &npy::encode(&one), CompressionMethod::Deflated);
    assert!(bytes.len() < 400);
    assert_eq!(decode(&bytes, |_| true).expect("it is valid"), [("x".to_owned(), one)]);
}

#[test]
fn unwanted_members_are_not_read() {
    let bytes = archive("step.npy", b"no array", CompressionMethod::Stored);
    assert!(decode(&bytes, |name| name != "step").expect("nothing is wanted").is_empty());
    check_rejects(&bytes, "failed to read array `step`");
}

#[test]
fn a_flipped_bit_is_detected() {
    let mut bytes = encode(&arrays());
    let at = bytes.windows(4).position(|four| four == (-1.5_f32).to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    check_rejects(&bytes, "failed to read array `model/enc0/W`");
}

#[test]
fn other_files_are_rejected() {
    check_rejects(b"\x93NUMPY", "not a valid zip archive");
    let bytes = archive("readme.txt", b"", CompressionMethod::Stored);
    check_rejects(&bytes, "invalid member name `readme.txt`: expected 1 to 500 bytes, then `.npy`");
    let bytes = encode(&arrays());
    check_rejects(&bytes[..bytes.len() - 9], "not a valid zip archive");
}

#[test]
fn an_impossible_size_is_rejected() {
    let mut bytes =
        archive("x.npy", &npy::encode(&array(&[1], &[1.0])), CompressionMethod::Deflated);
    // The uncompressed size is at byte 24 of a member's entry in the directory.
    let entry = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&0x3fff_ffff_u32.to_le_bytes());
    let error = decode(&bytes, |_| true).expect_err("the size is refused");
    assert!(matches!(error, NpzFormatError::Size { stated: 0x3fff_ffff, .. }), "{error}");
}

#[test]
fn double_precision_is_rejected_by_type() {
    let mut file = npy::encode(&array(&[2], &[1.0, 2.0]));
    let at = file.windows(3).position(|three| three == b"<f4").unwrap();
    file[at + 2] = b'8';
    let bytes = archive("x.npy", &file, CompressionMethod::Stored);
    let error = decode(&bytes, |_| true).expect_err("it is refused");
    let NpzFormatError::Array { source, .. } = error else { panic!("{error}") };
    let message = "its element type is `<f8`, expected `<f4` (single-precision numbers)";
    assert_eq!(source.to_string(), message);
}

#[test]
fn two_members_of_one_name_are_rejected() {
    let mut bytes =
        encode(&[("aa".to_owned(), array(&[], &[1.0])), ("bb".to_owned(), array(&[], &[2.0]))]);
    let places: Vec<usize> =
        (0..bytes.len() - 6).filter(|&at| &bytes[at..at + 6] == b"bb.npy").collect();
    for at in places {
        bytes[at..at + 2].copy_from_slice(b"aa");
    }
    check_rejects(&bytes, "it has two arrays named `aa`");
}
