//! Where a run says what happens: its journal, and TensorBoard if somebody looks.

use std::path::Path;

use super::{TrainError, batch::Examples, system::System};
use crate::{
    scalar::{Count, Step},
    store::{StoreError, event::Event, journal::Journal, tensors::StoredTensor},
    tensorboard::EventFile,
};

/// What a run shows to TensorBoard while it is trained; decides no number.
#[derive(Clone, Copy, Debug)]
pub struct Tensorboard<'a> {
    /// The run's folder of event files.
    pub folder: &'a Path,
    /// Steps between pictures of training sequences.
    pub picture_steps: Count,
}

/// A journal with the event file beside it.
pub(super) struct Log {
    pub(super) journal: Journal,
    events: Option<EventFile>,
    picture_steps: Count,
}

impl Log {
    /// Goes on with a journal; the step `first` is taken next.
    pub(super) fn new(
        journal: Journal,
        tensorboard: Option<Tensorboard<'_>>,
        first: Step,
    ) -> Result<Self, StoreError> {
        let events = match tensorboard {
            Some(Tensorboard { folder, .. }) => Some(EventFile::begin(folder, first)?),
            None => None,
        };
        let picture_steps = tensorboard.map_or(Count::literal(1), |it| it.picture_steps);
        Ok(Self { journal, events, picture_steps })
    }

    /// Appends an event that belongs to `step`.
    pub(super) fn append(&mut self, step: Step, event: &Event) -> Result<(), StoreError> {
        self.journal.append(event)?;
        match &mut self.events {
            Some(events) => Ok(events.event(step, event)?),
            None => Ok(()),
        }
    }

    /// Shows pictures of an evaluation.
    pub(super) fn pictures(
        &mut self,
        step: Step,
        prefix: &str,
        tensors: &[StoredTensor],
    ) -> Result<(), StoreError> {
        match &mut self.events {
            Some(events) => Ok(events.pictures(step, prefix, tensors)?),
            None => Ok(()),
        }
    }

    /// Shows what the model makes of the batch before it learns from it, every so many steps.
    pub(super) fn training_pictures(
        &mut self,
        step: Step,
        system: &dyn System,
        examples: &Examples<'_>,
    ) -> Result<(), TrainError> {
        if self.events.is_some() && step.0.is_multiple_of(self.picture_steps.get()) {
            self.pictures(step, "train", &system.training_pictures(examples))?;
        }
        Ok(())
    }
}
