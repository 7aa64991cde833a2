//! Parsed TOML in which every value keeps its position.

use std::{borrow::Cow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problem::ConfigProblem;

/// A range of bytes in text number `text`: 0 is the file, 1 the first override, and so on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) text: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A problem with its place.
#[derive(Clone, Debug)]
pub(super) struct LocatedProblem {
    pub(super) problem: ConfigProblem,
    pub(super) place: Place,
}

impl LocatedProblem {
    pub(super) fn new(place: Place, problem: impl Into<ConfigProblem>) -> Self {
        Self { problem: problem.into(), place }
    }
}

/// A value from text number `text`.
#[derive(Clone, Debug)]
pub(super) struct Tree<'t> {
    pub(super) text: usize,
    pub(super) value: Spanned<DeValue<'t>>,
}

impl<'t> Tree<'t> {
    pub(super) fn node(&self) -> Node<'_> {
        Node { text: self.text, value: &self.value }
    }

    /// Nests a value under a dotted key whose first byte is at `start` of the text.
    ///
    /// # Errors
    /// Returns [`ConfigProblem::TooDeep`] for a key with more parts than any setting could have.
    pub(super) fn nested(
        text: usize,
        key: &'t str,
        start: usize,
        value: Spanned<DeValue<'t>>,
    ) -> Result<Self, LocatedProblem> {
        const PARTS_MAX: usize = 16;
        let whole = start..start + key.len();
        if key.split('.').count() > PARTS_MAX {
            return Err(LocatedProblem::new(place(text, &whole), ConfigProblem::TooDeep));
        }
        let mut end = whole.end;
        let mut value = value;
        for part in key.rsplit('.') {
            let span = end - part.len()..end;
            end = span.start.saturating_sub(1);
            let mut table = DeTable::new();
            let part = part.trim();
            table.insert(Spanned::new(span.clone(), Cow::Borrowed(part)), value);
            value = Spanned::new(span, DeValue::Table(table));
        }
        Ok(Self { text, value })
    }
}

/// A borrowed value of a [`Tree`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'t> {
    pub(super) text: usize,
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Node<'t> {
    /// Returns where the value is written.
    pub(super) fn place(self) -> Place {
        place(self.text, &self.value.span())
    }

    /// Returns the value as a table, if it is one.
    pub(super) fn table(self) -> Option<&'t DeTable<'t>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the value of a key, if this is a table that has it.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        self.table()?.get(key).map(|value| Self { value, ..self })
    }

    /// Returns where a key is written, if this is a table that has it.
    pub(super) fn key_place(self, key: &str) -> Option<Place> {
        self.table()?.get_key_value(key).map(|(key, _)| place(self.text, &key.span()))
    }

    /// Returns where a key's value is written, or the place of the whole table if the key is missing.
    pub(super) fn place_of(self, key: &str) -> Place {
        self.get(key).unwrap_or(self).place()
    }

    /// Returns the value at a dotted path of keys.
    pub(super) fn at(self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self, Self::get)
    }

    /// Returns the elements of an array; none for any other value.
    pub(super) fn elements(self) -> impl Iterator<Item = Self> {
        let elements = match self.value.get_ref() {
            DeValue::Array(elements) => Some(elements.iter()),
            _ => None,
        };
        elements.into_iter().flatten().map(move |value| Self { value, ..self })
    }

    /// Copies the value out.
    pub(super) fn to_tree(self) -> Tree<'t> {
        Tree { text: self.text, value: self.value.clone() }
    }
}

/// Returns a span of text number `text` as a place.
pub(super) fn place(text: usize, span: &Range<usize>) -> Place {
    Place { text, start: span.start, end: span.end }
}
