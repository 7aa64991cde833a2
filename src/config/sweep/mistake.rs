//! The kinds of mistakes, each with its message and its hint.

use thiserror::Error;

use super::{RUNS_MAX, SOURCE_BYTES_MAX};
use crate::{
    config::contradiction::Contradiction,
    text::{closest, quoted_list},
};

/// What is wrong; the place is kept beside it.
#[derive(Clone, Debug, PartialEq, Error)]
pub(super) enum Mistake {
    #[error("the file has {bytes} bytes, a sweep file has at most {SOURCE_BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("the file is not UTF-8 text")]
    NotUtf8,
    #[error("the file looks like UTF-16, a sweep file is UTF-8")]
    Utf16,
    #[error("the file holds a NUL byte")]
    Nul,
    #[error("the file is empty")]
    Empty,
    #[error("the file holds an unresolved merge")]
    MergeMarker,
    #[error("tables or arrays are nested too deeply")]
    TooDeep,
    #[error("{0}")]
    Syntax(String),
    #[error("an override has the form KEY=VALUE")]
    OverrideForm,

    #[error("unknown key `{key}`{}", inside(.table))]
    UnknownKey { key: String, table: String, expected: Vec<String> },
    #[error("missing key `{key}`{}", inside(.table))]
    MissingKey { key: String, table: String },
    #[error("`{key}` {problem}")]
    Value { key: String, problem: String },
    #[error("unknown choice `{choice}` for `{key}`")]
    UnknownChoice { choice: String, key: String, expected: Vec<String> },
    #[error("`{key}` is one choice, but {} are given", quoted_list(.given))]
    SeveralChoices { key: String, given: Vec<String> },
    #[error("`{key}` lacks its choice")]
    NoChoice { key: String, expected: Vec<String> },
    #[error("the choice `{choice}` of `{key}` needs settings")]
    NeedsSettings { choice: String, key: String, fields: Vec<String> },
    #[error("the choice `{choice}` of `{key}` takes no settings")]
    TakesNoSettings { choice: String, key: String },

    #[error("the sweep is named `{name}`, but its file is `{stem}.toml`")]
    NameIsNotStem { name: String, stem: String },
    #[error("`{name}` is not a name of ASCII letters, digits, `_` and `-`")]
    InvalidName { name: String },
    #[error("`{key}` is not one line of text")]
    NotOneLine { key: String },
    #[error("`seed` is not a setting of the base or of an arm")]
    SeedInOverlay,
    #[error("`seeds` is empty")]
    NoSeeds,
    #[error("seed {seed} is listed twice")]
    DuplicateSeed { seed: u32 },
    #[error("the sweep has no axis")]
    NoAxis,
    #[error("two axes are named `{axis}`")]
    DuplicateAxis { axis: String },
    #[error("axis `{axis}` has neither arms nor values")]
    EmptyAxis { axis: String },
    #[error("axis `{axis}` has {given}")]
    AxisForm { axis: String, given: &'static str },
    #[error("axis `{axis}` has two arms labelled `{label}`")]
    DuplicateLabel { axis: String, label: String },
    #[error("arm `{label}` sets nothing")]
    EmptyArm { label: String },
    #[error("arm `{label}` of axis `{axis}` takes part in no run")]
    UnusedArm { axis: String, label: String },
    #[error("axis `{axis}` has {arms} arms, but axis `{first}` has {expected}: zip pairs them")]
    ZipLengths { axis: String, arms: usize, first: String, expected: usize },
    #[error("`when` has no meaning where `combine = \"zip\"` pairs the arms")]
    WhenInZip,
    #[error("there is no axis `{axis}`")]
    UnknownAxis { axis: String, known: Vec<String> },
    #[error("axis `{axis}` has no arm `{label}`")]
    UnknownLabel { label: String, axis: String, known: Vec<String> },
    #[error("the sweep has more than {RUNS_MAX} runs before conditions: {count}")]
    TooManyRuns { count: String },
    #[error("arms `{first}` and `{second}` have the same settings")]
    SameSettings { first: String, second: String },
    #[error("there is no preset `{preset}`")]
    UnknownPreset { preset: String, known: Vec<String> },
    #[error("there is no arm `{arm}`")]
    UnknownArm { arm: String, known: Vec<String> },
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

impl Mistake {
    /// Returns what to do about it, where that can be said.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::MergeMarker => "keep one side and delete the lines with `<<<`, `===` and `>>>`",
            Self::OverrideForm => "for example `--set training.epochs=5`",
            Self::UnknownKey { key, expected, .. } => return closest_or_all(key, expected),
            Self::UnknownChoice { choice, expected, .. } => {
                return closest_or_all(choice, expected);
            }
            Self::NoChoice { expected, .. } => return closest_or_all("", expected),
            Self::UnknownAxis { axis, known } => return closest_or_all(axis, known),
            Self::UnknownLabel { label, known, .. } => return closest_or_all(label, known),
            Self::UnknownArm { arm, known } => return closest_or_all(arm, known),
            Self::UnknownPreset { known, .. } => {
                return Some(format!("the presets are {}", quoted_list(known)));
            }
            Self::NeedsSettings { choice, fields, .. } => {
                let fields: Vec<String> =
                    fields.iter().map(|field| format!("{field} = …")).collect();
                return Some(format!("write `{choice} = {{ {} }}`", fields.join(", ")));
            }
            Self::TakesNoSettings { choice, .. } => {
                return Some(format!("write `\"{choice}\"`"));
            }
            Self::SeedInOverlay => "runs of one seed are compared in pairs: list it in `seeds`",
            Self::NoAxis => "an `[[axis]]` with two `[[axis.arm]]` compares two settings",
            Self::EmptyAxis { .. } | Self::AxisForm { .. } => {
                "an axis has `[[axis.arm]]` tables, or a `key` with a list of `values`"
            }
            Self::EmptyArm { .. } => "write out what it sets even if it equals the base",
            Self::TooManyRuns { .. } => {
                "split the sweep, or pair its axes with `combine = \"zip\"`"
            }
            Self::SameSettings { .. } => "a `--set` or a preset may undo what tells them apart",
            Self::Contradiction(contradiction) => return contradiction.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Names the enclosing table, if there is one.
fn inside(table: &str) -> String {
    if table.is_empty() { String::new() } else { format!(" in `{table}`") }
}

/// Offers the name that was probably meant, or all there are.
fn closest_or_all(word: &str, known: &[String]) -> Option<String> {
    match (closest(word, known), known) {
        (_, []) => None,
        (Some(name), _) => Some(format!("did you mean `{name}`?")),
        (None, [only]) => Some(format!("there is only `{only}`")),
        (None, _) => Some(format!("expected one of {}", quoted_list(known))),
    }
}
