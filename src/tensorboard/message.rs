//! The protocol buffer messages of an event file, encoded by hand.
//!
//! ```text
//! Event        1 wall_time double   2 step int64   3 file_version string   5 summary   7 session_log
//! Summary      1 value, repeated
//! Value        1 tag string   2 simple_value float   4 image
//! Image        1 height int32   2 width int32   3 colorspace int32   4 encoded_image_string bytes
//! SessionLog   1 status enum, 1 is START
//! ```
//! From `event.proto` and `summary.proto` in tensorboard/compat/proto. As in protobuf itself, fields are
//! in the order of their numbers, and integers that are 0 are omitted.

use super::png_image::PngImage;
use crate::scalar::Step;

/// Version of the format; from 2 on, `SessionLog.START` makes TensorBoard drop later steps.
const FILE_VERSION: &str = "brain.Event:2";

/// `SessionLog.SessionStatus.START`.
const START: u64 = 1;

/// The kind of an event.
#[derive(Debug)]
pub(super) enum EventKind<'a> {
    /// The first event of a file.
    FileVersion,
    /// Training starts or is resumed.
    Start,
    /// Scalars and images.
    Summary(&'a [SummaryValue]),
}

/// A scalar or an image with its name.
#[derive(Debug)]
pub(super) struct SummaryValue {
    /// Name; TensorBoard groups by the parts between `/`.
    pub(super) tag: String,
    /// The scalar or image.
    pub(super) content: EventContent,
}

/// The content of a value.
#[derive(Debug)]
pub(super) enum EventContent {
    /// A number in single precision.
    Scalar(f32),
    /// An image.
    Image(PngImage),
}

impl SummaryValue {
    /// Rounds a number to single precision, the only one in the format.
    #[expect(clippy::cast_possible_truncation, reason = "the format has single precision")]
    pub(super) fn scalar(tag: String, value: f64) -> Self {
        Self { tag, content: EventContent::Scalar(value as f32) }
    }
}

/// How a field is encoded.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// Encodes an `Event`; `wall_time` is in seconds since 1970.
pub(super) fn event(wall_time: f64, step: Step, kind: &EventKind<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    key(&mut out, 1, Wire::Fixed64);
    out.extend(wall_time.to_le_bytes());
    integer(&mut out, 2, step.0);
    match kind {
        EventKind::FileVersion => bytes(&mut out, 3, FILE_VERSION.as_bytes()),
        EventKind::Start => {
            let mut log = Vec::new();
            integer(&mut log, 1, START);
            bytes(&mut out, 7, &log);
        }
        EventKind::Summary(values) => {
            let mut summary = Vec::new();
            for value in *values {
                bytes(&mut summary, 1, &encode(value));
            }
            bytes(&mut out, 5, &summary);
        }
    }
    out
}

fn encode(value: &SummaryValue) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, value.tag.as_bytes());
    match &value.content {
        EventContent::Scalar(number) => {
            key(&mut out, 2, Wire::Fixed32);
            out.extend(number.to_le_bytes());
        }
        EventContent::Image(PngImage { height, width, channels, png }) => {
            let mut image = Vec::new();
            for (field, number) in (1..).zip([height, width, channels]) {
                integer(&mut image, field, u64::from(*number));
            }
            bytes(&mut image, 4, png);
            bytes(&mut out, 4, &image);
        }
    }
    out
}

fn integer(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        key(out, field, Wire::Varint);
        varint(out, value);
    }
}

fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    key(out, field, Wire::Bytes);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn key(out: &mut Vec<u8>, field: u8, wire: Wire) {
    varint(out, u64::from(field) << 3 | wire as u64);
}

/// Appends seven bits per byte, lowest first; the highest bit is set if more bytes follow.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}
