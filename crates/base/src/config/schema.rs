//! The JSON schema of a run's settings, derived from the types.
//!
//! [`settings`] describes what `[run]`, `set` and `--set` accept: a partial [`RunSpec`] without its
//! seed, in which every key is optional. Doc comments become descriptions.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::RunSpec;

/// Returns the schema of a type, without references, as an editor of TOML files understands it.
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Returns the schema of partial settings: tables without required keys, choices as they are.
pub fn settings() -> Value {
    let mut schema = of::<RunSpec>();
    make_partial(&mut schema, false);
    let root = schema.as_object_mut().expect("the schema of a struct is an object");
    root.remove("$schema");
    root.remove("title");
    properties_mut(root).expect("a run has settings").remove("seed");
    schema
}

/// A field's schema that refers to [`settings`], for `#[schemars(schema_with)]`.
pub fn settings_reference(_: &mut schemars::SchemaGenerator) -> Schema {
    schemars::json_schema!({ "$ref": SETTINGS })
}

/// Where the schema of a file keeps that of [`settings`].
const SETTINGS: &str = "#/definitions/settings";

/// Adds the definition that [`settings_reference`] refers to.
pub fn define_settings(schema: &mut Value) {
    let root = schema.as_object_mut().expect("the schema of a struct is an object");
    root.insert("definitions".to_owned(), serde_json::json!({ "settings": settings() }));
}

fn properties_mut(schema: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    schema.get_mut("properties")?.as_object_mut()
}

/// Unwraps descriptions, replaces Rust's integer formats by limits, and removes null, which TOML lacks.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            remove_null(map);
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = unwrapped(text);
            }
            if map.get("format").is_some_and(|format| format == "uint32") {
                map.insert("maximum".to_owned(), u32::MAX.into());
            }
            if map.get("format").is_some_and(Value::is_string) {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(elements) => elements.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Turns the schema of an `Option` into that of its content: an absent key is nothing.
fn remove_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [kind] = &types[..] {
            let kind = kind.clone();
            map.insert("type".to_owned(), kind);
        }
    }
    if map.get("default").is_some_and(Value::is_null) {
        map.remove("default");
    }
    let Some(Value::Array(mut either)) = map.remove("anyOf") else { return };
    either.retain(|schema| schema["type"] != "null");
    match &mut either[..] {
        [Value::Object(content)] => {
            for (key, value) in std::mem::take(content) {
                map.entry(key).or_insert(value);
            }
        }
        _ => drop(map.insert("anyOf".to_owned(), Value::Array(either))),
    }
}

/// Joins the lines of each paragraph.
fn unwrapped(text: &str) -> String {
    let paragraphs =
        text.split("\n\n").map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Makes the keys of all tables optional. `is_variant` says whether the table itself chooses a variant:
/// then its one key stays required.
fn make_partial(schema: &mut Value, is_variant: bool) {
    let Some(map) = schema.as_object_mut() else { return };
    if !is_variant {
        map.remove("required");
    }
    if map.get("default").is_some_and(Value::is_object) && map.contains_key("properties") {
        map.remove("default");
    }
    if let Some(properties) = properties_mut(map) {
        for property in properties.values_mut() {
            make_partial(property, false);
        }
    }
    if let Some(Value::Array(variants)) = map.get_mut("oneOf") {
        for variant in variants {
            make_partial(variant, true);
        }
    }
}

#[cfg(test)]
mod tests;
