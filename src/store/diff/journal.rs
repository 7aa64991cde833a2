//! The first differing line of two journals.

use std::path::Path;

use serde::Serialize;

use super::value::{ValueDifference, first_difference};
use crate::{
    data::Split,
    scalar::{Epoch, Step},
    store::{StoreError, event::Event, journal::read_journal},
};

/// The first line in which two journals differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalDifference {
    /// Line number, the first is 1.
    pub line: usize,
    /// What the first run did there; nothing if its journal has ended.
    pub a: Option<Place>,
    /// What the second run did there.
    pub b: Option<Place>,
    /// The first differing number, if both runs did the same thing.
    pub value: Option<ValueDifference>,
}

/// What a journal line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// An optimizer step.
    Step {
        /// Which one.
        step: Step,
        /// In which epoch.
        epoch: Epoch,
    },
    /// A roll-out.
    Evaluation {
        /// After which epoch.
        epoch: Epoch,
        /// Of which sequences.
        split: Split,
    },
}

impl Place {
    fn of(event: &Event) -> Self {
        match event {
            Event::Step(event) => Self::Step { step: event.step, epoch: event.epoch },
            Event::Evaluation(event) => Self::Evaluation { epoch: event.epoch, split: event.split },
        }
    }
}

/// Compares two journals.
pub(super) fn diff(a: &Path, b: &Path) -> Result<Option<JournalDifference>, StoreError> {
    let (a, b) = (read_journal(a)?.values, read_journal(b)?.values);
    Ok((0..a.len().max(b.len())).find_map(|index| diff_line(index, a.get(index), b.get(index))))
}

fn diff_line(index: usize, a: Option<&Event>, b: Option<&Event>) -> Option<JournalDifference> {
    let (place_a, place_b) = (a.map(Place::of), b.map(Place::of));
    let values = |event: Option<&Event>| event.map(Event::values).unwrap_or_default();
    let same_place = place_a == place_b;
    let value = if same_place { first_difference(&values(a), &values(b)) } else { None };
    let differ = !same_place || value.is_some();
    differ.then(|| JournalDifference { line: index + 1, a: place_a, b: place_b, value })
}
