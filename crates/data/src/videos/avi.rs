//! AVI files with Motion JPEG: a RIFF file whose frames are JPEG images.
//!
//! ```text
//! RIFF 'AVI '
//!   LIST 'hdrl'   avih; for each stream LIST 'strl': strh (kind), strf (compression)
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
    jpeg::{self, Dct, JpegError},
    rgb_image::RgbImage,
};

/// Bytes of name and length before the body of a chunk.
const HEADER_BYTES: usize = 8;
/// Deepest nesting of lists: 'movi' in RIFF, 'rec ' in 'movi', and two more.
const DEPTH_MAX: usize = 4;
/// Compression of Motion JPEG in `strf`.
const MJPG: FourCc = FourCc(*b"MJPG");

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
    #[error("its video stream is `{compression}`; only Motion JPEG is supported")]
    Compression { compression: FourCc },
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

/// Decodes the frames in order and calls `each` with them; an error of `each` ends the reading.
pub(super) fn read<E: From<AviError>>(
    file: &[u8],
    mut each: impl FnMut(RgbImage) -> Result<(), E>,
) -> Result<(), E> {
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
            (b"strl", b"strh") => streams.begin(chunk.letters(0)?),
            (b"strl", b"strf") => streams.format(chunk)?,
            (b"movi" | b"rec ", _) => frames.push(*chunk),
            _ => {}
        }
        Ok(())
    })?;
    let video = streams.video.ok_or(AviError::NoVideo)?;
    match streams.compression {
        Some(MJPG) => {}
        Some(compression) => return Err(AviError::Compression { compression }.into()),
        None => return Err(AviError::NoVideo.into()),
    }
    frames.retain(|chunk| belongs(chunk.name, video));
    if frames.is_empty() {
        return Err(AviError::NoFrames.into());
    }
    let mut before: Option<RgbImage> = None;
    for (frame, chunk) in frames.into_iter().enumerate() {
        let image = match before.take() {
            Some(before) if chunk.body.is_empty() => before,
            before => {
                let offset = chunk.offset;
                let image = jpeg::decode(chunk.body, Dct::Accurate)
                    .map_err(|source| AviError::Frame { frame, offset, source })?;
                let found = [image.height, image.width];
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
    Ok(())
}

/// The streams in the header.
#[derive(Default)]
struct Streams {
    count: usize,
    /// Number of the first video stream.
    video: Option<usize>,
    compression: Option<FourCc>,
}

impl Streams {
    fn begin(&mut self, kind: FourCc) {
        if kind.0 == *b"vids" && self.video.is_none() {
            self.video = Some(self.count);
        }
        self.count += 1;
    }

    /// Reads the format of the last stream.
    fn format(&mut self, chunk: &Chunk<'_>) -> Result<(), AviError> {
        /// Offset of `biCompression` in a `BITMAPINFOHEADER`.
        const COMPRESSION: usize = 16;
        if self.video.is_some_and(|video| video + 1 == self.count) {
            self.compression = Some(chunk.letters(COMPRESSION)?);
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
