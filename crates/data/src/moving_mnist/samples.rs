//! Small arrays and archives for tests of Moving MNIST.

use std::{io::Write, path::Path};

use crate::Pack;
use reprise_base::fs;

pub(super) fn facts(pack: &Pack) -> Vec<String> {
    pack.summary().facts.iter().map(|fact| format!("{}: {}", fact.subject, fact.text)).collect()
}

/// Returns the bytes of a `.npy` file.
pub(super) fn npy_file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
}

/// Writes a `.npz` file of `.npy` files.
pub(super) fn write_npz(path: &Path, members: &[(&str, Vec<u8>)]) {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::FileOptions::default();
        writer.start_file(format!("{name}.npy"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    fs::write_atomic(path, &writer.finish().unwrap().into_inner()).unwrap();
}
