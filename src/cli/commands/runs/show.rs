//! `reprise runs show`: the record of one run.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;

use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat, StoreArgs},
    output::{print, print_json, table, tell},
};
use reprise_base::text::error_chain;
use reprise_store::store::{
    FinishedRun, Store,
    evaluation::{EvaluationRecord, FinishedEvaluation},
    record::Record,
};

/// Items of a list that are printed as text.
const LIST_MAX: usize = 12;

/// Arguments of `reprise runs show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise runs show 3f2a                  scores, the whole record, evaluations
  reprise runs show 3f2a --format json    the record as it is stored")]
pub struct ShowArgs {
    /// Id of the run, or the first digits of the id
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Prints a record.
pub fn run(args: &ShowArgs) -> Result<(), Failure> {
    let run = FinishedRun::open(&Store::open(&args.store.store)?.find(&args.run)?)?;
    match args.format.format {
        OutputFormat::Json => print_json(run.record()),
        OutputFormat::Text => print(&(text(run.record())? + &evaluations(&run)?)),
    }
}

/// Lists the evaluations of a run, whose scores `reprise evaluate` prints; empty if there are none.
fn evaluations(run: &FinishedRun) -> Result<String, Failure> {
    let (finished, unreadable) = run.evaluations()?;
    for error in unreadable {
        tell(&format!("warning: {}", error_chain(&error)));
    }
    let row = |evaluation: &FinishedEvaluation| {
        let EvaluationRecord { evaluation: id, protocol, data, .. } = evaluation.record();
        [id.to_string(), data.name.clone(), protocol.to_string()]
    };
    let rows: Vec<_> = finished.iter().map(row).collect();
    if rows.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("\n{}", table(["evaluation", "data", "protocol"], &rows)))
}

fn text(record: &Record) -> Result<String, Failure> {
    let mut text = format!("run {}, {}\n\n{}\n", record.run, record.outcome.name(), scores(record));
    let mut value = serde_json::to_value(record).map_err(Failure::Encode)?;
    if let Some(definitions) = value.get_mut("metrics").and_then(Value::as_object_mut) {
        // A record defines all metrics; omit those without a score.
        let scores = || [&record.validation, &record.test].into_iter().flatten();
        let is_scored = |name: &str| {
            scores().flat_map(BTreeMap::values).any(|metrics| metrics.contains_key(name))
        };
        definitions.retain(|name, _| is_scored(name));
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        if !["format", "run", "validation", "test"].contains(&key.as_str()) {
            write(&mut text, key, value, 0);
        }
    }
    Ok(text)
}

/// Returns a table of the means of every metric on both splits.
fn scores(record: &Record) -> String {
    let splits = [("validate", &record.validation), ("test", &record.test)];
    let mut rows = Vec::new();
    for (split, scores) in splits {
        for (predictor, metrics) in scores.iter().flatten() {
            for (metric, score) in metrics {
                let unit = record.metrics.get(metric).map_or("", |definition| &definition.unit);
                let value = format!("{:.5} {unit}", score.mean);
                rows.push([split.to_owned(), predictor.clone(), metric.clone(), value]);
            }
        }
    }
    if rows.is_empty() {
        "no scores: the run ended before its first validation\n".to_owned()
    } else {
        table(["split", "predictor", "metric", "mean"], &rows)
    }
}

/// Writes a value as an indented outline.
fn write(text: &mut String, key: &str, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push_str(&indent);
            text.push_str(key);
            text.push('\n');
            for (key, value) in members {
                write(text, key, value, depth + 1);
            }
        }
        _ => text.extend([&indent, key, ": ", &leaf(value), "\n"]),
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let mut texts: Vec<_> = values.iter().take(LIST_MAX).map(leaf).collect();
            if values.len() > LIST_MAX {
                texts.push(format!("and {} more", values.len() - LIST_MAX));
            }
            texts.join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reprise_store::store::samples;

    #[track_caller]
    fn check_shows(fragment: &str) {
        let text = text(&samples::record(samples::id('a'))).unwrap();
        assert!(text.contains(fragment), "`{fragment}` is not in\n{text}");
    }

    #[test]
    fn only_metrics_with_a_score_are_defined() {
        let mut record = samples::record(samples::id('a'));
        record.metrics = reprise_base::metrics::definitions();
        let text = text(&record).unwrap();
        assert!(text.contains("\n  psnr\n") && !text.contains("\n  rmse\n"), "{text}");
    }

    #[test]
    fn scores_come_first_and_settings_are_an_outline() {
        check_shows("run aaaaaaaaaaaaaaaa, completed\n\nsplit     predictor  metric  mean");
        check_shows("test      model      psnr    19.50000 dB");
        check_shows("\nspec\n  data\n");
        check_shows("\n  seed: 1\n");
        check_shows("\n  git: none\n");
    }
}
