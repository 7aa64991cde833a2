//! Tests of claims in words.

use serde_json::Value;

use crate::{number::tick, words::split_name};
use reprise_base::{
    config::claim::{ClaimTest, CostQuantity, Quantity, Region, ScoreQuantity, TrendAxis},
    metrics,
    vocabulary::{MetricName, Predictor},
};

/// Describes a test.
pub(crate) fn test(test: &ClaimTest) -> String {
    match test {
        ClaimTest::NotRun(_) => "not tested".to_owned(),
        ClaimTest::Value { of, arm, is } => format!("{} of {arm} {}", quantity(of), region(*is)),
        ClaimTest::Difference { of, arms: [left, right], is } => {
            format!("{}: {left} \u{2212} {right} {}", quantity(of), region(*is))
        }
        ClaimTest::Ratio { of, arms: [left, right], is } => {
            format!("{}: {left} / {right} {}", quantity(of), region(*is))
        }
        ClaimTest::Order { of, arms, by } => {
            let margin = if by.get() > 0.0 {
                format!("by more than {}", tick(by.get()))
            } else {
                "better".to_owned()
            };
            format!("{}: {}, each {margin} than the next", quantity(of), arms.join(", "))
        }
        ClaimTest::Trend { of, over, arm, is } => {
            let per = match over {
                TrendAxis::Epochs => "epoch",
                TrendAxis::Frames => "frame",
            };
            format!("slope of {} of {arm} per {per} {}", quantity(of), region(*is))
        }
        ClaimTest::Interaction { of, arms: [[a, b], [c, d]], is } => {
            let of = quantity(of);
            format!("{of}: ({a} \u{2212} {b}) \u{2212} ({c} \u{2212} {d}) {}", region(*is))
        }
    }
}

fn quantity(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Score(ScoreQuantity { metric, split, evaluation, predictor, frame }) => {
            let score = match evaluation {
                Some(name) => format!("{} ({name})", label(metric)),
                None => format!("{} {}", split_name(*split).to_lowercase(), label(metric)),
            };
            let frame = frame.map_or_else(String::new, |frame| format!(" of frame {frame}"));
            let predictor = if predictor == Predictor::Model.as_str() {
                String::new()
            } else {
                format!(" of the predictor {predictor}")
            };
            format!("{score}{frame}{predictor}")
        }
        Quantity::BestUntil { metric, epochs } => {
            format!("best validation {} until epoch {epochs}", label(metric))
        }
        Quantity::Series { name, epoch: None } => format!("series {name} in the last epoch"),
        Quantity::Series { name, epoch: Some(epoch) } => format!("series {name} in epoch {epoch}"),
        Quantity::Cost(CostQuantity::SecondsPerUpdate) => "seconds per update".to_owned(),
        Quantity::Cost(CostQuantity::PeakMemory) => "peak memory".to_owned(),
        Quantity::Cost(CostQuantity::Parameters) => "trained parameters".to_owned(),
        Quantity::Minus(both) => {
            format!("{} minus {}", self::quantity(&both[0]), self::quantity(&both[1]))
        }
    }
}

fn label(metric: &str) -> String {
    let definitions = metrics::definitions();
    let known = definitions.get(MetricName::without_network(metric));
    known.map_or_else(|| metric.to_owned(), |definition| definition.label.clone())
}

fn region(Region { above, below }: Region) -> String {
    match (above, below) {
        (Some(low), Some(high)) => format!("between {} and {}", tick(low), tick(high)),
        (Some(low), None) => format!("above {}", tick(low)),
        (None, Some(high)) => format!("below {}", tick(high)),
        (None, None) => "anywhere".to_owned(),
    }
}

/// Returns a setting as a sweep file has it; a choice with settings of its own is its name.
pub(super) fn setting(value: &Value) -> String {
    match value {
        Value::Null => "absent".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), tick),
        Value::Object(members) if members.len() == 1 => {
            members.keys().next().cloned().unwrap_or_default()
        }
        other => other.to_string(),
    }
}
