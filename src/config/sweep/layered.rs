//! Reads a value from a stack of layers, each written elsewhere.
//!
//! The type that is read decides how layers combine: where it is a struct, the layers' tables merge
//! key by key; where it is an enum (a choice, written `{ variant = { … } }` or `"variant"`), the
//! topmost layer chooses the variant and only layers that choose the same one merge into it; any
//! other value is the topmost layer's. So no list of choices is kept beside the types.
//!
//! Every error names the layer's text and the bytes at fault. Start from [`read`].

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
    mistake::Mistake,
    tree::{Fault, Node, Place},
};

/// Reads a value from layers, lowest first; `key` is how messages name the whole.
///
/// # Panics
/// If there is no layer.
pub(super) fn read<'t, T: Deserialize<'t>>(layers: Vec<Node<'t>>, key: &str) -> Result<T, Fault> {
    let stack = Layered { stack: layers };
    let place = stack.top().place();
    T::deserialize(stack).map_err(|problem| problem.at(place).into_fault(key))
}

/// What serde found wrong, on its way up to a place and a full key.
#[derive(Debug)]
pub(super) struct Problem {
    kind: Kind,
    place: Option<Place>,
    /// Keys from the innermost to the outermost.
    keys: Vec<String>,
}

#[derive(Debug)]
enum Kind {
    UnknownKey { key: String, expected: &'static [&'static str] },
    MissingKey(&'static str),
    Value(String),
    UnknownChoice { choice: String, expected: &'static [&'static str] },
    SeveralChoices(Vec<String>),
    NoChoice(&'static [&'static str]),
    NeedsSettings { choice: String, fields: &'static [&'static str] },
    TakesNoSettings { choice: String },
}

impl Problem {
    fn new(kind: Kind) -> Self {
        Self { kind, place: None, keys: Vec::new() }
    }

    /// Gives the problem a place, unless it already has a more precise one.
    fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// Says that the problem is inside the value of `key`.
    fn within(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    fn into_fault(self, root: &str) -> Fault {
        let mut key = root.to_owned();
        for part in self.keys.iter().rev() {
            if !key.is_empty() && !part.starts_with('[') {
                key.push('.');
            }
            key.push_str(part);
        }
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let mistake = match self.kind {
            Kind::UnknownKey { key: unknown, expected } => {
                Mistake::UnknownKey { key: unknown, table: key, expected: owned(expected) }
            }
            Kind::MissingKey(missing) => {
                Mistake::MissingKey { key: missing.to_owned(), table: key }
            }
            Kind::Value(problem) => Mistake::Value { key, problem },
            Kind::UnknownChoice { choice, expected } => {
                Mistake::UnknownChoice { choice, key, expected: owned(expected) }
            }
            Kind::SeveralChoices(given) => Mistake::SeveralChoices { key, given },
            Kind::NoChoice(expected) => Mistake::NoChoice { key, expected: owned(expected) },
            Kind::NeedsSettings { choice, fields } => {
                Mistake::NeedsSettings { choice, key, fields: owned(fields) }
            }
            Kind::TakesNoSettings { choice } => Mistake::TakesNoSettings { choice, key },
        };
        let place = self.place.expect("`read` gives every problem a place");
        Fault { mistake, place }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Problem {}

impl Error for Problem {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Kind::Value(format!("is not valid: {message}")))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Kind::Value(format!("takes {}, not {}", wanted(expected), given(found))))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Kind::Value(format!("takes {}, not {}", wanted(expected), given(found))))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::UnknownKey { key: field.to_owned(), expected })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::UnknownChoice { choice: variant.to_owned(), expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::MissingKey(field))
    }
}

/// Says in TOML's words what serde wanted.
fn wanted(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "f64" | "f32" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a string" | "path string" => "a string".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// Says in TOML's words what serde was given.
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

/// The values that the layers give to one key, lowest layer first; never empty.
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

    /// Merges the tables above the last layer that is none, keys in the order they are written.
    fn fields(self) -> Fields<'t> {
        let mut fields: BTreeMap<&str, Field<'t>> = BTreeMap::new();
        let tables =
            self.stack.iter().rposition(|node| node.table().is_none()).map_or(0, |i| i + 1);
        for node in &self.stack[tables..] {
            for (key, value) in node.table().into_iter().flatten() {
                let name: &'t str = key.get_ref();
                let place = super::tree::place(node.text, &key.span());
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
    type Error = Problem;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Problem> {
        let top = self.top();
        match top.value.get_ref() {
            DeValue::String(text) => visitor.visit_borrowed_str(text),
            DeValue::Integer(digits) => {
                match i64::from_str_radix(digits.as_str(), digits.radix()) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => Err(Problem::custom("the whole number needs more than 64 bits")),
                }
            }
            DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() || digits.as_str().contains(['i', 'n']) => {
                    visitor.visit_f64(number)
                }
                _ => Err(Problem::custom("the number is too large for 64 bits")),
            },
            DeValue::Boolean(truth) => visitor.visit_bool(*truth),
            DeValue::Datetime(_) => {
                Err(Problem::invalid_type(Unexpected::Other("a date"), &visitor))
            }
            DeValue::Array(_) => {
                let elements: Vec<Node<'t>> = top.elements().collect();
                visitor.visit_seq(Elements { rest: elements.into_iter(), index: 0 })
            }
            DeValue::Table(_) => visitor.visit_map(self.fields()),
        }
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let chosen = |node: &Node<'t>| Chosen::of(*node, variants);
        let layers: Vec<Chosen<'t>> = self.stack.iter().map(chosen).collect::<Result<_, _>>()?;
        let Chosen { name, place, .. } = layers.last().expect("a stack is never empty").clone();
        // Only an unbroken run of layers that choose the same variant merges.
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
    /// Reads a layer's choice. Also called for layers that are overruled, so that a mistake does not
    /// come to light only when the layer above is changed.
    fn of(node: Node<'t>, variants: &'static [&'static str]) -> Result<Self, Problem> {
        let chosen = match node.value.get_ref() {
            DeValue::String(name) => Self { name, place: node.place(), settings: None },
            DeValue::Table(table) => {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(key, _)| key.span().start);
                let place = |index: usize| super::tree::place(node.text, &entries[index].0.span());
                match entries[..] {
                    [] => return Err(Problem::new(Kind::NoChoice(variants)).at(node.place())),
                    [(name, value)] => Self {
                        name: name.get_ref(),
                        place: place(0),
                        settings: Some(Node { value, ..node }),
                    },
                    _ => {
                        let given = entries.iter().map(|(key, _)| key.get_ref().to_string());
                        let kind = Kind::SeveralChoices(given.collect());
                        return Err(Problem::new(kind).at(place(1)));
                    }
                }
            }
            other => {
                let (expected, given) = (variants.join("`, `"), other.type_str());
                let problem = format!("takes one of `{expected}`, not a value of type {given}");
                return Err(Problem::new(Kind::Value(problem)).at(node.place()));
            }
        };
        if variants.contains(&chosen.name) {
            Ok(chosen)
        } else {
            Err(Problem::unknown_variant(chosen.name, variants).at(chosen.place))
        }
    }
}

struct Fields<'t> {
    rest: vec::IntoIter<Field<'t>>,
    current: Option<Field<'t>>,
}

impl<'t> MapAccess<'t> for Fields<'t> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'t>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        let Some(field) = self.rest.next() else { return Ok(None) };
        let (name, place) = (field.name, field.key.clone());
        self.current = Some(field);
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
            .map_err(|problem: Problem| problem.at(place))
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, Problem> {
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
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'t>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Problem> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Layered { stack: vec![node] })
            .map(Some)
            .map_err(|problem| problem.at(node.place()).within(&format!("[{index}]")))
    }
}

/// A chosen variant with its settings, if it was written with any.
struct Choice<'t> {
    name: &'t str,
    place: Place,
    content: Option<Layered<'t>>,
}

impl<'t> EnumAccess<'t> for Choice<'t> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self), Problem> {
        let name = BorrowedStrDeserializer::new(self.name);
        match seed.deserialize(name) {
            Ok(variant) => Ok((variant, self)),
            Err(problem) => Err(Problem::at(problem, self.place)),
        }
    }
}

impl<'t> Choice<'t> {
    /// Reads the settings, which must be there.
    fn settings<T>(
        self,
        fields: &'static [&'static str],
        read: impl FnOnce(Layered<'t>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let Self { name, place, content } = self;
        let Some(content) = content else {
            return Err(
                Problem::new(Kind::NeedsSettings { choice: name.to_owned(), fields }).at(place)
            );
        };
        let place = content.top().place();
        read(content).map_err(|problem| problem.at(place).within(name))
    }
}

impl<'t> VariantAccess<'t> for Choice<'t> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        match self.content {
            Some(content) if content.top().table().is_none_or(|table| !table.is_empty()) => {
                let choice = self.name.to_owned();
                Err(Problem::new(Kind::TakesNoSettings { choice }).at(content.top().place()))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, seed: T) -> Result<T::Value, Problem> {
        self.settings(&[], |content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'t>>(self, _len: usize, visitor: V) -> Result<V::Value, Problem> {
        self.settings(&[], |content| content.deserialize_any(visitor))
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.settings(fields, |content| content.deserialize_any(visitor))
    }
}
