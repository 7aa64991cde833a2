//! The header of a `.npy` file: a Python dictionary of three keys, parsed and never evaluated.
//!
//! ```text
//! header   = "{" entry { "," entry } [","] "}"        blanks between tokens, at the end a newline
//! entry    = "'descr'" ":" string | "'fortran_order'" ":" ("True" | "False") | "'shape'" ":" tuple
//! tuple    = "(" [ number { "," number } [","] ] ")"
//! ```
//! There is no recursion. A structured type, which is a list instead of a string, is refused.

use std::fmt::Write;

use super::error::{AXES_MAX, NpyHeaderError};

/// The order of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryOrder {
    /// The last axis varies fastest.
    C,
    /// The first axis varies fastest.
    Fortran,
}

/// A parsed header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// The element type, as NumPy writes it.
    pub descr: String,
    pub order: MemoryOrder,
    /// Lengths of the axes, outermost first.
    pub shape: Vec<usize>,
}

/// Reads the text of a header.
struct HeaderReader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> HeaderReader<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.offset += blanks;
    }

    /// Takes a token if it is the next one.
    fn accept(&mut self, token: &str) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(token.as_bytes());
        if found {
            self.offset += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str, expected: &'static str) -> Result<(), NpyHeaderError> {
        if self.accept(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    const fn expected(&self, expected: &'static str) -> NpyHeaderError {
        NpyHeaderError::Expected { offset: self.offset, expected }
    }

    /// Takes a quoted string without escapes.
    fn string(&mut self, expected: &'static str) -> Result<&'a str, NpyHeaderError> {
        self.skip_blanks();
        let error = self.expected(expected);
        let (&quote, text) = self.rest().split_first().ok_or(error.clone())?;
        if quote != b'\'' && quote != b'"' {
            return Err(error);
        }
        let length = text.iter().position(|&byte| byte == quote).ok_or(error.clone())?;
        let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'\\';
        if !text[..length].iter().all(plain) {
            return Err(error);
        }
        self.offset += length + 2;
        str::from_utf8(&text[..length]).map_err(|_| error)
    }

    fn axis_length(&mut self) -> Result<usize, NpyHeaderError> {
        self.skip_blanks();
        let offset = self.offset;
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = &self.rest()[..digits];
        self.offset += digits;
        // NumPy on Python 2 wrote long integers with a trailing L.
        let number = str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
        if number.is_some() && self.rest().first() == Some(&b'L') {
            self.offset += 1;
        }
        number
            .and_then(|number| number.try_into().ok())
            .ok_or(NpyHeaderError::AxisLength { offset })
    }

    fn tuple(&mut self) -> Result<Vec<usize>, NpyHeaderError> {
        self.expect("(", "`(`")?;
        let mut lengths = Vec::new();
        loop {
            if self.accept(")") {
                return Ok(lengths);
            }
            if lengths.len() == AXES_MAX {
                return Err(NpyHeaderError::TooManyAxes);
            }
            lengths.push(self.axis_length()?);
            if !self.accept(",") {
                self.expect(")", "`,` or `)`")?;
                return Ok(lengths);
            }
        }
    }

    fn order(&mut self) -> Result<MemoryOrder, NpyHeaderError> {
        if self.accept("False") {
            Ok(MemoryOrder::C)
        } else if self.accept("True") {
            Ok(MemoryOrder::Fortran)
        } else {
            Err(self.expected("`True` or `False`"))
        }
    }
}

/// Parses the text of a header.
pub fn parse(text: &[u8]) -> Result<NpyHeader, NpyHeaderError> {
    let mut text = HeaderReader { bytes: text, offset: 0 };
    let (mut descr, mut order, mut shape) = (None, None, None);
    text.expect("{", "`{`")?;
    while !text.accept("}") {
        text.skip_blanks();
        let offset = text.offset;
        let key = text.string("a key in quotes")?;
        text.expect(":", "`:`")?;
        let (key, is_first) = match key {
            "descr" => {
                let value = text.string("the name of a plain type")?.to_owned();
                ("descr", descr.replace(value).is_none())
            }
            "fortran_order" => ("fortran_order", order.replace(text.order()?).is_none()),
            "shape" => ("shape", shape.replace(text.tuple()?).is_none()),
            _ => return Err(NpyHeaderError::UnknownKey { offset }),
        };
        if !is_first {
            return Err(NpyHeaderError::DuplicateKey { key });
        }
        if !text.accept(",") {
            text.expect("}", "`,` or `}`")?;
            break;
        }
    }
    text.skip_blanks();
    if !text.rest().is_empty() {
        return Err(text.expected("the end of the header"));
    }
    let missing = |key| NpyHeaderError::MissingKey { key };
    Ok(NpyHeader {
        descr: descr.ok_or(missing("descr"))?,
        order: order.ok_or(missing("fortran_order"))?,
        shape: shape.ok_or(missing("shape"))?,
    })
}

/// Returns the text of a header without padding, as NumPy writes it.
pub(super) fn write(descr: &str, shape: &[usize]) -> String {
    let mut tuple = String::new();
    for (axis, length) in shape.iter().enumerate() {
        let separator = if axis == 0 { "" } else { ", " };
        write!(tuple, "{separator}{length}").expect("writing to a string succeeds");
    }
    if shape.len() == 1 {
        tuple.push(',');
    }
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({tuple}), }}")
}
