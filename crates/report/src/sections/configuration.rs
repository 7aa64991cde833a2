//! All settings: first those that differ between arms, then those in common.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    error::ReportError,
    number::ABSENT,
    sweep_results::SweepResults,
};

/// The setting that differs between the runs of an arm.
const SEED: &str = "seed";

/// Returns the section; empty if no run has a record.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    let mut arms: Vec<(&str, Value)> = Vec::new();
    for arm in &results.arms {
        let Some(record) = arm.runs.iter().find_map(|run| run.record()) else { continue };
        let mut tree = serde_json::to_value(&record.spec)
            .map_err(|source| ReportError::Settings { run: record.run.to_string(), source })?;
        if let Value::Object(settings) = &mut tree {
            settings.remove(SEED);
        }
        arms.push((arm.label, tree));
    }
    if arms.is_empty() {
        return Ok(Vec::new());
    }
    let trees: Vec<Option<&Value>> = arms.iter().map(|(_, tree)| Some(tree)).collect();
    let mut settings = ComparedSettings::default();
    compare("", &trees, &mut settings);

    let mut blocks = vec![PageBlock::Heading("Configuration".to_owned())];
    if !settings.different.is_empty() {
        let labels = arms.iter().map(|(label, _)| Column::words(*label));
        let columns = std::iter::once(Column::words("Setting")).chain(labels).collect();
        let rows = settings.different.into_iter().map(|(path, values)| {
            let cells = values.into_iter().map(|value| match value {
                Some(text) => RichText::default().code(text),
                None => ABSENT.into(),
            });
            Row::new(std::iter::once(RichText::default().code(path)).chain(cells).collect())
        });
        let rows = rows.collect();
        blocks.push(PageBlock::Table(PageTable {
            caption: "Settings that differ between arms.".into(),
            columns,
            rows,
        }));
    }
    let rows = settings.common.into_iter().map(|(path, value)| {
        Row::new(vec![RichText::default().code(path), RichText::default().code(value)])
    });
    blocks.push(PageBlock::Fold {
        summary: "Settings that all arms have in common".to_owned(),
        blocks: vec![PageBlock::Table(PageTable {
            caption: "All other settings except the seed, defaults included.".into(),
            columns: vec![Column::words("Setting"), Column::words("Value")],
            rows: rows.collect(),
        })],
    });
    Ok(blocks)
}

/// Settings of several arms by dotted path.
#[derive(Debug, Default)]
struct ComparedSettings {
    common: BTreeMap<String, String>,
    /// One value per arm.
    different: BTreeMap<String, Vec<Option<String>>>,
}

/// Sorts the settings below `path` into common and different ones. Tables are compared key by key if all
/// arms have the same keys in them; a choice such as `kl_weight` is compared as a whole.
fn compare(path: &str, values: &[Option<&Value>], settings: &mut ComparedSettings) {
    let tables: Option<Vec<&serde_json::Map<String, Value>>> =
        values.iter().map(|value| value.and_then(Value::as_object)).collect();
    if let Some(tables) = tables.filter(|tables| !tables.iter().any(|table| table.is_empty())) {
        let keys = |table: &serde_json::Map<String, Value>| -> Vec<String> {
            let mut keys: Vec<String> = table.keys().cloned().collect();
            keys.sort();
            keys
        };
        let first = keys(tables[0]);
        if tables.iter().all(|table| keys(table) == first) {
            for key in first {
                let inner: Vec<Option<&Value>> =
                    tables.iter().map(|table| table.get(&key)).collect();
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                compare(&path, &inner, settings);
            }
            return;
        }
    }
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        let value = values.first().copied().flatten().map(shown).unwrap_or_default();
        settings.common.insert(path.to_owned(), value);
    } else {
        let texts = values.iter().map(|value| value.map(shown)).collect();
        settings.different.insert(path.to_owned(), texts);
    }
}

/// Returns a value on one line; a table with one key is written as a choice with its settings.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(table) => {
            let entries: BTreeMap<&String, &Value> = table.iter().collect();
            if let (1, Some((choice, inner @ Value::Object(_)))) =
                (entries.len(), entries.first_key_value())
            {
                return format!("{choice} {}", shown(inner));
            }
            let pairs: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| format!("{key} = {}", shown(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(arms: &[Value], common: &[(&str, &str)], different: &[(&str, &[&str])]) {
        let mut settings = ComparedSettings::default();
        compare("", &arms.iter().map(Some).collect::<Vec<_>>(), &mut settings);
        let actual: Vec<_> =
            settings.common.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
        assert_eq!(actual, common);
        let actual: Vec<(&str, Vec<&str>)> = settings
            .different
            .iter()
            .map(|(path, values)| {
                (path.as_str(), values.iter().map(|v| v.as_deref().unwrap_or("-")).collect())
            })
            .collect();
        let different: Vec<_> = different.iter().map(|(path, v)| (*path, v.to_vec())).collect();
        assert_eq!(actual, different);
    }

    #[test]
    fn a_choice_is_compared_as_a_whole() {
        check(
            &[
                json!({"lr": 0.002, "kl": {"monotonic": {"ratio": 0.25}}}),
                json!({"lr": 0.002, "kl": {"cyclical": {"cycles": 4, "ratio": 0.5}}}),
            ],
            &[("lr", "0.002")],
            &[("kl", &["monotonic { ratio = 0.25 }", "cyclical { cycles = 4, ratio = 0.5 }"])],
        );
    }

    #[test]
    fn equal_tables_are_listed_by_setting() {
        let arm = json!({"adam": {"beta1": 0.9, "beta2": 0.999}});
        check(&[arm.clone(), arm], &[("adam.beta1", "0.9"), ("adam.beta2", "0.999")], &[]);
    }

    #[test]
    fn a_number_inside_a_common_choice_is_listed_by_its_path() {
        check(
            &[json!({"kl": {"constant": {"beta": 1}}}), json!({"kl": {"constant": {"beta": 2}}})],
            &[],
            &[("kl.constant.beta", &["1", "2"])],
        );
    }
}
