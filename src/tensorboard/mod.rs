//! Event files for TensorBoard: what a run's journal says, and pictures, while it is trained.
//!
//! ```text
//! FOLDER/events.out.tfevents.000000      the first attempt of a run, a record an event
//! FOLDER/events.out.tfevents.000001      the next one, which begins where its checkpoint stands
//! ```
//! Records are framed as TFRecord is ([`framing`](crate::data::tfrecord::framing)), each with one
//! `Event` (`message`). A file begins with its version and the event `SessionLog.START`, at
//! which TensorBoard forgets everything from that step on, so that no step shows twice after a resume.
//!
//! An event file decides nothing: it is no part of a run's folder, its id or its record, and the only
//! thing here that is asked for the time. Start from [`EventFile`].

use std::path::Path;

use safetensors::Dtype;

use crate::{
    data::tfrecord::framing::write_record,
    fs::{self, AppendFile, FsError},
    provenance::unix_seconds,
    scalar::Step,
    store::{event::Event, tensors::StoredTensor},
};

mod message;
mod picture;

use message::{Content, Value, What};

/// What the name of an event file begins with; TensorBoard reads the files of a folder by name.
const FILE_PREFIX: &str = "events.out.tfevents.";

/// The event file of one attempt at a run.
#[derive(Debug)]
pub struct EventFile {
    file: AppendFile,
}

impl EventFile {
    /// Begins the file of an attempt that takes the step `first` next, behind those of earlier ones.
    ///
    /// # Errors
    /// If the folder or the file cannot be made or written.
    pub fn begin(folder: &Path, first: Step) -> Result<Self, FsError> {
        fs::create_dir_all(folder)?;
        let names = fs::read_dir_sorted(folder)?;
        let number = |name: &std::ffi::OsStr| -> Option<u64> {
            name.to_str()?.strip_prefix(FILE_PREFIX)?.parse().ok()
        };
        let next = names.iter().filter_map(|entry| number(&entry.name)).max().map_or(0, |n| n + 1);
        let file = AppendFile::open(&folder.join(format!("{FILE_PREFIX}{next:06}")))?;
        let mut events = Self { file };
        events.write(Step(0), &What::FileVersion)?;
        events.write(first, &What::Start)?;
        Ok(events)
    }

    /// Writes the numbers of a journal event: `train/SERIES`, or `SPLIT/PREDICTOR/METRIC`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn event(&mut self, step: Step, event: &Event) -> Result<(), FsError> {
        let values: Vec<Value> = match event {
            Event::Step(event) => event
                .scalars
                .iter()
                .map(|(series, &value)| Value::scalar(format!("train/{series}"), value))
                .collect(),
            Event::Evaluation(event) => {
                let split = event.split;
                let predictors = event.scores.iter().flat_map(|(predictor, metrics)| {
                    metrics.iter().map(move |(metric, score)| {
                        Value::scalar(format!("{split}/{predictor}/{metric}"), score.mean)
                    })
                });
                predictors.collect()
            }
        };
        self.write(step, &What::Summary(&values))
    }

    /// Writes the pictures among the tensors, `PREFIX/NAME/N` each: bytes `[N, H, W, C]`, or
    /// `[N, T, H, W, C]` with frames side by side, of 1 or 3 channels.
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
            let pictures = picture::pictures(&tensor.shape, &tensor.data);
            let values: Vec<Value> = (0..)
                .zip(pictures)
                .map(|(n, picture): (usize, _)| Value {
                    tag: format!("{prefix}/{}/{n}", tensor.name),
                    content: Content::Picture(picture),
                })
                .collect();
            if !values.is_empty() {
                self.write(step, &What::Summary(&values))?;
            }
        }
        Ok(())
    }

    fn write(&mut self, step: Step, what: &What<'_>) -> Result<(), FsError> {
        let mut record = Vec::new();
        write_record(&message::event(unix_seconds(), step, what), &mut record);
        self.file.append(&record)
    }
}

#[cfg(test)]
mod tests;
