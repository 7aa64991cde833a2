use std::path::PathBuf;

use super::*;
use crate::store::samples::{self, tensor};
use reprise_data::tfrecord::framing::Records;

/// An event file that the package `tensorboard` wrote; `tests/fixtures/tensorboard/make.py` made
/// it.
const FIXTURE: &[u8] =
    include_bytes!("../../../../tests/fixtures/tensorboard/events.out.tfevents.fixture");

/// The wall time of all events in it.
const WALL_TIME: f64 = 1_700_000_000.25;

fn records(file: &[u8]) -> Vec<Vec<u8>> {
    let records = Records::new(file, file.len() as u64);
    records.map(|record| record.expect("a whole record").data).collect()
}

/// Returns the event files of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir_sorted(folder).unwrap().into_iter().map(|entry| entry.path).collect()
}

#[test]
fn the_bytes_are_those_of_the_package_tensorboard() {
    let image =
        png_image::PngImage { height: 2, width: 3, channels: 1, png: b"not a png".to_vec() };
    let values = [
        SummaryValue::scalar("train/loss".to_owned(), 0.125),
        SummaryValue::scalar("validate/model/psnr".to_owned(), -300.5),
        SummaryValue { tag: "p".repeat(200), content: EventContent::Image(image) },
    ];
    let written: Vec<u8> = [
        message::event(WALL_TIME, Step(0), &EventKind::FileVersion),
        message::event(WALL_TIME, Step(300), &EventKind::Start),
        message::event(WALL_TIME, Step(300), &EventKind::Summary(&values)),
    ]
    .iter()
    .flat_map(|event| {
        let mut record = Vec::new();
        write_record(event, &mut record);
        record
    })
    .collect();
    assert_eq!(records(&written), records(FIXTURE));
    assert_eq!(written, FIXTURE);
}

#[test]
fn every_attempt_has_a_file_behind_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let event = samples::step(7, &[("loss", 0.5)]);
    for attempt in 0..2 {
        let mut events = EventFile::begin(folder.path(), Step(7 * attempt)).unwrap();
        events.event(Step(7), &event).unwrap();
    }
    let files = files(folder.path());
    assert_eq!(files.len(), 2);
    assert!(files[0].ends_with("events.out.tfevents.000000"), "{files:?}");
    let [version, start, step] = &records(&fs::read(&files[1], 1 << 20).unwrap())[..] else {
        panic!("three events")
    };
    // After the 9 bytes of the wall time: file_version, session_log of step 7, summary of step 7.
    assert_eq!(version[9..], *b"\x1a\x0dbrain.Event:2");
    assert_eq!(start[9..], [0x10, 7, 0x3a, 2, 0x08, 1]);
    assert_eq!(step[9..13], [0x10, 7, 0x2a, 19]);
    assert!(step.ends_with(&[&b"train/loss\x15"[..], &0.5_f32.to_le_bytes()[..]].concat()));
}

#[test]
fn scores_are_named_by_split_predictor_and_metric() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = EventFile::begin(folder.path(), Step(0)).unwrap();
    events.event(Step(3), &samples::evaluation(0, 19.75)).unwrap();
    let file = records(&fs::read(&files(folder.path())[0], 1 << 20).unwrap());
    let value = [&b"validate/model/psnr\x15"[..], &19.75_f32.to_le_bytes()[..]].concat();
    assert!(file[2].ends_with(&value), "{:?}", file[2]);
}

#[test]
fn a_sequence_of_frames_becomes_one_image_with_frames_side_by_side() {
    // Two frames of 2×1 grey pixels.
    let images = png_image::encode_all(&[1, 2, 2, 1, 1], &[1, 2, 3, 4]);
    let [image] = &images[..] else { panic!("one image") };
    assert_eq!([image.height, image.width, image.channels], [2, 2, 1]);
    let mut reader = png::Decoder::new(std::io::Cursor::new(&image.png)).read_info().unwrap();
    let mut pixels = [0; 4];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels, [1, 3, 2, 4]);
}

#[test]
fn a_tensor_that_is_not_an_image_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = EventFile::begin(folder.path(), Step(0)).unwrap();
    let two_channels = StoredTensor {
        name: "b".to_owned(),
        dtype: Dtype::U8,
        shape: vec![1, 1, 1, 2],
        data: vec![1; 2],
    };
    events.pictures(Step(0), "test", &[tensor("a", &[1.0]), two_channels]).unwrap();
    assert_eq!(records(&fs::read(&files(folder.path())[0], 1 << 20).unwrap()).len(), 2);
}
