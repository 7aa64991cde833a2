//! The machine for the record (system, processor, cores), and this process's peak memory.
//!
//! A value that cannot be read is recorded as `unknown`, empty or 0; it never stops a run.

use std::{num::NonZero, path::Path, thread};

use crate::store::record::HostRecord;
use reprise_base::fs;

/// CPU features by which numerical libraries select kernels, as Linux spells them on x86 and Arm.
const NUMERIC_FEATURES: [&str; 24] = [
    "amx_bf16",
    "amx_int8",
    "amx_tile",
    "asimd",
    "asimddp",
    "asimdhp",
    "avx",
    "avx2",
    "avx512_bf16",
    "avx512_fp16",
    "avx512_vnni",
    "avx512bw",
    "avx512cd",
    "avx512dq",
    "avx512f",
    "avx512vl",
    "avx_vnni",
    "bf16",
    "f16c",
    "fma",
    "i8mm",
    "sse4_1",
    "sse4_2",
    "sve",
];

/// Limit on a file below `/proc`, above the size of `cpuinfo` on the largest machines.
const PROC_BYTES_MAX: u64 = 1 << 24;

/// Returns what a record says about this machine; `cores` are those that this process may use.
pub fn host_record() -> HostRecord {
    let uname = rustix::system::uname();
    let part = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let os = [part(uname.sysname()), part(uname.release()), part(uname.machine())].join(" ");
    let cpuinfo = proc_text("/proc/cpuinfo");
    HostRecord {
        os,
        cpu: proc_value(&cpuinfo, "model name").unwrap_or("unknown").to_owned(),
        cpu_features: cpu_features(&cpuinfo),
        cores: thread::available_parallelism().map_or(0, NonZero::get) as u64,
    }
}

/// Returns the peak resident memory of this process in bytes.
pub fn peak_memory_bytes() -> u64 {
    peak_bytes(&proc_text("/proc/self/status")).unwrap_or(0)
}

/// Returns the content of a file below `/proc`; empty if it cannot be read.
pub(super) fn proc_text(path: impl AsRef<Path>) -> String {
    fs::read_text(path.as_ref(), PROC_BYTES_MAX).unwrap_or_default()
}

/// Returns the value of the first line `key : value`.
pub(super) fn proc_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find_map(|(name, value)| (name.trim() == key).then(|| value.trim()))
}

/// Returns the features that matter for numerics, sorted.
fn cpu_features(cpuinfo: &str) -> Vec<String> {
    let flags = proc_value(cpuinfo, "flags").or_else(|| proc_value(cpuinfo, "Features"));
    let mut features: Vec<_> = flags
        .unwrap_or_default()
        .split_whitespace()
        .filter(|flag| NUMERIC_FEATURES.contains(flag))
        .map(str::to_owned)
        .collect();
    features.sort();
    features.dedup();
    features
}

fn peak_bytes(status: &str) -> Option<u64> {
    let kibibytes = proc_value(status, "VmHWM")?.strip_suffix("kB")?;
    kibibytes.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86: &str = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n\
                       flags\t\t: fpu sse4_2 fma avx avx2 avx512f hypervisor\n\n\
                       processor\t: 1\nmodel name\t: Another\n";
    const ARM: &str = "processor\t: 0\nFeatures\t: fp asimd i8mm bf16\n";

    #[track_caller]
    fn check_features(cpuinfo: &str, features: &[&str]) {
        assert_eq!(cpu_features(cpuinfo), features);
    }

    #[test]
    fn features_that_matter_are_sorted_and_others_left_out() {
        check_features(X86, &["avx", "avx2", "avx512f", "fma", "sse4_2"]);
        check_features(ARM, &["asimd", "bf16", "i8mm"]);
        check_features("", &[]);
    }

    #[test]
    fn the_first_processor_gives_the_name() {
        assert_eq!(proc_value(X86, "model name"), Some("Some CPU @ 2.00GHz"));
        assert_eq!(proc_value(ARM, "model name"), None);
    }

    #[test]
    fn peak_memory_is_read_in_bytes() {
        assert_eq!(peak_bytes("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(peak_bytes("VmHWM:\t many kB\n"), None);
    }

    #[test]
    fn this_machine_has_a_system_and_a_core() {
        let host = host_record();
        assert!(!host.os.is_empty() && host.cores > 0, "{host:?}");
    }
}
