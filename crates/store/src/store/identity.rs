//! Identity of a run: equal ids mean that equal numbers are expected.
//!
//! A run keeps its id when reprise learns new settings; otherwise each of them would orphan every
//! finished run. How a key of the specification counts depends on when it was added:
//!
//! - keys known when ids were first fixed (commit 10f9dbc), and keys inside a choice that was added
//!   later: always, as written in `spec.json`. They are listed in `tests/fixtures/identity/keys.txt`;
//! - keys added later to an existing table: only if not at the default with which they were added
//!   ([`LATER`]);
//! - keys that change no number of the training: never ([`IGNORED`]).
//!
//! A test fails for a key that is in none of the three lists, another one if an id of 10f9dbc changes.

use serde_json::{Value, json};

use super::canonical::digest_of;
use reprise_base::config::{RunSpec, ids::RunId};

#[cfg(test)]
mod keys;
#[cfg(test)]
mod tests;

/// Version of the rules above, independent of the record's format. Raising it changes every id.
const IDENTITY_VERSION: u32 = 1;

/// Keys added later to an existing table, oldest first, each with its default as JSON. The default of
/// such a key must not change: runs that were stored without the key would be read with another value.
const LATER: &[(&str, &str)] = &[
    ("data.dataset.mnist_test_seq.axes", "null"),
    ("data.dataset.mnist_test_seq.key", "null"),
    ("data.dataset.bair.resize", "null"),
    ("data.dataset.strips.resize", "null"),
    ("data.dataset.videos.names", "null"),
    ("data.dataset.videos.timing", "\"frames\""),
    ("continue_from", "null"),
    ("optimizer.adam.decay", "\"l2\""),
    ("optimizer.gradient_descent.momentum", "0.0"),
    ("optimizer.gradient_descent.momentum_kind", "\"classical\""),
    ("optimizer.gradient_descent.weight_decay", "0.0"),
    ("training.gradient_clipping", "null"),
    ("training.learning_rate_schedule", "null"),
    ("training.early_stopping", "null"),
    ("training.accumulated_batches", "1"),
    ("data.dataset.google_push_tfrecord.test_objects", "\"seen\""),
    (
        "data.dataset.moving_mnist_idx.scene",
        "{\"digits\": 2, \"side\": 64, \"bounce\": \"mirrored\"}",
    ),
    ("model.physical_interaction.differences", "{}"),
    ("model.physical_interaction.state_weight", "0.0001"),
    ("model.convlstm.connections", "{\"convolutional\": {\"kernel\": 3}}"),
    ("model.convlstm.bias", "\"present\""),
    ("model.convlstm.peepholes", "\"absent\""),
    ("model.convlstm.decoding", "\"recurrent\""),
    ("model.convlstm.skip", "\"absent\""),
    ("model.cvae.predictor_recurrence", "\"lstm\""),
    ("model.physical_interaction.weights", "\"kept\""),
];

/// Keys that change no number of the training, with everything below them.
const IGNORED: &[&str] = &["data.overlap", "training.keep", "training.weight_average"];

/// Returns the id of a run: the first 16 hex digits of the SHA-256 over the canonical JSON of
/// specification, data digest and version of libtorch.
pub fn run_id(spec: &RunSpec, data_digest: &str, libtorch: &str) -> RunId {
    let spec = serde_json::to_value(spec).expect("a specification has a JSON form");
    hashed(IDENTITY_VERSION, &counted(spec, LATER, IGNORED), data_digest, libtorch)
}

fn hashed(version: u32, spec: &Value, data_digest: &str, libtorch: &str) -> RunId {
    let identity =
        json!({"schema": version, "spec": spec, "data": data_digest, "libtorch": libtorch});
    RunId::of_digest(&digest_of(&identity))
}

/// Returns the part of a specification that counts.
fn counted(mut spec: Value, later: &[(&str, &str)], ignored: &[&str]) -> Value {
    for key in ignored {
        if let Some((table, name)) = table_of(&mut spec, key) {
            table.remove(name);
        }
    }
    // Newest first: a key may have been added to a table that itself was added later.
    for (key, default) in later.iter().rev() {
        let default: Value = serde_json::from_str(default).expect("defaults are listed as JSON");
        if let Some((table, name)) = table_of(&mut spec, key)
            && table.get(name) == Some(&default)
        {
            table.remove(name);
        }
    }
    spec
}

/// Returns the table of a dotted key, if the specification has it, and the key's last part.
fn table_of<'v, 'k>(
    spec: &'v mut Value,
    key: &'k str,
) -> Option<(&'v mut serde_json::Map<String, Value>, &'k str)> {
    let (path, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut parts = path.split('.').filter(|part| !part.is_empty());
    let table = parts.try_fold(spec, |value, part| value.get_mut(part))?;
    Some((table.as_object_mut()?, name))
}
