//! Data sets of Moving MNIST from small files made here.

use std::{io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};

use super::{
    samples::{facts, npy_file, write_npz},
    *,
};
use crate::{
    DataError, Pack, Required, Split, idx,
    npy::{self, Array, ArrayData},
};
use reprise_base::{
    config::{
        data::{Dataset, SplitSizes},
        digits::{DigitSampling, DigitScene},
    },
    fs,
    scalar::{Count, Seed},
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
    let dataset = Dataset::MovingMnistIdx {
        root,
        sampling,
        scene: DigitScene::ORIGINAL,
        frames,
        sequences: SIZES,
    };
    crate::open(&dataset, Required::AllSplits, &folder.join("cache"), &mut |_| {})
}

fn open_npy(folder: &Path, sequences: SplitSizes) -> Result<Pack, DataError> {
    let dataset = Dataset::MnistTestSeq {
        file: folder.join("test_seq.npy"),
        sequences: Some(sequences),
        axes: None,
        key: None,
    };
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
    let scene = Scene::of(Count::literal(4), DigitScene::ORIGINAL);
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
fn fresh_sequences_depend_on_seed_and_number_alone_and_show_training_digits() {
    let folder = tempfile::tempdir().unwrap();
    write_digits(&folder.path().join("mnist"));
    let dataset = Dataset::moving_mnist_idx(folder.path().join("mnist"));
    let digits = FreshDigits::open(&dataset).unwrap().expect("it is drawn from digits");
    let frames = |seed: u64, numbers: std::ops::Range<u64>| -> Vec<Vec<u8>> {
        let pack = digits.draw(Seed(seed), numbers);
        let all = 0..pack.sequences(Split::Train);
        all.map(|n| pack.sequence(Split::Train, n).frames.to_vec()).collect()
    };
    let drawn = frames(5, 0..6);
    assert_eq!([frames(5, 0..2), frames(5, 2..6)].concat(), drawn);
    assert_ne!(frames(6, 0..6), drawn);
    assert!(drawn[1..].iter().all(|sequence| *sequence != drawn[0]), "none is seen twice");
    let pixels = || drawn.iter().flatten();
    assert!(pixels().all(|pixel| [0, SEEN, 2 * SEEN].contains(pixel)));
    assert_eq!((drawn[0].len(), pixels().max()), (20 * 64 * 64, Some(&(2 * SEEN))));
    assert!(FreshDigits::open(&Dataset::SawyerPush).unwrap().is_none());
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
    assert!(error.to_string().ends_with("the folder does not exist"), "{error}");
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
    let text = error.to_string();
    assert!(text.contains("its shape is [2, 6, 32, 64], expected frames, sequences,"), "{text}");
}

#[test]
fn digits_are_found_under_every_usual_name() {
    let expected = {
        let folder = tempfile::tempdir().unwrap();
        write_digits(&folder.path().join("mnist"));
        open_idx(folder.path(), DigitSampling::Streams).unwrap().payload_sha256().to_owned()
    };
    for place in ["", "raw", "MNIST/raw"] {
        for dot in ["-", "."] {
            let folder = tempfile::tempdir().unwrap();
            let (root, place) =
                (folder.path().join("mnist"), folder.path().join("mnist").join(place));
            write_digits(&root);
            fs::create_dir_all(&place).unwrap();
            for (from, to) in [
                ("train-images-idx3-ubyte", format!("train-images{dot}idx3-ubyte")),
                ("t10k-images-idx3-ubyte.gz", format!("t10k-images{dot}idx3-ubyte.gz")),
            ] {
                fs::rename(&root.join(from), &place.join(to)).unwrap();
            }
            let pack = open_idx(folder.path(), DigitSampling::Streams).unwrap();
            assert_eq!(pack.payload_sha256(), expected, "{}", place.display());
        }
    }
}

#[test]
fn digits_of_keras_are_those_of_mnist() {
    let folder = tempfile::tempdir().unwrap();
    write_digits(&folder.path().join("mnist"));
    let expected = open_idx(folder.path(), DigitSampling::Streams).unwrap();
    let root = folder.path().join("keras/mnist");
    fs::create_dir_all(&root).unwrap();
    let digits = |digits: &[u8]| {
        let pixels: Vec<u8> = digits.iter().flat_map(|&grey| [grey; idx::PIXELS]).collect();
        npy_file("|u1", &format!("({}, 28, 28)", digits.len()), &pixels)
    };
    let training = [[SEEN; 18].as_slice(), &[HELD_OUT; 2]].concat();
    let members = [
        ("x_test", digits(&[TEST; 5])),
        ("x_train", digits(&training)),
        ("y_train", npy_file("|u1", "(20,)", &[0; 20])),
    ];
    write_npz(&root.join("mnist.npz"), &members);
    let pack = open_idx(&folder.path().join("keras"), DigitSampling::Streams).unwrap();
    assert_eq!(pack.payload_sha256(), expected.payload_sha256());
    assert_eq!(facts(&pack), ["digits: 20 for training, 5 for testing, from `mnist.npz`"]);
}

#[test]
fn one_key_is_enough_for_digits() {
    let read = |json: &str| serde_json::from_str::<Dataset>(json).unwrap();
    let paper = r#"{ "moving_mnist_idx": { "root": "data/mnist", "sampling": "streams", "frames": 20,
        "sequences": { "train": 10000, "validate": 1000, "test": 1000 } } }"#;
    assert_eq!(read(r#"{ "moving_mnist_idx": { "root": "data/mnist" } }"#), read(paper));
    assert_eq!(Dataset::moving_mnist_idx("data/mnist".into()), read(paper));
}

#[test]
fn digits_and_arrays_are_detected() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("mnist");
    write_digits(&root);
    assert_eq!(crate::detect(&root, None).unwrap(), Dataset::moving_mnist_idx(root));
    write_sequences(folder.path(), 5);
    let file = folder.path().join("test_seq.npy");
    assert_eq!(crate::detect(&file, None).unwrap(), Dataset::mnist_test_seq(file));
}

fn drawn(scene: DigitScene, cache: &Path) -> Pack {
    let dataset = Dataset::MovingMnistDrawn { scene, frames: Count::literal(6), sequences: SIZES };
    crate::open(&dataset, Required::AllSplits, cache, &mut |_| {}).unwrap()
}

#[test]
fn a_scene_decides_number_size_and_bounce_of_the_embedded_digits() {
    let cache = tempfile::tempdir().unwrap();
    let scene = DigitScene { side: Count::literal(40), ..DigitScene::ORIGINAL };
    let one = DigitScene { digits: Count::literal(1), ..scene };
    let [two, one, redrawn] = [scene, one, DigitScene { bounce: Bounce::Redrawn, ..one }]
        .map(|scene| drawn(scene, cache.path()));
    assert_eq!(one.frame_shape(), [40, 40, 1]);
    let first = |pack: &Pack| pack.sequence(Split::Train, 0).frames.to_vec();
    // A second digit only adds light. Its path is drawn after that of the first one.
    let pairs = first(&one).into_iter().zip(first(&two));
    assert!(pairs.into_iter().all(|(one, two)| one <= two));
    // Paths are equal until the first wall.
    let frame = ..40 * 40;
    assert!(first(&one)[frame] == first(&redrawn)[frame]);
    assert!(first(&one) != first(&redrawn));
    assert_ne!(one.payload_sha256(), two.payload_sha256());
}
