//! The settings reference: every setting with type, range, default and meaning.
//!
//! It is derived from the types through [`schema`], so it cannot be outdated. Start from [`settings`].

use serde::Serialize;
use serde_json::{Map, Value};

use super::schema;

/// A key that `[run]`, `set` and `--set` accept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// The dotted key, e.g. `model.cvae.kl_weight.monotonic.ratio`.
    pub key: String,
    #[serde(rename = "type")]
    pub kind: SettingKind,
    /// Accepted numbers in interval notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// The value without the setting; absent if the setting is required or optional without a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether its table is invalid without it.
    pub required: bool,
    pub meaning: String,
    /// What a choice chooses from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<SettingChoice>,
}

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    Table,
    Choice,
    Integer,
    Number,
    String,
    Array,
}

/// A possible value of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingChoice {
    pub name: String,
    pub meaning: String,
    /// Whether it is a table with settings (`name = { ... }`) instead of a word (`"name"`).
    pub has_settings: bool,
}

/// A key that is not a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown setting `{key}`")]
pub struct UnknownSetting {
    key: String,
    suggestion: Option<String>,
}

impl UnknownSetting {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = self.suggestion.as_ref().map(|key| format!("did you mean `{key}`?"));
        Some(hint.unwrap_or_else(|| "run `reprise settings` to list all settings".to_owned()))
    }
}

/// Returns all settings, tables before their keys.
pub fn settings() -> Vec<Setting> {
    let schema = schema::of::<super::RunSpec>();
    let mut settings = Vec::new();
    add_keys("", &schema, &mut settings);
    // The seeds of a sweep are listed in its head.
    settings.retain(|setting| setting.key != "seed");
    settings
}

/// Returns the settings at or below a key.
///
/// # Errors
/// If there are none; the error suggests the most similar key.
pub fn settings_below(key: &str) -> Result<Vec<Setting>, UnknownSetting> {
    let mut settings = settings();
    settings.retain(|setting| is_at_or_below(&setting.key, key));
    if settings.is_empty() {
        return Err(UnknownSetting { key: key.to_owned(), suggestion: suggestion(key, keys()) });
    }
    Ok(settings)
}

/// Returns the keys of all settings and of the tables that contain them, shortest first.
pub fn keys() -> Vec<String> {
    let settings = settings();
    let mut keys: Vec<&str> = Vec::new();
    for Setting { key, .. } in &settings {
        let ends = key.match_indices('.').map(|(at, _)| at).chain([key.len()]);
        keys.extend(ends.map(|end| &key[..end]));
    }
    keys.sort_by_key(|key| (key.len(), *key));
    keys.dedup();
    keys.into_iter().map(str::to_owned).collect()
}

fn is_at_or_below(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Returns the key that was probably meant: the first that ends in the word, else the most similar.
fn suggestion(word: &str, keys: Vec<String>) -> Option<String> {
    let suffix = format!(".{word}");
    if let Some(key) = keys.iter().find(|key| key.ends_with(&suffix)) {
        return Some(key.clone());
    }
    let parts = word.split('.').count();
    let end = |key: &str| {
        let start = key.rmatch_indices('.').nth(parts - 1).map_or(0, |(dot, _)| dot + 1);
        key[start..].to_owned()
    };
    let distance = |key: &String| {
        let whole = strsim::damerau_levenshtein(word, key);
        whole.min(strsim::damerau_levenshtein(word, &end(key)))
    };
    let nearest = keys.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= word.chars().count() / 3 + 1).then_some(nearest)
}

/// Adds the keys of a table.
fn add_keys(path: &str, table: &Value, settings: &mut Vec<Setting>) {
    let Some(Value::Object(properties)) = table.get("properties") else { return };
    let required = |key: &str| {
        table["required"].as_array().is_some_and(|keys| keys.iter().any(|it| it == key))
    };
    for (name, schema) in properties {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        add(&key, schema, required(name), settings);
    }
}

/// Adds a key and those below it.
fn add(key: &str, schema: &Value, required: bool, settings: &mut Vec<Setting>) {
    let variants: Vec<ChoiceVariant<'_>> = variants(schema);
    let kind = match schema["type"].as_str() {
        _ if !variants.is_empty() => SettingKind::Choice,
        Some("object") => SettingKind::Table,
        Some("integer") => SettingKind::Integer,
        Some("number") => SettingKind::Number,
        Some("array") => SettingKind::Array,
        Some("string") => SettingKind::String,
        other => unreachable!("setting `{key}` has a type that a sweep file can hold: {other:?}"),
    };
    let choice = |variant: &ChoiceVariant<'_>| SettingChoice {
        name: variant.name.to_owned(),
        meaning: variant.meaning.to_owned(),
        has_settings: variant.content.is_some(),
    };
    settings.push(Setting {
        key: key.to_owned(),
        kind,
        range: range(schema),
        default: schema.get("default").filter(|_| kind != SettingKind::Table).cloned(),
        required,
        meaning: text(schema).to_owned(),
        choices: variants.iter().map(choice).collect(),
    });
    add_keys(key, schema, settings);
    for ChoiceVariant { name, meaning, content } in variants {
        let Some(content) = content else { continue };
        let key = format!("{key}.{name}");
        if content.get("description").is_some() || content["type"] != "object" {
            let first = settings.len();
            add(&key, content, false, settings);
            if settings[first].meaning.is_empty() {
                meaning.clone_into(&mut settings[first].meaning);
            }
        } else {
            add_keys(&key, content, settings);
        }
    }
}

/// A value that a choice accepts.
struct ChoiceVariant<'s> {
    name: &'s str,
    meaning: &'s str,
    /// The schema of its settings.
    content: Option<&'s Value>,
}

fn variants(schema: &Value) -> Vec<ChoiceVariant<'_>> {
    let word = |name, meaning| ChoiceVariant { name, meaning, content: None };
    if let Some(names) = schema["enum"].as_array() {
        return names.iter().filter_map(|name| Some(word(name.as_str()?, ""))).collect();
    }
    let mut found = Vec::new();
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        let meaning = text(variant);
        if let Some(name) = variant["const"].as_str() {
            found.push(word(name, meaning));
        } else if let Some(names) = variant["enum"].as_array() {
            found.extend(names.iter().filter_map(|name| Some(word(name.as_str()?, meaning))));
        } else if let Some(properties) = variant["properties"].as_object() {
            for (name, content) in properties {
                found.push(ChoiceVariant { name, meaning, content: Some(content) });
            }
        }
    }
    found
}

fn text(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

/// Returns the range of a number in interval notation.
fn range(schema: &Value) -> Option<String> {
    let map: &Map<String, Value> = schema.as_object()?;
    let end = |closed: &str, open: &str| {
        let inclusive = map.get(closed).map(|number| (true, number.to_string()));
        inclusive.or_else(|| map.get(open).map(|number| (false, number.to_string())))
    };
    let low = end("minimum", "exclusiveMinimum");
    let high = end("maximum", "exclusiveMaximum");
    if low.is_none() && high.is_none() {
        return None;
    }
    let (closed, low) = low.unwrap_or((false, "-inf".to_owned()));
    let opening = if closed { '[' } else { '(' };
    let (closed, high) = high.unwrap_or((false, "inf".to_owned()));
    let closing = if closed { ']' } else { ')' };
    Some(format!("{opening}{low}, {high}{closing}"))
}
