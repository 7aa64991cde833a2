use std::path::Path;

use png::{BitDepth, ColorType};
use tempfile::TempDir;

use super::*;
use crate::{
    Split,
    strips::split::{GroupShares, split},
};
use reprise_base::{
    config::data::{FrameResize, ResizeFilter},
    fs,
    scalar::Fraction,
};

/// A folder of strips that a test fills.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(&path, bytes).unwrap();
        self
    }

    fn strip(&self, name: &str, width: u32, height: u32) -> &Self {
        self.file(name, &encode(width, height, |x, y| [byte(x), byte(y), 90]))
    }

    fn read(&self, shortest: u32) -> Result<VideoSet, StripError> {
        self.read_with(shortest, None, &mut Findings::default())
    }

    fn read_with(
        &self,
        shortest: u32,
        scale: Option<Scale>,
        findings: &mut Findings,
    ) -> Result<VideoSet, StripError> {
        read(self.path(), Count::literal(shortest), scale, findings)
    }

    /// Checks that reading fails with these words and names the file.
    #[track_caller]
    fn check_refused(&self, file: &str, words: &str) {
        let error = self.read(2).expect_err("the folder is refused");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error}: {}", cause.unwrap_or_default());
        assert!(text.contains(file) && text.contains(words), "{text}");
    }
}

fn byte(n: u32) -> u8 {
    u8::try_from(n & 255).unwrap()
}

fn encode(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| colour(x, y))
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

/// A strip whose header claims another width than its pixels have.
fn with_claimed_width(width: u32) -> Vec<u8> {
    let mut file = encode(128, 64, |_, _| [0; 3]);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    let crc = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[test]
fn rows_and_columns_of_frames_are_cut_alike() {
    let root = Root::new();
    root.strip("walk/row.png", 12, 4).strip("walk/column.png", 4, 12);
    let videos = root.read(2).unwrap();
    assert_eq!((videos.side, videos.lengths()), (4, vec![3, 3]));
    let [column, row] = videos.videos.as_slice() else { panic!("there are two videos") };
    assert_eq!((row.name.as_str(), row.frame(2)[..3].to_vec()), ("walk/row", vec![8, 0, 90]));
    assert_eq!(column.frame(2)[..3], [0, 8, 90]);
    assert_eq!(row.frame(1)[4 * 3..][..3], [4, 1, 90]);
}

#[test]
fn categories_are_numbered_by_name_as_text() {
    let root = Root::new();
    root.strip("10/a.png", 8, 4).strip("9/b.png", 8, 4);
    let videos = root.read(2).unwrap();
    assert_eq!(videos.categories, ["10", "9"]);
    assert_eq!(videos.videos.iter().map(|video| video.category).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn short_strips_and_other_files_are_skipped_with_a_warning() {
    let root = Root::new();
    root.strip("walk/long.png", 16, 4).strip("walk/short.png", 8, 4).file("notes.txt", b"x");
    let mut findings = Findings::default();
    let videos = root.read_with(4, None, &mut findings).unwrap();
    let warnings = findings.warnings();
    assert_eq!((videos.videos.len(), warnings.len()), (1, 2), "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.ends_with("short.png` with 2")));
}

#[test]
fn a_strip_that_is_not_whole_frames_is_refused() {
    Root::new().strip("0/a.png", 2050, 64).check_refused("a.png", "2050x64");
}

#[test]
fn a_strip_of_one_frame_is_refused() {
    Root::new().strip("0/a.png", 64, 64).check_refused("a.png", "64x64 pixels are one frame");
}

#[test]
fn text_and_a_broken_jpeg_are_refused() {
    let text = "a file of an unknown kind, not a PNG or JPEG";
    Root::new().file("0/a.png", b"hello").check_refused("a.png", text);
    Root::new().file("0/a.jpg", b"\xff\xd8\xff").check_refused("a.jpg", "not an intact JPEG");
}

#[test]
fn a_header_beyond_the_limits_is_refused_before_anything_is_allocated() {
    let huge = with_claimed_width(64_000_000);
    Root::new().file("0/a.png", &huge).check_refused("a.png", "64000000x64");
}

#[test]
fn a_strip_without_a_category_is_refused() {
    Root::new().strip("a.png", 128, 64).check_refused("a.png", "not in a category folder");
}

#[test]
fn frames_of_another_size_are_refused() {
    let root = Root::new();
    root.strip("0/a.png", 128, 64).strip("0/b.png", 64, 32).check_refused("b.png", "32x32 pixels");
}

#[test]
fn the_content_of_a_file_counts_and_not_its_extension() {
    let root = Root::new();
    let strip = encode(8, 4, |x, y| [byte(x), byte(y), 90]);
    root.file("walk/a.jpg", &strip).file("walk/b.PNG", &strip).file("walk/.DS_Store", b"x");
    let mut findings = Findings::default();
    let videos = root.read_with(2, None, &mut findings).unwrap();
    assert_eq!(videos.videos[0].pixels, videos.videos[1].pixels);
    let facts: Vec<_> = findings.notes.facts.iter().map(|fact| fact.text.as_str()).collect();
    assert_eq!(facts, ["2 RGB PNG", "1: walk (2)", "2: a, b"]);
    assert_eq!(findings.warnings(), ["skipped 1 side file: .DS_Store (1)"]);
}

#[test]
fn frames_are_scaled_one_by_one() {
    let root = Root::new();
    // The second frame is white, so that nothing of it may show in the first.
    root.file("0/a.png", &encode(16, 8, |x, _| if x < 8 { [byte(x), 0, 0] } else { [255; 3] }));
    let resize = FrameResize { side: Count::literal(4), filter: ResizeFilter::Bilinear };
    let scale = Some(Scale::new(resize));
    let videos = root.read_with(2, scale, &mut Findings::default()).unwrap();
    assert_eq!((videos.side, videos.videos[0].frames), (4, 2));
    let red: Vec<u8> = videos.videos[0].frame(0)[..12].iter().copied().step_by(3).collect();
    assert_eq!(red, [1, 3, 5, 6]); // as Pillow
    assert_eq!(videos.videos[0].frame(1), [255; 48]);
}

#[test]
fn an_empty_folder_is_refused() {
    Root::new().check_refused("", "failed to find a strip");
}

#[test]
fn no_person_and_no_mirrored_video_is_in_two_splits() {
    let root = Root::new();
    let plain = |x: u32, y: u32| [byte(x), byte(y), 1];
    // Frames of 4×4 are mirrored one by one.
    let mirrored = |x: u32, y: u32| [byte(x / 4 * 4 + 3 - x % 4), byte(y), 1];
    root.file("walk/anna_walk.png", &encode(16, 4, plain));
    root.file("run/boris_run.png", &encode(16, 4, mirrored));
    for (number, name) in ["anna_run", "clara_run", "dario_run", "emil_run"].iter().enumerate() {
        let shade = byte(u32::try_from(number).unwrap());
        root.file(
            &format!("run/{name}.png"),
            &encode(16, 4, |x, y| [byte(x), byte(y), 10 + shade]),
        );
    }
    let videos = root.read(2).unwrap();
    let quarter = Fraction::try_from(0.25).unwrap();
    let splits = split(&videos, GroupShares { validate: quarter, test: quarter });
    let of = |name: &str| {
        splits[videos.videos.iter().position(|video| video.name.ends_with(name)).unwrap()]
    };
    assert_eq!(of("anna_walk"), of("anna_run"));
    assert_eq!(of("anna_walk"), of("boris_run"), "they are mirror images");
    for wanted in Split::ALL {
        assert!(splits.contains(&wanted), "split `{wanted}` is empty");
    }
}

#[test]
fn a_root_that_is_missing_or_a_file_is_refused_for_what_it_is() {
    let root = Root::new();
    root.file("plain", b"");
    for (name, words) in [("missing", "No such file"), ("plain", "Not a directory")] {
        let error =
            read(&root.path().join(name), Count::literal(2), None, &mut Findings::default())
                .expect_err("it is no folder");
        let cause = std::error::Error::source(&error).expect("the system says why");
        let text = format!("{error}: {cause}");
        assert!(text.contains(&format!("{name}`: {words}")), "{text}");
    }
}
