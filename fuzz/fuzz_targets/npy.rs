//! Arrays and their lists: any bytes are read or refused; what is written is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise::data::{
    map_csv,
    npy::{Axis, Dtype, Due, decode, encode, header},
};

fuzz_target!(|data: &[u8]| {
    for dtype in [Dtype::U8, Dtype::F32] {
        for axes in [&[Axis::Any, Axis::Of(5)][..], &[Axis::Any; 4]] {
            let due = Due { dtype, axes, bytes_max: 1 << 20 };
            let Ok(array) = decode(data, data.len() as u64, &due) else { continue };
            let written = encode(&array);
            let again = decode(&written[..], written.len() as u64, &due).expect("ours is read");
            assert_eq!(encode(&again), written);
        }
    }
    drop(header::parse(data));
    if let Ok(entries) = map_csv::parse(data) {
        assert_eq!(map_csv::parse(&map_csv::text(&entries)).expect("ours is read"), entries);
    }
});
