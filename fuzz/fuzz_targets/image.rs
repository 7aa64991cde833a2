//! PNG and JPEG files: any bytes are decoded or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise_data::fuzz::image;

fuzz_target!(|data: &[u8]| image(data));
