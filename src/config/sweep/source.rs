//! The file and the overrides: checked, and parsed into trees.

use std::{
    borrow::Cow,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{ConfigError, TextOrigin},
    problem::{ConfigProblem, SOURCE_BYTES_MAX},
    tree::{LocatedProblem, Tree, place},
};

/// A sweep file's text and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepSource {
    /// Named in messages; its stem is the name of the sweep.
    pub path: PathBuf,
    pub text: String,
}

impl SweepSource {
    /// Decodes the bytes of a file.
    ///
    /// # Errors
    /// Returns a located error for a file that is too large or not UTF-8.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, ConfigError> {
        check_size(path, bytes.len())?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path: path.to_owned(), text }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let problem = match bytes.as_slice() {
                    [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ConfigProblem::Utf16,
                    _ => ConfigProblem::NotUtf8,
                };
                let text = String::from_utf8_lossy(&bytes);
                Err(ConfigError::new(TextOrigin::File(path.to_owned()), &text, &(at..at), problem))
            }
        }
    }

    /// Returns the stem of the file's name.
    pub(super) fn stem(&self) -> Cow<'_, str> {
        self.path.file_stem().unwrap_or_default().to_string_lossy()
    }
}

fn check_size(path: &Path, bytes: usize) -> Result<(), ConfigError> {
    if bytes > SOURCE_BYTES_MAX {
        let problem = ConfigProblem::TooLarge { bytes };
        return Err(ConfigError::new(TextOrigin::File(path.to_owned()), "", &(0..0), problem));
    }
    Ok(())
}

/// The file and the overrides, numbered as in [`super::tree::Place`].
#[derive(Debug)]
pub(super) struct Texts<'t> {
    pub(super) source: &'t SweepSource,
    pub(super) overrides: &'t [String],
}

impl Texts<'_> {
    /// Converts a problem into an error with file, line and column.
    pub(super) fn locate(&self, problem: LocatedProblem) -> ConfigError {
        let LocatedProblem { problem, place } = problem;
        let (origin, text) = match place.text.checked_sub(1).and_then(|i| self.overrides.get(i)) {
            Some(text) => (TextOrigin::Override(text.clone()), text),
            None => (TextOrigin::File(self.source.path.clone()), &self.source.text),
        };
        ConfigError::new(origin, text, &(place.start..place.end), problem)
    }
}

/// Parses the file.
pub(super) fn parse_file(source: &SweepSource) -> Result<Tree<'_>, LocatedProblem> {
    let text = source.text.as_str();
    let problem = |span: Range<usize>, problem| LocatedProblem::new(place(0, &span), problem);
    if text.len() > SOURCE_BYTES_MAX {
        return Err(problem(0..0, ConfigProblem::TooLarge { bytes: text.len() }));
    }
    if let Some(at) = text.find('\0') {
        return Err(problem(at..at + 1, ConfigProblem::Nul));
    }
    if text.trim().is_empty() {
        return Err(problem(0..0, ConfigProblem::Empty));
    }
    match DeTable::parse(text) {
        Ok(table) => Ok(tree(0, table)),
        Err(error) => Err(match merge_marker(text) {
            Some(span) => problem(span, ConfigProblem::MergeMarker),
            None => syntax_problem(0, text, &error),
        }),
    }
}

/// Parses override number `index`, `KEY=VALUE`. The value is TOML; a bare word that is not valid TOML
/// (`engine.device=cpu`, a path) is read as a string.
pub(super) fn parse_override(index: usize, text: &str) -> Result<Tree<'_>, LocatedProblem> {
    let number = index + 1;
    let Some((key, value)) = text.split_once('=') else {
        return Err(LocatedProblem::new(
            place(number, &(0..text.len())),
            ConfigProblem::OverrideForm,
        ));
    };
    match DeTable::parse(text) {
        Ok(table) => Ok(tree(number, table)),
        Err(_) if is_bare_key(key) && is_bare_word(value) => {
            let span = key.len() + 1..text.len();
            let word = DeValue::String(value.trim().into());
            Tree::nested(number, key, 0, Spanned::new(span, word))
        }
        Err(error) => Err(syntax_problem(number, text, &error)),
    }
}

fn tree(text: usize, table: Spanned<DeTable<'_>>) -> Tree<'_> {
    let span = table.span();
    Tree { text, value: Spanned::new(span, DeValue::Table(table.into_inner())) }
}

/// Converts the parser's error, which has no position if a key is nested too deeply.
fn syntax_problem(number: usize, text: &str, error: &toml::de::Error) -> LocatedProblem {
    let span = error.span().unwrap_or_else(|| longest_line(text));
    let problem = match error.message() {
        message if message.contains("recurs") => ConfigProblem::TooDeep,
        message if message.starts_with("string values must be quoted") && span.is_empty() => {
            ConfigProblem::Syntax("key without a value".to_owned())
        }
        message => ConfigProblem::Syntax(message.to_owned()),
    };
    LocatedProblem::new(place(number, &span), problem)
}

/// Returns the start of the longest line: the one with the overlong dotted key.
fn longest_line(text: &str) -> Range<usize> {
    let longest = text.lines().max_by_key(|line| line.len()).unwrap_or_default();
    let start = text.find(longest).unwrap_or_default();
    start..start
}

/// Returns the first conflict marker of git. Called only if the text is not valid TOML, since a
/// description may contain such lines.
fn merge_marker(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            return Some(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    None
}

fn is_bare_key(key: &str) -> bool {
    let bare = |part: &str| {
        let part = part.trim();
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    key.split('.').all(bare)
}

fn is_bare_word(value: &str) -> bool {
    !value.trim().is_empty() && !value.contains(['"', '\'', '[', ']', '{', '}', '=', '#', '\n'])
}
