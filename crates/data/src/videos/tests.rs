use ::gif::{DisposalMethod, Encoder, Frame, Repeat};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{self as data, Required, Split};
use reprise_base::config::data::Dataset;

/// An image of 37×29 pixels, and one of 5×3.
const IMAGE: &[u8] =
    include_bytes!("../../../../tests/fixtures/jpeg/37x29_420_baseline_pattern.jpg");
const SMALL: &[u8] = include_bytes!("../../../../tests/fixtures/jpeg/5x3_420_baseline_noise.jpg");

/// Four different images.
const IMAGES: [&[u8]; 4] = [
    IMAGE,
    SMALL,
    include_bytes!("../../../../tests/fixtures/jpeg/37x29_rgb.jpg"),
    include_bytes!("../../../../tests/fixtures/jpeg/37x29_444_progressive_smooth.jpg"),
];

fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes =
        [name.as_slice(), &u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn list(name: [u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(*b"LIST", &[name.as_slice(), &chunks.concat()].concat())
}

/// Returns an AVI file with an audio stream and a video stream of this compression and these frames.
fn avi(compression: [u8; 4], frames: &[&[u8]]) -> Vec<u8> {
    let stream = |kind: &[u8; 4], format: &[u8]| {
        let mut header = kind.to_vec();
        header.resize(56, 0);
        list(*b"strl", &[chunk(*b"strh", &header), chunk(*b"strf", format)])
    };
    let mut format = vec![0; 40];
    format[16..20].copy_from_slice(&compression);
    let header = list(
        *b"hdrl",
        &[chunk(*b"avih", &[0; 56]), stream(b"auds", &[0; 18]), stream(b"vids", &format)],
    );
    let mut movie = vec![chunk(*b"01wb", b"sound"), chunk(*b"JUNK", b"x")];
    movie.extend(frames.iter().map(|frame| chunk(*b"01dc", frame)));
    let body = [b"AVI ".to_vec(), header, list(*b"movi", &movie), chunk(*b"idx1", &[0; 16])];
    chunk(*b"RIFF", &body.concat())
}

fn gif(side: u16, frames: &[Frame<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette = [0, 0, 0, 255, 0, 0, 0, 0, 255];
    let mut encoder = Encoder::new(&mut bytes, side, side, &palette).unwrap();
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for frame in frames {
        encoder.write_frame(frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn scaled(file: &[u8], container: Container) -> Result<ScaledFrames, VideoFormatError> {
    decode(file, container, 4)
}

/// Checks that a file is refused with this message.
#[track_caller]
fn check_refused(file: &[u8], container: Container, words: &str) {
    let error = scaled(file, container).map(|_| ()).expect_err("it is refused");
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let text = format!("{error}: {cause}");
    assert!(text.contains(words), "`{text}` does not say `{words}`");
}

/// A folder of videos that a test fills.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(&path, bytes).unwrap();
        self
    }

    fn read(&self) -> Result<VideoSet, VideoError> {
        read(self.0.path(), Count::literal(4), Count::literal(2))
    }
}

#[test]
fn frames_of_the_first_video_stream_are_read_and_an_empty_one_repeats() {
    let scaled = scaled(&avi(*b"MJPG", &[IMAGE, b"", IMAGE]), Container::Avi).unwrap();
    assert_eq!((scaled.frames, scaled.pixels.len()), (3, 3 * 4 * 4 * 3));
    assert_eq!(scaled.pixels[..48], scaled.pixels[48..96]);
}

#[test]
fn a_broken_avi_file_is_refused_at_its_byte() {
    let whole = avi(*b"MJPG", &[IMAGE]);
    let refused = |file: &[u8], words: &str| check_refused(file, Container::Avi, words);
    refused(b"", "no AVI signature at the start");
    refused(b"RIFF\x04\0\0\0WAVE", "no AVI signature at the start");
    refused(IMAGE, "no AVI signature at the start");
    refused(&whole[..whole.len() - 40], "chunk `RIFF` at byte 0 states");
    refused(&[whole.as_slice(), &whole].concat(), "OpenDML");
    refused(&avi(*b"DIVX", &[IMAGE]), "its video stream is `DIVX`");
    refused(&avi(*b"MJPG", &[]), "it has no frames");
    refused(&avi(*b"MJPG", &[b"", IMAGE]), "frame 0 (chunk at byte");
    refused(&avi(*b"MJPG", &[IMAGE, &IMAGE[..200]]), "frame 1 (chunk at byte");
    refused(
        &avi(*b"MJPG", &[IMAGE, SMALL]),
        "frame 1 has 5x3 pixels, but the frames before it have 37x29",
    );
    refused(&chunk(*b"RIFF", b"AVI LIST\x04\0\0\0movi"), "it has no video stream");
    let huge = chunk(*b"RIFF", b"AVI LIST\xff\xff\xff\xffmovi");
    refused(&huge, "chunk `LIST` at byte 12 states 4294967295 bytes, but 4 are left");
    refused(&chunk(*b"RIFF", b"AVI abc"), "incomplete chunk at byte 12");
    let deep = (0..9).fold(list(*b"rec ", &[]), |inner, _| list(*b"rec ", &[inner]));
    refused(&chunk(*b"RIFF", &[b"AVI ".as_slice(), &deep].concat()), "nested too deeply");
}

#[test]
fn a_frame_of_a_gif_is_drawn_over_the_last_one() {
    let full =
        |colour, dispose| Frame { dispose, ..Frame::from_indexed_pixels(4, 4, [colour; 16], None) };
    let corner = |dispose| {
        let frame = Frame::from_indexed_pixels(2, 2, [2, 0, 0, 2], Some(0));
        Frame { dispose, ..frame }
    };
    let frames = [
        full(1, DisposalMethod::Keep),
        corner(DisposalMethod::Previous),
        corner(DisposalMethod::Background),
        corner(DisposalMethod::Keep),
    ];
    let scaled = scaled(&gif(4, &frames), Container::Gif).unwrap();
    let at = |frame: usize, x: usize| scaled.pixels[frame * 48 + x * 3..][..3].to_vec();
    let (black, red, blue) = (vec![0, 0, 0], vec![255, 0, 0], vec![0, 0, 255]);
    assert_eq!(scaled.frames, 4);
    assert_eq!(
        [at(0, 0), at(1, 0), at(1, 1), at(1, 3)],
        [red.clone(), blue.clone(), red.clone(), red.clone()]
    );
    // The second frame is undone before the third, which clears its own corner afterwards.
    assert_eq!([at(2, 1), at(3, 0), at(3, 1), at(3, 3)], [red.clone(), blue, black, red]);
}

#[test]
fn a_broken_gif_is_refused() {
    let whole = gif(4, &[Frame::from_indexed_pixels(4, 4, [1; 16], None)]);
    let refused = |file: &[u8], words: &str| check_refused(file, Container::Gif, words);
    refused(b"", "not a valid GIF");
    refused(IMAGE, "not a valid GIF");
    refused(&whole[..whole.len() - 6], "frame 0 is damaged");
    refused(&gif(4, &[]), "it has no frames");
    let mut absurd = whole.clone();
    absurd[6..10].fill(0xff);
    refused(&absurd, "65535x65535 pixels");
    let mut outside = whole;
    let frame = outside.iter().rposition(|&byte| byte == 0x2c).unwrap();
    outside[frame + 1] = 9;
    refused(&outside, "frame 0 is damaged");
}

#[test]
fn a_category_comes_from_the_folder_or_the_name_and_a_video_is_read_once() {
    let (avi, gif) = (
        avi(*b"MJPG", &[IMAGE; 2]),
        gif(4, &[1, 2].map(|colour| Frame::from_indexed_pixels(4, 4, [colour; 16], None))),
    );
    let root = Root::new();
    root.file("anna_walk.avi", &avi).file("anna_walk.gif", &gif).file("jump/b.GIF", &gif);
    root.file("notes.txt", b"x");
    let videos = root.read().unwrap();
    let names: Vec<_> = videos.videos.iter().map(|video| video.name.as_str()).collect();
    assert_eq!(
        (names, videos.categories),
        (vec!["jump/b", "walk/anna_walk"], vec!["jump".into(), "walk".into()])
    );
    assert_eq!(videos.videos[1].person(), "anna");
    assert_eq!(videos.warnings.len(), 2, "{:?}", videos.warnings);
}

#[test]
fn a_file_without_a_category_and_a_broken_one_are_refused_by_name() {
    let check = |name: &str, bytes: &[u8], words: &str| {
        let root = Root::new();
        let error = root.file(name, bytes).read().expect_err("it is refused").to_string();
        assert!(error.contains(name) && error.contains(words), "{error}");
    };
    check("walk.avi", &avi(*b"MJPG", &[IMAGE; 2]), "no underscore");
    check("anna_walk.avi", IMAGE, "failed to decode video");
    let error = Root::new().read().expect_err("nothing is there").to_string();
    assert!(error.contains("failed to find a video"), "{error}");
}

#[test]
fn a_pack_of_videos_has_no_person_in_two_splits_and_is_made_once() {
    let root = Root::new();
    for (person, image) in ["anna", "boris", "clara", "dario"].into_iter().zip(IMAGES) {
        root.file(&format!("{person}_walk.avi"), &avi(*b"MJPG", &[image; 2]));
        root.file(&format!("{person}_run.avi"), &avi(*b"MJPG", &[image, b"", b""]));
    }
    let cache = tempfile::tempdir().unwrap();
    let dataset = Dataset::Videos {
        root: root.0.path().to_owned(),
        side: Count::literal(8),
        shortest: Count::literal(2),
    };
    let open = || {
        let mut decoded = 0;
        let mut watch =
            |progress| decoded += u32::from(matches!(progress, data::Progress::Decoding { .. }));
        let pack = data::open(&dataset, Required::AllSplits, cache.path(), &mut watch);
        (pack.map(|pack| (people(&pack), pack.frame_shape(), pack.frames())), decoded)
    };
    let (pack, decoded) = open();
    let (people, shape, frames) = pack.expect("the videos are valid");
    assert_eq!((decoded, shape, frames), (8, [8, 8, 3], 2));
    for (person, splits) in people {
        assert_eq!(splits.len(), 1, "{person} is in {splits:?}");
    }
    assert_eq!(open().1, 0, "the pack was kept");
    // The same folder with other content gives another pack.
    root.file("anna_walk.avi", &avi(*b"MJPG", &[IMAGE; 7]));
    assert_eq!(open().1, 8);
}

/// Returns the splits of each person.
fn people(pack: &data::Pack) -> std::collections::BTreeMap<String, BTreeSet<Split>> {
    let mut found = std::collections::BTreeMap::<String, BTreeSet<Split>>::new();
    for split in Split::ALL {
        for index in 0..pack.sequences(split) {
            let (_, video) = pack.sequence_name(split, index).split_once('/').unwrap();
            let (person, _) = video.split_once('_').unwrap();
            found.entry(person.to_owned()).or_default().insert(split);
        }
    }
    found
}

proptest! {
    #[test]
    fn damaged_files_never_panic(at in 0_usize..3000, byte: u8, cut in 0_usize..3000) {
        let (avi, gif) = (
            avi(*b"MJPG", &[SMALL, SMALL]),
            gif(4, &[Frame::from_indexed_pixels(4, 4, [1; 16], None)]),
        );
        for (mut file, container) in [(avi, Container::Avi), (gif, Container::Gif)] {
            let length = file.len();
            file[at % length] = byte;
            file.truncate(length - cut % length.min(64));
            drop(scaled(&file, container));
        }
    }
}
