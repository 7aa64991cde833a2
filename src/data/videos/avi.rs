//! AVI files with Motion JPEG: a RIFF file whose frames are JPEG pictures.
//!
//! ```text
//! RIFF 'AVI '
//!   LIST 'hdrl'   avih; for each stream LIST 'strl': strh (kind), strf (compression)
//!   LIST 'movi'   NNdc: a frame of stream NN (two decimal digits), possibly inside LIST 'rec '
//!   idx1 ...      passed over
//! ```
//! A chunk is four letters, a length (u32, little-endian), so many bytes, and one byte more if the length
//! is odd. Every length is held to what its list has left before anything is read; nothing is allocated by
//! what a header claims. A frame of no bytes repeats the one before it, as the format says.
//!
//! Source: Microsoft, "AVI RIFF File Reference". Continued files (`OpenDML`) and other codecs are refused.

use std::fmt;

use crate::data::jpeg::{self, Dct, JpegFault, Picture};

/// Length of letters and length in front of a chunk.
const HEAD: usize = 8;
/// Lists within lists: 'movi' in RIFF, 'rec ' in 'movi', one to spare.
const DEPTH_MAX: usize = 4;
/// Compression of Motion JPEG in `strf`.
const MJPG: FourCc = FourCc(*b"MJPG");

/// The four letters that name a chunk.
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

/// What is wrong with an AVI file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AviFault {
    /// The first bytes are not those of an AVI file.
    #[error("it does not begin as an AVI file does")]
    NotAvi,
    /// A chunk is cut off, or claims more than there is.
    #[error("chunk `{chunk}` at byte {offset} claims {claimed} bytes, but {left} are left")]
    Chunk {
        /// Its letters.
        chunk: FourCc,
        /// Where it begins.
        offset: usize,
        /// Its length.
        claimed: usize,
        /// Bytes up to the end of its list.
        left: usize,
    },
    /// A few bytes stand where a chunk is due.
    #[error("there is no whole chunk at byte {offset}")]
    NoChunk {
        /// Where it is due.
        offset: usize,
    },
    /// A header is too short to say what it must.
    #[error("chunk `{chunk}` at byte {offset} is too short")]
    Short {
        /// Its letters.
        chunk: FourCc,
        /// Where it begins.
        offset: usize,
    },
    /// Lists lie in lists without end.
    #[error("list at byte {offset} lies too deep")]
    Deep {
        /// Where it begins.
        offset: usize,
    },
    /// The file goes on in a second RIFF chunk.
    #[error("it goes on at byte {offset}, in the manner of OpenDML, which is not read")]
    GoesOn {
        /// Where it does.
        offset: usize,
    },
    /// There is no stream of pictures.
    #[error("it has no video stream")]
    NoVideo,
    /// The pictures are compressed by another method.
    #[error("its video stream is `{compression}`, not Motion JPEG")]
    Compression {
        /// The letters of the method.
        compression: FourCc,
    },
    /// There are no frames.
    #[error("it has no frames")]
    NoFrames,
    /// A frame cannot be decoded.
    #[error("frame {frame} (chunk at byte {offset}) cannot be decoded: {fault}")]
    Frame {
        /// Number of the frame from 0.
        frame: usize,
        /// Where its chunk begins.
        offset: usize,
        /// What is wrong with it.
        fault: JpegFault,
    },
    /// A frame differs in size from the first.
    #[error("frame {frame} is {}x{} pixels, those before it {}x{}", found[1], found[0], expected[1], expected[0])]
    Size {
        /// Number of the frame from 0.
        frame: usize,
        /// Its height and width.
        found: [usize; 2],
        /// Height and width of the first.
        expected: [usize; 2],
    },
}

/// A chunk with the bytes that it holds.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    name: FourCc,
    offset: usize,
    body: &'a [u8],
}

impl Chunk<'_> {
    /// Returns four letters at a place of the body.
    fn letters(&self, at: usize) -> Result<FourCc, AviFault> {
        let bytes = self.body.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(FourCc).ok_or(AviFault::Short { chunk: self.name, offset: self.offset })
    }
}

/// Decodes all frames one after the other; `each` may end the reading by an error of its own.
pub(super) fn read<E: From<AviFault>>(
    file: &[u8],
    mut each: impl FnMut(Picture) -> Result<(), E>,
) -> Result<(), E> {
    let (riff, end) = chunk(file, 0, 0)?;
    if riff.name.0 != *b"RIFF" || riff.letters(0)?.0 != *b"AVI " {
        return Err(AviFault::NotAvi.into());
    }
    if end < file.len() {
        return Err(AviFault::GoesOn { offset: end }.into());
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
    let video = streams.video.ok_or(AviFault::NoVideo)?;
    match streams.compression {
        Some(MJPG) => {}
        Some(compression) => return Err(AviFault::Compression { compression }.into()),
        None => return Err(AviFault::NoVideo.into()),
    }
    frames.retain(|chunk| belongs(chunk.name, video));
    if frames.is_empty() {
        return Err(AviFault::NoFrames.into());
    }
    let mut before: Option<Picture> = None;
    for (frame, chunk) in frames.into_iter().enumerate() {
        let picture = match before.take() {
            Some(before) if chunk.body.is_empty() => before,
            before => {
                let offset = chunk.offset;
                let picture = jpeg::decode(chunk.body, Dct::Accurate)
                    .map_err(|fault| AviFault::Frame { frame, offset, fault })?;
                let found = [picture.height, picture.width];
                let expected = before.map_or(found, |before| [before.height, before.width]);
                if found != expected {
                    return Err(AviFault::Size { frame, found, expected }.into());
                }
                picture
            }
        };
        each(picture.clone())?;
        before = Some(picture);
    }
    Ok(())
}

/// The streams that the header lists.
#[derive(Default)]
struct Streams {
    count: usize,
    /// Number of the first one with pictures.
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

    /// Takes up the format of the stream that began last.
    fn format(&mut self, chunk: &Chunk<'_>) -> Result<(), AviFault> {
        /// Where `biCompression` stands in a `BITMAPINFOHEADER`.
        const COMPRESSION: usize = 16;
        if self.video.is_some_and(|video| video + 1 == self.count) {
            self.compression = Some(chunk.letters(COMPRESSION)?);
        }
        Ok(())
    }
}

/// Returns whether a chunk of 'movi' is a frame of the stream: `NNdc`, or `NNdb` as some write it.
fn belongs(FourCc([tens, ones, kind @ ..]): FourCc, stream: usize) -> bool {
    let digit = |letter: u8| char::from(letter).to_digit(10);
    let number = digit(tens).zip(digit(ones)).map(|(tens, ones)| tens * 10 + ones);
    number.is_some_and(|number| number as usize == stream) && matches!(&kind, b"dc" | b"db")
}

/// Visits every chunk that is no list, with the name of the list it lies in.
fn walk<'a>(
    list: &Chunk<'a>,
    depth: usize,
    visit: &mut dyn FnMut(FourCc, &Chunk<'a>) -> Result<(), AviFault>,
) -> Result<(), AviFault> {
    let name = list.letters(0)?;
    if depth > DEPTH_MAX {
        return Err(AviFault::Deep { offset: list.offset });
    }
    let mut at = 4;
    while at < list.body.len() {
        let (chunk, end) = chunk(list.body, at, list.offset + HEAD)?;
        match &chunk.name.0 {
            b"LIST" => walk(&chunk, depth + 1, visit)?,
            _ => visit(name, &chunk)?,
        }
        at = end;
    }
    Ok(())
}

/// Returns the chunk at a place and where the next one begins; `start` is where `bytes` begin.
fn chunk(bytes: &[u8], at: usize, start: usize) -> Result<(Chunk<'_>, usize), AviFault> {
    let offset = start + at;
    let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<HEAD>()) else {
        return Err(if start == 0 { AviFault::NotAvi } else { AviFault::NoChunk { offset } });
    };
    let [a, b, c, d, length @ ..] = *head;
    let name = FourCc([a, b, c, d]);
    if start == 0 && name.0 != *b"RIFF" {
        return Err(AviFault::NotAvi);
    }
    let left = bytes.len() - at - HEAD;
    let claimed = u32::from_le_bytes(length) as usize;
    if claimed > left {
        return Err(AviFault::Chunk { chunk: name, offset, claimed, left });
    }
    let body = &bytes[at + HEAD..][..claimed];
    // The last chunk of a file is sometimes written without its padding.
    let end = (at + HEAD + claimed + claimed % 2).min(bytes.len());
    Ok((Chunk { name, offset, body }, end))
}
