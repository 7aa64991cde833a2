//! The protocol buffer messages of an event file, encoded by hand.
//!
//! ```text
//! Event        1 wall_time double   2 step int64   3 file_version string   5 summary   7 session_log
//! Summary      1 value, repeated
//! Value        1 tag string   2 simple_value float   4 image
//! Image        1 height int32   2 width int32   3 colorspace int32   4 encoded_image_string bytes
//! SessionLog   1 status enum, 1 is START
//! ```
//! From `event.proto` and `summary.proto` in tensorboard/compat/proto. As in protobuf itself, fields
//! are in the order of their numbers, and integers that are 0 are omitted.

use super::png_image::PngImage;
use reprise_base::scalar::Step;
use reprise_data::protobuf::{write_bytes, write_double, write_float, write_integer};

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

/// Encodes an `Event`; `wall_time` is in seconds since 1970.
pub(super) fn event(wall_time: f64, step: Step, kind: &EventKind<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_double(&mut out, 1, wall_time);
    write_integer(&mut out, 2, step.0);
    match kind {
        EventKind::FileVersion => write_bytes(&mut out, 3, FILE_VERSION.as_bytes()),
        EventKind::Start => {
            let mut log = Vec::new();
            write_integer(&mut log, 1, START);
            write_bytes(&mut out, 7, &log);
        }
        EventKind::Summary(values) => {
            let mut summary = Vec::new();
            for value in *values {
                write_bytes(&mut summary, 1, &encode(value));
            }
            write_bytes(&mut out, 5, &summary);
        }
    }
    out
}

fn encode(value: &SummaryValue) -> Vec<u8> {
    let mut out = Vec::new();
    write_bytes(&mut out, 1, value.tag.as_bytes());
    match &value.content {
        EventContent::Scalar(number) => write_float(&mut out, 2, *number),
        EventContent::Image(PngImage { height, width, channels, png }) => {
            let mut image = Vec::new();
            for (field, number) in (1..).zip([height, width, channels]) {
                write_integer(&mut image, field, u64::from(*number));
            }
            write_bytes(&mut image, 4, png);
            write_bytes(&mut out, 4, &image);
        }
    }
    out
}
