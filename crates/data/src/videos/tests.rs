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

fn scaled(file: &[u8], container: Container) -> Result<Vec<u8>, VideoFormatError> {
    decode(file, container, 4).map(|(pixels, _)| pixels)
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
        self.read_with(None, &mut Findings::default())
    }

    fn read_with(
        &self,
        names: Option<&str>,
        findings: &mut Findings,
    ) -> Result<VideoSet, VideoError> {
        self.read_as(VideoTiming::Frames, names, findings)
    }

    fn read_as(
        &self,
        timing: VideoTiming,
        names: Option<&str>,
        findings: &mut Findings,
    ) -> Result<VideoSet, VideoError> {
        let names = names.map(|text| NamePattern::try_from(text.to_owned()).unwrap());
        let (side, shortest) = (Count::literal(4), Count::literal(2));
        let names = names.as_ref();
        let settings = VideoSettings { side, shortest, names, timing };
        read(self.0.path(), settings, findings)
    }
}

#[test]
fn frames_of_the_first_video_stream_are_read_and_an_empty_one_repeats() {
    let scaled = scaled(&avi(*b"MJPG", &[IMAGE, b"", IMAGE]), Container::Avi).unwrap();
    assert_eq!(scaled.len(), 3 * 4 * 4 * 3);
    assert_eq!(scaled[..48], scaled[48..96]);
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
    refused(&avi(*b"DIVX", &[IMAGE]), "its frames are coded as MPEG-4 Part 2 (`DIVX`)");
    refused(&avi(*b"ABCD", &[IMAGE]), "its frames are coded as `ABCD`");
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

/// Returns an AVI file with one uncompressed frame of 3×2 pixels.
fn raw_avi(height: i32, bits: u16, frame: &[u8]) -> Vec<u8> {
    let mut file = avi([0; 4], &[frame]);
    let format = file.windows(4).rposition(|window| window == b"strf").unwrap() + 8;
    file[format + 4..format + 8].copy_from_slice(&3_i32.to_le_bytes());
    file[format + 8..format + 12].copy_from_slice(&height.to_le_bytes());
    file[format + 14..format + 16].copy_from_slice(&bits.to_le_bytes());
    file
}

fn raw_pixels(height: i32, bits: u16, frame: &[u8]) -> Result<Vec<u8>, AviError> {
    let mut pixels = Vec::new();
    avi::read(&raw_avi(height, bits, frame), |image| {
        assert_eq!((image.height, image.width), (2, 3));
        pixels = image.pixels;
        Ok(())
    })
    .map(|_: AviStream| pixels)
}

#[test]
fn uncompressed_frames_are_read_in_both_orders_of_rows() {
    let pixel = |value: u8| [value + 2, value + 1, value];
    let row = |values: [u8; 3]| [values.map(pixel).concat(), vec![0; 3]].concat();
    let (low, high) = (row([10, 20, 30]), row([40, 50, 60]));
    let rgb = |values: [u8; 6]| values.map(|value| [value, value + 1, value + 2]).concat();
    let top_down = [high.clone(), low.clone()].concat();
    assert_eq!(raw_pixels(2, 24, &[low, high].concat()), Ok(rgb([40, 50, 60, 10, 20, 30])));
    assert_eq!(raw_pixels(-2, 24, &top_down), Ok(rgb([40, 50, 60, 10, 20, 30])));
    let wide: Vec<u8> =
        [10, 20, 30, 40, 50, 60].into_iter().flat_map(|v| [v + 2, v + 1, v, 0]).collect();
    assert_eq!(raw_pixels(-2, 32, &wide), Ok(rgb([10, 20, 30, 40, 50, 60])));
    let message =
        |height, bits, frame: &[u8]| raw_pixels(height, bits, frame).unwrap_err().to_string();
    assert!(message(2, 24, &top_down[1..]).contains("has 23 bytes, expected 24"));
    assert_eq!(
        message(2, 8, b"x"),
        "its uncompressed frames have 8 bits per pixel, expected 24 or 32"
    );
    assert!(message(i32::MIN, 24, b"x").contains("the limit is"));
}

#[test]
fn frames_shown_for_different_times_are_warned_about_or_repeated() {
    let frame =
        |colour, delay| Frame { delay, ..Frame::from_indexed_pixels(4, 4, [colour; 16], None) };
    let file = gif(4, &[frame(1, 8), frame(2, 4), frame(1, 12)]);
    let root = Root::new();
    root.file("walk/a.gif", &file);
    let mut findings = Findings::default();
    let videos = root.read_with(None, &mut findings).unwrap();
    assert_eq!(videos.videos[0].frames, 3);
    assert!(findings.warnings()[0].contains("shown for different times"));
    let expanded = root.read_as(VideoTiming::Expand, None, &mut Findings::default()).unwrap();
    let expanded = &expanded.videos[0];
    let red: Vec<u8> = expanded.pixels.iter().copied().step_by(48).collect();
    assert_eq!((expanded.frames, red), (6, vec![255, 255, 0, 255, 255, 255]));
}

#[test]
fn videos_in_other_containers_are_named_with_their_codec() {
    let root = Root::new();
    root.file("a_walk.mp4", b"....ftypisom....avc1....").file("b_walk.mp4", b"x");
    let error = root.read().expect_err("nothing can be read");
    assert!(error.to_string().ends_with("its 2 videos are `.mp4` files with H.264"), "{error}");
    root.file("c_walk.MOV", b"x");
    let mixed = root.read().expect_err("nothing can be read").to_string();
    assert!(mixed.ends_with("its 3 videos are `.mov`, `.mp4` files with H.264"), "{mixed}");
    assert!(error.hint().unwrap().starts_with("convert each without loss"));
}

#[test]
fn a_frame_without_huffman_tables_uses_the_standard_ones() {
    // The fixture has the standard tables, as most cameras and programs write them.
    let mut bare = IMAGE[..2].to_vec();
    let mut at = 2;
    while IMAGE[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([IMAGE[at + 2], IMAGE[at + 3]]));
        if IMAGE[at + 1] != 0xc4 {
            bare.extend_from_slice(&IMAGE[at..at + 2 + length]);
        }
        at += 2 + length;
    }
    bare.extend_from_slice(&IMAGE[at..]);
    assert!(bare.len() < IMAGE.len());
    let pixels = |image: &[u8]| scaled(&avi(*b"MJPG", &[image]), Container::Avi).unwrap();
    assert_eq!(pixels(&bare), pixels(IMAGE));
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
    let at = |frame: usize, x: usize| scaled[frame * 48 + x * 3..][..3].to_vec();
    let (black, red, blue) = (vec![0, 0, 0], vec![255, 0, 0], vec![0, 0, 255]);
    assert_eq!(scaled.len(), 4 * 48);
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
    let mut findings = Findings::default();
    let videos = root.read_with(None, &mut findings).unwrap();
    let names: Vec<_> = videos.videos.iter().map(|video| video.name.as_str()).collect();
    assert_eq!(
        (names, videos.categories),
        (vec!["jump/b", "walk/anna_walk"], vec!["jump".into(), "walk".into()])
    );
    assert_eq!(videos.videos[1].person, "anna");
    let warnings = findings.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
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
        names: None,
        timing: VideoTiming::Frames,
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
fn people(pack: &data::Pack) -> BTreeMap<String, BTreeSet<Split>> {
    let mut found = BTreeMap::<String, BTreeSet<Split>>::new();
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
