use proptest::prelude::*;

use super::*;

const EXPECTED: ExpectedArray<'_> = ExpectedArray {
    dtype: Dtype::F32,
    axes: &[AxisLength::Any, AxisLength::Exactly(2)],
    bytes_max: 64,
};

fn file(version: [u8; 2], header: &str, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).unwrap().to_le_bytes();
    let length = if version[0] == 1 { &length[..2] } else { &length[..] };
    [&MAGIC[..], &version, length, header.as_bytes(), data].concat()
}

fn decoded(file: &[u8]) -> Result<Array, NpyFormatError> {
    decode(file, file.len() as u64, &EXPECTED)
}

const GOOD: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";

#[track_caller]
fn check(header: &str) {
    for major in [1, 2, 3] {
        let array = decoded(&file([major, 0], header, &[0; 8])).expect("the array is good");
        assert_eq!(array, Array { shape: vec![1, 2], elements: ArrayData::F32(vec![0.0; 2]) });
    }
}

#[track_caller]
fn check_rejects(header: &str, message: &str) {
    let error = decoded(&file([1, 0], header, &[0; 8])).expect_err("the array is refused");
    let text = match &error {
        NpyFormatError::Header(cause) => format!("{error}: {cause}"),
        _ => error.to_string(),
    };
    assert_eq!(text, message);
}

#[test]
fn every_version_and_spelling_of_a_header_is_read() {
    check(GOOD);
    check("{'shape':(1,2),'fortran_order':False,'descr':'<f4'}");
    check("  {\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (1L, 2L,)}  \n");
}

#[test]
fn other_headers_are_rejected() {
    let with = |from, to| GOOD.replace(from, to);
    check_rejects(
        &with("<f4", ">f4"),
        "its element type is `>f4`, expected `<f4` (single-precision numbers)",
    );
    check_rejects(
        &with("<f4", "|O"),
        "its element type is `|O`, expected `<f4` (single-precision numbers)",
    );
    check_rejects(&with("False", "True"), "it is stored in Fortran order");
    check_rejects(&with("(1, 2)", "(2,)"), "its shape is [2], expected [n, 2]");
    check_rejects(&with("(1, 2)", "(0, 2)"), "its shape is [0, 2], expected [n, 2]");
    check_rejects(
        &with("(1, 2)", "(9, 2)"),
        "an array of shape [9, 2] needs more than 64 bytes of memory",
    );
    check_rejects(&with("(1, 2)", "(2, 2)"), "it has 8 bytes of data, expected 16 for its shape");
    check_rejects(
        &with("(1, 2)", "(-1, 2)"),
        "invalid header: at byte 51: expected an axis length from 0 to 2^63 - 1",
    );
    check_rejects(
        &with("'<f4'", "[('a', '<f4')]"),
        "invalid header: at byte 10: expected the name of a plain type",
    );
    check_rejects(
        &with("'shape'", "'form'"),
        "invalid header: at byte 41: unknown key, expected `descr`, `fortran_order` or `shape`",
    );
    check_rejects("open('x')", "invalid header: at byte 0: expected `{`");
    check_rejects("{'descr': '<f4', }", "invalid header: missing key `fortran_order`");
    check_rejects("{'descr': '<f4', 'descr': '<f4'}", "invalid header: duplicate key `descr`");
    check_rejects(
        &format!("{GOOD}x"),
        "invalid header: at byte 60: expected the end of the header",
    );
}

#[test]
fn a_shape_that_wraps_to_the_length_of_the_data_is_rejected() {
    let expected = ExpectedArray { axes: &[AxisLength::Any; 3], bytes_max: u64::MAX, ..EXPECTED };
    let header = GOOD.replace("(1, 2)", "(4611686018427387904, 4, 2)");
    let file = file([1, 0], &header, &[0; 8]);
    let error = decode(&file[..], file.len() as u64, &expected).unwrap_err();
    assert!(matches!(error, NpyFormatError::TooLarge { .. }), "{error:?}");
}

#[test]
fn an_archive_is_reported_as_one() {
    assert!(matches!(decoded(b"PK\x03\x04rest"), Err(NpyFormatError::Zip)));
}

proptest! {
    #[test]
    fn written_arrays_are_read_back(values in prop::collection::vec(any::<u32>(), 1..8)) {
        // As bits, so that the payload of a NaN is compared, too.
        let floats: Vec<f32> =
            values.iter().flat_map(|&bits| [f32::from_bits(bits), 0.5]).collect();
        let array = Array { shape: vec![values.len(), 2], elements: ArrayData::F32(floats) };
        let file = encode(&array);
        prop_assert_eq!((file.len() - 8 * values.len()) % 64, 0);
        let read = decoded(&file).unwrap();
        prop_assert_eq!(encode(&read), file);
    }

    #[test]
    fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..120), cut: u8) {
        let mut bytes = file([2, 0], GOOD, &[0; 8]);
        let at = usize::from(cut) % bytes.len();
        bytes.splice(at.., text.iter().copied());
        drop(decoded(&bytes));
        drop(header::parse(&text));
    }

    #[test]
    fn a_changed_header_never_reads_past_the_data(at: u16, byte: u8) {
        let mut bytes = file([1, 0], GOOD, &[0; 8]);
        let at = usize::from(at) % bytes.len();
        bytes[at] = byte;
        if let Ok(array) = decoded(&bytes) {
            prop_assert_eq!(array.shape, vec![1, 2]);
        }
    }
}
