//! NVIDIA devices, from `/proc/driver/nvidia`.

use std::path::Path;

use super::host::{proc_text, proc_value};
use reprise_base::fs;

/// Returns the driver's version, or `unknown`.
pub fn nvidia_driver() -> String {
    driver(&proc_text("/proc/driver/nvidia/version")).unwrap_or("unknown").to_owned()
}

/// Returns the product name of a device, or `unknown`. Devices are numbered in the order of their
/// bus addresses.
pub fn nvidia_device(index: u32) -> String {
    let folders = fs::read_dir_sorted(Path::new("/proc/driver/nvidia/gpus")).unwrap_or_default();
    let folder = usize::try_from(index).ok().and_then(|index| folders.get(index));
    let text = folder.map(|folder| proc_text(folder.path.join("information")));
    let name = text.as_deref().and_then(|text| proc_value(text, "Model"));
    name.unwrap_or("unknown").to_owned()
}

fn driver(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| line.starts_with("NVRM version:"))?;
    line.split_whitespace().find(|word| {
        word.contains('.') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, version: Option<&str>) {
        assert_eq!(driver(text), version);
    }

    #[test]
    fn the_driver_is_the_number_of_its_line() {
        let text =
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27\nGCC 13.2";
        check(text, Some("580.65.06"));
        check("", None);
    }
}
