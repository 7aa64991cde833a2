//! The data of a record: a `tf.train.Example`, a map of named lists in protocol-buffer encoding.
//!
//! ```text
//! Example   { Features features = 1; }
//! Features  { map<string, Feature> feature = 1; }     entries { string key = 1; Feature value = 2; }
//! Feature   { oneof { BytesList = 1; FloatList = 2; Int64List = 3; } }
//! BytesList { repeated bytes value = 1; }
//! FloatList { repeated float value = 1; }             packed or not
//! ```
//! A parsed example borrows from its record, so a hostile record takes no more memory than its own
//! size. A general decoder would copy every value and recurse into every group. Unknown fields are
//! skipped; groups, which the format does not use, are refused.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ExampleError, FEATURES_MAX, ListKind};
use crate::protobuf::{FieldReader, FieldValue, WireError};

/// Most names of features in a message, and most characters of each.
const NAMES_LISTED: usize = 12;
const NAME_CHARS_MAX: usize = 60;

/// A named list, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature<'a> {
    pub kind: ListKind,
    list: &'a [u8],
}

impl<'a> Feature<'a> {
    /// Decodes the message of a feature; returns `None` if it has no list.
    fn parse(bytes: &'a [u8]) -> Result<Option<Self>, ExampleError> {
        let mut message = FieldReader::new(bytes);
        let mut found = None;
        while let Some((number, value)) = message.field()? {
            let kind = match number {
                1 => ListKind::Bytes,
                2 => ListKind::Float,
                3 => ListKind::Int64,
                _ => continue,
            };
            let FieldValue::Bytes(list) = value else { continue };
            if found.replace(Self { kind, list }).is_some() {
                return Err(ExampleError::TwoLists);
            }
        }
        Ok(found)
    }

    /// Returns the last byte string of a list of byte strings, and the length of the list.
    pub fn byte_string(&self) -> Result<(&'a [u8], usize), WireError> {
        let (mut last, mut count): (&[u8], usize) = (&[], 0);
        each_embedded(self.list, 1, |string| {
            last = string;
            count += 1;
            Ok(())
        })?;
        Ok((last, count))
    }

    /// Returns the numbers of a list of floats.
    pub fn floats(&self) -> Result<Vec<f32>, WireError> {
        let mut floats = Vec::new();
        let mut message = FieldReader::new(self.list);
        while let Some((number, value)) = message.field()? {
            match value {
                FieldValue::Bytes(packed) if number == 1 => {
                    let (chunks, rest) = packed.as_chunks();
                    if !rest.is_empty() {
                        let (length, left) = (size_of::<f32>() as u64, rest.len());
                        return Err(WireError::Length { length, left });
                    }
                    floats.extend(chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)));
                }
                FieldValue::Fixed32(bytes) if number == 1 => floats.push(f32::from_le_bytes(bytes)),
                _ => {}
            }
        }
        Ok(floats)
    }
}

/// Calls `each` with every embedded message or string in field `number`.
fn each_embedded<'a, E: From<WireError>>(
    message: &'a [u8],
    number: u64,
    mut each: impl FnMut(&'a [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = FieldReader::new(message);
    while let Some((found, value)) = reader.field()? {
        match value {
            FieldValue::Bytes(bytes) if found == number => each(bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// The features of a record by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example<'a> {
    features: BTreeMap<&'a str, Feature<'a>>,
}

impl<'a> Example<'a> {
    /// Decodes the data of a record; of several features with one name the last one counts.
    pub fn parse(data: &'a [u8]) -> Result<Self, ExampleError> {
        let mut features = BTreeMap::new();
        each_embedded(data, 1, |map| {
            each_embedded(map, 1, |entry| {
                let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
                let mut message = FieldReader::new(entry);
                while let Some((number, field)) = message.field()? {
                    match (number, field) {
                        (1, FieldValue::Bytes(bytes)) => key = bytes,
                        (2, FieldValue::Bytes(bytes)) => value = bytes,
                        _ => {}
                    }
                }
                let key = str::from_utf8(key).map_err(|_| ExampleError::Name)?;
                match Feature::parse(value)? {
                    Some(feature) => features.insert(key, feature),
                    None => features.remove(key),
                };
                if features.len() > FEATURES_MAX { Err(ExampleError::TooMany) } else { Ok(()) }
            })
        })?;
        Ok(Self { features })
    }

    /// Returns the names of the features for people: numbers of frames are replaced by `{i}`, and of
    /// many names only the first are listed.
    pub(crate) fn names(&self) -> String {
        let general = |name: &&str| {
            let parts = name.split('/');
            let is_number =
                |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let parts: Vec<_> =
                parts.map(|part| if is_number(part) { "{i}" } else { part }).collect();
            format!("`{}`", parts.join("/").escape_debug().take(NAME_CHARS_MAX).collect::<String>())
        };
        let names: BTreeSet<_> = self.features.keys().map(general).collect();
        let left_out = names.len().saturating_sub(NAMES_LISTED);
        let listed = names.into_iter().take(NAMES_LISTED).collect::<Vec<_>>().join(", ");
        match (listed.is_empty(), left_out) {
            (true, _) => "no features".to_owned(),
            (false, 0) => listed,
            (false, more) => format!("{listed} and {more} more"),
        }
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
    use crate::protobuf::write_bytes;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = Vec::new();
        write_bytes(&mut field, number, bytes);
        field
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
        let result = Example::parse(data).and_then(|example| match example.get("k") {
            Some(feature) => feature.floats().map(drop).map_err(ExampleError::from),
            None => Ok(()),
        });
        assert_eq!(result.expect_err("the example is refused").to_string(), message);
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
            assert_eq!(
                (feature.kind, feature.floats().unwrap()),
                (ListKind::Float, vec![1.5, -2.0])
            );
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
    fn names_are_listed_once_for_all_frames() {
        let frames = (0..30).flat_map(|i| [format!("{i}/action"), format!("move/{i}/image")]);
        let entries: Vec<_> = frames.map(|name| entry(name.as_bytes(), &floats(&[1.0]))).collect();
        let data = example(&entries);
        assert_eq!(Example::parse(&data).unwrap().names(), "`move/{i}/image`, `{i}/action`");
        assert_eq!(Example::default().names(), "no features");
    }

    #[test]
    fn broken_encodings_are_rejected() {
        check_rejects(
            &[&[0x0a][..], &[0xff; 11], &[1]].concat(),
            "a varint is cut off or longer than 64 bits",
        );
        check_rejects(&[0x0a, 0xff, 0xff], "a varint is cut off or longer than 64 bits");
        check_rejects(
            &[0x0a, 0x80, 0x80, 0x80, 0x20, 1],
            "a value states 67108864 bytes, but 1 are left",
        );
        check_rejects(&[0x0b; 200], "field 1 has unsupported wire type 3");
        check_rejects(&[0x0f, 0], "field 1 has unsupported wire type 7");
        check_rejects(&[0x02, 0], "invalid field number 0");
        check_rejects(
            &example(&[entry(b"\xff\xfe", &[])]),
            "the name of a feature is not valid UTF-8",
        );
        let half = field(2, &field(1, &[0; 6]));
        check_rejects(&example(&[entry(b"k", &half)]), "a value states 4 bytes, but 2 are left");
        let two = [floats(&[1.0]), floats(&[1.0])].concat();
        check_rejects(&example(&[entry(b"k", &two)]), "a feature has two lists of values");
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
