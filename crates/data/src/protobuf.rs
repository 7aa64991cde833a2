//! The wire format of protocol buffers: what TFRecord readers and TensorBoard writers need of it.
//!
//! ```text
//! message   { key value }
//! key       varint: field number << 3 | wire type
//! varint    7 bits per byte, lowest first; the highest bit is set in all bytes but the last
//! ```
//! A [`FieldReader`] borrows from its message: it copies nothing, does not recurse, and allocates
//! nothing. Groups are refused. The `write_*` functions append one field each and leave out numbers
//! that are 0, as protobuf does.

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("a varint is cut off or longer than 64 bits")]
    Varint,
    #[error("a value states {length} bytes, but {left} are left")]
    Length { length: u64, left: usize },
    #[error("invalid field number {number}")]
    FieldNumber { number: u64 },
    #[error("field {number} has unsupported wire type {wire_type}")]
    WireType { number: u64, wire_type: u64 },
}

/// The encoding of a field.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// A varint or a 64-bit value, which no reader here needs.
    Number,
    Fixed32([u8; 4]),
    /// A string, an embedded message or packed numbers.
    Bytes(&'a [u8]),
}

/// Reads the fields of a message.
#[derive(Clone, Copy, Debug)]
pub struct FieldReader<'a>(&'a [u8]);

impl<'a> FieldReader<'a> {
    /// Reads the fields of an encoded message from its start.
    pub const fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// Returns the number and value of the next field, `None` at the end.
    pub fn field(&mut self) -> Result<Option<(u64, FieldValue<'a>)>, WireError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let (number, wire_type) = (key >> 3, key & 7);
        if number == 0 || number >= 1 << 29 {
            return Err(WireError::FieldNumber { number });
        }
        let value = match wire_type {
            0 => self.varint().map(|_| FieldValue::Number)?,
            1 => self.take(8).map(|_| FieldValue::Number)?,
            2 => {
                let length = self.varint()?;
                FieldValue::Bytes(self.take(length)?)
            }
            5 => FieldValue::Fixed32(self.take(4)?.try_into().expect("four bytes were taken")),
            _ => return Err(WireError::WireType { number, wire_type }),
        };
        Ok(Some((number, value)))
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(WireError::Varint)?;
            self.0 = rest;
            if shift == 63 && byte > 1 {
                return Err(WireError::Varint);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Varint)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], WireError> {
        let left = self.0.len();
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (taken, rest) = split.ok_or(WireError::Length { length, left })?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Appends an integer, unless it is 0.
pub fn write_integer(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        write_key(out, field, WireType::Varint);
        write_varint(out, value);
    }
}

/// Appends a string, an embedded message or packed numbers.
pub fn write_bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    write_key(out, field, WireType::Bytes);
    write_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Appends a `float`, also if it is 0.
pub fn write_float(out: &mut Vec<u8>, field: u8, value: f32) {
    write_key(out, field, WireType::Fixed32);
    out.extend(value.to_le_bytes());
}

/// Appends a `double`, also if it is 0.
pub fn write_double(out: &mut Vec<u8>, field: u8, value: f64) {
    write_key(out, field, WireType::Fixed64);
    out.extend(value.to_le_bytes());
}

fn write_key(out: &mut Vec<u8>, field: u8, wire_type: WireType) {
    write_varint(out, u64::from(field) << 3 | wire_type as u64);
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn written_fields_are_read_back(number in 1_u8.., bytes: Vec<u8>, float: u32, rest: u64) {
            let mut message = Vec::new();
            write_bytes(&mut message, number, &bytes);
            write_integer(&mut message, 2, rest);
            write_double(&mut message, 1, 0.5);
            write_float(&mut message, 3, f32::from_bits(float));
            let mut reader = FieldReader::new(&message);
            let mut fields = Vec::new();
            while let Some(field) = reader.field().unwrap() {
                fields.push(field);
            }
            if rest != 0 {
                prop_assert_eq!(fields.remove(1), (2, FieldValue::Number));
            }
            let expected = [
                (u64::from(number), FieldValue::Bytes(&bytes)),
                (1, FieldValue::Number),
                (3, FieldValue::Fixed32(float.to_le_bytes())),
            ];
            prop_assert_eq!(fields, expected);
        }
    }
}
