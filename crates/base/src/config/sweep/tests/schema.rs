//! The schema of sweep files has exactly the keys that the parser knows.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::config::sweep::{file_schema, wire::WireSweep};

/// Compares the keys of the table at HERE in a sweep file with those at a pointer of the schema.
#[track_caller]
fn check(file: &str, pointer: &str) {
    let text = file.replace("HERE", r#"{ "no_such_name": 1 }"#);
    let message = serde_json::from_str::<WireSweep>(&text).unwrap_err().to_string();
    let (unknown, names) = message.split_once(", expected ").expect("the key is unknown");
    assert!(unknown.contains("unknown field `no_such_name`"), "{message}");
    let parser: BTreeSet<&str> = names.split('`').skip(1).step_by(2).collect();
    let schema = file_schema();
    let table = schema.pointer(pointer).expect("the schema has the table");
    assert_eq!(table["additionalProperties"], Value::Bool(false));
    let properties = table["properties"].as_object().expect("it is a table");
    assert_eq!(parser, properties.keys().map(String::as_str).collect());
}

#[test]
fn schema_and_parser_know_the_same_keys() {
    check("HERE", "");
    check(r#"{ "axis": [HERE] }"#, "/properties/axis/items");
    check(r#"{ "axis": [{ "arm": [HERE] }] }"#, "/properties/axis/items/properties/arm/items");
    let preset = "/properties/preset/additionalProperties";
    check(r#"{ "preset": { "cpu": HERE } }"#, preset);
    let adjust = format!("{preset}/properties/adjust/items");
    check(r#"{ "preset": { "cpu": { "adjust": [HERE] } } }"#, &adjust);
    check(r#"{ "published": [HERE] }"#, "/properties/published/items");
}

#[test]
fn every_table_of_settings_refers_to_the_schema_of_settings() {
    let schema = file_schema();
    let preset = "/properties/preset/additionalProperties/properties";
    for pointer in [
        "/properties/run",
        "/properties/axis/items/properties/arm/items/properties/set",
        &format!("{preset}/set"),
        &format!("{preset}/adjust/items/properties/set"),
    ] {
        let field = schema.pointer(pointer).expect("the schema has the table");
        assert!(field.to_string().contains("#/definitions/settings"), "{field}");
    }
    assert!(schema.pointer("/definitions/settings/properties/model").is_some());
}
