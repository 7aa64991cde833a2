//! The first line in which two journals differ.

use serde::Serialize;

use super::value::{ValueDifference, first_difference};
use crate::store::{FinishedRun, StoreError, event::Event};
use reprise_base::scalar::{Epoch, Step};
use reprise_data::Split;

/// The first line in which two journals differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalDifference {
    /// Counts from 1.
    pub line: usize,
    /// The first run's event; `None` if its journal has ended.
    pub a: Option<JournalPlace>,
    /// The second run's event.
    pub b: Option<JournalPlace>,
    /// The first differing number, if both events are of the same step or evaluation.
    pub value: Option<ValueDifference>,
}

/// The step or evaluation of a journal line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalPlace {
    Step { step: Step, epoch: Epoch },
    Evaluation { epoch: Epoch, split: Split },
}

impl JournalPlace {
    fn of(event: &Event) -> Self {
        match event {
            Event::Step(event) => Self::Step { step: event.step, epoch: event.epoch },
            Event::Evaluation(event) => Self::Evaluation { epoch: event.epoch, split: event.split },
        }
    }
}

pub(super) fn diff(
    a: &FinishedRun,
    b: &FinishedRun,
) -> Result<Option<JournalDifference>, StoreError> {
    let (a, b) = (a.journal()?, b.journal()?);
    Ok((0..a.len().max(b.len())).find_map(|index| diff_line(index, a.get(index), b.get(index))))
}

fn diff_line(index: usize, a: Option<&Event>, b: Option<&Event>) -> Option<JournalDifference> {
    let (place_a, place_b) = (a.map(JournalPlace::of), b.map(JournalPlace::of));
    let values = |event: Option<&Event>| event.map(Event::values).unwrap_or_default();
    let same_place = place_a == place_b;
    let value = if same_place { first_difference(&values(a), &values(b)) } else { None };
    let differ = !same_place || value.is_some();
    differ.then(|| JournalDifference { line: index + 1, a: place_a, b: place_b, value })
}
