//! NVIDIA devices, from `/proc/driver/nvidia`.

use std::{env, path::Path};

use super::host::{proc_text, proc_value};
use reprise_base::fs;

/// Returns the driver's version, or `unknown`.
pub fn nvidia_driver() -> String {
    driver(&proc_text("/proc/driver/nvidia/version")).unwrap_or("unknown").to_owned()
}

/// Variable that selects the devices of a process, by number or UUID.
pub const VISIBLE_DEVICES: &str = "CUDA_VISIBLE_DEVICES";

/// Returns the product name of a device of this process, or `unknown`. Devices are numbered in the order
/// of their bus addresses.
pub fn nvidia_device(index: u32) -> String {
    let folders = fs::read_dir_sorted(Path::new("/proc/driver/nvidia/gpus")).unwrap_or_default();
    let texts: Vec<String> =
        folders.iter().map(|folder| proc_text(folder.path.join("information"))).collect();
    let visible = visible_devices();
    name(&texts, visible.as_deref(), index).unwrap_or("unknown").to_owned()
}

/// Returns the devices that [`VISIBLE_DEVICES`] selects; nothing if it is not set.
pub fn visible_devices() -> Option<Vec<String>> {
    env::var_os(VISIBLE_DEVICES).map(|text| selected(&text.to_string_lossy()))
}

/// Splits a selection. As the driver does, it ends at the first entry that can be no device.
fn selected(text: &str) -> Vec<String> {
    let entries = text.split(',').map(str::trim);
    entries.take_while(|entry| !entry.is_empty() && *entry != "-1").map(str::to_owned).collect()
}

fn name<'a>(texts: &'a [String], visible: Option<&[String]>, index: u32) -> Option<&'a str> {
    let index = usize::try_from(index).ok()?;
    let text = match visible {
        None => texts.get(index),
        Some(visible) => {
            let entry = visible.get(index)?;
            let has_uuid = |text: &&String| {
                proc_value(text, "GPU UUID").is_some_and(|it| it.starts_with(entry))
            };
            match entry.parse::<usize>() {
                Ok(number) => texts.get(number),
                Err(_) => texts.iter().find(has_uuid),
            }
        }
    };
    proc_value(text?, "Model")
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

    #[test]
    fn devices_are_named_through_the_selection() {
        let texts =
            ["A", "B", "C"].map(|name| format!("Model: GPU {name}\nGPU UUID: GPU-{name}1\n"));
        let check = |selection: Option<&str>, index, expected: Option<&str>| {
            let visible = selection.map(selected);
            assert_eq!(name(&texts, visible.as_deref(), index), expected);
        };
        check(None, 1, Some("GPU B"));
        check(Some("2, 0"), 0, Some("GPU C"));
        check(Some("2, 0"), 2, None);
        check(Some("GPU-B1"), 0, Some("GPU B"));
        check(Some(""), 0, None);
        check(Some("1,-1,2"), 1, None);
    }
}
