//! The sequence in a record: images, actions and states, frame by frame.

use std::fmt;

use super::{
    error::{FeatureError, ListKind},
    example::{Example, Feature},
};
use crate::{
    jpeg::{self, Dct},
    rgb_image::{CHANNELS, RgbImage},
};

/// Height and width of a frame of the Berkeley layout.
const BERKELEY_SIDE: usize = 64;

/// The names and encodings of the features of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordLayout {
    /// `{i}/image_aux1/encoded` (64×64 RGB, raw), `{i}/action` (4 numbers) and
    /// `{i}/endeffector_pos` (3 numbers).
    Berkeley,
    /// `move/{i}/image/encoded` (JPEG), `move/{i}/commanded_pose/vec_pitch_yaw` and
    /// `move/{i}/endeffector/vec_pitch_yaw` (5 numbers each).
    GooglePush,
}

impl RecordLayout {
    /// Returns the length of an action.
    pub const fn action_size(self) -> usize {
        match self {
            Self::Berkeley => 4,
            Self::GooglePush => 5,
        }
    }

    /// Returns the length of a state.
    pub const fn state_size(self) -> usize {
        match self {
            Self::Berkeley => 3,
            Self::GooglePush => 5,
        }
    }

    /// Returns the name of the image of a frame.
    pub fn image_key(self, frame: usize) -> String {
        match self {
            Self::Berkeley => format!("{frame}/image_aux1/encoded"),
            Self::GooglePush => format!("move/{frame}/image/encoded"),
        }
    }

    fn action_key(self, frame: usize) -> String {
        match self {
            Self::Berkeley => format!("{frame}/action"),
            Self::GooglePush => format!("move/{frame}/commanded_pose/vec_pitch_yaw"),
        }
    }

    fn state_key(self, frame: usize) -> String {
        match self {
            Self::Berkeley => format!("{frame}/endeffector_pos"),
            Self::GooglePush => format!("move/{frame}/endeffector/vec_pitch_yaw"),
        }
    }

    /// Returns the number of frames in a record, counted by the names of their images.
    pub fn frames(self, example: &Example<'_>) -> usize {
        let mut frames = 0;
        while example.get(&self.image_key(frames)).is_some() {
            frames += 1;
        }
        frames
    }

    /// Returns the number of frames if the record ends with them: if it has no feature of a later frame.
    pub(crate) fn whole_frames(self, example: &Example<'_>) -> Option<usize> {
        let frames = self.frames(example);
        let next = [self.action_key(frames), self.state_key(frames)];
        next.iter().all(|key| example.get(key).is_none()).then_some(frames)
    }

    /// Returns the layout of a record and its number of frames, `None` if it has neither layout.
    pub fn of(example: &Example<'_>) -> Option<(Self, usize)> {
        [Self::Berkeley, Self::GooglePush]
            .map(|layout| (layout, layout.frames(example)))
            .into_iter()
            .find(|&(_, frames)| frames > 0)
    }

    fn image(self, bytes: &[u8], dct: Dct) -> Result<RgbImage, FeatureError> {
        match self {
            Self::Berkeley => {
                let expected = BERKELEY_SIDE * BERKELEY_SIDE * CHANNELS;
                if bytes.len() != expected {
                    return Err(FeatureError::Bytes { found: bytes.len(), expected });
                }
                let [height, width] = [BERKELEY_SIDE; 2];
                Ok(RgbImage { height, width, pixels: bytes.to_vec() })
            }
            Self::GooglePush => jpeg::decode(bytes, dct).map_err(FeatureError::Jpeg),
        }
    }
}

impl fmt::Display for RecordLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Berkeley => "Berkeley",
            Self::GooglePush => "Google push",
        })
    }
}

/// The first frames of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSequence<P = RgbImage> {
    /// One image per frame.
    pub images: Vec<P>,
    /// Actions, `[T, A]`.
    pub actions: Vec<f32>,
    /// States, `[T, S]`.
    pub states: Vec<f32>,
}

/// Reads the first `frames` frames of a record; calls `report` for every invalid feature.
///
/// Only the result of `convert` is kept of each image, to save memory. Returns `None` if a feature is
/// invalid. Features are read frame by frame: action, state, image. Where the record ends early, only
/// the first missing frame is reported.
pub fn read_sequence<P>(
    example: &Example<'_>,
    layout: RecordLayout,
    frames: usize,
    dct: Dct,
    convert: impl Fn(RgbImage) -> Result<P, FeatureError>,
    mut report: impl FnMut(String, FeatureError),
) -> Option<RecordSequence<P>> {
    let mut sequence =
        RecordSequence { images: Vec::new(), actions: Vec::new(), states: Vec::new() };
    let mut valid = true;
    let mut report = |key: String, error: FeatureError| {
        valid = false;
        report(key, error);
    };
    for frame in 0..frames {
        let keys = [layout.action_key(frame), layout.state_key(frame), layout.image_key(frame)];
        let features = keys.each_ref().map(|key| example.get(key));
        let [action_key, state_key, image_key] = keys;
        if features.iter().all(Option::is_none) {
            // The record ends here: one error instead of three per missing frame.
            report(action_key, FeatureError::Missing);
            break;
        }
        let [action, state, image] = features;
        match floats(action, layout.action_size()) {
            Ok(values) => sequence.actions.extend(values),
            Err(error) => report(action_key, error),
        }
        match floats(state, layout.state_size()) {
            Ok(values) => sequence.states.extend(values),
            Err(error) => report(state_key, error),
        }
        match image_bytes(image).and_then(|bytes| layout.image(bytes, dct)).and_then(&convert) {
            Ok(image) => sequence.images.push(image),
            Err(error) => report(image_key, error),
        }
    }
    valid.then_some(sequence)
}

/// Returns states as the original passes them to the model.
///
/// It pads those of the Berkeley layout to five columns, with a column of zeros on each side:
/// `tf.pad(state, [[0, 0], [1, action_dim - state_dim]])`.
pub fn padded_states(layout: RecordLayout, states: &[f32]) -> Vec<f32> {
    match layout {
        RecordLayout::Berkeley => states
            .chunks(layout.state_size())
            .flat_map(|row| [&[0.0], row, &[0.0]].concat())
            .collect(),
        RecordLayout::GooglePush => states.to_vec(),
    }
}

fn of_kind(feature: Option<Feature<'_>>, expected: ListKind) -> Result<Feature<'_>, FeatureError> {
    let feature = feature.ok_or(FeatureError::Missing)?;
    if feature.kind == expected {
        Ok(feature)
    } else {
        Err(FeatureError::Kind { found: feature.kind, expected })
    }
}

fn floats(feature: Option<Feature<'_>>, expected: usize) -> Result<Vec<f32>, FeatureError> {
    let values = of_kind(feature, ListKind::Float)?.floats().map_err(FeatureError::Wire)?;
    if values.len() != expected {
        return Err(FeatureError::Count { found: values.len(), expected });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(FeatureError::NotFinite { index }),
        None => Ok(values),
    }
}

fn image_bytes(feature: Option<Feature<'_>>) -> Result<&[u8], FeatureError> {
    match of_kind(feature, ListKind::Bytes)?.byte_string().map_err(FeatureError::Wire)? {
        (bytes, 1) => Ok(bytes),
        (_, found) => Err(FeatureError::Count { found, expected: 1 }),
    }
}
