//! Broken data roots in the BAIR layout: each is refused with its name; none hangs or takes much memory.
//!
//! The roots are made by `tests/hostile/gen_hostile.py`, which also says what each must lead to.
//! Only the public API of `data` is used.

use std::{path::Path, process::Command};

use crate::{self as data, DataError, Required, Split};
use reprise_base::{
    config::data::{Dataset, Overlap},
    fs,
    text::error_chain,
};

/// Memory that the reader may take; the roots contain decompression bombs of 419 MB.
const MEMORY_KB_MAX: u64 = 100 << 10;

/// A broken root and what it must lead to.
struct Case {
    path: String,
    expect: String,
}

fn generate(folder: &Path) -> Vec<Case> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile/gen_hostile.py");
    let status =
        Command::new("python3").arg(script).arg(folder).arg("bair").status().expect("python3 runs");
    assert!(status.success(), "the generator makes its files");
    let lines = fs::read_text(&folder.join("CASES.tsv"), 1 << 20).unwrap();
    lines
        .lines()
        .map(|line| {
            let mut cells = line.split('\t').map(str::to_owned);
            Case { path: cells.next().unwrap(), expect: cells.next().unwrap() }
        })
        .filter(|case| case.path.starts_with("bair/"))
        .collect()
}

/// The generated folder, removed when dropped.
struct Roots(tempfile::TempDir);

impl Roots {
    fn generated() -> (Self, Vec<Case>) {
        let roots = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        let cases = generate(roots.path());
        (roots, cases)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn bair(&self, case: &str) -> Dataset {
        Dataset::bair(self.path().join(case))
    }
}

fn open(dataset: &Dataset, cache: &Path) -> Result<data::Pack, DataError> {
    let pack = data::open(dataset, Required::Only(Split::Train), cache, &mut |_| {})?;
    data::check_overlap(&pack, Overlap::Refuse).map(|()| pack)
}

/// Returns the peak resident memory of this process in kB.
fn peak_memory_kb() -> Option<u64> {
    let status = fs::read_text(Path::new("/proc/self/status"), 1 << 16).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// Returns how a case fails, if it does.
fn judge(case: &Case, roots: &Roots, control: &data::Pack) -> Option<String> {
    let cache = roots.path().join("cache").join(&case.path);
    let result = open(&roots.bair(&case.path), &cache);
    let checked =
        data::check(&roots.bair(&case.path), Required::Only(Split::Train), &cache, &mut |_| {});
    let findings = checked.findings;
    let refused = findings.error_count() > 0;
    if refused != result.is_err() {
        return Some(format!("`check` found {findings:?}, opening gave {result:?}"));
    }
    let root = roots.path().join(&case.path).display().to_string();
    if let Err(error) = &result
        && !error_chain(error).contains(&root)
    {
        return Some(format!("`{}` does not name the root", error_chain(error)));
    }
    let passes = match (case.expect.as_str(), &result) {
        ("refuse", result) => result.is_err(),
        ("bounded", _)
        | (
            "refuse_unless_root" | "refuse_or_exact" | "refuse_or_warn" | "refuse_or_skip",
            Err(_),
        ) => true,
        ("refuse_unless_root" | "refuse_or_exact", Ok(pack)) => {
            pack.payload_sha256() == control.payload_sha256()
        }
        ("refuse_or_warn" | "refuse_or_skip", Ok(pack)) => {
            !pack.warnings().iter().all(|warning| control.warnings().contains(warning))
        }
        (unknown, _) => panic!("unknown expectation `{unknown}`"),
    };
    (!passes).then(|| format!("expected {}, got {result:?}", case.expect))
}

#[test]
fn every_broken_root_gives_the_expected_result_and_a_message_that_names_the_place() {
    let (roots, cases) = Roots::generated();
    assert_eq!(cases.len(), 51);
    let control = open(&roots.bair("ok/bair"), &roots.path().join("cache/ok")).unwrap();
    assert_eq!((control.frames(), control.sequences(Split::Train)), (30, 1));
    let before = peak_memory_kb();
    let failures: Vec<_> = cases
        .iter()
        .filter_map(|case| judge(case, &roots, &control).map(|why| format!("{}: {why}", case.path)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    if let (Some(before), Some(after)) = (before, peak_memory_kb()) {
        assert!(after - before < MEMORY_KB_MAX, "the cases took {} kB", after - before);
    }
    insta::assert_snapshot!(messages(&roots), @r"
    failed to decode frame `png_wrong_size/../1/17.png`: it has 64x48 pixels, but the frames before it have 64x64
    hint: scale all frames to the same size, for example with `--set data.dataset.bair.resize.side=64`
    failed to decode frame `png_16bit/../1/17.png`: it has 16 bits per sample, expected 8
    hint: scale its values to 8 bits with the range that your data have
    failed to decode frame `png_bad_crc/../1/17.png`: it is not an intact PNG: Corrupt deflate stream. InvalidCodeLengthRepeat
    hint: copy or render the image again
    failed to decode frame `png_truncated/../1/17.png`: it is not an intact PNG: unexpected end of file
    hint: copy or render the image again
    failed to decode frame `png_huge_header/../1/17.png`: it has 2147483647x2147483647 pixels, expected at most 1024x1024
    hint: scale all frames to the same size
    failed to find frame 17 of `frame_17_missing/../1`
    hint: add the frame; if it was dropped on purpose, number the others without a gap
    failed to open `frame_is_fifo/../1/17.png`: it is a named pipe, not a regular file
    failed to inspect `frame_link_to_itself/../1/17.png`: Too many levels of symbolic links (os error 40)
    failed to find frame 0 of `dir_link_loop/../2`
    hint: add the frame; if it was dropped on purpose, number the others without a gap
    failed to order `duplicate_number/../01` and `duplicate_number/../1`: the names differ only in leading zeros
    hint: remove one of the two, or rename it
    failed to read table `actions_29_rows/../1/actions.csv`: it has 29 rows, but the sequence has 30 frames
    failed to read table `actions_nan/../1/actions.csv`: row 12, column 1: `nan` is not a finite 32-bit number
    failed to read table `actions_header/../1/actions.csv`: row 1, column 1: `dx` is not a number
    hint: remove the header row, and save the table as UTF-8 text
    failed to read table `actions_semicolons/../1/actions.csv`: row 1 has 1 columns, expected 4
    hint: separate cells with commas
    failed to read table `actions_utf16/../1/actions.csv`: row 1, column 1: `\xff\xfe0\x00.\x000\x000\x000\x000\x000\x000\x00` is not a number
    hint: remove the header row, and save the table as UTF-8 text
    failed to read `actions_one_long_line/../1/actions.csv`: it is larger than 1048576 bytes
    failed to inspect `ee_missing/../1/endeffector_positions.csv`: No such file or directory (os error 2)
    ");
}

/// Returns the messages and hints of some of the cases.
fn messages(roots: &Roots) -> String {
    let mut text = String::new();
    for case in [
        "png_wrong_size",
        "png_16bit",
        "png_bad_crc",
        "png_truncated",
        "png_huge_header",
        "frame_17_missing",
        "frame_is_fifo",
        "frame_link_to_itself",
        "dir_link_loop",
        "duplicate_number",
        "actions_29_rows",
        "actions_nan",
        "actions_header",
        "actions_semicolons",
        "actions_utf16",
        "actions_one_long_line",
        "ee_missing",
    ] {
        let root = roots.path().join("bair").join(case);
        let error = open(&Dataset::bair(root.clone()), roots.path()).unwrap_err();
        text += &error_chain(&error).replace(&root.display().to_string(), case);
        text += "\n";
        if let Some(hint) = error.hint() {
            text = format!("{text}hint: {hint}\n");
        }
    }
    text.replace("/train/traj_0_to_0", "/..")
}
