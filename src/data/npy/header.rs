//! The header of a `.npy` file: a Python dictionary of three keys, taken apart and never evaluated.
//!
//! ```text
//! header   = "{" entry { "," entry } [","] "}"        blanks between tokens, at the end a newline
//! entry    = "'descr'" ":" string | "'fortran_order'" ":" ("True" | "False") | "'shape'" ":" tuple
//! tuple    = "(" [ number { "," number } [","] ] ")"
//! ```
//! There is no recursion. A structured type is a list where the string is due, and refused as one.

use std::fmt::Write;

/// Why a header cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Another token is due.
    #[error("at byte {offset}: {expected} is due")]
    Expected {
        /// Where in the header.
        offset: usize,
        /// What is due.
        expected: &'static str,
    },
    /// A key is not one of the three.
    #[error("at byte {offset}: the keys are `descr`, `fortran_order` and `shape`")]
    Key {
        /// Where in the header.
        offset: usize,
    },
    /// A key is there twice.
    #[error("`{key}` is there twice")]
    Twice {
        /// The key.
        key: &'static str,
    },
    /// A key is not there.
    #[error("there is no `{key}`")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// An extent is negative or beyond what can be counted.
    #[error("at byte {offset}: an extent is a number from 0 to 2^63 - 1")]
    Extent {
        /// Where in the header.
        offset: usize,
    },
    /// There are more axes than NumPy allows.
    #[error("it has more than {AXES_MAX} axes")]
    Axes,
}

/// Most axes of an array.
const AXES_MAX: usize = 32;

/// Which axis varies fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The last one (C).
    RowsFirst,
    /// The first one (Fortran).
    ColumnsFirst,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the elements, as NumPy writes it.
    pub descr: String,
    /// Order of the elements.
    pub order: Order,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
}

/// What is left of a header's text.
struct Text<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Text<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.offset += blanks;
    }

    /// Takes a token if it comes next.
    fn accept(&mut self, token: &str) -> bool {
        self.skip_blanks();
        let comes = self.rest().starts_with(token.as_bytes());
        if comes {
            self.offset += token.len();
        }
        comes
    }

    fn expect(&mut self, token: &str, expected: &'static str) -> Result<(), HeaderFault> {
        if self.accept(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    const fn expected(&self, expected: &'static str) -> HeaderFault {
        HeaderFault::Expected { offset: self.offset, expected }
    }

    /// Takes a quoted string without escapes.
    fn string(&mut self, expected: &'static str) -> Result<&'a str, HeaderFault> {
        self.skip_blanks();
        let fault = self.expected(expected);
        let (&quote, text) = self.rest().split_first().ok_or(fault.clone())?;
        if quote != b'\'' && quote != b'"' {
            return Err(fault);
        }
        let length = text.iter().position(|&byte| byte == quote).ok_or(fault.clone())?;
        let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'\\';
        if !text[..length].iter().all(plain) {
            return Err(fault);
        }
        self.offset += length + 2;
        str::from_utf8(&text[..length]).map_err(|_| fault)
    }

    fn extent(&mut self) -> Result<usize, HeaderFault> {
        self.skip_blanks();
        let offset = self.offset;
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = &self.rest()[..digits];
        self.offset += digits;
        // NumPy of Python 2 wrote long integers with an L.
        let number = str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
        if number.is_some() && self.rest().first() == Some(&b'L') {
            self.offset += 1;
        }
        number.and_then(|number| number.try_into().ok()).ok_or(HeaderFault::Extent { offset })
    }

    fn tuple(&mut self) -> Result<Vec<usize>, HeaderFault> {
        self.expect("(", "`(`")?;
        let mut extents = Vec::new();
        loop {
            if self.accept(")") {
                return Ok(extents);
            }
            if extents.len() == AXES_MAX {
                return Err(HeaderFault::Axes);
            }
            extents.push(self.extent()?);
            if !self.accept(",") {
                self.expect(")", "`,` or `)`")?;
                return Ok(extents);
            }
        }
    }

    fn order(&mut self) -> Result<Order, HeaderFault> {
        if self.accept("False") {
            Ok(Order::RowsFirst)
        } else if self.accept("True") {
            Ok(Order::ColumnsFirst)
        } else {
            Err(self.expected("`True` or `False`"))
        }
    }
}

/// Takes a header apart.
pub fn parse(text: &[u8]) -> Result<Header, HeaderFault> {
    let mut text = Text { bytes: text, offset: 0 };
    let (mut descr, mut order, mut shape) = (None, None, None);
    text.expect("{", "`{`")?;
    while !text.accept("}") {
        text.skip_blanks();
        let offset = text.offset;
        let key = text.string("a key in quotes")?;
        text.expect(":", "`:`")?;
        let (key, first) = match key {
            "descr" => {
                let value = text.string("the name of a plain type")?.to_owned();
                ("descr", descr.replace(value).is_none())
            }
            "fortran_order" => ("fortran_order", order.replace(text.order()?).is_none()),
            "shape" => ("shape", shape.replace(text.tuple()?).is_none()),
            _ => return Err(HeaderFault::Key { offset }),
        };
        if !first {
            return Err(HeaderFault::Twice { key });
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
    let missing = |key| HeaderFault::Missing { key };
    Ok(Header {
        descr: descr.ok_or(missing("descr"))?,
        order: order.ok_or(missing("fortran_order"))?,
        shape: shape.ok_or(missing("shape"))?,
    })
}

/// Returns a header's text without padding, as NumPy writes it.
pub(super) fn write(descr: &str, shape: &[usize]) -> String {
    let mut tuple = String::new();
    for (axis, extent) in shape.iter().enumerate() {
        let separator = if axis == 0 { "" } else { ", " };
        write!(tuple, "{separator}{extent}").expect("writing to a string succeeds");
    }
    if shape.len() == 1 {
        tuple.push(',');
    }
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({tuple}), }}")
}
