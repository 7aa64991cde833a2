//! Data roots, packs and caches together, on small folders made here.

use std::{error::Error, fmt::Write as _, path::PathBuf};

use super::*;
use reprise_base::{
    config::data::{Dataset, Overlap},
    fs,
};

const FRAMES: u8 = 3;

/// A data root and a cache in a temporary folder.
struct Folder(tempfile::TempDir);

impl Folder {
    /// Makes a root with these sequences; `content` decides pixels and numbers.
    fn with(sequences: &[(&str, u8)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        for (sequence, content) in sequences {
            folder.add(sequence, *content);
        }
        folder
    }

    /// Makes a root with one sequence per split.
    fn with_all_splits() -> Self {
        Self::with(&[("train/a_0/1", 1), ("validate/a_0/1", 2), ("test/a_0/1", 3)])
    }

    fn add(&self, sequence: &str, content: u8) {
        fs::create_dir_all(&self.file(sequence)).unwrap();
        for frame in 0..FRAMES {
            self.write(&format!("{sequence}/{frame}.png"), &png(content + 10 * frame));
        }
        for (table, columns) in [("actions", 4), ("endeffector_positions", 3)] {
            let mut text = String::new();
            for row in 0..FRAMES {
                let cells: Vec<_> =
                    (0..columns).map(|column| format!("{content}.{row}{column}")).collect();
                writeln!(text, "{}", cells.join(",")).unwrap();
            }
            self.write(&format!("{sequence}/{table}.csv"), text.as_bytes());
        }
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn file(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        fs::write_atomic(&self.file(path), bytes).unwrap();
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn dataset(&self) -> Dataset {
        Dataset::bair(self.root())
    }

    /// Opens the root; returns the pack and how many sequences were decoded for it.
    fn open(&self) -> Result<(Pack, u64), DataError> {
        let mut decoded = 0;
        let pack = open(&self.dataset(), Required::AllSplits, &self.cache(), &mut |progress| {
            if let Progress::Decoding { done, .. } = progress {
                decoded = done;
            }
        })?;
        Ok((pack, decoded))
    }

    /// Returns the pack files of the cache.
    fn packs(&self) -> Vec<PathBuf> {
        fs::create_dir_all(&self.cache()).unwrap();
        let folders = fs::read_dir_sorted(&self.cache()).unwrap();
        let packs = folders.into_iter().map(|folder| folder.path.join(cache::PACK_FILE));
        packs.filter(|pack| fs::kind(pack).unwrap().is_some()).collect()
    }

    fn pack_file(&self) -> PathBuf {
        let packs = self.packs();
        assert_eq!(packs.len(), 1, "the cache holds one pack");
        packs[0].clone()
    }

    #[track_caller]
    fn check_refused(&self, message: &str) {
        let error = self.open().expect_err("the root is refused");
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        let text = format!("{error}: {cause}").replace(&self.root().display().to_string(), "ROOT");
        assert!(text.contains(message), "`{text}` does not contain `{message}`");
        assert!(self.packs().is_empty(), "no pack is written");
    }

    /// Opens the root, changes something, opens it again: the pack must be made again for this reason.
    #[track_caller]
    fn check_made_again(&self, change: impl FnOnce(&Self), why: &str) {
        let before = self.open().unwrap().0;
        change(self);
        let (pack, decoded) = self.open().unwrap();
        assert!(decoded > 0, "the pack is made again");
        let text = pack.warnings().last().expect("a warning says why");
        let text = text.replace(&self.0.path().display().to_string(), "DIR");
        assert!(text.contains(why), "`{text}` does not contain `{why}`");
        drop(before);
        assert_eq!(self.open().unwrap().1, 0, "the new pack is used");
    }
}

fn png(level: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 2, 2);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[level; 12]).unwrap();
    file
}

#[test]
fn a_sequence_comes_back_as_it_was_written() {
    let (pack, _) = Folder::with_all_splits().open().unwrap();
    let sequence = pack.sequence(Split::Validate, 0);
    assert_eq!(sequence.frames, [[2; 12], [12; 12], [22; 12]].concat());
    assert_eq!(sequence.actions[4..8], [2.10, 2.11, 2.12, 2.13]);
    assert_eq!(sequence.positions[6..], [2.20, 2.21, 2.22]);
    assert_eq!((pack.frame_shape(), pack.frames(), pack.condition_size()), ([2, 2, 3], 3, 7));
    assert_eq!((pack.name(), pack.source_files()), ("bair", 15));
}

#[test]
fn folders_are_in_natural_order() {
    let sequences = ["a_10/1", "a_9/10", "a_9/2", "a_9/1"].map(|name| format!("train/{name}"));
    let folder = Folder::with(&[("validate/a/1", 9), ("test/a/1", 8)]);
    for (content, sequence) in (0..).zip(&sequences) {
        folder.add(sequence, content);
    }
    let (pack, _) = folder.open().unwrap();
    let names: Vec<_> = (0..4).map(|index| pack.sequence_name(Split::Train, index)).collect();
    assert_eq!(names, ["a_9/1", "a_9/2", "a_9/10", "a_10/1"]);
    assert_eq!(pack.sequence(Split::Train, 3).frames[0], 0);
}

#[test]
fn the_second_use_decodes_nothing() {
    let folder = Folder::with_all_splits();
    let (first, decoded) = folder.open().unwrap();
    assert_eq!(decoded, 3);
    let (second, decoded) = folder.open().unwrap();
    assert_eq!((decoded, second.warnings()), (0, &[][..]));
    assert_eq!(first.payload_sha256(), second.payload_sha256());
}

#[test]
fn equal_folders_in_different_places_have_equal_digests() {
    let [a, b] = [Folder::with_all_splits(), Folder::with_all_splits()]
        .map(|folder| folder.open().unwrap().0);
    assert_eq!(a.payload_sha256(), b.payload_sha256());
    assert_eq!(a.sources_sha256(), b.sources_sha256());
}

#[test]
fn a_changed_source_of_equal_length_is_detected() {
    let rewrite = |folder: &Folder| {
        let path = folder.file("train/a_0/1/actions.csv");
        let text = fs::read_text(&path, 1000).unwrap().replace("1.23", "9.23");
        folder.write("train/a_0/1/actions.csv", text.as_bytes());
    };
    let folder = Folder::with_all_splits();
    let digest = folder.open().unwrap().0.payload_sha256().to_owned();
    folder.check_made_again(rewrite, "`DIR/root/train/a_0/1/actions.csv` changed");
    assert_ne!(folder.open().unwrap().0.payload_sha256(), digest);
}

#[test]
fn a_source_that_is_rewritten_with_the_same_bytes_is_unchanged() {
    let folder = Folder::with_all_splits();
    folder.open().unwrap();
    folder.write("test/a_0/1/2.png", &png(23));
    assert_eq!(folder.open().unwrap().1, 0);
}

#[test]
fn an_added_sequence_is_detected() {
    Folder::with_all_splits()
        .check_made_again(|f| f.add("train/a_0/2", 7), "`DIR/root/train/a_0/2` was added");
}

#[test]
fn a_missing_sequence_is_detected() {
    let folder = Folder::with_all_splits();
    folder.add("train/a_0/2", 7);
    let away = |f: &Folder| {
        fs::rename(&f.file("train/a_0/2"), &f.0.path().join("elsewhere")).unwrap();
    };
    folder.check_made_again(away, "`DIR/root/train/a_0/2` is missing");
}

#[test]
fn a_source_file_that_disappears_is_named() {
    let folder = Folder::with_all_splits();
    folder.open().unwrap();
    fs::rename(&folder.file("test/a_0/1/1.png"), &folder.0.path().join("away")).unwrap();
    let error = folder.open().expect_err("a frame is missing").to_string();
    assert!(error.contains("failed to find frame 1 of") && error.contains("test/a_0/1"), "{error}");
}

#[test]
fn a_pack_that_is_damaged_anywhere_is_made_again() {
    let folder = Folder::with_all_splits();
    folder.open().unwrap();
    let path = folder.pack_file();
    let good = fs::read(&path, 1 << 20).unwrap();
    for at in (0..good.len()).filter(|at| at % 61 == 0 || at + 64 > good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write_atomic(&path, &bad).unwrap();
        let (pack, decoded) = folder.open().unwrap();
        assert_eq!(decoded, 3, "damage at byte {at} is detected");
        assert!(pack.warnings()[0].contains("failed to use pack"), "{:?}", pack.warnings());
        assert_eq!(fs::read(&path, 1 << 20).unwrap(), good, "the pack is as before");
    }
}

#[test]
fn a_pack_that_is_truncated_anywhere_is_made_again() {
    let folder = Folder::with_all_splits();
    folder.open().unwrap();
    let path = folder.pack_file();
    let good = fs::read(&path, 1 << 20).unwrap();
    for length in (0..good.len()).step_by(97) {
        fs::write_atomic(&path, &good[..length]).unwrap();
        assert_eq!(folder.open().unwrap().1, 3, "truncated to {length} bytes");
    }
}

#[test]
fn a_missing_split_is_refused_unless_the_caller_allows_it() {
    let folder = Folder::with(&[("train/a/1", 1), ("test/a/1", 2)]);
    folder.check_refused("failed to find the split `validate` in `ROOT`");
    let pack = open(&folder.dataset(), Required::Only(Split::Train), &folder.cache(), &mut |_| {})
        .unwrap();
    assert_eq!(Split::ALL.map(|split| pack.sequences(split)), [1, 0, 1]);
    assert!(pack.warnings()[0].contains("no split `validate`"), "{:?}", pack.warnings());
    let folder = Folder::with(&[("validate/a/1", 1)]);
    let error = open(&folder.dataset(), Required::Only(Split::Train), &folder.cache(), &mut |_| {});
    let Err(DataError::Bair(BairError::SplitMissing { split, .. })) = error else {
        panic!("{error:?}")
    };
    assert_eq!(split, Split::Train);
}

#[test]
fn the_test_split_alone_is_enough_to_be_scored_on() {
    let folder = Folder::with(&[("test/a/1", 2)]);
    let pack = open(&folder.dataset(), Required::Only(Split::Test), &folder.cache(), &mut |_| {});
    assert_eq!(Split::ALL.map(|split| pack.as_ref().unwrap().sequences(split)), [0, 0, 1]);
    let error = open(&folder.dataset(), Required::Only(Split::Train), &folder.cache(), &mut |_| {});
    assert!(error.unwrap_err().to_string().contains("failed to find the split `train`"));
}

#[test]
fn a_sequence_of_another_length_is_refused() {
    let folder = Folder::with_all_splits();
    folder.write("test/a_0/1/3.png", &png(1));
    folder.check_refused("`ROOT/test/a_0/1`: it has 4 frames, but the sequences before it have 3");
}

#[test]
fn frames_are_numbered_without_a_gap_and_without_a_repetition() {
    let folder = Folder::with_all_splits();
    folder.write("test/a_0/1/02.png", &png(1));
    folder.check_refused(
        "`ROOT/test/a_0/1/02.png` and `ROOT/test/a_0/1/2.png`: both are the same frame",
    );
    let folder = Folder::with_all_splits();
    folder.write("test/a_0/1/4.png", &png(1));
    folder.check_refused("failed to find frame 3 of `ROOT/test/a_0/1`");
    let folder = Folder::with_all_splits();
    folder.write("test/a_0/1/-3.png", &png(1));
    folder.check_refused("`ROOT/test/a_0/1/-3.png`: the name is not a plain decimal number");
}

/// Renames every frame of every sequence; nothing else changes.
fn renamed(name: impl Fn(u8) -> String) -> Folder {
    let folder = Folder::with_all_splits();
    for sequence in ["train/a_0/1", "validate/a_0/1", "test/a_0/1"] {
        let path = folder.root().join(sequence);
        for frame in (0..FRAMES).rev() {
            let file = |name: &str| path.join(name);
            let bytes = fs::read(&file(&format!("{frame}.png")), 1 << 20).unwrap();
            std::fs::remove_file(file(&format!("{frame}.png"))).unwrap();
            fs::write_atomic(&file(&name(frame)), &bytes).unwrap();
        }
    }
    folder
}

#[test]
fn frames_keep_their_order_under_other_names() {
    let digest = |folder: &Folder| folder.open().unwrap().0.payload_sha256().to_owned();
    let plain = digest(&Folder::with_all_splits());
    for name in [
        |frame| format!("{frame:04}.PNG"),
        |frame| format!("{}.png", frame + 1),
        |frame| format!("{:03}.jpg", frame + 1), // a PNG file all the same
    ] {
        assert_eq!(digest(&renamed(name)), plain, "{}", name(0));
    }
    let from_one = renamed(|frame| format!("{}.png", frame + 1)).open().unwrap().0;
    let facts: Vec<_> = from_one.summary().facts.into_iter().map(|fact| fact.text).collect();
    assert!(facts.contains(&"from 1".to_owned()), "{facts:?}");
}

#[test]
fn sequences_may_lie_one_folder_below_a_split_named_val_and_have_no_tables() {
    let folder = Folder::with_all_splits();
    let root = folder.root().join("other");
    for (split, name) in [("train", "train"), ("validate", "val"), ("test", "test")] {
        for frame in 0..FRAMES {
            let file = format!("{frame}.png");
            let from = folder.root().join(split).join("a_0/1").join(&file);
            let to = root.join(name).join("example_0").join(&file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write_atomic(&to, &fs::read(&from, 1 << 20).unwrap()).unwrap();
        }
    }
    let cache = folder.root().join("cache");
    let pack = open(&Dataset::bair(root), Required::AllSplits, &cache, &mut |_| {}).unwrap();
    let (with_tables, _) = folder.open().unwrap();
    let frames = |pack: &Pack| pack.sequence(Split::Train, 0).frames.to_vec();
    assert_eq!(frames(&pack), frames(&with_tables));
    assert_eq!((pack.sequence_name(Split::Validate, 0), pack.condition_size()), ("example_0", 0));
}

#[test]
fn a_sequence_in_two_splits_is_refused_unless_it_is_allowed() {
    let folder = Folder::with(&[("train/a/1", 1), ("validate/a/1", 2), ("test/b/7", 1)]);
    for _ in ["made", "loaded"] {
        let (pack, _) = folder.open().unwrap();
        assert_eq!(pack.overlap(), ["`train/a/1` and `test/b/7`"]);
        let message = check_overlap(&pack, Overlap::Refuse).unwrap_err().to_string();
        assert!(message.contains("`train/a/1` and `test/b/7`"), "{message}");
        check_overlap(&pack, Overlap::Allow).unwrap();
    }
}

#[test]
fn equal_sequences_in_one_split_are_a_warning() {
    let folder = Folder::with_all_splits();
    folder.add("train/b/1", 1);
    folder.add("train/b/2", 1);
    let (pack, _) = folder.open().unwrap();
    let named = "`train/a_0/1` and `train/b/1`, `train/a_0/1` and `train/b/2`";
    assert_eq!(pack.warnings(), [format!("2 sequences repeated in the same split: {named}")]);
    assert!(pack.overlap().is_empty());
}

#[test]
fn a_summary_tells_splits_frames_and_values() {
    let folder = Folder::with_all_splits();
    folder.add("train/b/1", 7);
    let (pack, _) = folder.open().unwrap();
    let lines = pack.summary().lines();
    let lines: Vec<_> = lines.iter().map(|Fact { subject, text }| [&subject[..], text]).collect();
    assert_eq!(
        lines,
        [
            ["train", "2 sequences of 3 frames"],
            ["validate", "1 sequence of 3 frames"],
            ["test", "1 sequence of 3 frames"],
            ["frames", "2x2 RGB, values 1 to 27"],
            ["image files", "12 RGB PNG"],
        ]
    );
}

#[test]
fn frames_without_content_are_refused_and_nearly_constant_ones_a_warning() {
    let folder = Folder::with_all_splits();
    let fill = |value: u8| {
        for sequence in ["train/a_0/1", "validate/a_0/1", "test/a_0/1"] {
            for frame in 0..FRAMES {
                folder.write(&format!("{sequence}/{frame}.png"), &png(value));
            }
        }
    };
    fill(0);
    let message = folder.open().unwrap_err().to_string();
    assert!(message.contains("all pixels of all frames are 0"), "{message}");
    fill(0);
    folder.write("train/a_0/1/0.png", &png(1));
    let warnings = folder.open().unwrap().0.warnings().join("\n");
    assert!(warnings.contains("frames have only values from 0 to 1"), "{warnings}");
    assert!(
        warnings.contains("2 sequences with a single value in all pixels, first `validate/a_0/1`"),
        "{warnings}"
    );
}

#[test]
fn files_outside_the_layout_are_skipped_with_a_warning_and_hidden_ones_without() {
    let folder = Folder::with_all_splits();
    folder.write("train/notes.txt", b"");
    folder.write("train/.DS_Store", b"");
    folder.write("train/a_0/1/Thumbs.db", b"");
    let (pack, _) = folder.open().unwrap();
    assert_eq!(pack.warnings().len(), 2, "{:?}", pack.warnings());
}

#[test]
fn check_lists_all_errors() {
    let folder = Folder::with_all_splits();
    folder.write("train/a_0/1/1.png", b"");
    folder.write("train/a_0/1/actions.csv", b"1,2,3,4\n");
    folder.write("test/a_0/1/1.png", b"");
    let checked = check(&folder.dataset(), Required::AllSplits, &folder.cache(), &mut |_| {});
    assert_eq!((checked.findings.error_count(), checked.summary), (3, None));
    let root = folder.root().display().to_string();
    let errors = checked.findings.errors().iter();
    let messages: Vec<_> = errors.map(|error| error.to_string().replace(&root, "ROOT")).collect();
    assert_eq!(
        messages,
        [
            "failed to decode frame `ROOT/train/a_0/1/1.png`",
            "failed to read table `ROOT/train/a_0/1/actions.csv`",
            "failed to decode frame `ROOT/test/a_0/1/1.png`",
        ]
    );
}

#[test]
fn files_of_a_killed_process_are_removed() {
    let folder = Folder::with_all_splits();
    folder.open().unwrap();
    let pack = folder.pack_file();
    let left = pack.with_file_name(".unfinished-x1");
    fs::write_atomic(&left, b"part").unwrap();
    fs::write_atomic(&pack, b"").unwrap();
    assert_eq!(folder.open().unwrap().1, 3);
    assert_eq!(fs::kind(&left).unwrap(), None);
}

#[test]
fn concurrent_openers_decode_once() {
    let folder = Folder::with_all_splits();
    let decoded: u64 = std::thread::scope(|scope| {
        let openers = [0; 4].map(|_| scope.spawn(|| folder.open().unwrap().1));
        openers.into_iter().map(|opener| opener.join().unwrap()).sum()
    });
    assert_eq!(decoded, 3);
}

#[test]
fn a_published_pack_does_not_depend_on_its_folder_and_compresses() {
    let [plain, again, compressed] = ["plain.pack", "again.pack", "small.pack.zst"].map(|name| {
        let folder = Folder::with_all_splits();
        let out = folder.0.path().join(name);
        pack(&Dataset::bair(folder.root().clone()), &out, &mut |_| {}).unwrap();
        fs::read(&out, 1 << 20).unwrap()
    });
    assert_eq!(plain, again);
    assert_eq!(zstd::decode_all(&compressed[..]).unwrap(), plain);
}

#[test]
fn the_embedded_data_sets_have_their_known_digests() {
    for dataset in [Dataset::SawyerPush, Dataset::FacialKeypoints, Dataset::WeizmannLike] {
        let cache = tempfile::tempdir().unwrap();
        let checked = check(&dataset, Required::AllSplits, cache.path(), &mut |_| {});
        assert_eq!((checked.findings.error_count(), checked.findings.warning_count()), (0, 0));
        assert_eq!(checked.summary.unwrap().name, dataset.name());
    }
}

#[test]
fn the_embedded_data_set_opens_from_an_empty_cache_and_has_its_listed_sizes() {
    let cache = tempfile::tempdir().unwrap();
    let open = || open(&Dataset::SawyerPush, Required::AllSplits, cache.path(), &mut |_| {});
    let pack = open().unwrap();
    let sizes = list()[0].sizes.expect("an embedded data set has sizes");
    assert_eq!(Split::ALL.map(|split| pack.sequences(split) as u64), sizes.sequences);
    assert_eq!((pack.frame_shape(), pack.frames() as u64), (sizes.frame_shape, sizes.frames));
    assert_eq!(Dataset::SawyerPush.frames(), Some(sizes.frames));
    assert_eq!(pack.sequence_name(Split::Train, 9), "traj_0_to_127/10");
    assert!(pack.warnings().is_empty());
    assert_eq!(open().unwrap().payload_sha256(), pack.payload_sha256());
}

#[test]
fn the_list_has_every_data_set_that_a_sweep_file_can_name() {
    let error = serde_json::from_str::<Dataset>("\"none\"").unwrap_err().to_string();
    // unknown variant `none`, expected one of `sawyer_push`, `bair`, ...
    let mut expected: Vec<_> = error.split('`').skip(3).step_by(2).collect();
    let mut listed: Vec<_> = list().iter().map(|listed| listed.name).collect();
    expected.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, expected);
}

#[test]
fn a_data_set_has_its_name_in_sweep_files() {
    let texts = [
        r#"{"sawyer_push": null}"#,
        r#"{"bair": {"root": ""}}"#,
        r#"{"berkeley_tfrecord": {"root": "", "frames": 2}}"#,
        r#"{"google_push_tfrecord": {"root": "", "frames": 2}}"#,
        r#"{"npy": {"root": ""}}"#,
        r#"{"facial_keypoints": null}"#,
        r#"{"kaggle": {"root": ""}}"#,
        r#"{"moving_mnist": null}"#,
        r#"{"moving_mnist_drawn": {"frames": 2}}"#,
        r#"{"moving_mnist_idx": {"root": "", "sampling": "streams", "frames": 2,
                                 "sequences": {"train": 1, "validate": 1, "test": 1}}}"#,
        r#"{"mnist_test_seq": {"file": "", "sequences": {"train": 1, "validate": 1, "test": 1}}}"#,
        r#"{"weizmann_like": null}"#,
        r#"{"strips": {"root": "", "shortest": 2}}"#,
        r#"{"videos": {"root": "", "side": 8, "shortest": 2}}"#,
        r#"{"moving_square": {"sequences": 1, "frames": 2}}"#,
    ];
    assert_eq!(texts.len(), list().len());
    for text in texts {
        let dataset: Dataset = serde_json::from_str(text).unwrap();
        assert!(text.starts_with(&format!("{{\"{}\":", dataset.name())), "{}", dataset.name());
    }
}
