//! The data of a record: a `tf.train.Example`, a map of named lists in protocol-buffer encoding.
//!
//! ```text
//! Example   { Features features = 1; }
//! Features  { map<string, Feature> feature = 1; }     entries { string key = 1; Feature value = 2; }
//! Feature   { oneof { BytesList = 1; FloatList = 2; Int64List = 3; } }
//! BytesList { repeated bytes value = 1; }
//! FloatList { repeated float value = 1; }             packed or not
//! ```
//! Nothing is copied and nothing recurses: a parsed example borrows from its record, so that a
//! hostile record costs no more memory than itself. A general decoder would copy every value and
//! enter every group. Unknown fields are skipped; groups, which the format does not use, are refused.

use std::collections::BTreeMap;

/// Most features of an example; a record of 30 frames has about 200.
const FEATURES_MAX: usize = 1 << 13;

/// Why bytes are not an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// A number does not end within ten bytes, or not at all.
    #[error("a number does not end")]
    Varint,
    /// A value is longer than what holds it.
    #[error("a value claims {length} bytes, {left} are left")]
    Length {
        /// Stated length in bytes.
        length: u64,
        /// Bytes that are left.
        left: usize,
    },
    /// A field has number 0 or one beyond 2^29.
    #[error("field number {number} does not exist")]
    FieldNumber {
        /// The number.
        number: u64,
    },
    /// A field is encoded in a way that examples never use.
    #[error("field {number} has wire type {wire_type}")]
    WireType {
        /// Number of the field.
        number: u64,
        /// How it says that it is encoded.
        wire_type: u64,
    },
    /// A name is not text.
    #[error("the name of a feature is not UTF-8")]
    Name,
    /// A feature holds more than one list.
    #[error("a feature holds two lists")]
    TwoLists,
    /// There are more features than any example has.
    #[error("there are more than {FEATURES_MAX} features")]
    Features,
}

/// A field's value as encoded.
#[derive(Clone, Copy)]
enum Value<'a> {
    Number,
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

/// What is left of a message.
#[derive(Clone, Copy)]
struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    /// Takes the next field.
    fn field(&mut self) -> Result<Option<(u64, Value<'a>)>, WireFault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let (number, wire_type) = (tag >> 3, tag & 7);
        if number == 0 || number >= 1 << 29 {
            return Err(WireFault::FieldNumber { number });
        }
        let value = match wire_type {
            0 => self.varint().map(|_| Value::Number)?,
            1 => self.take(8).map(|_| Value::Number)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(self.take(4)?.try_into().expect("four bytes were taken")),
            _ => return Err(WireFault::WireType { number, wire_type }),
        };
        Ok(Some((number, value)))
    }

    fn varint(&mut self) -> Result<u64, WireFault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(WireFault::Varint)?;
            self.0 = rest;
            if shift == 63 && byte > 1 {
                return Err(WireFault::Varint);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireFault::Varint)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], WireFault> {
        let left = self.0.len();
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (taken, rest) = split.ok_or(WireFault::Length { length, left })?;
        self.0 = rest;
        Ok(taken)
    }

    /// Calls `each` with every embedded message or string under `number`.
    fn each(
        mut self,
        number: u64,
        mut each: impl FnMut(&'a [u8]) -> Result<(), WireFault>,
    ) -> Result<(), WireFault> {
        while let Some((found, value)) = self.field()? {
            match value {
                Value::Bytes(bytes) if found == number => each(bytes)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Kind of a feature's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Byte strings.
    Bytes,
    /// Single-precision numbers.
    Float,
    /// Integers.
    Int64,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bytes => "byte strings",
            Self::Float => "floats",
            Self::Int64 => "integers",
        })
    }
}

/// A named list, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature<'a> {
    /// What the list holds.
    pub kind: Kind,
    list: &'a [u8],
}

impl<'a> Feature<'a> {
    /// Decodes the message of a feature; an empty one has no list and counts as absent.
    fn parse(bytes: &'a [u8]) -> Result<Option<Self>, WireFault> {
        let mut message = Message(bytes);
        let mut found = None;
        while let Some((number, value)) = message.field()? {
            let kind = match number {
                1 => Kind::Bytes,
                2 => Kind::Float,
                3 => Kind::Int64,
                _ => continue,
            };
            let Value::Bytes(list) = value else { continue };
            if found.replace(Self { kind, list }).is_some() {
                return Err(WireFault::TwoLists);
            }
        }
        Ok(found)
    }

    /// Returns the last byte string of a list of byte strings, and how many there are.
    pub fn byte_string(&self) -> Result<(&'a [u8], usize), WireFault> {
        let (mut last, mut count): (&[u8], usize) = (&[], 0);
        Message(self.list).each(1, |string| {
            last = string;
            count += 1;
            Ok(())
        })?;
        Ok((last, count))
    }

    /// Returns the numbers of a list of floats.
    pub fn floats(&self) -> Result<Vec<f32>, WireFault> {
        let mut floats = Vec::new();
        let mut message = Message(self.list);
        while let Some((number, value)) = message.field()? {
            match value {
                Value::Bytes(packed) if number == 1 => {
                    let (chunks, rest) = packed.as_chunks();
                    if !rest.is_empty() {
                        let (length, left) = (size_of::<f32>() as u64, rest.len());
                        return Err(WireFault::Length { length, left });
                    }
                    floats.extend(chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)));
                }
                Value::Fixed32(bytes) if number == 1 => floats.push(f32::from_le_bytes(bytes)),
                _ => {}
            }
        }
        Ok(floats)
    }
}

/// The features of a record by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example<'a> {
    features: BTreeMap<&'a str, Feature<'a>>,
}

impl<'a> Example<'a> {
    /// Decodes the data of a record; of features with one name the last one counts.
    pub fn parse(data: &'a [u8]) -> Result<Self, WireFault> {
        let mut features = BTreeMap::new();
        Message(data).each(1, |map| {
            Message(map).each(1, |entry| {
                let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
                let mut message = Message(entry);
                while let Some((number, field)) = message.field()? {
                    match (number, field) {
                        (1, Value::Bytes(bytes)) => key = bytes,
                        (2, Value::Bytes(bytes)) => value = bytes,
                        _ => {}
                    }
                }
                let key = str::from_utf8(key).map_err(|_| WireFault::Name)?;
                match Feature::parse(value)? {
                    Some(feature) => features.insert(key, feature),
                    None => features.remove(key),
                };
                if features.len() > FEATURES_MAX { Err(WireFault::Features) } else { Ok(()) }
            })
        })?;
        Ok(Self { features })
    }

    /// Returns the feature called `name`.
    pub fn get(&self, name: &str) -> Option<Feature<'a>> {
        self.features.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Encodes a field that holds bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        assert!(bytes.len() < 128, "tests need one byte of length only");
        let length = u8::try_from(bytes.len()).unwrap();
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn entry(key: &[u8], feature: &[u8]) -> Vec<u8> {
        field(1, &[field(1, key), field(2, feature)].concat())
    }

    fn example(entries: &[Vec<u8>]) -> Vec<u8> {
        field(1, &entries.concat())
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        field(2, &field(1, &packed))
    }

    #[track_caller]
    fn check_rejects(data: &[u8], message: &str) {
        let fault = Example::parse(data).and_then(|example| match example.get("k") {
            Some(feature) => feature.floats().map(drop),
            None => Ok(()),
        });
        assert_eq!(fault.expect_err("the example is refused").to_string(), message);
    }

    #[test]
    fn packed_and_single_floats_are_the_same() {
        let single: Vec<u8> =
            [1.5_f32, -2.0].iter().flat_map(|v| [&[0x0d], &v.to_le_bytes()[..]].concat()).collect();
        let data = example(&[
            entry(b"packed", &floats(&[1.5, -2.0])),
            entry(b"single", &field(2, &single)),
        ]);
        let parsed = Example::parse(&data).unwrap();
        for name in ["packed", "single"] {
            let feature = parsed.get(name).unwrap();
            assert_eq!((feature.kind, feature.floats().unwrap()), (Kind::Float, vec![1.5, -2.0]));
        }
    }

    #[test]
    fn of_two_features_with_one_name_the_last_counts() {
        let data = example(&[entry(b"k", &floats(&[1.0])), entry(b"k", &floats(&[2.0]))]);
        assert_eq!(Example::parse(&data).unwrap().get("k").unwrap().floats(), Ok(vec![2.0]));
    }

    #[test]
    fn an_empty_feature_counts_as_absent() {
        assert_eq!(Example::parse(&example(&[entry(b"k", &[])])), Ok(Example::default()));
        assert_eq!(Example::parse(&[]), Ok(Example::default()));
    }

    #[test]
    fn unknown_fields_are_skipped() {
        let unknown = [field(9, b"x"), vec![0x50, 0x96, 0x01], vec![0x5d, 1, 2, 3, 4]].concat();
        let data = [unknown, example(&[entry(b"k", &floats(&[1.0]))])].concat();
        assert!(Example::parse(&data).unwrap().get("k").is_some());
    }

    #[test]
    fn broken_encodings_are_rejected() {
        check_rejects(&[&[0x0a][..], &[0xff; 11], &[1]].concat(), "a number does not end");
        check_rejects(&[0x0a, 0xff, 0xff], "a number does not end");
        check_rejects(
            &[0x0a, 0x80, 0x80, 0x80, 0x20, 1],
            "a value claims 67108864 bytes, 1 are left",
        );
        check_rejects(&[0x0b; 200], "field 1 has wire type 3");
        check_rejects(&[0x0f, 0], "field 1 has wire type 7");
        check_rejects(&[0x02, 0], "field number 0 does not exist");
        check_rejects(&example(&[entry(b"\xff\xfe", &[])]), "the name of a feature is not UTF-8");
        let half = field(2, &field(1, &[0; 6]));
        check_rejects(&example(&[entry(b"k", &half)]), "a value claims 4 bytes, 2 are left");
        let two = [floats(&[1.0]), floats(&[1.0])].concat();
        check_rejects(&example(&[entry(b"k", &two)]), "a feature holds two lists");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(parsed) = Example::parse(&data) {
                for feature in parsed.features.values() {
                    drop((feature.floats(), feature.byte_string()));
                }
            }
        }
    }
}
