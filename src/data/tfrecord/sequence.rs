//! One sequence of a record: pictures, actions and states, frame by frame.

use std::fmt;

use super::example::{Example, Feature, Kind, WireFault};
use crate::data::jpeg::{self, Dct, JpegFault, Picture};

/// Height and width of a frame of the Berkeley layout.
const BERKELEY_SIDE: usize = 64;

/// Which features a record has, and what stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `{i}/image_aux1/encoded` (64×64 RGB, not coded), `{i}/action` (4 numbers) and
    /// `{i}/endeffector_pos` (3 numbers).
    Berkeley,
    /// `move/{i}/image/encoded` (JPEG), `move/{i}/commanded_pose/vec_pitch_yaw` and
    /// `move/{i}/endeffector/vec_pitch_yaw` (5 numbers each).
    GooglePush,
}

impl Layout {
    /// Returns the numbers of an action.
    pub const fn action_size(self) -> usize {
        match self {
            Self::Berkeley => 4,
            Self::GooglePush => 5,
        }
    }

    /// Returns the numbers of a state.
    pub const fn state_size(self) -> usize {
        match self {
            Self::Berkeley => 3,
            Self::GooglePush => 5,
        }
    }

    /// Returns the name of a frame's picture.
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

    /// Returns how many frames a record has, counted by their pictures' names.
    pub fn frames(self, example: &Example<'_>) -> usize {
        let mut frames = 0;
        while example.get(&self.image_key(frames)).is_some() {
            frames += 1;
        }
        frames
    }

    /// Returns the layout of a record and its number of frames, or nothing if it is of neither.
    pub fn of(example: &Example<'_>) -> Option<(Self, usize)> {
        [Self::Berkeley, Self::GooglePush]
            .map(|layout| (layout, layout.frames(example)))
            .into_iter()
            .find(|&(_, frames)| frames > 0)
    }

    fn picture(self, bytes: &[u8], dct: Dct) -> Result<Picture, FeatureFault> {
        match self {
            Self::Berkeley => {
                let expected = BERKELEY_SIDE * BERKELEY_SIDE * 3;
                if bytes.len() != expected {
                    return Err(FeatureFault::Bytes { found: bytes.len(), expected });
                }
                let [height, width] = [BERKELEY_SIDE; 2];
                Ok(Picture { height, width, pixels: bytes.to_vec() })
            }
            Self::GooglePush => jpeg::decode(bytes, dct).map_err(FeatureFault::Jpeg),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Berkeley => "Berkeley",
            Self::GooglePush => "Google push",
        })
    }
}

/// Why a feature cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureFault {
    /// The record has no such feature, or an empty one.
    #[error("it is not there")]
    Missing,
    /// The list holds something else.
    #[error("it holds {found}, not {expected}")]
    Kind {
        /// What it holds.
        found: Kind,
        /// What is due.
        expected: Kind,
    },
    /// The list is encoded wrongly.
    #[error("it is damaged")]
    Wire(#[source] WireFault),
    /// The list has another length.
    #[error("it has {found} values instead of {expected}")]
    Count {
        /// Values of the list.
        found: usize,
        /// Values that are due.
        expected: usize,
    },
    /// A number is not finite.
    #[error("value {index} is not finite")]
    NotFinite {
        /// Number of the value, from 0.
        index: usize,
    },
    /// A picture that is not coded has another length.
    #[error("it has {found} bytes instead of {expected}")]
    Bytes {
        /// Bytes of the picture.
        found: usize,
        /// Bytes that are due.
        expected: usize,
    },
    /// A picture of a size from which scaling does not only pick pixels.
    #[error("its {width}x{height} pixels do not become {side}x{side} by picking every n-th")]
    Scale {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Height and width of a frame.
        side: usize,
    },
    /// A picture is no JPEG that can be read.
    #[error("it is not a whole JPEG")]
    Jpeg(#[source] JpegFault),
}

impl FeatureFault {
    pub(super) const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing => Some("is the layout right, and are there as many frames in a record?"),
            Self::Kind { .. }
            | Self::Wire(_)
            | Self::Count { .. }
            | Self::NotFinite { .. }
            | Self::Bytes { .. }
            | Self::Scale { .. }
            | Self::Jpeg(_) => None,
        }
    }
}

/// The first frames of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSequence<P = Picture> {
    /// A picture per frame.
    pub pictures: Vec<P>,
    /// Actions, `[T, A]`.
    pub actions: Vec<f32>,
    /// States, `[T, S]`.
    pub states: Vec<f32>,
}

/// Takes the first `frames` frames of a record; `fault` hears of every feature that is not right.
///
/// Of every picture only what `convert` makes of it is kept, so that large ones do not add up.
/// Returns nothing if there was a fault. Features are visited frame by frame: action, state, picture;
/// of frames that are not there at all only the first is named.
pub fn read_sequence<P>(
    example: &Example<'_>,
    layout: Layout,
    frames: usize,
    dct: Dct,
    convert: impl Fn(Picture) -> Result<P, FeatureFault>,
    mut fault: impl FnMut(String, FeatureFault),
) -> Option<RecordSequence<P>> {
    let mut sequence =
        RecordSequence { pictures: Vec::new(), actions: Vec::new(), states: Vec::new() };
    let mut whole = true;
    let mut report = |key: String, found: FeatureFault| {
        whole = false;
        fault(key, found);
    };
    for frame in 0..frames {
        let keys = [layout.action_key(frame), layout.state_key(frame), layout.image_key(frame)];
        let features = keys.each_ref().map(|key| example.get(key));
        let [action_key, state_key, image_key] = keys;
        if features.iter().all(Option::is_none) {
            // The record ends here: one fault says so better than three for each frame that is due.
            report(action_key, FeatureFault::Missing);
            break;
        }
        let [action, state, picture] = features;
        match floats(action, layout.action_size()) {
            Ok(values) => sequence.actions.extend(values),
            Err(found) => report(action_key, found),
        }
        match floats(state, layout.state_size()) {
            Ok(values) => sequence.states.extend(values),
            Err(found) => report(state_key, found),
        }
        match image(picture).and_then(|bytes| layout.picture(bytes, dct)).and_then(&convert) {
            Ok(picture) => sequence.pictures.push(picture),
            Err(found) => report(image_key, found),
        }
    }
    whole.then_some(sequence)
}

/// Returns states as the original hands them to the model.
///
/// It pads those of the Berkeley layout by one column of zeros on either side, to five columns:
/// `tf.pad(state, [[0, 0], [1, action_dim - state_dim]])`.
pub fn padded_states(layout: Layout, states: &[f32]) -> Vec<f32> {
    match layout {
        Layout::Berkeley => states
            .chunks(layout.state_size())
            .flat_map(|row| [&[0.0], row, &[0.0]].concat())
            .collect(),
        Layout::GooglePush => states.to_vec(),
    }
}

fn of_kind(feature: Option<Feature<'_>>, expected: Kind) -> Result<Feature<'_>, FeatureFault> {
    let feature = feature.ok_or(FeatureFault::Missing)?;
    if feature.kind == expected {
        Ok(feature)
    } else {
        Err(FeatureFault::Kind { found: feature.kind, expected })
    }
}

fn floats(feature: Option<Feature<'_>>, expected: usize) -> Result<Vec<f32>, FeatureFault> {
    let values = of_kind(feature, Kind::Float)?.floats().map_err(FeatureFault::Wire)?;
    if values.len() != expected {
        return Err(FeatureFault::Count { found: values.len(), expected });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(FeatureFault::NotFinite { index }),
        None => Ok(values),
    }
}

fn image(feature: Option<Feature<'_>>) -> Result<&[u8], FeatureFault> {
    match of_kind(feature, Kind::Bytes)?.byte_string().map_err(FeatureFault::Wire)? {
        (bytes, 1) => Ok(bytes),
        (_, found) => Err(FeatureFault::Count { found, expected: 1 }),
    }
}
