use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::{
    data::npy::{self, Axis, Dtype, Due, Elements},
    fs,
};

/// Returns the pictures below `tests/fixtures/jpeg`, whose README says where they come from.
fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/jpeg");
    let entries = fs::read_dir_sorted(&folder).unwrap().into_iter().map(|entry| entry.path);
    let pictures = entries.filter(|path| path.extension().is_some_and(|suffix| suffix == "jpg"));
    pictures.map(|path| (path.clone(), fs::read(&path, 1 << 20).unwrap())).collect()
}

#[track_caller]
fn check(file: &[u8], path: &Path, dct: Dct, suffix: &str) {
    let axes = &[Axis::Any, Axis::Any, Axis::Of(3)];
    let due = Due { dtype: Dtype::U8, axes, bytes_max: 1 << 20 };
    let expected = npy::read(&path.with_extension(suffix), &due).unwrap();
    let decoded = decode(file, dct).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    assert_eq!([decoded.height, decoded.width], expected.shape[..2], "{}", path.display());
    assert_eq!(Elements::U8(decoded.pixels), expected.elements, "{} {dct:?}", path.display());
}

#[track_caller]
fn check_rejects(file: &[u8], fault: JpegFault) {
    assert_eq!(decode(file, Dct::Fast), Err(fault));
}

#[test]
fn every_kind_of_picture_is_decoded_to_the_bits_of_libjpeg() {
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 9);
    for (path, file) in fixtures {
        check(&file, &path, Dct::Fast, "fast.npy");
        check(&file, &path, Dct::Accurate, "accurate.npy");
    }
}

#[test]
fn what_is_no_picture_is_called_so() {
    check_rejects(b"", JpegFault::Empty);
    check_rejects(b"no jpeg", JpegFault::NotJpeg);
    check_rejects(b"\xff\xd8\xff\xd9", JpegFault::Truncated);
    check_rejects(b"\xff\xd8\xff", JpegFault::Truncated);
}

#[test]
fn a_header_that_claims_millions_of_pixels_allocates_none() {
    let header = [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xff, 0xff, 0xff, 3];
    let components = [1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
    let fault = JpegFault::TooLarge { width: 65535, height: 65535 };
    check_rejects(&[&header[..], &components].concat(), fault);
}

#[test]
fn no_cut_goes_unseen() {
    for (path, file) in fixtures() {
        for length in 0..file.len() {
            assert!(decode(&file[..length], Dct::Fast).is_err(), "{} at {length}", path.display());
        }
    }
}

proptest! {
    #[test]
    fn damaged_pictures_never_panic(which in 0..9_usize, damage: Vec<(u16, u8)>) {
        let (_, mut file) = fixtures().swap_remove(which);
        for (at, byte) in damage {
            let at = usize::from(at) % file.len();
            file[at] = byte;
        }
        drop(decode(&file, Dct::Fast));
        drop(decode(&file, Dct::Accurate));
    }
}
