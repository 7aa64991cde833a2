//! The pattern of the names of video files, which tells category and person.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The category of a video.
const CATEGORY: &str = "category";
/// The person in it.
const PERSON: &str = "person";
/// Text that tells neither.
const CLIP: &str = "clip";
/// The number of a repetition of the same action by the same person.
const REPEAT: &str = "repeat?";

/// A pattern of paths below the root, without extension: `{person}_{category}{repeat?}`, or
/// `{category}/v_{category}_g{person}_c{clip}`.
///
/// `{category}` is required. `{person}` names what must not be in two splits, and `{clip}` matches any text. A
/// field that occurs twice has the same text at both places. `{repeat?}`, at the end of a
/// category, means digits that count repetitions, where other people have the category without digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern {
    text: String,
    #[schemars(skip)]
    #[serde(skip)]
    parts: Vec<PatternPart>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
enum PatternPart {
    #[default]
    Repeat,
    Text(String),
    Field(String),
}

/// What a pattern found in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedVideo<'a> {
    pub category: &'a str,
    /// Absent if the pattern does not have it.
    pub person: Option<&'a str>,
}

/// Why a pattern is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamePatternError {
    #[error("`{{` at character {at} of the pattern has no `}}`")]
    Open { at: usize },
    #[error(
        "`{{{field}}}` at character {at} of the pattern is not one of `{{category}}`, `{{person}}`, `{{clip}}`, \
         `{{repeat?}}`"
    )]
    UnknownField { field: String, at: usize },
    #[error("the pattern has no field `{{category}}`")]
    NoCategory,
    #[error(
        "`{{{second}}}` at character {at} of the pattern has no text between it and `{{{first}}}`"
    )]
    Adjacent { first: String, second: String, at: usize },
    #[error("`{{repeat?}}` at character {at} of the pattern does not follow `{{category}}`")]
    RepeatElsewhere { at: usize },
}

impl TryFrom<String> for NamePattern {
    type Error = NamePatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts: Vec<PatternPart> = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let at = text[..text.len() - rest.len()].chars().count() + 1;
            let Some(inside) = rest.strip_prefix('{') else {
                let (plain, others) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
                parts.push(PatternPart::Text(plain.to_owned()));
                rest = others;
                continue;
            };
            let (field, others) = inside.split_once('}').ok_or(NamePatternError::Open { at })?;
            rest = others;
            if field == REPEAT {
                if parts.last() != Some(&PatternPart::Field(CATEGORY.to_owned())) {
                    return Err(NamePatternError::RepeatElsewhere { at });
                }
                parts.push(PatternPart::Repeat);
                continue;
            }
            if ![CATEGORY, PERSON, CLIP].contains(&field) {
                return Err(NamePatternError::UnknownField { field: field.to_owned(), at });
            }
            if let Some(PatternPart::Field(first)) = parts.last() {
                let (first, second) = (first.clone(), field.to_owned());
                return Err(NamePatternError::Adjacent { first, second, at });
            }
            parts.push(PatternPart::Field(field.to_owned()));
        }
        if parts.contains(&PatternPart::Field(CATEGORY.to_owned())) {
            Ok(Self { text, parts })
        } else {
            Err(NamePatternError::NoCategory)
        }
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl NamePattern {
    /// Returns whether categories may end in the number of a repetition.
    pub fn has_repeats(&self) -> bool {
        self.parts.contains(&PatternPart::Repeat)
    }

    /// Returns what the pattern finds in a path without extension; nothing if it does not match.
    pub fn find<'a>(&self, path: &'a str) -> Option<NamedVideo<'a>> {
        let mut found = Vec::new();
        if !matches(&self.parts, path, &mut found) {
            return None;
        }
        let text = |field: &str| found.iter().find(|(name, _)| *name == field).map(|(_, it)| *it);
        Some(NamedVideo { category: text(CATEGORY)?, person: text(PERSON) })
    }
}

/// Matches parts with the whole of `text`, each field with as little text as possible, but not with a slash.
fn matches<'a, 'p>(
    parts: &'p [PatternPart],
    text: &'a str,
    found: &mut Vec<(&'p str, &'a str)>,
) -> bool {
    match parts {
        [] => text.is_empty(),
        [PatternPart::Repeat, rest @ ..] => matches(rest, text, found),
        [PatternPart::Text(plain), rest @ ..] => {
            text.strip_prefix(plain.as_str()).is_some_and(|text| matches(rest, text, found))
        }
        [PatternPart::Field(name), rest @ ..] => {
            let known = found.iter().find(|(known, _)| known == name).map(|(_, text)| *text);
            if let Some(known) = known {
                return text.strip_prefix(known).is_some_and(|text| matches(rest, text, found));
            }
            let ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
            for end in ends.take_while(|&end| !text[..end].ends_with('/')) {
                found.push((name, &text[..end]));
                if matches(rest, &text[end..], found) {
                    return true;
                }
                found.pop();
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: Option<(&str, Option<&str>)>) {
        let pattern = NamePattern::try_from(pattern.to_owned()).unwrap();
        let found = pattern.find(path).map(|it| (it.category, it.person));
        assert_eq!(found, expected);
    }

    #[test]
    fn fields_are_found_in_paths() {
        check("{person}_{category}{repeat?}", "lena_walk1", Some(("walk1", Some("lena"))));
        check("{person}_{category}", "eli_jump_high", Some(("jump_high", Some("eli"))));
        let ucf = "{category}/v_{category}_g{person}_c{clip}";
        check(ucf, "Biking/v_Biking_g07_c02", Some(("Biking", Some("07"))));
        check(ucf, "Biking/v_Swing_g07_c02", None);
        check("{category}/{clip}", "walk/a", Some(("walk", None)));
        check("{category}/{clip}", "a/walk/b", None);
        check("{category}", "", None);
    }

    #[track_caller]
    fn check_refused(pattern: &str, message: &str) {
        assert_eq!(NamePattern::try_from(pattern.to_owned()).unwrap_err().to_string(), message);
    }

    #[test]
    fn invalid_patterns_are_refused() {
        check_refused("{person}_{cat", "`{` at character 10 of the pattern has no `}`");
        check_refused(
            "{persn}_{category}",
            "`{persn}` at character 1 of the pattern is not one of `{category}`, `{person}`, `{clip}`, \
             `{repeat?}`",
        );
        check_refused("{person}", "the pattern has no field `{category}`");
        check_refused(
            "{person}{category}",
            "`{category}` at character 9 of the pattern has no text between it and `{person}`",
        );
        check_refused(
            "{category}_{person}{repeat?}",
            "`{repeat?}` at character 20 of the pattern does not follow `{category}`",
        );
    }
}
