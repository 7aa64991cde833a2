//! The problems that a sweep file can have, each with its message and its hint.

use thiserror::Error;

use crate::{
    config::{claim::ClaimProblem, contradiction::Contradiction, protocol::ProtocolProblem},
    text::{closest, quoted_list},
};

/// A sweep file has at most this many bytes.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// A sweep has at most this many runs, counted before `when` excludes any.
pub const RUNS_MAX: usize = 10_000;

/// What is wrong, without its place.
#[derive(Clone, Debug, PartialEq, Error)]
pub(super) enum ConfigProblem {
    #[error("the file has {bytes} bytes; a sweep file may have at most {SOURCE_BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("the file is not UTF-8 text")]
    NotUtf8,
    #[error("the file looks like UTF-16; a sweep file must be UTF-8")]
    Utf16,
    #[error("the file contains a NUL byte")]
    Nul,
    #[error("the file is empty")]
    Empty,
    #[error("the file contains an unresolved merge conflict")]
    MergeMarker,
    #[error("the tables or arrays are nested too deeply")]
    TooDeep,
    #[error("{0}")]
    Syntax(String),
    #[error("an override must have the form KEY=VALUE")]
    OverrideForm,

    #[error("{0}")]
    Claim(#[from] ClaimProblem),
    #[error("two claims are called `{id}`")]
    DuplicateClaim { id: String },
    #[error("unknown key `{key}`{}", inside(.table))]
    UnknownKey { key: String, table: String, expected: Vec<String> },
    #[error("missing key `{key}`{}", inside(.table))]
    MissingKey { key: String, table: String },
    #[error("`{key}` {problem}")]
    Value { key: String, problem: String },
    #[error("unknown choice `{choice}` for `{key}`")]
    UnknownChoice { choice: String, key: String, expected: Vec<String> },
    #[error("`{key}` takes exactly one choice, but {} are given", quoted_list(.given))]
    SeveralChoices { key: String, given: Vec<String> },
    #[error("missing choice for `{key}`")]
    NoChoice { key: String, expected: Vec<String> },
    #[error("the choice `{choice}` of `{key}` needs settings")]
    NeedsSettings { choice: String, key: String, fields: Vec<String> },
    #[error("the choice `{choice}` of `{key}` takes no settings")]
    TakesNoSettings { choice: String, key: String },

    #[error("the sweep is named `{name}`, but its file is `{stem}.toml`")]
    NameIsNotStem { name: String, stem: String },
    #[error("`{name}` is not a valid name: only ASCII letters, digits, `_` and `-` are allowed")]
    InvalidName { name: String },
    #[error("`seed` cannot be set directly")]
    SeedInOverlay,
    #[error("`seeds` is empty")]
    NoSeeds,
    #[error("seed {seed} is listed twice")]
    DuplicateSeed { seed: u64 },
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
    #[error("arm `{label}` changes no setting")]
    EmptyArm { label: String },
    #[error("`when` excludes arm `{label}` of axis `{axis}` from every run")]
    UnusedArm { axis: String, label: String },
    #[error(
        "axis `{axis}` has {arms} arms, but axis `{first}` has {expected}: \
         `combine = \"zip\"` needs equal numbers"
    )]
    ZipLengths { axis: String, arms: usize, first: String, expected: usize },
    #[error("`when` cannot be used with `combine = \"zip\"`")]
    WhenInZip,
    #[error("unknown axis `{axis}`")]
    UnknownAxis { axis: String, known: Vec<String> },
    #[error("axis `{axis}` has no arm `{label}`")]
    UnknownLabel { label: String, axis: String, known: Vec<String> },
    #[error("the sweep has more than {RUNS_MAX} runs, counted before `when` excludes any: {count}")]
    TooManyRuns { count: String },
    #[error("arms `{first}` and `{second}` have the same settings")]
    SameSettings { first: String, second: String },
    #[error("unknown preset `{preset}`")]
    UnknownPreset { preset: String, known: Vec<String> },
    #[error("unknown arm `{arm}`")]
    UnknownArm { arm: String, known: Vec<String> },
    #[error("two evaluations are named `{name}`")]
    DuplicateEvaluation { name: String },
    #[error("evaluation `{name}` does not fit arm `{arm}`: {problem}")]
    Evaluation { name: String, arm: String, problem: Box<ProtocolProblem> },
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

impl ConfigProblem {
    /// Returns how to correct it, if that is known.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Utf16 => "save the file as UTF-8",
            Self::MergeMarker => "keep one side and delete the lines with `<<<`, `===` and `>>>`",
            Self::OverrideForm => "for example `--set training.epochs=5`",
            Self::NoChoice { expected, .. } => return closest_or_all("", expected),
            Self::UnknownKey { key: word, expected: known, .. }
            | Self::UnknownChoice { choice: word, expected: known, .. }
            | Self::UnknownAxis { axis: word, known }
            | Self::UnknownLabel { label: word, known, .. }
            | Self::UnknownArm { arm: word, known }
            | Self::Claim(ClaimProblem::Unknown { name: word, known, .. })
            | Self::UnknownPreset { preset: word, known } => return closest_or_all(word, known),
            Self::NeedsSettings { choice, fields, .. } => {
                let fields: Vec<_> = fields.iter().map(|field| format!("{field} = …")).collect();
                return Some(format!("write `{choice} = {{ {} }}`", fields.join(", ")));
            }
            Self::TakesNoSettings { choice, .. } => return Some(format!("write `\"{choice}\"`")),
            Self::NameIsNotStem { stem, .. } => {
                return Some(format!("write `name = \"{stem}\"`, or rename the file"));
            }
            Self::SeedInOverlay => "list it in `seeds`: every arm is run with every seed",
            Self::NoAxis => "add an `[[axis]]` with one `[[axis.arm]]` for each value to compare",
            Self::EmptyAxis { .. } | Self::AxisForm { .. } => {
                "write either `[[axis.arm]]` tables, or a `key` with a list of `values` or with `draw`"
            }
            Self::EmptyArm { .. } => {
                "add a setting to `set`, even with the same value as in `[run]`"
            }
            Self::TooManyRuns { .. } => {
                "split the sweep, or pair its axes with `combine = \"zip\"`"
            }
            Self::SameSettings { .. } => {
                "check whether a `--set` or a preset overrides the setting that these arms compare"
            }
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

/// Suggests the name that was probably meant, or lists all of them.
fn closest_or_all(word: &str, known: &[String]) -> Option<String> {
    match (closest(word, known), known) {
        (_, []) => None,
        (Some(name), _) => Some(format!("did you mean `{name}`?")),
        (None, [only]) => Some(format!("expected `{only}`")),
        (None, _) => Some(format!("expected one of {}", quoted_list(known))),
    }
}
