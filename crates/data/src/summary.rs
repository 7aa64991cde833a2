//! What was understood of a data set, so that a person sees a mistake before training.

use serde::{Deserialize, Serialize};

use super::sequence::HwcShape;
use reprise_base::{config::data::Split, text::count};

/// One thing that a reader understood, such as the categories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub subject: String,
    pub text: String,
}

impl Fact {
    pub(super) fn new(subject: &str, text: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), text: text.into() }
    }
}

/// What was understood of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataSummary {
    /// The data set's name as in a sweep file.
    pub name: String,
    /// By split, in the order of [`Split::ALL`].
    pub splits: [SplitSummary; 3],
    /// Height, width, channels.
    pub frame_shape: HwcShape,
    /// Smallest and largest value of all frames.
    pub values: [u8; 2],
    /// What else the reader understood.
    pub facts: Vec<Fact>,
}

/// The sequences of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SplitSummary {
    pub sequences: u64,
    /// Frames of the shortest and of the longest sequence.
    pub frames: [u64; 2],
}

impl DataSummary {
    /// Returns subject and text of each line for a person.
    pub fn lines(&self) -> Vec<Fact> {
        let [height, width, channels] = self.frame_shape;
        let colour = if channels == 1 { "grey" } else { "RGB" };
        let [low, high] = self.values;
        let splits = Split::ALL.iter().zip(&self.splits).map(|(split, of)| {
            let SplitSummary { sequences, frames: [shortest, longest] } = *of;
            let text = match (sequences, shortest, longest) {
                (0, ..) => "no sequences".to_owned(),
                (_, 1, 1) => count(sequences, "image"),
                (_, shortest, longest) if shortest == longest => {
                    format!("{} of {shortest} frames", count(sequences, "sequence"))
                }
                _ => format!("{} of {shortest} to {longest} frames", count(sequences, "sequence")),
            };
            Fact::new(split.name(), text)
        });
        let frames =
            Fact::new("frames", format!("{height}x{width} {colour}, values {low} to {high}"));
        splits.chain([frames]).chain(self.facts.iter().cloned()).collect()
    }
}
