//! Lists of sequences on the command line.

use std::{fmt, str::FromStr};

use crate::cli::Failure;
use reprise_base::{config::data::Split, text::count};
use reprise_data::Pack;

/// Sequences of a split, in the order written: numbers from 0 and ranges, such as `0,7-9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SequenceList(Vec<usize>);

/// Longest list.
const SELECTED_MAX: usize = 10_000;

impl FromStr for SequenceList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut selected = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<usize>();
            match (number(first), number(last)) {
                (Ok(first), Ok(last)) if first <= last && last - first < SELECTED_MAX => {
                    selected.extend(first..=last);
                }
                _ => return Err(format!("`{part}` is neither a number nor a range like 7-9")),
            }
        }
        match selected.len() {
            0..=SELECTED_MAX => Ok(Self(selected)),
            _ => Err(format!("more than {SELECTED_MAX} sequences are chosen")),
        }
    }
}

impl fmt::Display for SequenceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&numbers.join(","))
    }
}

/// Returns the chosen sequences of a split, by default the first `default`.
///
/// # Errors
/// If the split has fewer sequences.
pub(super) fn chosen(
    selection: Option<&SequenceList>,
    pack: &Pack,
    split: Split,
    default: usize,
) -> Result<Vec<usize>, Failure> {
    let available = pack.sequences(split);
    let Some(SequenceList(chosen)) = selection else {
        return Ok((0..available.min(default)).collect());
    };
    match chosen.iter().find(|&&index| index >= available) {
        None => Ok(chosen.clone()),
        Some(index) => Err(Failure::Usage {
            message: format!(
                "failed to find sequence {index}: the {split} split of `{}` has {}, numbered from 0",
                pack.name(),
                count(available, "sequence")
            ),
            hint: "choose other sequences with `--sequences`, or another split with `--set split=train`",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        assert_eq!(text.parse(), Ok(SequenceList(expected.to_vec())));
    }

    #[test]
    fn numbers_and_ranges_keep_their_order() {
        check("3", &[3]);
        check("0,7-9, 2", &[0, 7, 8, 9, 2]);
        assert_eq!("1-3,0".parse::<SequenceList>().unwrap().to_string(), "1,2,3,0");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "a", "3-1", "1,,2", "-1", "0-99999999"] {
            assert!(text.parse::<SequenceList>().is_err(), "{text}");
        }
    }
}
