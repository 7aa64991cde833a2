//! Archives of arrays: any bytes are read or refused; written bytes are read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise_data::npz::{decode, encode};

fuzz_target!(|data: &[u8]| {
    let Ok(arrays) = decode(data, |_| true) else { return };
    let written = encode(&arrays);
    let again = decode(&written, |_| true).expect("written archives are valid");
    assert_eq!(encode(&again), written);
});
