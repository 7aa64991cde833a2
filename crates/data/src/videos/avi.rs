//! AVI files with Motion JPEG or uncompressed RGB frames: a RIFF file.
//!
//! ```text
//! RIFF 'AVI '
//!   LIST 'hdrl'   avih; for each stream LIST 'strl': strh (kind, rate), strf (BITMAPINFOHEADER)
//!   LIST 'movi'   NNdc: a frame of stream NN (two decimal digits), possibly inside LIST 'rec '
//!   idx1 ...      skipped
//! ```
//! A chunk is a four-letter name, a length (u32, little-endian), its bytes, and one padding byte if the
//! length is odd. Every length is checked against the rest of its list before anything is read; no
//! memory is allocated for stated lengths. An empty frame repeats the one before it, as the format says.
//!
//! Source: Microsoft, "AVI RIFF File Reference". `OpenDML` and other codecs are not supported.

use std::fmt;

use crate::{
    jpeg::{self, Dct, JpegError, PIXELS_MAX},
    rgb_image::{CHANNELS, RgbImage},
};

/// Bytes of name and length before the body of a chunk.
const HEADER_BYTES: usize = 8;
/// Deepest nesting of lists: 'movi' in RIFF, 'rec ' in 'movi', and two more.
const DEPTH_MAX: usize = 4;
/// Codecs by the letters in `strf`, in lower case.
const CODECS: [(&str, &[&[u8; 4]]); 9] = [
    ("MPEG-4 Part 2", &[b"fmp4", b"xvid", b"divx", b"dx50", b"mp4v", b"mp4s", b"div3", b"mp43"]),
    ("H.264", &[b"h264", b"x264", b"avc1"]),
    ("H.265", &[b"hevc", b"h265", b"hvc1"]),
    ("Cinepak", &[b"cvid"]),
    ("Indeo", &[b"iv31", b"iv32", b"iv41", b"iv50"]),
    ("HuffYUV", &[b"hfyu", b"ffvh"]),
    ("FFV1", &[b"ffv1"]),
    ("uncompressed YUV", &[b"i420", b"iyuv", b"yv12", b"yuy2", b"uyvy"]),
    ("MPEG-1 or MPEG-2", &[b"mpg1", b"mpg2", b"mpeg"]),
];

/// Returns a codec in words, with its letters.
fn codec(letters: FourCc) -> String {
    let lower = letters.0.map(|letter| letter.to_ascii_lowercase());
    let known = CODECS.iter().find(|(_, all)| all.contains(&&lower));
    known.map_or_else(|| format!("`{letters}`"), |(name, _)| format!("{name} (`{letters}`)"))
}

/// The four-letter name of a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FourCc([u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FourCc({self})")
    }
}

/// Why an AVI file cannot be decoded; offsets are in bytes, frames count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AviError {
    #[error("no AVI signature at the start")]
    NotAvi,
    #[error("chunk `{chunk}` at byte {offset} states {stated} bytes, but {left} are left")]
    Chunk { chunk: FourCc, offset: usize, stated: usize, left: usize },
    #[error("incomplete chunk at byte {offset}")]
    NoChunk { offset: usize },
    #[error("chunk `{chunk}` at byte {offset} is too short")]
    Short { chunk: FourCc, offset: usize },
    #[error("list at byte {offset} is nested too deeply")]
    Deep { offset: usize },
    /// The file continues in a second RIFF chunk.
    #[error(
        "it has a second part at byte {offset}; files in several parts (OpenDML) are not supported"
    )]
    OpenDml { offset: usize },
    #[error("it has no video stream")]
    NoVideo,
    #[error("its frames are coded as {}", codec(*compression))]
    Compression { compression: FourCc },
    #[error(
        "frame {frame} has {}x{} pixels, but the header states {}x{}: it may be half of an interlaced one",
        found[1], found[0], stated[1], stated[0]
    )]
    StatedSize { frame: usize, found: [usize; 2], stated: [usize; 2] },
    #[error("its uncompressed frames have {bits} bits per pixel, expected 24 or 32")]
    Bits { bits: u16 },
    #[error(
        "its uncompressed frames have {width}x{height} pixels; the limit is {PIXELS_MAX} pixels"
    )]
    RawSize { width: i32, height: i32 },
    #[error("frame {frame} (chunk at byte {offset}) has {found} bytes, expected {expected}")]
    RawFrame { frame: usize, offset: usize, found: usize, expected: usize },
    #[error("it has no frames")]
    NoFrames,
    #[error("failed to decode frame {frame} (chunk at byte {offset})")]
    Frame { frame: usize, offset: usize, source: JpegError },
    /// A frame differs in size, `[height, width]`, from the first.
    #[error(
        "frame {frame} has {}x{} pixels, but the frames before it have {}x{}",
        found[1], found[0], expected[1], expected[0]
    )]
    Size { frame: usize, found: [usize; 2], expected: [usize; 2] },
}

/// A chunk and its body.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    name: FourCc,
    offset: usize,
    body: &'a [u8],
}

impl Chunk<'_> {
    /// Returns the four letters at an offset in the body.
    fn letters(&self, at: usize) -> Result<FourCc, AviError> {
        let bytes = self.body.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(FourCc).ok_or(AviError::Short { chunk: self.name, offset: self.offset })
    }
}

/// What is stated about the video stream of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AviStream {
    /// Frames per second, if stated.
    pub(super) rate: Option<f64>,
    /// Frames that repeat the one before them.
    pub(super) repeated: u64,
}

/// Decodes the frames in order and calls `each` with them; an error of `each` ends the reading.
pub(super) fn read<E: From<AviError>>(
    file: &[u8],
    mut each: impl FnMut(RgbImage) -> Result<(), E>,
) -> Result<AviStream, E> {
    let (riff, end) = chunk(file, 0, 0)?;
    if riff.name.0 != *b"RIFF" || riff.letters(0)?.0 != *b"AVI " {
        return Err(AviError::NotAvi.into());
    }
    if end < file.len() {
        return Err(AviError::OpenDml { offset: end }.into());
    }
    let mut streams = Streams::default();
    let mut frames = Vec::new();
    walk(&riff, 0, &mut |list, chunk| {
        match (&list.0, &chunk.name.0) {
            (b"strl", b"strh") => streams.begin(chunk)?,
            (b"strl", b"strf") => streams.format(chunk)?,
            (b"movi" | b"rec ", _) => frames.push(*chunk),
            _ => {}
        }
        Ok(())
    })?;
    let video = streams.video.ok_or(AviError::NoVideo)?;
    let format = streams.format.ok_or(AviError::NoVideo)?;
    let coding = Coding::of(&format)?;
    frames.retain(|chunk| belongs(chunk.name, video));
    if frames.is_empty() {
        return Err(AviError::NoFrames.into());
    }
    let mut stream = AviStream { rate: streams.rate, repeated: 0 };
    let mut before: Option<RgbImage> = None;
    for (frame, chunk) in frames.into_iter().enumerate() {
        let image = match before.take() {
            Some(before) if chunk.body.is_empty() => {
                stream.repeated += 1;
                before
            }
            before => {
                let image = coding.decode(frame, &chunk)?;
                let found = [image.height, image.width];
                let stated = [format.height, format.width].map(|side| side.unsigned_abs() as usize);
                if stated != found && stated != [0; 2] {
                    return Err(AviError::StatedSize { frame, found, stated }.into());
                }
                let expected = before.map_or(found, |before| [before.height, before.width]);
                if found != expected {
                    return Err(AviError::Size { frame, found, expected }.into());
                }
                image
            }
        };
        each(image.clone())?;
        before = Some(image);
    }
    Ok(stream)
}

/// How frames are stored.
enum Coding {
    Jpeg,
    /// Blue, green, red, and nothing or an unused byte.
    Raw {
        height: usize,
        width: usize,
        pixel_bytes: usize,
        /// Whether the first row is the lowest one.
        bottom_up: bool,
    },
}

impl Coding {
    fn of(format: &BitmapHeader) -> Result<Self, AviError> {
        let BitmapHeader { width, height, bits, compression } = *format;
        match &compression.0.map(|letter| letter.to_ascii_lowercase()) {
            b"mjpg" => return Ok(Self::Jpeg),
            [0, 0, 0, 0] | b"dib " | b"raw " => {}
            _ => return Err(AviError::Compression { compression }),
        }
        if bits != 24 && bits != 32 {
            return Err(AviError::Bits { bits });
        }
        let pixels = u64::from(height.unsigned_abs()) * u64::from(width.unsigned_abs());
        if width <= 0 || height == 0 || pixels > PIXELS_MAX {
            return Err(AviError::RawSize { width, height });
        }
        Ok(Self::Raw {
            height: height.unsigned_abs() as usize,
            width: width.unsigned_abs() as usize,
            pixel_bytes: usize::from(bits / 8),
            bottom_up: height > 0,
        })
    }

    fn decode(&self, frame: usize, chunk: &Chunk<'_>) -> Result<RgbImage, AviError> {
        let Chunk { offset, body, .. } = *chunk;
        let (height, width, pixel_bytes, bottom_up) = match *self {
            Self::Jpeg => {
                return jpeg::decode(body, Dct::Accurate).map_err(|source| AviError::Frame {
                    frame,
                    offset,
                    source,
                });
            }
            Self::Raw { height, width, pixel_bytes, bottom_up } => {
                (height, width, pixel_bytes, bottom_up)
            }
        };
        // Rows are padded to multiples of four bytes.
        let stride = (width * pixel_bytes).next_multiple_of(4);
        let (found, expected) = (body.len(), stride * height);
        if found != expected {
            return Err(AviError::RawFrame { frame, offset, found, expected });
        }
        let mut pixels = Vec::with_capacity(width * height * CHANNELS);
        for row in 0..height {
            let row = if bottom_up { height - 1 - row } else { row };
            let row = &body[row * stride..][..width * pixel_bytes];
            for pixel in row.chunks_exact(pixel_bytes) {
                pixels.extend([pixel[2], pixel[1], pixel[0]]);
            }
        }
        Ok(RgbImage { height, width, pixels })
    }
}

/// The fields that matter of a `BITMAPINFOHEADER`.
#[derive(Clone, Copy)]
struct BitmapHeader {
    width: i32,
    /// Negative if the first row is the highest one.
    height: i32,
    bits: u16,
    compression: FourCc,
}

/// The streams in the header.
#[derive(Default)]
struct Streams {
    count: usize,
    /// Number of the first video stream.
    video: Option<usize>,
    rate: Option<f64>,
    format: Option<BitmapHeader>,
}

impl Streams {
    fn begin(&mut self, chunk: &Chunk<'_>) -> Result<(), AviError> {
        /// Offset of `dwScale` in an `AVISTREAMHEADER`; `dwRate` follows.
        const SCALE: usize = 20;
        const RATE: usize = 24;
        if chunk.letters(0)?.0 == *b"vids" && self.video.is_none() {
            self.video = Some(self.count);
            let number = |at| chunk.letters(at).map(|it| f64::from(u32::from_le_bytes(it.0)));
            let rate = number(RATE).ok().zip(number(SCALE).ok()).map(|(rate, scale)| rate / scale);
            self.rate = rate.filter(|rate| rate.is_finite() && *rate > 0.0);
        }
        self.count += 1;
        Ok(())
    }

    /// Reads the format of the last stream.
    fn format(&mut self, chunk: &Chunk<'_>) -> Result<(), AviError> {
        // biSize, biWidth, biHeight, biPlanes and biBitCount, biCompression
        if self.video.is_some_and(|video| video + 1 == self.count) {
            let number = |at| chunk.letters(at).map(|it| i32::from_le_bytes(it.0));
            let [_, _, low, high] = chunk.letters(12)?.0;
            self.format = Some(BitmapHeader {
                width: number(4)?,
                height: number(8)?,
                bits: u16::from_le_bytes([low, high]),
                compression: chunk.letters(16)?,
            });
        }
        Ok(())
    }
}

/// Returns whether a chunk of 'movi' is a frame of the stream: `NNdc`, or `NNdb` from some writers.
fn belongs(FourCc([tens, ones, kind @ ..]): FourCc, stream: usize) -> bool {
    let digit = |letter: u8| char::from(letter).to_digit(10);
    let number = digit(tens).zip(digit(ones)).map(|(tens, ones)| tens * 10 + ones);
    number.is_some_and(|number| number as usize == stream) && matches!(&kind, b"dc" | b"db")
}

/// Visits every chunk that is not a list, with the name of its list.
fn walk<'a>(
    list: &Chunk<'a>,
    depth: usize,
    visit: &mut dyn FnMut(FourCc, &Chunk<'a>) -> Result<(), AviError>,
) -> Result<(), AviError> {
    let name = list.letters(0)?;
    if depth > DEPTH_MAX {
        return Err(AviError::Deep { offset: list.offset });
    }
    let mut at = 4;
    while at < list.body.len() {
        let (chunk, end) = chunk(list.body, at, list.offset + HEADER_BYTES)?;
        match &chunk.name.0 {
            b"LIST" => walk(&chunk, depth + 1, visit)?,
            _ => visit(name, &chunk)?,
        }
        at = end;
    }
    Ok(())
}

/// Returns the chunk at `bytes[at..]` and the end of it; `start` is the file offset of `bytes`.
fn chunk(bytes: &[u8], at: usize, start: usize) -> Result<(Chunk<'_>, usize), AviError> {
    let offset = start + at;
    let Some(header) = bytes.get(at..).and_then(|rest| rest.first_chunk::<HEADER_BYTES>()) else {
        return Err(if start == 0 { AviError::NotAvi } else { AviError::NoChunk { offset } });
    };
    let [a, b, c, d, length @ ..] = *header;
    let name = FourCc([a, b, c, d]);
    if start == 0 && name.0 != *b"RIFF" {
        return Err(AviError::NotAvi);
    }
    let left = bytes.len() - at - HEADER_BYTES;
    let stated = u32::from_le_bytes(length) as usize;
    if stated > left {
        return Err(AviError::Chunk { chunk: name, offset, stated, left });
    }
    let body = &bytes[at + HEADER_BYTES..][..stated];
    // Some writers omit the padding of the last chunk.
    let end = (at + HEADER_BYTES + stated + stated % 2).min(bytes.len());
    Ok((Chunk { name, offset, body }, end))
}
