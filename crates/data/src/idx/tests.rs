use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

fn idx(axes: &[u32], bytes: usize) -> Vec<u8> {
    let rank = u8::try_from(axes.len()).unwrap();
    let mut file = vec![0, 0, UNSIGNED_BYTE, rank];
    file.extend(axes.iter().flat_map(|length| length.to_be_bytes()));
    file.extend((0..bytes).map(|i| (i % 251).to_le_bytes()[0]));
    file
}

fn compressed(file: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(file).unwrap();
    encoder.finish().unwrap()
}

fn digits(file: &[u8]) -> Result<Digits, IdxError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images");
    fs::write_atomic(&path, file).unwrap();
    read_digits(&path)
}

#[track_caller]
fn check_rejects(file: &[u8], message: &str) {
    match digits(file) {
        Err(IdxError::File { source, .. }) => assert_eq!(source.to_string(), message),
        other => panic!("expected a format error, not {other:?}"),
    }
}

#[test]
fn digits_are_read_plain_and_compressed() {
    let file = idx(&[4, 28, 28], 4 * PIXELS);
    let read = digits(&file).unwrap();
    assert_eq!((read.len(), &read.digit(1)[..2]), (4, [31, 32].as_slice()));
    assert_eq!(digits(&compressed(&file)).unwrap(), read);
}

#[test]
fn headers_are_refused() {
    check_rejects(b"", "the file ends inside its header");
    check_rejects(&idx(&[4, 28, 28], 0)[..9], "the file ends inside its header");
    check_rejects(&[1, 2, 3, 4], "its first two bytes are [01, 02], expected 00 00");
    check_rejects(
        b"<!DOCTYPE html>",
        "its first two bytes are [3c, 21], expected 00 00; it is a web page or XML: the download failed",
    );
    check_rejects(&[3, 8, 0, 0], "its first two bytes are [03, 08], expected 00 00");
    check_rejects(&[0, 0, 13, 3], "its element type is 0x0d, expected 0x08 (unsigned bytes)");
    check_rejects(&idx(&[4], 4), "its number of axes is 1, expected 3");
    check_rejects(&idx(&[4, 27, 28], 4 * 27 * 28), "its digits have 27x28 pixels, expected 28x28");
    check_rejects(&idx(&[0, 28, 28], 0), "it has no items");
    check_rejects(
        &idx(&[u32::MAX, 28, 28], 9),
        "its header states 4294967295 items; the limit is 100000",
    );
    let size = "its digits have 2147483648x4 pixels, expected 28x28";
    check_rejects(&idx(&[0x8000_0000, 0x8000_0000, 4], 0), size);
}

#[test]
fn data_that_is_too_short_or_too_long_is_refused() {
    check_rejects(&idx(&[4, 28, 28], 3135), "it has 3135 bytes of data, expected 3136");
    check_rejects(&idx(&[4, 28, 28], 3137), "trailing bytes after its 3136 bytes of data");
    let bomb = compressed(&idx(&[4, 28, 28], 1 << 22));
    check_rejects(&bomb, "trailing bytes after its 3136 bytes of data");
}

#[test]
fn damaged_gzip_is_refused() {
    let good = compressed(&idx(&[4, 28, 28], 3136));
    let message = "not a valid gzip file";
    check_rejects(&good[..good.len() - 30], message);
    let mut checksum = good.clone();
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    check_rejects(&checksum, message);
    check_rejects(&[&good[..], b"x"].concat(), "trailing bytes after its 3136 bytes of data");
}

proptest! {
    #[test]
    fn no_bytes_after_a_valid_magic_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        prop_assert!(digits(&[&[0, 0, 8, 3], &bytes[..]].concat()).is_err());
        prop_assert!(digits(&[&GZIP_MAGIC, &bytes[..]].concat()).is_err());
    }
}
