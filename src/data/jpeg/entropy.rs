//! Huffman-coded coefficients, sequential and progressive (ITU-T T.81, annexes F and G).

use super::{
    JpegFault,
    segments::{Block, Image, Passes, Tables, ZIGZAG},
};

/// Codes up to this length are looked up at once.
const LOOKUP_BITS: u32 = 8;

/// A canonical Huffman code.
pub(super) struct HuffmanTable {
    /// Length and symbol by the first bits; length 0 if the code is longer.
    lookup: Vec<(u8, u8)>,
    /// By length: one more than the last code, in 16 bits, and what to add to find the symbol.
    lengths: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// Returns nothing if there are more codes of a length than there can be.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        if symbols.len() > 256 {
            return None;
        }
        let mut table = Self {
            lookup: vec![(0, 0); 1 << LOOKUP_BITS],
            lengths: [(0, 0); 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut next) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            let offset = i32::try_from(next).ok()? - i32::try_from(code).ok()?;
            for _ in 0..count {
                if length <= LOOKUP_BITS {
                    let free = LOOKUP_BITS - length;
                    let entry = (u8::try_from(length).ok()?, *symbols.get(next)?);
                    let start = (code << free) as usize;
                    table.lookup.get_mut(start..start + (1 << free))?.fill(entry);
                }
                code += 1;
                next += 1;
            }
            if code > 1 << length {
                return None;
            }
            table.lengths[length as usize] = (code << (16 - length), offset);
            code <<= 1;
        }
        Some(table)
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, JpegFault> {
        let window = bits.window();
        let (length, symbol) = self.lookup[(window >> (16 - LOOKUP_BITS)) as usize];
        if length > 0 {
            bits.skip(length.into())?;
            return Ok(symbol);
        }
        for length in LOOKUP_BITS + 1..=16 {
            let (end, offset) = self.lengths[length as usize];
            if window < end {
                bits.skip(length)?;
                let code = (window >> (16 - length)).cast_signed();
                let at = usize::try_from(code + offset).map_err(|_| JpegFault::Coded)?;
                return self.symbols.get(at).copied().ok_or(JpegFault::Coded);
            }
        }
        Err(JpegFault::Coded)
    }
}

/// Coded bits up to the next marker.
struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, the first one highest.
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self { rest, held: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let (byte, length) = match *self.rest {
                [0xff, 0, ..] => (0xff, 2),
                [0xff, ..] | [] => return,
                [byte, ..] => (byte, 1),
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
            self.rest = &self.rest[length..];
        }
    }

    /// Returns the next 16 bits, zeros behind the last one.
    fn window(&mut self) -> u32 {
        self.fill();
        u32::try_from(self.held >> 48).expect("sixteen bits are left")
    }

    fn skip(&mut self, n: u32) -> Result<(), JpegFault> {
        self.count = self.count.checked_sub(n).ok_or(self.end())?;
        self.held <<= n;
        Ok(())
    }

    /// Says whether the file ended or a marker came too early.
    const fn end(&self) -> JpegFault {
        match self.rest {
            [] | [0xff] => JpegFault::Truncated,
            _ => JpegFault::Coded,
        }
    }

    fn take(&mut self, n: u32) -> Result<i32, JpegFault> {
        if n == 0 {
            return Ok(0);
        }
        let value = self.window() >> (16 - n);
        self.skip(n)?;
        Ok(value.cast_signed())
    }

    fn bit(&mut self) -> Result<bool, JpegFault> {
        Ok(self.take(1)? == 1)
    }

    /// Takes a number of `n` bits of which half of the values are negative (`EXTEND`).
    fn signed(&mut self, n: u32) -> Result<i32, JpegFault> {
        let value = self.take(n)?;
        Ok(if n > 0 && value < 1 << (n - 1) { value - (1 << n) + 1 } else { value })
    }

    /// Returns what follows the coded bits, of which less than a byte may be left.
    fn finish(self) -> Result<&'a [u8], JpegFault> {
        if self.count < 8 { Ok(self.rest) } else { Err(JpegFault::Coded) }
    }
}

/// A scan's header.
pub(super) struct Scan {
    /// Component, DC table and AC table of each member.
    pub(super) members: Vec<[usize; 3]>,
    /// First and last coefficient in coded order.
    pub(super) band: [usize; 2],
    /// Whether it adds a bit to what was sent before.
    pub(super) refines: bool,
    /// Lowest bit that is sent.
    pub(super) low: u32,
}

/// What a scan remembers from block to block; a restart forgets it.
#[derive(Default)]
struct Memory {
    dc: [i32; 3],
    /// Blocks that are still known to have no more coefficients.
    ended: u32,
}

/// Decodes a scan into the coefficients; returns what follows it.
pub(super) fn decode<'a>(
    coded: &'a [u8],
    image: &mut Image,
    scan: &Scan,
    tables: &Tables,
) -> Result<&'a [u8], JpegFault> {
    let groups = if let [[component, ..]] = *scan.members.as_slice() {
        image.components[component].blocks
    } else {
        let extent = [image.height, image.width];
        [0, 1].map(|axis| extent[axis].div_ceil(8 * image.sampling_max[axis]))
    };
    let mut bits = Bits::new(coded);
    let mut memory = Memory::default();
    let mut restarts = 0;
    for group in 0..groups[0] * groups[1] {
        if tables.restart > 0 && group > 0 && group % tables.restart == 0 {
            bits = restart(bits, restarts)?;
            memory = Memory::default();
            restarts = (restarts + 1) % 8;
        }
        let (row, column) = (group / groups[1], group % groups[1]);
        for &[number, dc, ac] in &scan.members {
            let component = &mut image.components[number];
            let [down, across] = if scan.members.len() == 1 { [1, 1] } else { component.sampling };
            for inner in 0..down * across {
                let (y, x) = (row * down + inner / across, column * across + inner % across);
                let block = &mut component.coefficients[y * component.stride + x];
                let coder = Coder {
                    bits: &mut bits,
                    scan,
                    dc: tables.dc[dc].as_ref(),
                    ac: tables.ac[ac].as_ref(),
                };
                coder.block(block, &mut memory, number, image.passes)?;
            }
        }
    }
    bits.finish()
}

/// Passes over the restart marker that is due.
fn restart(bits: Bits<'_>, number: u8) -> Result<Bits<'_>, JpegFault> {
    let mut rest = bits.finish()?;
    while let [0xff, 0xff, ..] = rest {
        rest = &rest[1..];
    }
    match rest {
        [0xff, code, rest @ ..] if *code == 0xd0 + number => Ok(Bits::new(rest)),
        [] | [0xff] => Err(JpegFault::Truncated),
        _ => Err(JpegFault::Coded),
    }
}

/// Decodes one block.
struct Coder<'a, 'b> {
    bits: &'a mut Bits<'b>,
    scan: &'a Scan,
    dc: Option<&'a HuffmanTable>,
    ac: Option<&'a HuffmanTable>,
}

const NO_TABLE: JpegFault = JpegFault::Segment { segment: "Huffman table" };

impl Coder<'_, '_> {
    fn block(
        mut self,
        block: &mut Block,
        memory: &mut Memory,
        component: usize,
        passes: Passes,
    ) -> Result<(), JpegFault> {
        if passes == Passes::One {
            self.dc_first(block, &mut memory.dc[component])?;
            return self.ac_sequential(block);
        }
        match (self.scan.band[0], self.scan.refines) {
            (0, false) => self.dc_first(block, &mut memory.dc[component]),
            (0, true) => {
                if self.bits.bit()? {
                    block[0] |= 1 << self.scan.low;
                }
                Ok(())
            }
            (_, false) => self.ac_first(block, &mut memory.ended),
            (_, true) => self.ac_refine(block, &mut memory.ended),
        }
    }

    fn dc_first(&mut self, block: &mut Block, last: &mut i32) -> Result<(), JpegFault> {
        let length = self.dc.ok_or(NO_TABLE)?.symbol(self.bits)?;
        if length > 15 {
            return Err(JpegFault::Coded);
        }
        *last = last.wrapping_add(self.bits.signed(length.into())?);
        block[0] = low_half(last.wrapping_shl(self.scan.low));
        Ok(())
    }

    fn ac_sequential(&mut self, block: &mut Block) -> Result<(), JpegFault> {
        let table = self.ac.ok_or(NO_TABLE)?;
        let mut at = 1;
        while at < 64 {
            let (zeros, length) = halves(table.symbol(self.bits)?);
            if length == 0 && zeros < 15 {
                break;
            }
            at += zeros;
            if length > 0 {
                let place = ZIGZAG.get(at).ok_or(JpegFault::Coded)?;
                block[usize::from(*place)] = low_half(self.bits.signed(length)?);
            }
            at += 1;
        }
        Ok(())
    }

    fn ac_first(&mut self, block: &mut Block, ended: &mut u32) -> Result<(), JpegFault> {
        if *ended > 0 {
            *ended -= 1;
            return Ok(());
        }
        let table = self.ac.ok_or(NO_TABLE)?;
        let [mut at, last] = self.scan.band;
        while at <= last {
            let (zeros, length) = halves(table.symbol(self.bits)?);
            if length == 0 && zeros < 15 {
                *ended = self.run(zeros)? - 1;
                break;
            }
            at += zeros;
            if length > 0 {
                let place = ZIGZAG.get(at).ok_or(JpegFault::Coded)?;
                let value = self.bits.signed(length)?;
                block[usize::from(*place)] = low_half(value.wrapping_shl(self.scan.low));
            }
            at += 1;
        }
        Ok(())
    }

    /// Takes the number of blocks, this one included, that have no more new coefficients.
    fn run(&mut self, length: usize) -> Result<u32, JpegFault> {
        let length = u32::try_from(length).expect("half a byte");
        Ok((1 << length) + self.bits.take(length)?.cast_unsigned())
    }

    fn ac_refine(&mut self, block: &mut Block, ended: &mut u32) -> Result<(), JpegFault> {
        let [mut at, last] = self.scan.band;
        let table = self.ac.ok_or(NO_TABLE)?;
        while *ended == 0 && at <= last {
            let (zeros, length) = halves(table.symbol(self.bits)?);
            let mut zeros_left = zeros;
            let mut new = 0;
            match length {
                0 if zeros < 15 => {
                    *ended = self.run(zeros)?;
                    break;
                }
                0 => {}
                1 => new = if self.bits.bit()? { 1 } else { -1 },
                _ => return Err(JpegFault::Coded),
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

/// Takes one more bit of a coefficient that is known not to be zero.
fn refine(bits: &mut Bits<'_>, value: &mut i16, low: u32) -> Result<(), JpegFault> {
    let step = 1_i16 << low;
    if bits.bit()? && *value & step == 0 {
        *value = value.wrapping_add(step * value.signum());
    }
    Ok(())
}

/// Splits a symbol into its run of zeros and the length of the number behind them.
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
