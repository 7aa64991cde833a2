use std::path::PathBuf;

use super::*;
use crate::{detect, image_file::ImageError, map_csv::FrameImages};
use reprise_base::{
    config::data::{Dataset, TestObjects},
    fs,
    text::error_chain,
};

/// A data root whose first folder has the files of a reference case.
fn root(case: &str, folder: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let files: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../../golden/data", case, "data"].iter().collect();
    let train = root.path().join(folder);
    fs::create_dir_all(&train).unwrap();
    for entry in fs::read_dir_sorted(&files).unwrap() {
        let bytes = fs::read(&entry.path, 1 << 20).unwrap();
        fs::write_atomic(&train.join(&entry.name), &bytes).unwrap();
    }
    root
}

fn opened(dataset: &Dataset, root: &Path) -> Result<Pack, DataError> {
    crate::open(dataset, Required::Only(Split::Train), &root.join("cache"), &mut |_| {})
}

#[track_caller]
fn check_refused(dataset: &Dataset, root: &Path, message: &str) {
    let error = opened(dataset, root).expect_err("the data set is refused");
    let text = error_chain(&error).replace(&root.display().to_string(), "..");
    assert_eq!(text, message);
}

#[test]
fn imported_sequences_are_those_of_the_records() {
    let records = root("tfrecord_bair", "train");
    let root = records.path();
    let dataset = detect(root, Some(Count::literal(7))).unwrap();
    assert_eq!(dataset.name(), "berkeley_tfrecord");
    let pack = opened(&dataset, root).unwrap();
    // One file of two records trains, the other validates.
    let sizes = Split::ALL.map(|split| pack.sequences(split));
    assert_eq!((sizes, pack.frames(), pack.condition_size()), ([2, 1, 0], 7, 9));

    let npy = root.join("npy");
    let images = FrameImages::Written;
    let done =
        import::import(&root.join("train"), &npy.join("train"), Some(7), images, &mut |_| {})
            .unwrap();
    let image = fs::read(&npy.join("train/image_batch_1_6.png"), 1 << 20).unwrap();
    let accept = |_, _| Ok::<(), ImageError>(());
    let (image, _) = crate::image_file::decode(&image, accept).unwrap();
    let frames = pack.sequence(Split::Train, 1).frames;
    assert!(frames.ends_with(&image.pixels), "the last frame of the second sequence");
    assert_eq!((done.sequences, done.layout), (3, RecordLayout::Berkeley));
    let dataset = detect(&npy, None).unwrap();
    assert_eq!(dataset, Dataset::Npy { root: npy });
    let imported = opened(&dataset, root).unwrap();
    assert_eq!(imported.frame_shape(), pack.frame_shape());
    for (split, index) in [(Split::Train, 0), (Split::Train, 1), (Split::Validate, 0)] {
        assert_eq!(imported.sequence(split, index), pack.sequence(split, index));
    }
}

#[test]
fn jpeg_images_become_bytes() {
    let records = root("tfrecord_push", "push_train");
    let dataset = detect(records.path(), None).unwrap();
    let root = records.path().to_owned();
    assert_eq!(
        dataset,
        Dataset::GooglePushTfrecord { root, test_objects: TestObjects::Seen, frames: None }
    );
    let pack = opened(&dataset, records.path()).unwrap();
    assert_eq!((pack.frame_shape(), pack.frames(), pack.condition_size()), ([64, 64, 3], 6, 10));
    assert_eq!(pack.sequence_name(Split::Train, 1), "push_train.tfrecord-00000-of-00002#1");
}

#[test]
fn a_pack_is_used_until_a_file_changes() {
    let records = root("tfrecord_bair", "train");
    let root = records.path();
    let dataset = detect(root, None).unwrap();
    assert_eq!(opened(&dataset, root).unwrap().warnings().len(), 1, "the test split is missing");
    let first = root.join("train/bair_train.tfrecord-00000-of-00002");
    let mut bytes = fs::read(&first, 1 << 20).unwrap();
    fs::write_atomic(&first, &bytes).unwrap();
    assert_eq!(opened(&dataset, root).unwrap().warnings().len(), 1, "the same bytes are unchanged");
    bytes[30] ^= 1;
    fs::write_atomic(&first, &bytes).unwrap();
    let text = "failed to read record 0 of `../train/bair_train.tfrecord-00000-of-00002`: wrong checksum \
                of the data at byte 12";
    check_refused(&dataset, root, text);
}

#[test]
fn too_short_a_record_is_refused_with_its_first_missing_frame() {
    let records = root("tfrecord_bair", "train");
    let dataset = detect(records.path(), Some(Count::literal(8))).unwrap();
    let file = "../train/bair_train.tfrecord-00000-of-00002";
    check_refused(
        &dataset,
        records.path(),
        &format!("failed to read record 0 of `{file}`: it has 7 frames, expected 8"),
    );
    let cache = records.path().join("cache");
    let findings =
        crate::check(&dataset, Required::Only(Split::Train), &cache, &mut |_| {}).findings;
    let counts = (findings.error_count(), findings.warning_count());
    assert_eq!(counts, (1, 1), "that record and the missing test split: {findings:?}");
}

#[test]
fn a_single_file_is_refused() {
    let records = root("tfrecord_bair", "train");
    let train = records.path().join("train");
    let one = tempfile::tempdir().unwrap();
    fs::create_dir_all(&one.path().join("train")).unwrap();
    let name = "bair_train.tfrecord-00000-of-00002";
    let bytes = fs::read(&train.join(name), 1 << 20).unwrap();
    fs::write_atomic(&one.path().join("train").join(name), &bytes).unwrap();
    let dataset = detect(one.path(), None).unwrap();
    let message = "failed to split `../train`: it has only one file, but training and validation need one each";
    check_refused(&dataset, one.path(), message);
}

#[test]
fn arrays_that_are_not_frames_are_refused_with_file_and_element() {
    let arrays = root("npy_map_csv", "train");
    let root = arrays.path();
    let dataset = detect(root, None).unwrap();
    assert_eq!(opened(&dataset, root).unwrap().condition_size(), 10);
    let path = root.join("train/image_batch_1.npy");
    let mut bytes = fs::read(&path, 1 << 20).unwrap();
    bytes[128 + 40..128 + 44].copy_from_slice(&0.5_f32.to_le_bytes());
    fs::write_atomic(&path, &bytes).unwrap();
    let file = "../train/image_batch_1.npy";
    let error = opened(&dataset, root).expect_err("half a byte is refused");
    let text = error_chain(&error).replace(&root.display().to_string(), "..");
    let message =
        format!("failed to read array `{file}`: value 10 is 0.5, and the values are from 0");
    assert!(text.starts_with(&message), "{text}");
    assert!(error.hint().is_some_and(|hint| hint.contains("8-bit frames")), "{:?}", error.hint());
}

#[test]
fn novel_objects_are_in_a_folder_of_their_own() {
    let records = root("tfrecord_push", "push_train");
    let (root, novel) = (records.path(), records.path().join("push_testnovel"));
    std::fs::create_dir(&novel).unwrap();
    for entry in fs::read_dir_sorted(&root.join("push_train")).unwrap() {
        let bytes = fs::read(&entry.path, 1 << 24).unwrap();
        fs::write_atomic(&novel.join(&entry.name), &bytes).unwrap();
    }
    let tested = |test_objects| {
        let root = root.to_owned();
        let dataset = Dataset::GooglePushTfrecord { root, test_objects, frames: None };
        opened(&dataset, records.path()).unwrap().sequences(Split::Test)
    };
    assert_eq!(tested(TestObjects::Seen), 0);
    let novel = tested(TestObjects::Novel);
    assert!(novel > 0, "{novel}");
    assert_eq!(tested(TestObjects::Seen), 0, "each has a pack of its own");
}
