//! Arrays and lists of them: any bytes are read or refused; written bytes are read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise_data::{
    map_csv,
    npy::{
        AxisLength, Dtype, ExpectedArray, decode, decode_integers, decode_pixels, encode, header,
    },
};

fuzz_target!(|data: &[u8]| {
    for dtype in [Dtype::U8, Dtype::F32] {
        for axes in [&[AxisLength::Any, AxisLength::Exactly(5)][..], &[AxisLength::Any; 4]] {
            let expected = ExpectedArray { dtype, axes, bytes_max: 1 << 20 };
            let Ok(array) = decode(data, data.len() as u64, &expected) else { continue };
            let written = encode(&array);
            let len = written.len() as u64;
            let again = decode(&written[..], len, &expected).expect("written arrays are valid");
            assert_eq!(encode(&again), written);
        }
    }
    if let Ok(array) = decode_pixels(data, data.len() as u64) {
        assert_eq!(array.pixels.len(), array.shape.iter().product::<usize>());
    }
    drop(decode_integers(data, data.len() as u64));
    drop(header::parse(data));
    if let Ok(entries) = map_csv::parse(data) {
        assert_eq!(map_csv::parse(&map_csv::text(&entries)).expect("written lists are valid"), entries);
    }
});
