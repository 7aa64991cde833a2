//! Data sets of Moving MNIST from small files made here.

use std::{error::Error, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::{
    DataError, Pack, Required, Split,
    npy::{self, Array, ArrayData},
};
use reprise_base::{
    config::data::{Dataset, DigitSampling, SplitSizes},
    fs,
    scalar::Count,
};

/// Grey value of training digits in training; sums of two of the three values differ, too.
const SEEN: u8 = 1;
/// Grey value of training digits in validation.
const HELD_OUT: u8 = 3;
/// Grey value of test digits.
const TEST: u8 = 100;

const SIZES: SplitSizes =
    SplitSizes { train: Count::literal(3), validate: Count::literal(2), test: Count::literal(1) };

fn idx(digits: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3];
    for extent in [u32::try_from(digits.len()).unwrap(), 28, 28] {
        file.extend(extent.to_be_bytes());
    }
    file.extend(digits.iter().flat_map(|&grey| [grey; idx::PIXELS]));
    file
}

/// Writes a plain file of 20 training digits and a compressed one of 5 test digits.
fn write_digits(root: &Path) {
    let training = [[SEEN; 18].as_slice(), &[HELD_OUT; 2]].concat();
    fs::create_dir_all(root).unwrap();
    fs::write_atomic(&root.join("train-images-idx3-ubyte"), &idx(&training)).unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&idx(&[TEST; 5])).unwrap();
    fs::write_atomic(&root.join("t10k-images-idx3-ubyte.gz"), &packed.finish().unwrap()).unwrap();
}

fn open_idx(folder: &Path, sampling: DigitSampling) -> Result<Pack, DataError> {
    let (root, frames) = (folder.join("mnist"), Count::literal(4));
    let dataset = Dataset::MovingMnistIdx { root, sampling, frames, sequences: SIZES };
    crate::open(&dataset, Required::AllSplits, &folder.join("cache"), &mut |_| {})
}

fn open_npy(folder: &Path, sequences: SplitSizes) -> Result<Pack, DataError> {
    let dataset = Dataset::MnistTestSeq { file: folder.join("test_seq.npy"), sequences };
    crate::open(&dataset, Required::AllSplits, &folder.join("cache"), &mut |_| {})
}

/// Writes `count` sequences of two frames, all pixels of which are 10 times the sequence plus the frame.
fn write_sequences(folder: &Path, count: usize) {
    let shape = vec![2, count, 64, 64];
    let frame =
        |frame: usize, sequence: usize| vec![(10 * sequence + frame).to_le_bytes()[0]; 4096];
    let pixels = (0..2).flat_map(|t| (0..count).flat_map(move |n| frame(t, n)));
    let elements = ArrayData::U8(pixels.collect());
    npy::write(&folder.join("test_seq.npy"), &Array { shape, elements }).unwrap();
}

#[test]
fn some_training_digits_appear_only_in_validation() {
    let folder = tempfile::tempdir().unwrap();
    write_digits(&folder.path().join("mnist"));
    let pack = open_idx(folder.path(), DigitSampling::Streams).unwrap();
    assert_eq!((pack.frame_shape(), pack.frames()), ([64, 64, 1], 4));
    for (split, sequences, grey) in
        [(Split::Train, 3, SEEN), (Split::Validate, 2, HELD_OUT), (Split::Test, 1, TEST)]
    {
        assert_eq!(pack.sequences(split), sequences);
        for n in 0..sequences {
            let frames = pack.sequence(split, n).frames;
            assert!(frames.iter().all(|pixel| [0, grey, 2 * grey].contains(pixel)), "{split} {n}");
            assert!(frames.iter().any(|pixel| *pixel > 0), "{split} {n} is not blank");
        }
    }
    assert_ne!(
        pack.sequence(Split::Train, 0).frames,
        pack.sequence(Split::Train, 1).frames,
        "sequences differ"
    );
}

#[test]
fn the_originals_sampling_is_one_generator_for_each_of_its_two_data_sets() {
    let folder = tempfile::tempdir().unwrap();
    write_digits(&folder.path().join("mnist"));
    let pack = open_idx(folder.path(), DigitSampling::Original { first_index: 7 }).unwrap();
    let scene = Scene { frames: 4, ..Scene::default() };
    let training = [[SEEN; 18].as_slice(), &[HELD_OUT; 2]].concat();
    let mut random = RandomState::new(7);
    for (split, n) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)] {
        let paths = trajectories(scene, 20, &mut random);
        let digits: Vec<_> = training.iter().map(|&grey| [grey; DIGIT_PIXELS]).collect();
        let drawn = draw_bytes(scene, &paths, |digit| &digits[digit]);
        assert_eq!(pack.sequence(Split::ALL[split], n).frames, drawn, "{split} {n}");
    }
    let paths = trajectories(scene, 5, &mut RandomState::new(7));
    let drawn = draw_bytes(scene, &paths, |_| &[TEST; DIGIT_PIXELS]);
    assert_eq!(pack.sequence(Split::Test, 0).frames, drawn);
}

#[test]
fn a_pack_is_drawn_again_when_a_file_of_digits_changes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("mnist");
    write_digits(&root);
    let before = open_idx(folder.path(), DigitSampling::Streams).unwrap();
    assert!(open_idx(folder.path(), DigitSampling::Streams).unwrap().warnings().is_empty());
    fs::write_atomic(&root.join("train-images-idx3-ubyte"), &idx(&[9; 20])).unwrap();
    let after = open_idx(folder.path(), DigitSampling::Streams).unwrap();
    assert_ne!(before.payload_sha256(), after.payload_sha256());
    assert!(after.warnings()[0].contains("train-images-idx3-ubyte` changed"));
}

#[test]
fn a_missing_file_of_digits_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = open_idx(folder.path(), DigitSampling::Streams).unwrap_err();
    assert!(error.to_string().contains("train-images-idx3-ubyte`, plain or with `.gz`"), "{error}");
}

#[test]
fn a_test_file_is_split_in_order() {
    let folder = tempfile::tempdir().unwrap();
    write_sequences(folder.path(), 7);
    let pack = open_npy(folder.path(), SIZES).unwrap();
    let first_pixels = |split| -> Vec<[u8; 2]> {
        let sequences = (0..pack.sequences(split)).map(|n| pack.sequence(split, n).frames);
        sequences.map(|frames| [frames[0], frames[4096]]).collect()
    };
    assert_eq!(first_pixels(Split::Train), [[0, 1], [10, 11], [20, 21]]);
    assert_eq!(first_pixels(Split::Validate), [[30, 31], [40, 41]]);
    assert_eq!(first_pixels(Split::Test), [[50, 51]]);
    assert_eq!(pack.sequence_name(Split::Validate, 0), "3");
}

#[test]
fn a_test_file_with_too_few_sequences_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_sequences(folder.path(), 5);
    let error = open_npy(folder.path(), SIZES).unwrap_err();
    let message = "it has 5 sequences, but the splits need 6";
    assert!(error.to_string().ends_with(message), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("`sequences`")));
}

#[test]
fn frames_of_another_size_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let array =
        Array { shape: vec![2, 6, 32, 64], elements: ArrayData::U8(vec![0; 2 * 6 * 32 * 64]) };
    npy::write(&folder.path().join("test_seq.npy"), &array).unwrap();
    let error = open_npy(folder.path(), SIZES).unwrap_err();
    let cause = error.source().expect("the shape").to_string();
    assert_eq!(cause, "its shape is [2, 6, 32, 64], expected [n, n, 64, 64]");
}
