//! Data sets as people have them on their disks: compressed, with a folder of validation data, with
//! files of a download beside them.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::{protobuf::write_bytes, tfrecord::framing::write_record};
use reprise_base::{config::data::Dataset, fs, text::error_chain};

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    write_bytes(&mut field, number, bytes);
    field
}

fn floats(values: &[f32]) -> Vec<u8> {
    let packed: Vec<_> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    field(2, &field(1, &packed))
}

/// Returns a record of the Berkeley layout. Pixels of frame t are `grey + t`, but its first pixel is 0.
fn record(grey: u8, frames: u8, camera: &str) -> Vec<u8> {
    let mut features = Vec::new();
    let mut add = |name: String, feature: Vec<u8>| {
        features.extend(field(1, &[field(1, name.as_bytes()), field(2, &feature)].concat()));
    };
    for t in 0..frames {
        let mut pixels = vec![grey + t; SIDE * SIDE * 3];
        pixels[0] = 0;
        add(format!("{t}/{camera}/encoded"), field(1, &field(1, &pixels)));
        add(format!("{t}/action"), floats(&[f32::from(grey), f32::from(t), 0.0, 1.0]));
        add(format!("{t}/endeffector_pos"), floats(&[0.5, f32::from(t), f32::from(grey)]));
    }
    let mut file = Vec::new();
    write_record(&field(1, &features), &mut file);
    file
}

/// Returns two records of four frames.
fn two(grey: u8) -> Vec<u8> {
    [record(grey, 4, "image_aux1"), record(grey + 10, 4, "image_aux1")].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A data root, and the pack that is made from it.
struct Root(tempfile::TempDir);

impl Root {
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            let path = root.0.path().join("data").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write_atomic(&path, bytes).unwrap();
        }
        root
    }

    fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    fn open(&self, frames: Option<u32>) -> Result<Pack, DataError> {
        let frames = frames.map(Count::literal);
        let dataset = Dataset::BerkeleyTfrecord { root: self.data(), frames };
        crate::open(&dataset, Required::AllSplits, &self.0.path().join("cache"), &mut |_| {})
    }

    /// Returns the error and its hint, without the path of the root.
    fn refused(&self, frames: Option<u32>) -> String {
        let error = self.open(frames).expect_err("the data set is refused");
        let text = format!("{}\nhint: {}", error_chain(&error), error.hint().unwrap_or_default());
        text.replace(&self.data().display().to_string(), "..")
    }
}

/// Returns name and second pixel of the first frame of every sequence of a split.
fn first_pixels(pack: &Pack, split: Split) -> Vec<(String, u8)> {
    let sequence = |n| (pack.sequence_name(split, n).to_owned(), pack.sequence(split, n).frames[1]);
    (0..pack.sequences(split)).map(sequence).collect()
}

fn facts(pack: &Pack) -> Vec<String> {
    pack.summary().facts.iter().map(|fact| format!("{}: {}", fact.subject, fact.text)).collect()
}

#[test]
fn compressed_files_are_read_as_plain_ones() {
    let files = |wrap: fn(&[u8]) -> Vec<u8>| {
        Root::new(&[
            ("train/a.tfrecords", wrap(&two(1))),
            ("train/b.tfrecords.gz", wrap(&two(30))),
            ("test/c.tfrecords", wrap(&two(60))),
        ])
    };
    let (plain, compressed) = (files(<[u8]>::to_vec), files(gzip));
    let [plain, compressed] = [&plain, &compressed].map(|root| root.open(None).unwrap());
    assert_eq!(plain.payload_sha256(), compressed.payload_sha256());
    let expected = [("a.tfrecords#0".to_owned(), 1), ("a.tfrecords#1".to_owned(), 11)];
    assert_eq!(first_pixels(&compressed, Split::Train), expected);
    assert_eq!(
        facts(&compressed),
        [
            "validation split: the last 1 of 2 files for training",
            "frames per record: 4 in every record"
        ]
    );
}

#[test]
fn a_folder_of_validation_data_is_the_validation_split() {
    for folder in ["val", "valid", "validate", "validation"] {
        let root = Root::new(&[
            ("train/a.tfrecords", two(1)),
            (&format!("{folder}/b.tfrecords"), two(30)),
            ("test/c.tfrecords", two(60)),
        ]);
        let pack = root.open(None).unwrap();
        let pixels = Split::ALL
            .map(|split| first_pixels(&pack, split).iter().map(|p| p.1).collect::<Vec<_>>());
        assert_eq!(pixels, [vec![1, 11], vec![30, 40], vec![60, 70]], "{folder}");
        let fact = format!("validation split: the folder `{folder}`");
        assert!(facts(&pack).contains(&fact), "{:?}", facts(&pack));
    }
}

#[test]
fn files_of_a_download_are_counted_and_others_are_named() {
    let root = Root::new(&[
        ("train/a.tfrecords", two(1)),
        ("train/a.tfrecords.md5", b"0123  a.tfrecords\n".to_vec()),
        ("train/b.tfrecords", two(30)),
        ("train/c.tfrecords.part", two(90)[..300].to_vec()),
        ("train/sequence_lengths.txt", b"4\n4\n".to_vec()),
        ("test/d.tfrecords", two(60)),
    ]);
    let pack = root.open(None).unwrap();
    assert_eq!(Split::ALL.map(|split| pack.sequences(split)), [2, 2, 2]);
    let warnings: Vec<_> = pack
        .warnings()
        .iter()
        .map(|warning| warning.replace(&root.data().display().to_string(), ".."))
        .collect();
    assert_eq!(
        warnings,
        [
            "`../train/sequence_lengths.txt` is not part of the layout and was skipped",
            "skipped 2 side files: *.md5 (1), *.part (1)",
        ]
    );
}

#[test]
fn an_empty_file_is_refused_by_its_name() {
    let root = Root::new(&[
        ("train/a.tfrecords", two(1)),
        ("train/b.tfrecords", Vec::new()),
        ("test/c.tfrecords", two(60)),
    ]);
    insta::assert_snapshot!(root.refused(None), @r"
    failed to read `../train/b.tfrecords`: it has no records
    hint: remove the file or download it again
    ");
}

#[test]
fn frames_are_those_of_the_first_record() {
    let root = Root::new(&[
        ("train/a.tfrecords", two(1)),
        ("train/b.tfrecords", [record(30, 6, "image_aux1"), record(40, 5, "image_aux1")].concat()),
        ("test/c.tfrecords", record(60, 4, "image_aux1")),
    ]);
    let pack = root.open(None).unwrap();
    assert_eq!(pack.frames(), 4);
    let fact = "frames per record: the first 4 are read; 2 of 5 records have more, up to 6";
    assert!(facts(&pack).iter().any(|found| found == fact), "{:?}", facts(&pack));
    assert_eq!(root.open(Some(3)).unwrap().frames(), 3);
    insta::assert_snapshot!(root.refused(Some(5)), @r"
    failed to read record 0 of `../train/a.tfrecords`: it has 4 frames, expected 5
    hint: set `frames` to the smallest number of frames that a record has
    ");
}

#[test]
fn another_camera_is_refused_with_the_features_found() {
    let root = Root::new(&[
        ("train/a.tfrecords", record(1, 4, "image_main")),
        ("train/b.tfrecords", record(9, 4, "image_main")),
        ("test/c.tfrecords", record(60, 4, "image_main")),
    ]);
    let expected = "failed to find feature `0/image_aux1/encoded` in record 0 of `../train/a.tfrecords`: \
                    it has `{i}/action`, `{i}/endeffector_pos`, `{i}/image_main/encoded`\nhint: ";
    for frames in [None, Some(4)] {
        let text = root.refused(frames);
        assert!(text.starts_with(expected), "{text}");
    }
    let error = crate::detect(&root.data(), None).unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with("`{i}/image_main/encoded`"), "{text}");
}
