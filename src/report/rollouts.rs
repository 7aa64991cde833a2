//! Test sequences beside what a run predicted for them.
//!
//! Tensors `truth` and `prediction`, both u8 `[N, T, H, W, C]` with C 1 or 3; metadata `sequences`, a
//! JSON list of N names, and `context_frames`, how many leading frames the model was given.

use std::collections::BTreeMap;

use safetensors::Dtype;

use crate::{
    store::tensors::StoredTensor,
    vocabulary::rollouts::{CONTEXT_FRAMES, PREDICTION, SEQUENCES, TRUTH},
};

/// Test sequences of one run with their predictions; shapes agree and no axis is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollouts {
    clips: Vec<Clip>,
    context_frames: usize,
    shape: [usize; 4],
}

/// One test sequence with its prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// The sequence's name.
    pub name: String,
    /// Frames as they are, `[T, H, W, C]`.
    pub truth: Vec<u8>,
    /// Frames as predicted, `[T, H, W, C]`.
    pub prediction: Vec<u8>,
}

/// Why roll-outs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RolloutsError {
    /// A tensor is not there.
    #[error("the roll-outs have no tensor `{tensor}`")]
    NoTensor {
        /// Its name.
        tensor: &'static str,
    },
    /// A metadata entry is not there.
    #[error("the roll-outs have no metadata entry `{key}`")]
    Missing {
        /// Its key.
        key: &'static str,
    },
    /// A metadata entry does not parse.
    #[error("failed to parse metadata entry `{key}` of the roll-outs")]
    Metadata {
        /// Its key.
        key: &'static str,
        /// What the parser reports.
        #[source]
        source: serde_json::Error,
    },
    /// A tensor has another type than u8.
    #[error("tensor `{tensor}` of the roll-outs holds {found:?}, expected U8")]
    Type {
        /// Its name.
        tensor: &'static str,
        /// Its type.
        found: Dtype,
    },
    /// Shapes disagree, an axis is empty, or the frames are neither grey nor RGB.
    #[error(
        "roll-outs of shape {found:?} for {names} names and {context_frames} context frames, \
         expected equal non-empty [N, T, H, W, 1 or 3] with N names and fewer than T context frames"
    )]
    Shape {
        /// Shape of the tensor at fault.
        found: Vec<usize>,
        /// Number of names.
        names: usize,
        /// Number of context frames.
        context_frames: usize,
    },
}

impl Rollouts {
    /// Takes over the content of a `rollouts.safetensors`.
    pub fn new(
        tensors: &[StoredTensor],
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self, RolloutsError> {
        let names: Vec<String> = parse_entry(metadata, SEQUENCES)?;
        let context_frames: usize = parse_entry(metadata, CONTEXT_FRAMES)?;

        let truth = bytes_of(tensors, TRUTH)?;
        let prediction = bytes_of(tensors, PREDICTION)?;
        let refuse = |tensor: &StoredTensor| RolloutsError::Shape {
            found: tensor.shape.clone(),
            names: names.len(),
            context_frames,
        };
        let &[count, frames, height, width, channels] = truth.shape.as_slice() else {
            return Err(refuse(truth));
        };
        let holds = count == names.len()
            && ![count, frames, height, width].contains(&0)
            && matches!(channels, 1 | 3)
            && context_frames < frames;
        if !holds {
            return Err(refuse(truth));
        }
        if prediction.shape != truth.shape {
            return Err(refuse(prediction));
        }

        let clip_bytes = frames * height * width * channels;
        let clips = names
            .into_iter()
            .zip(truth.data.chunks_exact(clip_bytes))
            .zip(prediction.data.chunks_exact(clip_bytes))
            .map(|((name, truth), prediction)| Clip {
                name,
                truth: truth.to_vec(),
                prediction: prediction.to_vec(),
            })
            .collect();
        Ok(Self { clips, context_frames, shape: [frames, height, width, channels] })
    }

    /// Returns the sequences in the split's order.
    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// Returns how many leading frames the model was given.
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
            .expect_err("the roll-outs are refused")
            .to_string();
        assert!(error.contains(message), "`{error}` does not say `{message}`");
    }

    #[test]
    fn clips_keep_their_names_and_frames() {
        let content = content(&[2, 3, 4, 5, 3], r#"["a/0", "b/1"]"#, "2");
        let rollouts = Rollouts::new(&content.tensors, &content.metadata).expect("it is valid");
        assert_eq!(rollouts.shape(), [3, 4, 5, 3]);
        assert_eq!(rollouts.clips()[1].name, "b/1");
        assert_eq!(rollouts.clips()[1].truth.len(), 3 * 4 * 5 * 3);
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
