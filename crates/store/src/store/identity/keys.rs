//! Lists the keys that the parser of a type knows, as serde's derived code announces them.

use std::collections::BTreeSet;

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::{Error, StrDeserializer},
    },
    forward_to_deserialize_any,
};

/// Returns the dotted path of every field of a type. Choices are parts of paths, but not keys; fields of
/// a list's elements follow the path of the list.
///
/// # Panics
/// If the type has a map, whose keys no type lists.
pub(super) fn keys_of<T: for<'de> Deserialize<'de>>() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut paths: Vec<Vec<&'static str>> = vec![vec![]];
    while let Some(path) = paths.pop() {
        let mut next = Next::Leaf;
        T::deserialize(Probe { path: &path, next: &mut next }).err();
        let (Next::Fields(names) | Next::Choices(names)) = next else { continue };
        for &name in names {
            let longer = [path.as_slice(), &[name]].concat();
            if matches!(next, Next::Fields(_)) {
                keys.insert(longer.join("."));
            }
            paths.push(longer);
        }
    }
    keys
}

/// What may come next on a path.
enum Next {
    Leaf,
    Fields(&'static [&'static str]),
    Choices(&'static [&'static str]),
}

/// A deserializer that follows a path into a type, records what may come next, and fails.
struct Probe<'p> {
    path: &'p [&'static str],
    next: &'p mut Next,
}

fn done<T>() -> Result<T, Error> {
    Err(Error::custom("the end of the path"))
}

impl Probe<'_> {
    fn fields<'de, V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.path.is_empty() {
            *self.next = Next::Fields(fields);
            return done();
        }
        visitor.visit_map(PathEntry(Some(self)))
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        done()
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        panic!("the keys of a map cannot be listed")
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(PathEntry(Some(self)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.path.is_empty() {
            *self.next = Next::Choices(variants);
            return done();
        }
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A table with only the entry on the path, or a list of one element.
struct PathEntry<'p>(Option<Probe<'p>>);

impl<'de> MapAccess<'de> for PathEntry<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(probe) = &self.0 else { return Ok(None) };
        seed.deserialize(StrDeserializer::new(probe.path[0])).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(Probe { path, next }) = self.0.take() else { return done() };
        seed.deserialize(Probe { path: &path[1..], next })
    }
}

impl<'de> SeqAccess<'de> for PathEntry<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0.take().map(|probe| seed.deserialize(probe)).transpose()
    }
}

impl<'de> EnumAccess<'de> for Probe<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let Self { path, next } = self;
        let variant = seed.deserialize(StrDeserializer::new(path[0]))?;
        Ok((variant, Self { path: &path[1..], next }))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        done()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        done()
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(fields, visitor)
    }
}
