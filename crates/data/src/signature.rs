//! What a file is, by its first bytes, where it is not what its name promises.

/// First bytes of files that people meet in place of data, and what such a file is.
const SIGNATURES: [(&[u8], &str); 15] = [
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
    (b"\x93NUMPY", "a `.npy` file"),
    (b"PK", "a zip archive"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (b"BZh", "compressed with bzip2"),
    (b"\x89HDF", "an HDF5 file"),
    (b"MATLAB", "a MATLAB file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x89PNG", "a PNG file"),
    (b"\xff\xd8\xff", "a JPEG file"),
    (b"GIF8", "a GIF file"),
];

/// Bytes from the start of a file that [`describe`] needs.
pub(super) const BYTES: u64 = 64;

/// Returns what a file is whose content begins with `start`, if that is known.
pub(super) fn describe(start: &[u8]) -> Option<&'static str> {
    if start.is_empty() {
        return Some("empty");
    }
    if let Some((_, what)) = SIGNATURES.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(what);
    }
    let text = start.trim_ascii_start();
    let is_markup = text.starts_with(b"<")
        && text[1..].first().is_some_and(|byte| matches!(byte, b'!' | b'?' | b'h' | b'H'));
    if is_markup {
        return Some("a web page or XML: the download failed");
    }
    start.iter().all(|&byte| byte == 0).then_some("filled with zeros at its start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(start: &[u8], what: Option<&str>) {
        assert_eq!(describe(start), what);
    }

    #[test]
    fn files_are_known_by_their_first_bytes() {
        check(b"\n<!DOCTYPE html>\n<html>", Some("a web page or XML: the download failed"));
        check(b"<html>", Some("a web page or XML: the download failed"));
        check(
            b"version https://git-lfs.github.com/spec/v1\noid",
            Some("a pointer of Git LFS, not the file itself"),
        );
        check(b"PK\x03\x04", Some("a zip archive"));
        check(b"", Some("empty"));
        check(&[0; 9], Some("filled with zeros at its start"));
        check(b"plain words", None);
        check(b"<", None);
    }
}
