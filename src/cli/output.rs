//! Printing: data to stdout, messages to stderr, and tables.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use super::Failure;
use reprise_data::{DataSummary, Fact};

/// Prints data to stdout. It is not an error if the reader has closed the pipe.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(Failure::Print),
    }
}

/// Prints a value to stdout as indented JSON.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::Encode)?;
    print(&format!("{text}\n"))
}

/// Writes a message to stderr; ignores errors.
pub fn tell(message: &str) {
    writeln!(io::stderr(), "{message}").ok();
}

/// Returns a table with aligned columns, two spaces apart, without trailing blanks.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let length = |text: &str| text.chars().count();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| length(&row[column])).chain([length(head[column])]).max().unwrap_or(0)
    });
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let joined = padded.collect::<Vec<_>>().join("  ");
        format!("{}\n", joined.trim_end())
    };
    let cells = |row: &[String; N]| line(std::array::from_fn(|column| row[column].as_str()));
    rows.iter().fold(line(head), |text, row| text + &cells(row))
}

/// Returns what was understood of a data set, one line per subject.
pub fn summary_text(summary: &DataSummary) -> String {
    let lines = summary.lines();
    let width = lines.iter().map(|line| line.subject.chars().count()).max().unwrap_or(0);
    let line = |Fact { subject, text }: &Fact| format!("  {subject:<width$}  {text}\n");
    let lines: String = lines.iter().map(line).collect();
    format!("data set `{}`\n{lines}", summary.name)
}

/// Returns a duration for people, e.g. `2 h 01 min`.
pub fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let whole = seconds.round().clamp(0.0, 1e9) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// Returns a number of bytes with a unit.
pub fn size(bytes: u64) -> String {
    match bytes as f64 {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.1} kB", b / 1e3),
        _ => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        assert_eq!(written, expected);
    }

    #[test]
    fn columns_are_aligned_without_trailing_blanks() {
        let rows = [["a".to_owned(), "long cell".to_owned()], ["b·b".to_owned(), String::new()]];
        check(&table(["x", "y"], &rows), "x    y\na    long cell\nb·b\n");
    }

    #[test]
    fn durations_have_the_unit_that_matters() {
        check(&duration(0.4), "0 s");
        check(&duration(61.0), "1 min 01 s");
        check(&duration(7265.0), "2 h 01 min");
        check(&duration(f64::NAN), "0 s");
    }

    #[test]
    fn sizes_have_a_unit() {
        check(&size(999), "999 B");
        check(&size(4_310_000_000), "4.3 GB");
    }
}
