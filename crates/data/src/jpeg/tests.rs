use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::npy::{self, ArrayData, AxisLength, Dtype, ExpectedArray};
use reprise_base::fs;

/// Returns the images in `tests/fixtures/jpeg`; its README names their source.
fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join("tests/fixtures/jpeg");
    let entries = fs::read_dir_sorted(&folder).unwrap().into_iter().map(|entry| entry.path);
    let images = entries.filter(|path| path.extension().is_some_and(|suffix| suffix == "jpg"));
    images.map(|path| (path.clone(), fs::read(&path, 1 << 20).unwrap())).collect()
}

#[track_caller]
fn check(file: &[u8], path: &Path, dct: Dct, suffix: &str) {
    let axes = &[AxisLength::Any, AxisLength::Any, AxisLength::Exactly(3)];
    let expected = ExpectedArray { dtype: Dtype::U8, axes, bytes_max: 1 << 20 };
    let expected = npy::read(&path.with_extension(suffix), &expected).unwrap();
    let decoded = decode(file, dct).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!([decoded.height, decoded.width], expected.shape[..2], "{}", path.display());
    assert_eq!(ArrayData::U8(decoded.pixels), expected.elements, "{} {dct:?}", path.display());
}

#[track_caller]
fn check_rejects(file: &[u8], error: JpegError) {
    assert_eq!(decode(file, Dct::Fast), Err(error));
}

#[test]
fn every_kind_of_image_is_decoded_to_the_bits_of_libjpeg() {
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 9);
    for (path, file) in fixtures {
        check(&file, &path, Dct::Fast, "fast.npy");
        check(&file, &path, Dct::Accurate, "accurate.npy");
    }
}

#[test]
fn data_that_are_not_an_image_are_rejected() {
    check_rejects(b"", JpegError::Empty);
    check_rejects(b"no jpeg", JpegError::NotJpeg);
    check_rejects(b"\xff\xd8\xff\xd9", JpegError::Truncated);
    check_rejects(b"\xff\xd8\xff", JpegError::Truncated);
}

#[test]
fn a_header_that_claims_millions_of_pixels_allocates_none() {
    let header = [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xff, 0xff, 0xff, 3];
    let components = [1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
    let error = JpegError::TooLarge { width: 65535, height: 65535 };
    check_rejects(&[&header[..], &components].concat(), error);
}

#[test]
fn every_truncation_is_detected() {
    for (path, file) in fixtures() {
        for length in 0..file.len() {
            assert!(decode(&file[..length], Dct::Fast).is_err(), "{} at {length}", path.display());
        }
    }
}

proptest! {
    #[test]
    fn damaged_images_never_panic(which in 0..9_usize, damage: Vec<(u16, u8)>) {
        let (_, mut file) = fixtures().swap_remove(which);
        for (at, byte) in damage {
            let at = usize::from(at) % file.len();
            file[at] = byte;
        }
        drop(decode(&file, Dct::Fast));
        drop(decode(&file, Dct::Accurate));
    }
}
