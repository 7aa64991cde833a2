//! Reads a value from a stack of layers.
//!
//! The type that is read decides how layers combine. A struct merges tables key by key. An enum (a
//! choice, written `{ variant = { … } }` or `"variant"`) takes the variant of the topmost layer and
//! merges the layers below it that choose the same variant. Any other value is the topmost layer's.
//! No list of choices is needed beside the types.
//!
//! Every error has the place of the value or key that caused it. Start from [`read`].

use std::{collections::BTreeMap, fmt::Display, vec};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, Expected, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor, value::BorrowedStrDeserializer,
    },
    forward_to_deserialize_any,
};
use toml::de::DeValue;

use super::{
    problem::ConfigProblem,
    tree::{LocatedProblem, Node, Place, place},
};

/// Reads a value from layers, lowest first; messages call the value `key`.
///
/// # Panics
/// If there is no layer.
pub(super) fn read<'t, T: Deserialize<'t>>(
    layers: Vec<Node<'t>>,
    key: &str,
) -> Result<T, LocatedProblem> {
    let stack = Layered { stack: layers };
    let place = stack.top().place();
    T::deserialize(stack).map_err(|problem| problem.at(place).into_located(key))
}

/// An error of serde, which collects a place and a full key on its way up.
#[derive(Debug)]
pub(super) struct ReadProblem {
    kind: ProblemKind,
    place: Option<Place>,
    /// Keys from the innermost to the outermost.
    keys: Vec<String>,
}

#[derive(Debug)]
enum ProblemKind {
    UnknownKey { key: String, expected: &'static [&'static str] },
    MissingKey(&'static str),
    Value(String),
    UnknownChoice { choice: String, expected: &'static [&'static str] },
    SeveralChoices(Vec<String>),
    NoChoice(&'static [&'static str]),
    NeedsSettings { choice: String, fields: &'static [&'static str] },
    TakesNoSettings { choice: String },
}

impl ReadProblem {
    fn new(kind: ProblemKind) -> Self {
        Self { kind, place: None, keys: Vec::new() }
    }

    /// Sets the place, unless a more precise one is set.
    fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// Adds `key` as the next outer key.
    fn within(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    fn into_located(self, root: &str) -> LocatedProblem {
        let mut key = root.to_owned();
        for part in self.keys.iter().rev() {
            if !key.is_empty() && !part.starts_with('[') {
                key.push('.');
            }
            key.push_str(part);
        }
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let problem = match self.kind {
            ProblemKind::UnknownKey { key: unknown, expected } => {
                ConfigProblem::UnknownKey { key: unknown, table: key, expected: owned(expected) }
            }
            ProblemKind::MissingKey(missing) => {
                ConfigProblem::MissingKey { key: missing.to_owned(), table: key }
            }
            ProblemKind::Value(problem) => ConfigProblem::Value { key, problem },
            ProblemKind::UnknownChoice { choice, expected } => {
                ConfigProblem::UnknownChoice { choice, key, expected: owned(expected) }
            }
            ProblemKind::SeveralChoices(given) => ConfigProblem::SeveralChoices { key, given },
            ProblemKind::NoChoice(expected) => {
                ConfigProblem::NoChoice { key, expected: owned(expected) }
            }
            ProblemKind::NeedsSettings { choice, fields } => {
                ConfigProblem::NeedsSettings { choice, key, fields: owned(fields) }
            }
            ProblemKind::TakesNoSettings { choice } => {
                ConfigProblem::TakesNoSettings { choice, key }
            }
        };
        let place = self.place.expect("`read` gives every problem a place");
        LocatedProblem { problem, place }
    }
}

impl Display for ReadProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for ReadProblem {}

impl Error for ReadProblem {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(ProblemKind::Value(format!("is invalid: {message}")))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(ProblemKind::Value(format!("must be {}, not {}", wanted(expected), given(found))))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(ProblemKind::Value(format!("must be {}, not {}", wanted(expected), given(found))))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(ProblemKind::UnknownKey { key: field.to_owned(), expected })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(ProblemKind::UnknownChoice { choice: variant.to_owned(), expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(ProblemKind::MissingKey(field))
    }
}

/// Returns serde's expectation in terms of TOML.
fn wanted(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "f64" | "f32" => "a number".to_owned(),
        "u8" => format!("a whole number from 0 to {}", u8::MAX),
        "u16" => format!("a whole number from 0 to {}", u16::MAX),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        // TOML has no larger ones.
        "u64" | "usize" => format!("a whole number from 0 to {}", i64::MAX),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a string" | "path string" => "a string".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// Returns what serde found in terms of TOML.
fn given(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the string {text:?}"),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// The values of one key, lowest layer first; never empty.
struct Layered<'t> {
    stack: Vec<Node<'t>>,
}

/// One key of merged tables.
struct Field<'t> {
    name: &'t str,
    key: Place,
    stack: Vec<Node<'t>>,
}

impl<'t> Layered<'t> {
    fn top(&self) -> Node<'t> {
        *self.stack.last().expect("a stack of layers is never empty")
    }

    /// Merges the tables above the last layer that is not a table; keys are in the order written.
    fn fields(self) -> Fields<'t> {
        let mut fields: BTreeMap<&str, Field<'t>> = BTreeMap::new();
        let tables =
            self.stack.iter().rposition(|node| node.table().is_none()).map_or(0, |i| i + 1);
        for node in &self.stack[tables..] {
            for (key, value) in node.table().into_iter().flatten() {
                let name: &'t str = key.get_ref();
                let place = place(node.text, &key.span());
                let field = fields.entry(name).or_insert(Field {
                    name,
                    key: place.clone(),
                    stack: Vec::new(),
                });
                field.key = place;
                field.stack.push(Node { value, ..*node });
            }
        }
        let mut fields: Vec<Field<'t>> = fields.into_values().collect();
        fields.sort_by(|a, b| a.key.cmp(&b.key));
        Fields { rest: fields.into_iter(), current: None }
    }
}

impl<'t> Deserializer<'t> for Layered<'t> {
    type Error = ReadProblem;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, ReadProblem> {
        let top = self.top();
        match top.value.get_ref() {
            DeValue::String(text) => visitor.visit_borrowed_str(text),
            DeValue::Integer(digits) => {
                match i64::from_str_radix(digits.as_str(), digits.radix()) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => Err(ReadProblem::custom("the whole number needs more than 64 bits")),
                }
            }
            DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() || digits.as_str().contains(['i', 'n']) => {
                    visitor.visit_f64(number)
                }
                _ => Err(ReadProblem::custom("the number is too large for 64 bits")),
            },
            DeValue::Boolean(truth) => visitor.visit_bool(*truth),
            DeValue::Datetime(_) => {
                Err(ReadProblem::invalid_type(Unexpected::Other("a date"), &visitor))
            }
            DeValue::Array(_) => {
                let elements: Vec<Node<'t>> = top.elements().collect();
                visitor.visit_seq(Elements { rest: elements.into_iter(), index: 0 })
            }
            DeValue::Table(_) => visitor.visit_map(self.fields()),
        }
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, ReadProblem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadProblem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadProblem> {
        let chosen = |node: &Node<'t>| Chosen::of(*node, variants);
        let layers: Vec<Chosen<'t>> = self.stack.iter().map(chosen).collect::<Result<_, _>>()?;
        let Chosen { name, place, .. } = layers.last().expect("a stack is never empty").clone();
        // Layers merge up to the first one that chooses another variant.
        let same =
            layers.iter().rev().map_while(|layer| layer.settings.filter(|_| layer.name == name));
        let mut stack: Vec<Node<'t>> = same.collect();
        stack.reverse();
        let content = (!stack.is_empty()).then_some(Layered { stack });
        visitor.visit_enum(Choice { name, place, content })
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The variant that one layer chooses.
#[derive(Clone)]
struct Chosen<'t> {
    name: &'t str,
    place: Place,
    settings: Option<Node<'t>>,
}

impl<'t> Chosen<'t> {
    /// Reads a layer's choice. Also called for layers that are overridden, so that a problem in them
    /// is found now and not when the layer above changes.
    fn of(node: Node<'t>, variants: &'static [&'static str]) -> Result<Self, ReadProblem> {
        let chosen = match node.value.get_ref() {
            DeValue::String(name) => Self { name, place: node.place(), settings: None },
            DeValue::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(key, _)| key.span().start);
                let place = |index: usize| place(node.text, &entries[index].0.span());
                match entries[..] {
                    [] => {
                        return Err(
                            ReadProblem::new(ProblemKind::NoChoice(variants)).at(node.place())
                        );
                    }
                    [(name, value)] => Self {
                        name: name.get_ref(),
                        place: place(0),
                        settings: Some(Node { value, ..node }),
                    },
                    _ => {
                        let given = entries.iter().map(|(key, _)| key.get_ref().to_string());
                        let kind = ProblemKind::SeveralChoices(given.collect());
                        return Err(ReadProblem::new(kind).at(place(1)));
                    }
                }
            }
            other => {
                let (expected, given) = (variants.join("`, `"), other.type_str());
                let problem = format!("must be one of `{expected}`, not a value of type {given}");
                return Err(ReadProblem::new(ProblemKind::Value(problem)).at(node.place()));
            }
        };
        if variants.contains(&chosen.name) {
            Ok(chosen)
        } else {
            Err(ReadProblem::unknown_variant(chosen.name, variants).at(chosen.place))
        }
    }
}

struct Fields<'t> {
    rest: vec::IntoIter<Field<'t>>,
    current: Option<Field<'t>>,
}

impl<'t> MapAccess<'t> for Fields<'t> {
    type Error = ReadProblem;

    fn next_key_seed<K: DeserializeSeed<'t>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadProblem> {
        let Some(field) = self.rest.next() else { return Ok(None) };
        let (name, place) = (field.name, field.key.clone());
        self.current = Some(field);
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
            .map_err(|problem: ReadProblem| problem.at(place))
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ReadProblem> {
        let Field { name, stack, .. } = self.current.take().expect("a value follows its key");
        let value = Layered { stack };
        let place = value.top().place();
        seed.deserialize(value).map_err(|problem| problem.at(place).within(name))
    }
}

struct Elements<'t> {
    rest: vec::IntoIter<Node<'t>>,
    index: usize,
}

impl<'t> SeqAccess<'t> for Elements<'t> {
    type Error = ReadProblem;

    fn next_element_seed<T: DeserializeSeed<'t>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadProblem> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Layered { stack: vec![node] })
            .map(Some)
            .map_err(|problem| problem.at(node.place()).within(&format!("[{index}]")))
    }
}

/// A chosen variant with its settings, if any.
struct Choice<'t> {
    name: &'t str,
    place: Place,
    content: Option<Layered<'t>>,
}

impl<'t> EnumAccess<'t> for Choice<'t> {
    type Error = ReadProblem;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), ReadProblem> {
        let name = BorrowedStrDeserializer::new(self.name);
        match seed.deserialize(name) {
            Ok(variant) => Ok((variant, self)),
            Err(problem) => Err(ReadProblem::at(problem, self.place)),
        }
    }
}

impl<'t> Choice<'t> {
    /// Reads the settings, which are required.
    fn settings<T>(
        self,
        fields: &'static [&'static str],
        read: impl FnOnce(Layered<'t>) -> Result<T, ReadProblem>,
    ) -> Result<T, ReadProblem> {
        let Self { name, place, content } = self;
        let Some(content) = content else {
            return Err(ReadProblem::new(ProblemKind::NeedsSettings {
                choice: name.to_owned(),
                fields,
            })
            .at(place));
        };
        let place = content.top().place();
        read(content).map_err(|problem| problem.at(place).within(name))
    }
}

impl<'t> VariantAccess<'t> for Choice<'t> {
    type Error = ReadProblem;

    fn unit_variant(self) -> Result<(), ReadProblem> {
        match self.content {
            Some(content) if content.top().table().is_none_or(|table| !table.is_empty()) => {
                let choice = self.name.to_owned();
                Err(ReadProblem::new(ProblemKind::TakesNoSettings { choice })
                    .at(content.top().place()))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(
        self,
        seed: T,
    ) -> Result<T::Value, ReadProblem> {
        self.settings(&[], |content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'t>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ReadProblem> {
        self.settings(&[], |content| content.deserialize_any(visitor))
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadProblem> {
        self.settings(fields, |content| content.deserialize_any(visitor))
    }
}
