//! The schema has exactly the keys that the parser knows.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::config::reference;

/// A key that no table has and a name that no choice has.
const STRANGER: &str = "no_such_name";

/// Returns the names that the parser offers for a value at a path; nothing if it expects no name.
///
/// Serde lists every field or variant that it knows in the message for an unknown one.
fn known_at(path: &[&str], value: Value) -> Option<BTreeSet<String>> {
    let tree = path.iter().rev().fold(value, |value, key| json!({ *key: value }));
    let message = serde_json::from_value::<RunSpec>(tree).unwrap_err().to_string();
    let (unknown, names) = message.split_once(", expected ")?;
    let is_of_serde = ["unknown field", "unknown variant"].iter().any(|it| unknown.starts_with(it));
    if !is_of_serde || !unknown.contains(STRANGER) {
        return None;
    }
    Some(names.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Compares the names that schema and parser know at a path, and at all paths below it.
fn check(path: &[&str], schema: &Value, compared: &mut usize) {
    let fields = known_at(path, json!({ STRANGER: 1 }));
    let words = known_at(path, json!(STRANGER));
    let properties: Vec<(&str, &Value)> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.as_str(), schema))
        .collect();
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut choices: Vec<(&str, Option<&Value>)> = Vec::new();
    for variant in variants.chain(schema.get("enum").map(|_| schema)) {
        choices.extend(variant["const"].as_str().map(|name| (name, None)));
        let names = variant["enum"].as_array().into_iter().flatten();
        choices.extend(names.map(|name| (name.as_str().unwrap(), None)));
        let tables = variant["properties"].as_object().into_iter().flatten();
        choices.extend(tables.map(|(name, content)| (name.as_str(), Some(content))));
    }
    let names = |names: &mut dyn Iterator<Item = &str>| -> Option<BTreeSet<String>> {
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    };
    // At a choice, the parser offers its variants for a word and for a table alike.
    let of_choice = names(&mut choices.iter().map(|(name, _)| *name));
    let of_table = names(&mut properties.iter().map(|(name, _)| *name));
    assert!(of_choice.is_none() || of_table.is_none());
    assert_eq!(words, of_choice, "choices of {path:?}");
    assert_eq!(fields, of_table.or(of_choice), "keys of {path:?}");
    *compared += fields.map_or(0, |fields| fields.len());
    let below = choices.into_iter().filter_map(|(name, content)| Some((name, content?)));
    for (name, schema) in properties.into_iter().chain(below) {
        check(&[path, &[name]].concat(), schema, compared);
    }
}

#[test]
fn schema_and_parser_know_the_same_names() {
    let mut compared = 0;
    check(&[], &of::<RunSpec>(), &mut compared);
    assert!(compared > 150, "only {compared} names were compared");
}

/// The keys of a TOML tree that are not elements of arrays, dotted.
fn keys_of(path: &str, value: &Value, keys: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        keys_of(&key, value, keys);
        keys.push(key);
    }
}

#[test]
fn every_key_of_an_explicit_run_is_in_the_reference() {
    let known = reference::keys();
    for system in ["cvae", "physical_interaction", "convlstm", "mocogan", "rcn"] {
        let spec: RunSpec =
            serde_json::from_value(json!({ "seed": 1, "model": { system: {} } })).unwrap();
        let mut keys = Vec::new();
        keys_of("", &serde_json::to_value(spec).unwrap(), &mut keys);
        keys.retain(|key| key != "seed");
        let missing: Vec<&String> = keys.iter().filter(|key| !known.contains(key)).collect();
        assert!(missing.is_empty() && keys.len() > 20, "{missing:?} of {keys:?}");
    }
}

#[test]
fn every_setting_has_a_meaning() {
    for setting in reference::settings() {
        assert!(!setting.meaning.is_empty(), "`{}` has no meaning", setting.key);
        for choice in &setting.choices {
            assert!(!choice.meaning.is_empty(), "{} of `{}`", choice.name, setting.key);
        }
        let is_number = setting.range.is_some();
        let kinds = [reference::SettingKind::Integer, reference::SettingKind::Number];
        assert_eq!(kinds.contains(&setting.kind), is_number, "`{}` has a range", setting.key);
    }
}

#[test]
fn partial_settings_need_no_key_but_choices_need_their_variant() {
    let schema = jsonschema::validator_for(&settings()).unwrap();
    let check = |settings: Value, valid: bool| assert_eq!(schema.is_valid(&settings), valid);
    check(json!({}), true);
    check(json!({ "model": { "cvae": {} } }), true);
    check(json!({ "model": { "mocogan": { "motion": { "lstm": { "frames": 18 } } } } }), true);
    check(json!({ "model": {} }), false);
    check(json!({ "model": { "cvae": {}, "rcn": {} } }), false);
    check(json!({ "seed": 1 }), false);
}
