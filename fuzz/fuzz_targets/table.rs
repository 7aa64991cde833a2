//! Kaggle's tables: any bytes are read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprise_data::fuzz::table;

fuzz_target!(|data: &[u8]| table(data));
