//! Test sequences with a run's predictions.
//!
//! `truth` and `prediction` have the same shape, with C 1 or 3; `vocabulary::rollouts` describes the file.

use std::collections::BTreeMap;

use safetensors::Dtype;

use reprise_base::vocabulary::rollouts::{CONTEXT_FRAMES, PREDICTION, SEQUENCES, TRUTH};
use reprise_store::store::tensors::StoredTensor;

/// Test sequences of one run with their predictions; shapes agree and no dimension is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollouts {
    sequences: Vec<RolloutSequence>,
    context_frames: usize,
    shape: [usize; 4],
}

/// One test sequence with its prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutSequence {
    pub name: String,
    /// `[T, H, W, C]`.
    pub truth: Vec<u8>,
    /// `[T, H, W, C]`.
    pub prediction: Vec<u8>,
}

/// Why roll-outs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RolloutsError {
    /// A tensor is missing.
    #[error("the roll-outs have no tensor `{tensor}`")]
    NoTensor { tensor: &'static str },
    /// A metadata entry is missing.
    #[error("the roll-outs have no metadata entry `{key}`")]
    Missing { key: &'static str },
    /// A metadata entry is not valid JSON of the expected type.
    #[error("failed to parse metadata entry `{key}` of the roll-outs")]
    Metadata {
        key: &'static str,
        #[source]
        source: serde_json::Error,
    },
    /// A tensor does not have the type u8.
    #[error("tensor `{tensor}` of the roll-outs has type {found:?}, expected U8")]
    Type { tensor: &'static str, found: Dtype },
    /// Shapes disagree, a dimension is 0, or the frames are neither grey nor RGB.
    #[error(
        "the roll-outs have shape {found:?}, {names} names and {context_frames} context frames; expected \
         `truth` and `prediction` of one shape [N, T, H, W, 1 or 3] without zeros, N names, and fewer than T \
         context frames"
    )]
    Shape {
        /// Shape of the invalid tensor.
        found: Vec<usize>,
        /// Number of names.
        names: usize,
        /// Number of context frames.
        context_frames: usize,
    },
}

impl Rollouts {
    /// Reads the content of a `rollouts.safetensors`.
    pub fn new(
        tensors: &[StoredTensor],
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self, RolloutsError> {
        let names: Vec<String> = parse_entry(metadata, SEQUENCES)?;
        let context_frames: usize = parse_entry(metadata, CONTEXT_FRAMES)?;

        let truth = bytes_of(tensors, TRUTH)?;
        let prediction = bytes_of(tensors, PREDICTION)?;
        let invalid = |tensor: &StoredTensor| RolloutsError::Shape {
            found: tensor.shape.clone(),
            names: names.len(),
            context_frames,
        };
        let &[count, frames, height, width, channels] = truth.shape.as_slice() else {
            return Err(invalid(truth));
        };
        let is_valid = count == names.len()
            && ![count, frames, height, width].contains(&0)
            && matches!(channels, 1 | 3)
            && context_frames < frames;
        if !is_valid {
            return Err(invalid(truth));
        }
        if prediction.shape != truth.shape {
            return Err(invalid(prediction));
        }

        let sequence_bytes = frames * height * width * channels;
        let sequences = names
            .into_iter()
            .zip(truth.data.chunks_exact(sequence_bytes))
            .zip(prediction.data.chunks_exact(sequence_bytes))
            .map(|((name, truth), prediction)| RolloutSequence {
                name,
                truth: truth.to_vec(),
                prediction: prediction.to_vec(),
            })
            .collect();
        Ok(Self { sequences, context_frames, shape: [frames, height, width, channels] })
    }

    /// Returns the sequences in the split's order.
    pub fn sequences(&self) -> &[RolloutSequence] {
        &self.sequences
    }

    /// Returns the number of leading frames given to the model.
    pub const fn context_frames(&self) -> usize {
        self.context_frames
    }

    /// Returns frames, height, width and channels of every sequence.
    pub const fn shape(&self) -> [usize; 4] {
        self.shape
    }
}

/// Parses an entry of the metadata.
pub(super) fn parse_entry<T: serde::de::DeserializeOwned>(
    metadata: &BTreeMap<String, String>,
    key: &'static str,
) -> Result<T, RolloutsError> {
    let text = metadata.get(key).ok_or(RolloutsError::Missing { key })?;
    serde_json::from_str(text).map_err(|source| RolloutsError::Metadata { key, source })
}

fn bytes_of<'a>(
    tensors: &'a [StoredTensor],
    tensor: &'static str,
) -> Result<&'a StoredTensor, RolloutsError> {
    let stored = tensors.iter().find(|stored| stored.name == tensor);
    let stored = stored.ok_or(RolloutsError::NoTensor { tensor })?;
    match stored.dtype {
        Dtype::U8 => Ok(stored),
        found => Err(RolloutsError::Type { tensor, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Content {
        tensors: Vec<StoredTensor>,
        metadata: BTreeMap<String, String>,
    }

    fn content(shape: &[usize], names: &str, context_frames: &str) -> Content {
        let tensor = |name: &str| StoredTensor {
            name: name.to_owned(),
            dtype: Dtype::U8,
            shape: shape.to_vec(),
            data: vec![7; shape.iter().product()],
        };
        let metadata = [("sequences", names), ("context_frames", context_frames)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        Content { tensors: vec![tensor("prediction"), tensor("truth")], metadata: metadata.into() }
    }

    #[track_caller]
    fn check_rejects(content: &Content, message: &str) {
        let error = Rollouts::new(&content.tensors, &content.metadata)
            .expect_err("the roll-outs are invalid")
            .to_string();
        assert!(error.contains(message), "no `{message}` in `{error}`");
    }

    #[test]
    fn sequences_keep_their_names_and_frames() {
        let content = content(&[2, 3, 4, 5, 3], r#"["a/0", "b/1"]"#, "2");
        let rollouts = Rollouts::new(&content.tensors, &content.metadata).expect("it is valid");
        assert_eq!(rollouts.shape(), [3, 4, 5, 3]);
        assert_eq!(rollouts.sequences()[1].name, "b/1");
        assert_eq!(rollouts.sequences()[1].truth.len(), 3 * 4 * 5 * 3);
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let mut content = content(&[2, 3, 4, 5, 3], r#"["a/0", "b/1"]"#, "2");
        content.tensors.pop();
        check_rejects(&content, "no tensor `truth`");
    }

    #[test]
    fn too_few_names_are_rejected() {
        check_rejects(&content(&[2, 3, 4, 5, 3], r#"["a/0"]"#, "2"), "1 names");
    }

    #[test]
    fn frames_of_two_channels_are_rejected() {
        check_rejects(&content(&[1, 3, 4, 5, 2], r#"["a/0"]"#, "2"), "[1, 3, 4, 5, 2]");
    }

    #[test]
    fn context_that_leaves_nothing_to_predict_is_rejected() {
        check_rejects(&content(&[1, 3, 4, 5, 3], r#"["a/0"]"#, "3"), "3 context frames");
    }
}
