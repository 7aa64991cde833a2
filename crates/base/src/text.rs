//! Text that several layers write: chains of errors, lists of names, counts, suggestions.

use std::{error::Error, fmt::Display, iter};

/// Returns the causes of an error, the nearest first.
pub fn causes<'a>(error: &'a dyn Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(error.source(), |&cause| cause.source())
}

/// Returns an error with its causes in one line, joined by colons.
pub fn error_chain(error: &dyn Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        // Some libraries repeat the cause in the message.
        if text.ends_with(&cause) { text } else { format!("{text}: {}", cause.trim_end()) }
    })
}

/// Returns a number with its noun, e.g. `1 run` or `3 runs`.
pub fn count(number: impl Copy + Display + PartialEq + From<u8>, noun: &str) -> String {
    let plural = if number == 1.into() { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Returns names in backticks, separated by commas.
pub fn quoted_list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns the known name that is closest to a misspelt one, if any is close enough.
pub fn closest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    let distance = |other: &&String| strsim::damerau_levenshtein(name, other);
    let largest = (name.chars().count() / 3).max(1);
    known.iter().min_by_key(distance).filter(|other| distance(other) <= largest)
}

/// Quotes a word for a shell where it needs it.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns whether a text consists of this number of lower-case hexadecimal digits.
pub fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Option<Box<Layer>> {
        let (text, rest) = texts.split_first()?;
        Some(Box::new(Layer { text, source: layers(rest) }))
    }

    #[track_caller]
    fn check(actual: &(impl Debug + PartialEq<&'static str>), expected: &'static str) {
        assert_eq!(*actual, expected);
    }

    #[test]
    fn an_error_is_followed_by_its_causes() {
        check(&error_chain(&*layers(&["a", "b", "c"]).unwrap()), "a: b: c");
    }

    #[test]
    fn a_cause_that_the_message_repeats_is_left_out() {
        check(&error_chain(&*layers(&["a: b", "b"]).unwrap()), "a: b");
    }

    #[test]
    fn one_has_no_plural() {
        check(&count(0_usize, "run"), "0 runs");
        check(&count(1_u64, "run"), "1 run");
    }

    #[test]
    fn a_misspelt_name_is_recognised() {
        let known = ["ablations".to_owned(), "kl_annealing".to_owned()];
        check(&closest("kl_anealing", &known).unwrap(), "kl_annealing");
        assert_eq!(closest("mocogan", &known), None);
        check(&quoted_list(&known), "`ablations`, `kl_annealing`");
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        check(&shell_word("training.epochs=5"), "training.epochs=5");
        check(&shell_word("seeds=[1, 2]"), "'seeds=[1, 2]'");
        check(&shell_word("it's"), r"'it'\''s'");
        check(&shell_word(""), "''");
    }
}
