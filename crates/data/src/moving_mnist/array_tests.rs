//! Videos in `.npy` and `.npz` files as people save them.

use std::path::Path;

use super::samples::{facts, npy_file, write_npz};
use crate::{DataError, Pack, Required, Split};
use reprise_base::{
    config::data::{ArrayAxes, Dataset},
    fs,
    text::error_chain,
};

fn open_array(
    folder: &Path,
    file: &str,
    axes: Option<ArrayAxes>,
    key: Option<&str>,
) -> Result<Pack, DataError> {
    let key = key.map(str::to_owned);
    let dataset = Dataset::MnistTestSeq { file: folder.join(file), sequences: None, axes, key };
    crate::open(&dataset, Required::AllSplits, &folder.join("cache"), &mut |_| {})
}

/// Returns the error and its hint, without the path of the folder.
fn text_of(error: &DataError, folder: &Path) -> String {
    let text = format!("{}\nhint: {}", error_chain(error), error.hint().unwrap_or_default());
    text.replace(&folder.display().to_string(), "..")
}

/// Grey value of all pixels of a frame.
fn grey(frame: usize, sequence: usize) -> u8 {
    (10 * sequence + frame + 1).to_le_bytes()[0]
}

/// Returns the pixels of `sequences` of `frames` with 8x8 pixels, in the given order of axes.
fn videos(axes: ArrayAxes, frames: usize, sequences: usize) -> Vec<u8> {
    let (outer, inner) = match axes {
        ArrayAxes::FrameFirst => (frames, sequences),
        ArrayAxes::SequenceFirst => (sequences, frames),
    };
    let frame = move |a: usize, b: usize| match axes {
        ArrayAxes::FrameFirst => [grey(a, b); 64],
        ArrayAxes::SequenceFirst => [grey(b, a); 64],
    };
    (0..outer).flat_map(|a| (0..inner).flat_map(move |b| frame(a, b))).collect()
}

/// Checks that a pack has the frames of [`videos`], split by default.
#[track_caller]
fn check_videos(pack: &Pack, frames: usize, sizes: [usize; 3]) {
    let mut sequence = 0;
    for (split, size) in Split::ALL.into_iter().zip(sizes) {
        assert_eq!(pack.sequences(split), size, "{split}");
        for n in 0..size {
            let expected: Vec<u8> = (0..frames).flat_map(|t| [grey(t, sequence); 64]).collect();
            assert_eq!(pack.sequence(split, n).frames, expected, "{split} {n}");
            sequence += 1;
        }
    }
}

#[test]
fn one_key_is_enough_for_an_array() {
    let folder = tempfile::tempdir().unwrap();
    let pixels = videos(ArrayAxes::FrameFirst, 3, 20 + 1);
    let file = npy_file("|u1", "(3, 21, 8, 8)", &pixels);
    fs::write_atomic(&folder.path().join("a.npy"), &file).unwrap();
    let pack = open_array(folder.path(), "a.npy", None, None).unwrap();
    check_videos(&pack, 3, [17, 2, 2]);
    assert_eq!(
        facts(&pack),
        ["array: `|u1` [3, 21, 8, 8], read as 3 frames of 21 sequences", "sequences used: all 21"]
    );
}

#[test]
fn an_open_order_of_axes_is_refused_until_it_is_stated() {
    let folder = tempfile::tempdir().unwrap();
    let pixels = videos(ArrayAxes::SequenceFirst, 3, 5);
    let file = npy_file("|u1", "(5, 3, 8, 8)", &pixels);
    fs::write_atomic(&folder.path().join("a.npy"), &file).unwrap();
    let error = open_array(folder.path(), "a.npy", None, None).unwrap_err();
    insta::assert_snapshot!(text_of(&error, folder.path()), @r#"
    failed to choose the axis of frames in `../a.npy`: its shape [5, 3, 8, 8] can be [frame, sequence, ...] with 5 frames of 3 sequences, or [sequence, frame, ...] with 3 frames of 5 sequences
    hint: add `axes = "sequence_first"` or `axes = "frame_first"` to `data.dataset.mnist_test_seq`
    "#);
    let axes = Some(ArrayAxes::SequenceFirst);
    check_videos(&open_array(folder.path(), "a.npy", axes, None).unwrap(), 3, [3, 1, 1]);
}

#[test]
fn floats_are_bytes_again_if_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let pixels = videos(ArrayAxes::FrameFirst, 2, 4);
    let write = |scale: f32| {
        let values = pixels.iter().flat_map(|&pixel| (f32::from(pixel) / scale).to_le_bytes());
        let file = npy_file("<f4", "(2, 4, 8, 8)", &values.collect::<Vec<_>>());
        fs::write_atomic(&folder.path().join("a.npy"), &file).unwrap();
        open_array(folder.path(), "a.npy", None, None)
    };
    let pack = write(255.0).unwrap();
    check_videos(&pack, 2, [2, 1, 1]);
    let fact = "array: `<f4` [2, 4, 8, 8], values from 0 to 1 multiplied by 255 without loss, read as \
                2 frames of 4 sequences";
    assert_eq!(facts(&pack)[0], fact);
    check_videos(&write(1.0).unwrap(), 2, [2, 1, 1]);
    insta::assert_snapshot!(text_of(&write(256.0).unwrap_err(), folder.path()), @r"
    failed to read array `../a.npy`: value 0 is 0.00390625, and the values are from 0.00390625 to 0.125; expected whole numbers from 0 to 255, or multiples of 1/255 from 0 to 1
    hint: use the 8-bit frames that the array was computed from: its values lie between those of 8-bit frames and would have to be rounded
    ");
    insta::assert_snapshot!(text_of(&write(100.0).unwrap_err(), folder.path()), @r"
    failed to read array `../a.npy`: value 0 is 0.009999999776482582, and the values are from 0.009999999776482582 to 0.3199999928474426; expected whole numbers from 0 to 255, or multiples of 1/255 from 0 to 1
    hint: use the 8-bit frames that the array was computed from: its values lie between those of 8-bit frames and would have to be rounded
    ");
}

#[test]
fn files_that_are_not_arrays_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |content: &[u8]| {
        fs::write_atomic(&folder.path().join("a.npy"), content).unwrap();
        text_of(&open_array(folder.path(), "a.npy", None, None).unwrap_err(), folder.path())
    };
    insta::assert_snapshot!(refused(b"<!DOCTYPE html>\n<html>404 Not Found</html>\n"), @r"
    failed to read array `../a.npy`: it does not begin with the signature of a `.npy` file; it is a web page or XML: the download failed
    hint: download or copy the file again
    ");
    insta::assert_snapshot!(refused(b"version https://git-lfs.github.com/spec/v1\noid sha256:0"), @r"
    failed to read array `../a.npy`: it does not begin with the signature of a `.npy` file; it is a pointer of Git LFS, not the file itself
    hint: fetch the file with `git lfs pull`
    ");
    insta::assert_snapshot!(refused(&npy_file("|u1", "(2, 4, 8, 8)", &[0; 300])), @r"
    failed to read array `../a.npy`: it has 300 bytes of data, expected 512 for its shape
    hint: download or copy the file again
    ");
}

#[test]
fn an_array_of_an_archive_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let array = |frames, sequences| {
        let pixels = videos(ArrayAxes::FrameFirst, frames, sequences);
        npy_file("|u1", &format!("({frames}, {sequences}, 8, 8)"), &pixels)
    };
    let open = |key| open_array(folder.path(), "a.npz", None, key);
    write_npz(&path, &[("anything", array(2, 4))]);
    check_videos(&open(None).unwrap(), 2, [2, 1, 1]);
    write_npz(&path, &[("labels", array(2, 3)), ("arr_0", array(3, 5))]);
    check_videos(&open(None).unwrap(), 3, [3, 1, 1]);
    write_npz(&path, &[("left", array(2, 4)), ("right", array(3, 5))]);
    insta::assert_snapshot!(text_of(&open(None).unwrap_err(), folder.path()), @r"
    failed to choose an array in `../a.npz`: it has `left`, `right`
    hint: name one of these in `data.dataset.mnist_test_seq.key`
    ");
    check_videos(&open(Some("right")).unwrap(), 3, [3, 1, 1]);
    insta::assert_snapshot!(text_of(&open(Some("up")).unwrap_err(), folder.path()), @r"
    failed to find array `up` in `../a.npz`: it has `left`, `right`
    hint: name one of these in `data.dataset.mnist_test_seq.key`
    ");
}

#[test]
fn clips_of_an_archive_form_sequences() {
    let folder = tempfile::tempdir().unwrap();
    // Four sequences of two frames, one after another; each frame is a clip of its own.
    let frames = videos(ArrayAxes::SequenceFirst, 2, 4);
    let singles = frames.iter().flat_map(|&pixel| (f32::from(pixel) / 255.0).to_le_bytes());
    let clips = [[0, 1], [2, 1], [4, 1], [6, 1], [1, 1], [3, 1], [5, 1], [7, 1]];
    let clips = clips.iter().flatten().flat_map(|number: &i32| number.to_le_bytes());
    let members = [
        ("clips", npy_file("<i4", "(2, 4, 2)", &clips.collect::<Vec<_>>())),
        ("dims", npy_file("<i4", "(1, 3)", &[0; 12])),
        ("input_raw_data", npy_file("<f4", "(8, 1, 8, 8)", &singles.collect::<Vec<_>>())),
    ];
    write_npz(&folder.path().join("train.npz"), &members);
    let pack = open_array(folder.path(), "train.npz", None, None).unwrap();
    check_videos(&pack, 2, [2, 1, 1]);
    assert!(facts(&pack)[0].ends_with("read as frames of 4 sequences, as `clips` lists them"));
}
