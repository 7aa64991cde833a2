//! The JSON schema of sweep files, with which editors complete and check them.

use serde_json::Value;

use super::wire::WireSweep;
use crate::config::{reference, schema};

/// Returns the schema of a sweep file.
pub fn file_schema() -> Value {
    let mut schema = schema::of::<WireSweep>();
    schema::define_settings(&mut schema);
    schema["title"] = "Sweep file of reprise".into();
    schema["properties"]["axis"]["items"]["properties"]["key"]["enum"] = reference::keys().into();
    schema
}
