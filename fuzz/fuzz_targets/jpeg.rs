//! Any bytes are decoded or refused, the same with both transforms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise_data::jpeg::{Dct, decode};

fuzz_target!(|data: &[u8]| {
    match (decode(data, Dct::Fast), decode(data, Dct::Accurate)) {
        (Ok(fast), Ok(accurate)) => {
            assert_eq!((fast.height, fast.width), (accurate.height, accurate.width));
            assert_eq!(fast.pixels.len(), fast.height * fast.width * 3);
        }
        (fast, accurate) => assert_eq!(fast.err(), accurate.err()),
    }
});
