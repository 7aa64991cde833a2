//! Huffman codes and the bits that they are read from (ITU-T T.81, annexes C and F).

use super::error::JpegError;

/// Codes of at most this length are decoded by one table look-up.
const LOOKUP_BITS: u32 = 8;

/// A canonical Huffman code.
pub(super) struct HuffmanTable {
    /// Length and symbol, indexed by the first bits; length 0 if the code is longer.
    lookup: Vec<(u8, u8)>,
    /// By length: the end of its codes, left-aligned in 16 bits, and the offset from code to symbol.
    lengths: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// Returns `None` if the counts are not those of a prefix code.
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

    pub(super) fn symbol(&self, bits: &mut BitReader<'_>) -> Result<u8, JpegError> {
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
                let at = usize::try_from(code + offset).map_err(|_| JpegError::Coded)?;
                return self.symbols.get(at).copied().ok_or(JpegError::Coded);
            }
        }
        Err(JpegError::Coded)
    }
}

/// Reads coded bits up to the next marker.
pub(super) struct BitReader<'a> {
    rest: &'a [u8],
    /// The next bits, left-aligned.
    held: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
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

    /// Returns the next 16 bits, padded with zeros at the end.
    fn window(&mut self) -> u32 {
        self.fill();
        u32::try_from(self.held >> 48).expect("the shift leaves 16 bits")
    }

    fn skip(&mut self, n: u32) -> Result<(), JpegError> {
        self.count = self.count.checked_sub(n).ok_or(self.end_error())?;
        self.held <<= n;
        Ok(())
    }

    /// Returns the error for running out of bits: the file ended, or a marker came too early.
    const fn end_error(&self) -> JpegError {
        match self.rest {
            [] | [0xff] => JpegError::Truncated,
            _ => JpegError::Coded,
        }
    }

    pub(super) fn take(&mut self, n: u32) -> Result<i32, JpegError> {
        if n == 0 {
            return Ok(0);
        }
        let value = self.window() >> (16 - n);
        self.skip(n)?;
        Ok(value.cast_signed())
    }

    pub(super) fn bit(&mut self) -> Result<bool, JpegError> {
        Ok(self.take(1)? == 1)
    }

    /// Takes a signed number of `n` bits (`EXTEND` of T.81).
    pub(super) fn signed(&mut self, n: u32) -> Result<i32, JpegError> {
        let value = self.take(n)?;
        Ok(if n > 0 && value < 1 << (n - 1) { value - (1 << n) + 1 } else { value })
    }

    /// Returns the bytes after the coded bits; less than one byte of bits may be unread.
    pub(super) fn finish(self) -> Result<&'a [u8], JpegError> {
        if self.count < 8 { Ok(self.rest) } else { Err(JpegError::Coded) }
    }
}
