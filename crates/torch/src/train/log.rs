//! Output of a run in training: its journal and, if asked for, TensorBoard's event file.

use std::path::Path;

use super::{batch::Examples, error::TrainError, system::System};
use reprise_base::scalar::{Count, Step};
use reprise_store::{
    store::{StoreError, event::Event, journal::Journal, tensors::StoredTensor},
    tensorboard::EventFile,
};

/// What TensorBoard shows of a run in training; no number of the run depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Tensorboard<'a> {
    /// The run's folder of event files.
    pub folder: &'a Path,
    /// Steps between images of training sequences.
    pub picture_steps: Count,
}

/// The journal of a run and its event file.
pub(super) struct RunLog {
    pub(super) journal: Journal,
    events: Option<EventFile>,
    picture_steps: Count,
}

impl RunLog {
    /// Continues a journal; `first` is the next step.
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

    /// Appends an event of `step`.
    pub(super) fn append(&mut self, step: Step, event: &Event) -> Result<(), StoreError> {
        self.journal.append(event)?;
        match &mut self.events {
            Some(events) => Ok(events.event(step, event)?),
            None => Ok(()),
        }
    }

    /// Writes images of an evaluation to the event file.
    pub(super) fn images(
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

    /// Writes images of the model's output on a batch, every `picture_steps` steps; called before the
    /// update.
    pub(super) fn training_images(
        &mut self,
        step: Step,
        system: &dyn System,
        examples: &Examples<'_>,
    ) -> Result<(), TrainError> {
        if self.events.is_some() && step.0.is_multiple_of(self.picture_steps.get()) {
            self.images(step, "train", &system.training_images(examples))?;
        }
        Ok(())
    }
}
