//! AVI and GIF files: any bytes are decoded or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise_data::fuzz::video;

fuzz_target!(|data: &[u8]| video(data));
