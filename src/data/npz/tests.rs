use super::{npy::Elements, *};

fn array(shape: &[usize], values: &[f32]) -> Array {
    Array { shape: shape.to_vec(), elements: Elements::F32(values.to_vec()) }
}

fn arrays() -> Vec<(String, Array)> {
    vec![
        ("model/enc0/W".to_owned(), array(&[2, 3], &[0.0, -1.5, f32::MIN_POSITIVE, 2.0, 3.0, 4.0])),
        ("b".to_owned(), array(&[], &[7.0])),
        ("none".to_owned(), array(&[0], &[])),
    ]
}

/// An archive with one member.
fn archive(name: &str, bytes: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, FileOptions::default().compression_method(method)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

#[track_caller]
fn check_rejects(bytes: &[u8], message: &str) {
    let fault = decode(bytes, |_| true).expect_err("the archive is refused");
    assert_eq!(fault.to_string(), message);
}

#[test]
fn arrays_survive_bit_for_bit_and_equal_arrays_make_equal_bytes() {
    let bytes = encode(&arrays());
    assert_eq!(decode(&bytes, |_| true).expect("it is intact"), arrays());
    assert_eq!(bytes, encode(&arrays()));
}

#[test]
fn numpy_s_files_are_read() {
    let eighths = (0_u8..12).map(|n| f32::from(n) / 8.0).collect::<Vec<_>>();
    let expected = [
        ("enc0/W".to_owned(), array(&[2, 3, 2], &eighths)),
        ("enc0/b".to_owned(), array(&[2], &[-0.0, 1e-45])),
        ("scale".to_owned(), array(&[], &[7.0])),
    ];
    let files = [
        &include_bytes!("../../../tests/fixtures/npz/plain.npz")[..],
        include_bytes!("../../../tests/fixtures/npz/compressed.npz"),
    ];
    for bytes in files {
        assert_eq!(decode(bytes, |_| true).expect("it is intact"), expected);
    }
}

#[test]
fn deflated_members_are_read() {
    let one = array(&[100], &[1.0; 100]);
    let bytes = archive("x.npy", &npy::encode(&one), CompressionMethod::Deflated);
    assert!(bytes.len() < 400);
    assert_eq!(decode(&bytes, |_| true).expect("it is intact"), [("x".to_owned(), one)]);
}

#[test]
fn what_is_not_wanted_is_not_looked_at() {
    let bytes = archive("step.npy", b"no array", CompressionMethod::Stored);
    assert!(decode(&bytes, |name| name != "step").expect("nothing is wanted").is_empty());
    check_rejects(&bytes, "array `step` cannot be used");
}

#[test]
fn a_flipped_bit_is_noticed() {
    let mut bytes = encode(&arrays());
    let at = bytes.windows(4).position(|four| four == (-1.5_f32).to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    check_rejects(&bytes, "array `model/enc0/W` cannot be used");
}

#[test]
fn other_files_are_rejected() {
    check_rejects(b"\x93NUMPY", "it is no intact zip archive");
    let bytes = archive("readme.txt", b"", CompressionMethod::Stored);
    check_rejects(&bytes, "its member `readme.txt` does not end in `.npy` or has too long a name");
    let bytes = encode(&arrays());
    check_rejects(&bytes[..bytes.len() - 9], "it is no intact zip archive");
}

#[test]
fn a_claim_that_no_compression_can_make_good_is_rejected() {
    let mut bytes =
        archive("x.npy", &npy::encode(&array(&[1], &[1.0])), CompressionMethod::Deflated);
    // The length before compression stands at byte 24 of a member's entry in the directory.
    let entry = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[entry + 24..entry + 28].copy_from_slice(&0x3fff_ffff_u32.to_le_bytes());
    let fault = decode(&bytes, |_| true).expect_err("the claim is refused");
    assert!(matches!(fault, NpzFault::Claim { claimed: 0x3fff_ffff, .. }), "{fault}");
}

#[test]
fn double_precision_is_named_as_such() {
    let mut file = npy::encode(&array(&[2], &[1.0, 2.0]));
    let at = file.windows(3).position(|three| three == b"<f4").unwrap();
    file[at + 2] = b'8';
    let bytes = archive("x.npy", &file, CompressionMethod::Stored);
    let fault = decode(&bytes, |_| true).expect_err("it is refused");
    let NpzFault::Array { fault, .. } = fault else { panic!("{fault}") };
    let message = "it holds elements of type `<f8` where single-precision numbers (`<f4`) are due";
    assert_eq!(fault.to_string(), message);
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
