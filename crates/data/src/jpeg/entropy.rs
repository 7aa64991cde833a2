//! Entropy-coded coefficients, sequential and progressive (ITU-T T.81, annexes F and G).

use super::{
    coefficients::{BLOCK_SIDE, CodedImage, DctBlock, Passes, Scan, Tables, ZIGZAG},
    error::JpegError,
    huffman::{BitReader, HuffmanTable},
};

/// State that a scan keeps from block to block until a restart marker.
#[derive(Default)]
struct ScanState {
    /// Last DC coefficient of each component.
    dc: [i32; 3],
    /// Blocks left in the current end-of-band run (`EOBRUN`).
    ended: u32,
}

/// Decodes a scan into the coefficients; returns the bytes after it.
pub(super) fn decode<'a>(
    coded: &'a [u8],
    image: &mut CodedImage,
    scan: &Scan,
    tables: &Tables,
) -> Result<&'a [u8], JpegError> {
    let mcus = if let [[component, ..]] = *scan.members.as_slice() {
        image.components[component].blocks
    } else {
        let extent = [image.height, image.width];
        [0, 1].map(|axis| extent[axis].div_ceil(BLOCK_SIDE * image.sampling_max[axis]))
    };
    let mut bits = BitReader::new(coded);
    let mut state = ScanState::default();
    let mut restarts = 0;
    for mcu in 0..mcus[0] * mcus[1] {
        if tables.restart > 0 && mcu > 0 && mcu % tables.restart == 0 {
            bits = restart(bits, restarts)?;
            state = ScanState::default();
            restarts = (restarts + 1) % 8;
        }
        let (row, column) = (mcu / mcus[1], mcu % mcus[1]);
        for &[number, dc, ac] in &scan.members {
            let component = &mut image.components[number];
            let [down, across] = if scan.members.len() == 1 { [1, 1] } else { component.sampling };
            for inner in 0..down * across {
                let (y, x) = (row * down + inner / across, column * across + inner % across);
                let block = &mut component.coefficients[y * component.stride + x];
                let decoder = BlockDecoder {
                    bits: &mut bits,
                    scan,
                    dc: tables.dc[dc].as_ref(),
                    ac: tables.ac[ac].as_ref(),
                };
                decoder.block(block, &mut state, number, image.passes)?;
            }
        }
    }
    bits.finish()
}

/// Skips the restart marker with this number.
fn restart(bits: BitReader<'_>, number: u8) -> Result<BitReader<'_>, JpegError> {
    let mut rest = bits.finish()?;
    while let [0xff, 0xff, ..] = rest {
        rest = &rest[1..];
    }
    match rest {
        [0xff, code, rest @ ..] if *code == 0xd0 + number => Ok(BitReader::new(rest)),
        [] | [0xff] => Err(JpegError::Truncated),
        _ => Err(JpegError::Coded),
    }
}

/// Decodes one block.
struct BlockDecoder<'a, 'b> {
    bits: &'a mut BitReader<'b>,
    scan: &'a Scan,
    dc: Option<&'a HuffmanTable>,
    ac: Option<&'a HuffmanTable>,
}

const NO_TABLE: JpegError = JpegError::Segment { what: "reference to a Huffman table" };

impl BlockDecoder<'_, '_> {
    fn block(
        mut self,
        block: &mut DctBlock,
        state: &mut ScanState,
        component: usize,
        passes: Passes,
    ) -> Result<(), JpegError> {
        if passes == Passes::One {
            self.dc_first(block, &mut state.dc[component])?;
            return self.ac_sequential(block);
        }
        match (self.scan.band[0], self.scan.refines) {
            (0, false) => self.dc_first(block, &mut state.dc[component]),
            (0, true) => {
                if self.bits.bit()? {
                    block[0] |= 1 << self.scan.low;
                }
                Ok(())
            }
            (_, false) => self.ac_first(block, &mut state.ended),
            (_, true) => self.ac_refine(block, &mut state.ended),
        }
    }

    fn dc_first(&mut self, block: &mut DctBlock, last: &mut i32) -> Result<(), JpegError> {
        let length = self.dc.ok_or(NO_TABLE)?.symbol(self.bits)?;
        if length > 15 {
            return Err(JpegError::Coded);
        }
        *last = last.wrapping_add(self.bits.signed(length.into())?);
        block[0] = low_half(last.wrapping_shl(self.scan.low));
        Ok(())
    }

    fn ac_sequential(&mut self, block: &mut DctBlock) -> Result<(), JpegError> {
        let table = self.ac.ok_or(NO_TABLE)?;
        let mut at = 1;
        while at < 64 {
            let (zeros, length) = halves(table.symbol(self.bits)?);
            if length == 0 && zeros < 15 {
                break;
            }
            at += zeros;
            if length > 0 {
                let place = ZIGZAG.get(at).ok_or(JpegError::Coded)?;
                block[usize::from(*place)] = low_half(self.bits.signed(length)?);
            }
            at += 1;
        }
        Ok(())
    }

    fn ac_first(&mut self, block: &mut DctBlock, ended: &mut u32) -> Result<(), JpegError> {
        if *ended > 0 {
            *ended -= 1;
            return Ok(());
        }
        let table = self.ac.ok_or(NO_TABLE)?;
        let [mut at, last] = self.scan.band;
        while at <= last {
            let (zeros, length) = halves(table.symbol(self.bits)?);
            if length == 0 && zeros < 15 {
                *ended = self.end_of_band_run(zeros)? - 1;
                break;
            }
            at += zeros;
            if length > 0 {
                let place = ZIGZAG.get(at).ok_or(JpegError::Coded)?;
                let value = self.bits.signed(length)?;
                block[usize::from(*place)] = low_half(value.wrapping_shl(self.scan.low));
            }
            at += 1;
        }
        Ok(())
    }

    /// Takes the length of an end-of-band run, this block included.
    fn end_of_band_run(&mut self, length: usize) -> Result<u32, JpegError> {
        let length = u32::try_from(length).expect("half a byte");
        Ok((1 << length) + self.bits.take(length)?.cast_unsigned())
    }

    fn ac_refine(&mut self, block: &mut DctBlock, ended: &mut u32) -> Result<(), JpegError> {
        let [mut at, last] = self.scan.band;
        let table = self.ac.ok_or(NO_TABLE)?;
        while *ended == 0 && at <= last {
            let (zeros, length) = halves(table.symbol(self.bits)?);
            let mut zeros_left = zeros;
            let mut new = 0;
            match length {
                0 if zeros < 15 => {
                    *ended = self.end_of_band_run(zeros)?;
                    break;
                }
                0 => {}
                1 => new = if self.bits.bit()? { 1 } else { -1 },
                _ => return Err(JpegError::Coded),
            }
            while at <= last {
                let value = &mut block[usize::from(ZIGZAG[at])];
                if *value != 0 {
                    refine(self.bits, value, self.scan.low)?;
                } else if zeros_left == 0 {
                    *value = new << self.scan.low;
                    break;
                } else {
                    zeros_left -= 1;
                }
                at += 1;
            }
            at += 1;
        }
        if *ended > 0 {
            for place in &ZIGZAG[at.min(last + 1)..=last] {
                let value = &mut block[usize::from(*place)];
                if *value != 0 {
                    refine(self.bits, value, self.scan.low)?;
                }
            }
            *ended -= 1;
        }
        Ok(())
    }
}

/// Takes one more bit of a nonzero coefficient.
fn refine(bits: &mut BitReader<'_>, value: &mut i16, low: u32) -> Result<(), JpegError> {
    let step = 1_i16 << low;
    if bits.bit()? && *value & step == 0 {
        *value = value.wrapping_add(step * value.signum());
    }
    Ok(())
}

/// Splits a symbol into its run of zeros and the length of the number after them.
fn halves(symbol: u8) -> (usize, u32) {
    (usize::from(symbol >> 4), u32::from(symbol & 15))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "coefficients are kept in 16 bits, as libjpeg does"
)]
const fn low_half(value: i32) -> i16 {
    value as i16
}
