//! The bytes of a pack file.
//!
//! ```text
//! head      64 bytes   magic, format version
//! payload              frames u8 [ΣT, H, W, C], then, aligned to 64 bytes,
//!                      actions f32 [ΣT, A], then positions f32 [ΣT, P], little-endian,
//!                      then zeros up to a multiple of 64 bytes
//! sources              64 bytes per source file: stamp and SHA-256
//! index                JSON: shapes, names, digests
//! tail      64 bytes   magic, offset, length and SHA-256 of the index
//! ```
//! The index follows the payload, so that a pack of any size is written in one pass. ΣT is the number
//! of frames of all sequences of all splits, in order. Every byte is checked: payload and sources by
//! digests in the index, the index by its digest in the tail, head and tail byte by byte.

use std::{
    io::{self, Write},
    ops::Range,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::PackError;
use crate::{
    equal::EqualSequences,
    findings::Findings,
    sequence::{HwcShape, SequenceBuffer, SourceRecord},
    summary::Fact,
};
use reprise_base::{
    config::data::Split,
    fs::{self, Stamp},
    text::count,
};

const HEAD_MAGIC: &[u8; 12] = b"reprise pack";
const TAIL_MAGIC: &[u8; 12] = b"reprise tail";
const VERSION: u32 = 1;

/// Length of head, tail and source record, and alignment of every part.
const BLOCK: usize = 64;

/// The index of a pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) frame_shape: HwcShape,
    /// Frames of the shortest sequence.
    pub(super) frames: usize,
    /// Frames of each sequence in order; empty if all have the same number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lengths: Vec<usize>,
    /// Numbers of an action.
    pub(super) action_size: usize,
    /// Numbers of a position.
    pub(super) position_size: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) position_names: Vec<String>,
    /// Names of the sequences by split, in the order of [`Split::ALL`].
    pub(super) sequences: [Vec<String>; 3],
    pub(super) payload_sha256: String,
    /// SHA-256 over path, length and SHA-256 of every source file, in order.
    pub(super) sources_sha256: String,
    /// SHA-256 of the source records.
    records_sha256: String,
    /// Number of source files.
    pub(super) source_files: u64,
    pub(super) warnings: Vec<String>,
    /// What the reader understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) facts: Vec<Fact>,
    /// Pairs of equal sequences in two splits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) overlap: Vec<String>,
}

/// The offsets of the parts of a pack.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PackLayout {
    pub(super) frame_bytes: usize,
    /// The first frame of each sequence, counted over all sequences, then the number of all frames.
    pub(super) starts: Vec<usize>,
    pub(super) frames: Range<usize>,
    pub(super) actions: Range<usize>,
    pub(super) positions: Range<usize>,
    pub(super) sources: Range<usize>,
}

impl PackLayout {
    /// Returns nothing if the lengths contradict each other or overflow.
    fn of(index: &Index) -> Option<Self> {
        let product = |factors: &[usize]| {
            factors.iter().try_fold(1_usize, |product, &factor| product.checked_mul(factor))
        };
        let part = |start: usize, length: usize| Some(start..start.checked_add(length)?);
        let align = |offset: usize| offset.checked_next_multiple_of(BLOCK);

        let count: usize = index.sequences.iter().map(Vec::len).sum();
        if !index.lengths.is_empty() && index.lengths.len() != count {
            return None;
        }
        let mut starts = vec![0_usize];
        let mut total = 0_usize;
        for sequence in 0..count {
            let length = index.lengths.get(sequence).copied().unwrap_or(index.frames);
            if length < index.frames {
                return None;
            }
            total = total.checked_add(length)?;
            starts.push(total);
        }
        let [height, width, channels] = index.frame_shape;
        let frame_bytes = product(&[height, width, channels])?;
        let floats = |size: usize| product(&[total, size, size_of::<f32>()]);

        let frames = part(BLOCK, product(&[total, frame_bytes])?)?;
        let actions = part(align(frames.end)?, floats(index.action_size)?)?;
        let positions = part(actions.end, floats(index.position_size)?)?;
        let source_files = usize::try_from(index.source_files).ok()?;
        let sources = part(align(positions.end)?, product(&[source_files, BLOCK])?)?;
        Some(Self { frame_bytes, starts, frames, actions, positions, sources })
    }

    fn payload(&self) -> Range<usize> {
        self.frames.start..self.sources.start
    }
}

/// Verifies every digest and length of a pack; calls `hashed` with the number of bytes just hashed.
pub(super) fn verify(
    bytes: &[u8],
    mut hashed: impl FnMut(u64),
) -> Result<(Index, PackLayout), PackError> {
    let head = bytes.get(..BLOCK).ok_or(PackError::NotAPack)?;
    if !head.starts_with(HEAD_MAGIC) {
        return Err(PackError::NotAPack);
    }
    let found = u32::from_le_bytes(array(head, 12));
    if found != VERSION {
        return Err(PackError::Version { found, expected: VERSION });
    }
    let tail_start = bytes.len() - BLOCK;
    let tail = &bytes[tail_start..];
    let blank = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
    if !tail.starts_with(TAIL_MAGIC) || !blank(&head[16..]) || !blank(&tail[12..16]) {
        return Err(PackError::NotAPack);
    }
    let number = |at: usize| usize::try_from(u64::from_le_bytes(array(tail, at)));
    let (Ok(offset), Ok(length)) = (number(16), number(24)) else {
        return Err(PackError::Length);
    };
    if offset < BLOCK || offset.checked_add(length) != Some(tail_start) {
        return Err(PackError::Length);
    }
    let text = &bytes[offset..tail_start];
    if Sha256::digest(text)[..] != tail[32..] {
        return Err(PackError::Index);
    }
    let index: Index = serde_json::from_slice(text).map_err(PackError::IndexJson)?;
    let layout = PackLayout::of(&index).ok_or(PackError::Length)?;
    if layout.sources.end != offset {
        return Err(PackError::Length);
    }
    let mut hasher = Sha256::new();
    for chunk in bytes[layout.payload()].chunks(1 << 24) {
        hasher.update(chunk);
        hashed(chunk.len() as u64);
    }
    if fs::hex(&hasher.finalize()) != index.payload_sha256 {
        return Err(PackError::Payload);
    }
    if fs::sha256_hex(&bytes[layout.sources.clone()]) != index.records_sha256 {
        return Err(PackError::Sources);
    }
    Ok((index, layout))
}

/// Returns `N` bytes at an offset of a block.
fn array<const N: usize>(block: &[u8], at: usize) -> [u8; N] {
    block[at..at + N].try_into().expect("a range of N bytes is N bytes long")
}

/// Decodes little-endian single-precision numbers.
pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(size_of::<f32>()).map(|chunk| f32::from_le_bytes(array(chunk, 0))).collect()
}

/// Decodes the source record with this number.
pub(super) fn source(records: &[u8], number: usize) -> Option<SourceRecord> {
    let record = records.get(number.checked_mul(BLOCK)?..)?.get(..BLOCK)?;
    let stamp = Stamp {
        bytes: u64::from_le_bytes(array(record, 0)),
        modified_ns: i64::from_le_bytes(array(record, 8)),
        changed_ns: i64::from_le_bytes(array(record, 16)),
        inode: u64::from_le_bytes(array(record, 24)),
    };
    Some(SourceRecord { stamp, sha256: array(record, 32) })
}

fn encode_source(source: &SourceRecord) -> [u8; BLOCK] {
    let Stamp { bytes, modified_ns, changed_ns, inode } = source.stamp;
    let mut record = [0; BLOCK];
    record[..8].copy_from_slice(&bytes.to_le_bytes());
    record[8..16].copy_from_slice(&modified_ns.to_le_bytes());
    record[16..24].copy_from_slice(&changed_ns.to_le_bytes());
    record[24..32].copy_from_slice(&inode.to_le_bytes());
    record[32..].copy_from_slice(&source.sha256);
    record
}

/// What the sequences of a pack have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SequenceFormat {
    pub(crate) frame_shape: HwcShape,
    pub(crate) action_size: usize,
    pub(crate) position_size: usize,
    /// Empty where the numbers of a position have no names.
    pub(crate) position_names: Vec<String>,
}

impl SequenceFormat {
    /// Returns the format of sequences with actions and positions of these sizes.
    pub(crate) const fn new(
        frame_shape: HwcShape,
        [action_size, position_size]: [usize; 2],
    ) -> Self {
        Self { frame_shape, action_size, position_size, position_names: Vec::new() }
    }

    /// Returns the format of frames without actions and positions.
    pub(crate) const fn frames_only(frame_shape: HwcShape) -> Self {
        Self::new(frame_shape, [0, 0])
    }
}

/// Writes a pack in one pass, one sequence at a time.
///
/// Frames go straight to the output; of a sequence only its numbers and source records are kept,
/// which is about 1% of it.
pub(crate) struct Encoder<'a> {
    out: &'a mut dyn Write,
    payload: Sha256,
    payload_bytes: usize,
    sources: Sha256,
    records: Vec<u8>,
    actions: Vec<u8>,
    positions: Vec<u8>,
    sequences: [Vec<String>; 3],
    /// Bytes of the frames of each sequence.
    lengths: Vec<usize>,
    /// Not collected if the splits repeat the same sequences on purpose.
    equal: Option<EqualSequences>,
    /// Sequences whose pixels all have the same value, and the first of them.
    constant: (u64, Option<String>),
}

impl<'a> Encoder<'a> {
    /// Writes the head of a pack.
    pub(crate) fn begin(out: &'a mut dyn Write) -> io::Result<Self> {
        let mut head = [0; BLOCK];
        head[..12].copy_from_slice(HEAD_MAGIC);
        head[12..16].copy_from_slice(&VERSION.to_le_bytes());
        out.write_all(&head)?;
        Ok(Self {
            out,
            payload: Sha256::new(),
            payload_bytes: 0,
            sources: Sha256::new(),
            records: Vec::new(),
            actions: Vec::new(),
            positions: Vec::new(),
            sequences: Default::default(),
            lengths: Vec::new(),
            equal: Some(EqualSequences::default()),
            constant: (0, None),
        })
    }

    /// Accepts equal sequences in several splits: the sweep file asks for them.
    pub(crate) fn with_repeated_splits(self) -> Self {
        Self { equal: None, ..self }
    }

    /// Appends a sequence. Splits must come in the order of [`Split::ALL`]; `files` are the paths of
    /// its sources.
    pub(crate) fn sequence(
        &mut self,
        split: Split,
        name: &str,
        content: &SequenceBuffer,
        files: impl Iterator<Item = String>,
    ) -> io::Result<()> {
        self.lengths.push(content.frames.len());
        if let Some(equal) = &mut self.equal {
            equal.add(split, name, content);
        }
        if content.frames.windows(2).all(|pair| pair[0] == pair[1]) {
            self.constant.0 += 1;
            self.constant.1.get_or_insert_with(|| format!("{split}/{name}"));
        }
        self.payload(&content.frames)?;
        self.actions.extend(content.actions.iter().flat_map(|value| value.to_le_bytes()));
        self.positions.extend(content.positions.iter().flat_map(|value| value.to_le_bytes()));
        for (source, file) in content.sources.iter().zip(files) {
            let digest = fs::hex(&source.sha256);
            self.sources.update(format!("{file} {} {digest}\n", source.stamp.bytes));
            self.records.extend(encode_source(source));
        }
        self.sequences[split as usize].push(name.to_owned());
        Ok(())
    }

    /// Writes everything behind the frames, and what the reader found beside errors.
    pub(crate) fn finish(
        mut self,
        format: SequenceFormat,
        mut findings: Findings,
    ) -> io::Result<()> {
        let overlap = self.equal.take().map(|equal| equal.finish(&mut findings));
        if let (number, Some(first)) = &self.constant {
            let sequences = count(*number, "sequence");
            findings
                .warn(format!("{sequences} with a single value in all pixels, first `{first}`"));
        }
        let Findings { notes, .. } = findings;
        let (warnings, facts) = (notes.warnings(), notes.facts);
        let SequenceFormat { frame_shape, action_size, position_size, position_names } = format;
        self.align()?;
        for numbers in [std::mem::take(&mut self.actions), std::mem::take(&mut self.positions)] {
            self.payload(&numbers)?;
        }
        self.align()?;
        let payload_sha256 = fs::hex(&self.payload.clone().finalize());
        let records = std::mem::take(&mut self.records);
        self.out.write_all(&records)?;
        let frame_bytes = frame_shape.iter().product::<usize>().max(1);
        let mut lengths: Vec<usize> =
            self.lengths.iter().map(|bytes| bytes / frame_bytes).collect();
        let frames = lengths.iter().copied().min().unwrap_or(0);
        if lengths.iter().all(|&length| length == frames) {
            lengths.clear();
        }
        let index = Index {
            frame_shape,
            frames,
            lengths,
            action_size,
            position_size,
            position_names,
            sequences: self.sequences,
            payload_sha256,
            sources_sha256: fs::hex(&self.sources.finalize()),
            records_sha256: fs::sha256_hex(&records),
            source_files: (records.len() / BLOCK) as u64,
            warnings,
            facts,
            overlap: overlap.unwrap_or_default(),
        };
        let text = serde_json::to_vec(&index)?;
        self.out.write_all(&text)?;

        let offset = (BLOCK + self.payload_bytes + records.len()) as u64;
        let mut tail = [0; BLOCK];
        tail[..12].copy_from_slice(TAIL_MAGIC);
        tail[16..24].copy_from_slice(&offset.to_le_bytes());
        tail[24..32].copy_from_slice(&(text.len() as u64).to_le_bytes());
        tail[32..].copy_from_slice(&Sha256::digest(&text));
        self.out.write_all(&tail)
    }

    fn payload(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.payload.update(bytes);
        self.payload_bytes += bytes.len();
        self.out.write_all(bytes)
    }

    fn align(&mut self) -> io::Result<()> {
        let padding = self.payload_bytes.next_multiple_of(BLOCK) - self.payload_bytes;
        self.payload(&[0; BLOCK][..padding])
    }
}
