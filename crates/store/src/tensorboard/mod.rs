//! Event files for TensorBoard: the scalars and scores of a run, and images, while it is trained.
//!
//! ```text
//! FOLDER/events.out.tfevents.000000      the first attempt at a run, one record per event
//! FOLDER/events.out.tfevents.000001      the next attempt, from its checkpoint on
//! ```
//! A file is a series of TFRecord records ([`framing`](reprise_data::tfrecord::framing)), each with one
//! `Event` (`message`). It begins with its version and the event `SessionLog.START`, which makes
//! TensorBoard drop everything from that step on, so that no step is shown twice after a resume.
//!
//! An event file influences nothing. It is not part of a run's folder, id or record, and it
//! contains wall-clock times. Start from [`EventFile`].

use std::path::Path;

use safetensors::Dtype;

use crate::{
    provenance::unix_seconds,
    store::{event::Event, tensors::StoredTensor},
};
use reprise_base::{
    fs::{self, AppendFile, FsError},
    scalar::Step,
};
use reprise_data::tfrecord::framing::write_record;

mod message;
mod png_image;

use message::{EventContent, EventKind, SummaryValue};

/// Prefix of event files. TensorBoard reads the files of a folder in the order of their names.
const FILE_PREFIX: &str = "events.out.tfevents.";

/// The event file of one attempt at a run.
#[derive(Debug)]
pub struct EventFile {
    file: AppendFile,
}

impl EventFile {
    /// Creates the file of an attempt whose first step is `first`, after those of earlier attempts.
    ///
    /// # Errors
    /// If the folder or the file cannot be created or written.
    pub fn begin(folder: &Path, first: Step) -> Result<Self, FsError> {
        fs::create_dir_all(folder)?;
        let names = fs::read_dir_sorted(folder)?;
        let number = |name: &std::ffi::OsStr| -> Option<u64> {
            name.to_str()?.strip_prefix(FILE_PREFIX)?.parse().ok()
        };
        let next = names.iter().filter_map(|entry| number(&entry.name)).max().map_or(0, |n| n + 1);
        let file = AppendFile::open(&folder.join(format!("{FILE_PREFIX}{next:06}")))?;
        let mut events = Self { file };
        events.write(Step(0), &EventKind::FileVersion)?;
        events.write(first, &EventKind::Start)?;
        Ok(events)
    }

    /// Writes the numbers of a journal event: `train/SERIES`, or `SPLIT/PREDICTOR/METRIC`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn event(&mut self, step: Step, event: &Event) -> Result<(), FsError> {
        let values: Vec<SummaryValue> = match event {
            Event::Step(event) => event
                .scalars
                .iter()
                .map(|(series, &value)| SummaryValue::scalar(format!("train/{series}"), value))
                .collect(),
            Event::Evaluation(event) => {
                let split = event.split;
                let predictors = event.scores.iter().flat_map(|(predictor, metrics)| {
                    metrics.iter().map(move |(metric, score)| {
                        SummaryValue::scalar(format!("{split}/{predictor}/{metric}"), score.mean)
                    })
                });
                predictors.collect()
            }
        };
        self.write(step, &EventKind::Summary(&values))
    }

    /// Writes the images among the tensors as `PREFIX/NAME/N`: bytes `[N, H, W, C]`, or
    /// `[N, T, H, W, C]` with frames side by side, with 1 or 3 channels.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn pictures(
        &mut self,
        step: Step,
        prefix: &str,
        tensors: &[StoredTensor],
    ) -> Result<(), FsError> {
        let bytes = tensors.iter().filter(|tensor| tensor.dtype == Dtype::U8);
        for tensor in bytes {
            let images = png_image::encode_all(&tensor.shape, &tensor.data);
            let values: Vec<SummaryValue> = (0..)
                .zip(images)
                .map(|(n, image): (usize, _)| SummaryValue {
                    tag: format!("{prefix}/{}/{n}", tensor.name),
                    content: EventContent::Image(image),
                })
                .collect();
            if !values.is_empty() {
                self.write(step, &EventKind::Summary(&values))?;
            }
        }
        Ok(())
    }

    fn write(&mut self, step: Step, kind: &EventKind<'_>) -> Result<(), FsError> {
        let mut record = Vec::new();
        write_record(&message::event(unix_seconds(), step, kind), &mut record);
        self.file.append(&record)
    }
}

#[cfg(test)]
mod tests;
