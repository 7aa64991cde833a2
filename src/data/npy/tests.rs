use proptest::prelude::*;

use super::*;

const DUE: Due<'_> = Due { dtype: Dtype::F32, axes: &[Axis::Any, Axis::Of(2)], bytes_max: 64 };

fn file(version: [u8; 2], header: &str, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).unwrap().to_le_bytes();
    let length = if version[0] == 1 { &length[..2] } else { &length[..] };
    [&MAGIC[..], &version, length, header.as_bytes(), data].concat()
}

fn decoded(file: &[u8]) -> Result<Array, NpyFault> {
    decode(file, file.len() as u64, &DUE)
}

const GOOD: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";

#[track_caller]
fn check(header: &str) {
    for major in [1, 2, 3] {
        let array = decoded(&file([major, 0], header, &[0; 8])).expect("the array is good");
        assert_eq!(array, Array { shape: vec![1, 2], elements: Elements::F32(vec![0.0; 2]) });
    }
}

#[track_caller]
fn check_rejects(header: &str, message: &str) {
    let fault = decoded(&file([1, 0], header, &[0; 8])).expect_err("the array is refused");
    let text = match &fault {
        NpyFault::Header(cause) => format!("{fault}: {cause}"),
        _ => fault.to_string(),
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
fn headers_that_say_something_else_are_rejected() {
    let with = |from, to| GOOD.replace(from, to);
    check_rejects(
        &with("<f4", ">f4"),
        "it holds elements of type `>f4` where single-precision numbers (`<f4`) are due",
    );
    check_rejects(
        &with("<f4", "|O"),
        "it holds elements of type `|O` where single-precision numbers (`<f4`) are due",
    );
    check_rejects(&with("False", "True"), "its first axis varies fastest (`fortran_order`)");
    check_rejects(&with("(1, 2)", "(2,)"), "it has shape [2] where [n, 2] is due");
    check_rejects(&with("(1, 2)", "(0, 2)"), "it has shape [0, 2] where [n, 2] is due");
    check_rejects(&with("(1, 2)", "(9, 2)"), "its shape [9, 2] takes more than 64 bytes");
    check_rejects(&with("(1, 2)", "(2, 2)"), "it has 8 bytes of data where its shape takes 16");
    check_rejects(
        &with("(1, 2)", "(-1, 2)"),
        "its header cannot be used: at byte 51: an extent is a number from 0 to 2^63 - 1",
    );
    check_rejects(
        &with("'<f4'", "[('a', '<f4')]"),
        "its header cannot be used: at byte 10: the name of a plain type is due",
    );
    check_rejects(
        &with("'shape'", "'form'"),
        "its header cannot be used: at byte 41: the keys are `descr`, `fortran_order` and `shape`",
    );
    check_rejects("open('x')", "its header cannot be used: at byte 0: `{` is due");
    check_rejects("{'descr': '<f4', }", "its header cannot be used: there is no `fortran_order`");
    check_rejects(
        "{'descr': '<f4', 'descr': '<f4'}",
        "its header cannot be used: `descr` is there twice",
    );
    check_rejects(
        &format!("{GOOD}x"),
        "its header cannot be used: at byte 60: the end of the header is due",
    );
}

#[test]
fn a_shape_that_wraps_to_the_length_of_the_data_is_rejected() {
    let due = Due { axes: &[Axis::Any; 3], bytes_max: u64::MAX, ..DUE };
    let header = GOOD.replace("(1, 2)", "(4611686018427387904, 4, 2)");
    let file = file([1, 0], &header, &[0; 8]);
    let fault = decode(&file[..], file.len() as u64, &due).unwrap_err();
    assert!(matches!(fault, NpyFault::TooLarge { .. }), "{fault:?}");
}

#[test]
fn an_archive_is_called_one() {
    assert!(matches!(decoded(b"PK\x03\x04rest"), Err(NpyFault::Zip)));
}

proptest! {
    #[test]
    fn written_arrays_are_read_back(values in prop::collection::vec(any::<u32>(), 1..8)) {
        // As bits, so that the payload of a NaN counts, too.
        let floats: Vec<f32> =
            values.iter().flat_map(|&bits| [f32::from_bits(bits), 0.5]).collect();
        let array = Array { shape: vec![values.len(), 2], elements: Elements::F32(floats) };
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
