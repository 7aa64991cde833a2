//! Tables of scores in long form: the only module that knows polars.

use polars::prelude::*;

/// One score of one run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observation {
    /// The arm.
    pub(super) arm: String,
    /// The seed.
    pub(super) seed: u32,
    /// The run id.
    pub(super) run: String,
    /// How the run ended.
    pub(super) outcome: &'static str,
    /// Who predicted: `model` or a baseline.
    pub(super) predictor: String,
    /// The split.
    pub(super) split: &'static str,
    /// Key of the metric.
    pub(super) metric: String,
    /// Which predicted frame, counted from 1; none for the mean over frames.
    pub(super) frame: Option<u32>,
    /// The value.
    pub(super) value: f64,
}

/// Mean and spread of one metric over the runs of an arm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    /// The arm.
    pub(super) arm: String,
    /// Who predicted.
    pub(super) predictor: String,
    /// The split.
    pub(super) split: String,
    /// Key of the metric.
    pub(super) metric: String,
    /// Mean over runs.
    pub(super) mean: f64,
    /// Sample standard deviation over runs; one run has none.
    pub(super) std: Option<f64>,
    /// Number of runs.
    pub(super) n: usize,
}

/// Scores in long form, one row an observation.
#[derive(Clone, Debug)]
pub(super) struct ScoreFrame(DataFrame);

/// Columns whose values a summary keeps apart.
const GROUP: [&str; 4] = ["arm", "predictor", "split", "metric"];

impl ScoreFrame {
    /// Makes the table of `observations`, in their order.
    pub(super) fn new(observations: &[Observation]) -> PolarsResult<Self> {
        let text = |name: &str, of: fn(&Observation) -> &str| {
            Column::new(name.into(), observations.iter().map(of).collect::<Vec<_>>())
        };
        let mut columns = vec![
            text("arm", |row| &row.arm),
            Column::new("seed".into(), observations.iter().map(|row| row.seed).collect::<Vec<_>>()),
            text("run", |row| &row.run),
            text("outcome", |row| row.outcome),
            text("predictor", |row| &row.predictor),
            text("split", |row| row.split),
            text("metric", |row| &row.metric),
        ];
        if observations.iter().any(|row| row.frame.is_some()) {
            let frames: Vec<Option<u32>> = observations.iter().map(|row| row.frame).collect();
            columns.push(Column::new("frame".into(), frames));
        }
        let values: Vec<f64> = observations.iter().map(|row| row.value).collect();
        columns.push(Column::new("value".into(), values));
        DataFrame::new(observations.len(), columns).map(Self)
    }

    /// Summarizes the finite scores of completed runs by arm, predictor, split and metric, in the order
    /// in which these first appear.
    pub(super) fn summarize(&self) -> PolarsResult<Vec<Summary>> {
        let completed = self.0.column("outcome")?.str()?.equal("completed");
        let finite = self.0.column("value")?.f64()?.is_finite();
        let frame = self.0.filter(&(completed & finite))?;
        let values = frame.column("value")?.f64()?;
        let keys: Vec<&StringChunked> =
            GROUP.iter().map(|name| frame.column(name)?.str()).collect::<PolarsResult<_>>()?;

        let grouped = frame.group_by_stable(GROUP)?;
        let mut summaries = Vec::new();
        for group in grouped.get_groups().iter() {
            let rows = match group {
                GroupsIndicator::Idx((_, rows)) => rows.to_vec(),
                GroupsIndicator::Slice([first, len]) => (first..first + len).collect(),
            };
            let Some(&first) = rows.first() else { continue };
            let members = values.take(rows.as_slice())?;
            let key =
                |column: usize| keys[column].get(first as usize).unwrap_or_default().to_owned();
            summaries.push(Summary {
                arm: key(0),
                predictor: key(1),
                split: key(2),
                metric: key(3),
                mean: members.mean().unwrap_or(f64::NAN),
                std: if members.len() > 1 { members.std(1) } else { None },
                n: members.len(),
            });
        }
        Ok(summaries)
    }

    /// Returns the table as CSV with a head line; floats read back to the same bits.
    pub(super) fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.0.columns().iter().map(|column| column.name().as_str()))?;
        for row in 0..self.0.height() {
            let cells = self.0.columns().iter().map(|column| cell(column, row));
            writer.write_record(cells)?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

/// Returns a value as text; what is absent is empty.
fn cell(column: &Column, row: usize) -> String {
    match column.get(row) {
        Ok(AnyValue::String(text)) => text.to_owned(),
        Ok(AnyValue::UInt32(count)) => count.to_string(),
        Ok(AnyValue::Float64(value)) => value.to_string(),
        Ok(_) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(arm: &str, seed: u32, outcome: &'static str, value: f64) -> Observation {
        Observation {
            arm: arm.to_owned(),
            seed,
            run: format!("{seed:016x}"),
            outcome,
            predictor: "model".to_owned(),
            split: "test",
            metric: "psnr".to_owned(),
            frame: None,
            value,
        }
    }

    #[track_caller]
    fn check(observations: &[Observation], expected: &[(&str, f64, Option<f64>, usize)]) {
        let frame = ScoreFrame::new(observations).expect("columns have one length");
        let summaries = frame.summarize().expect("the columns are there");
        let actual: Vec<_> =
            summaries.iter().map(|row| (row.arm.as_str(), row.mean, row.std, row.n)).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn arms_are_summarized_in_their_own_order() {
        check(
            &[
                observation("wide", 1, "completed", 1.0),
                observation("narrow", 1, "completed", 5.0),
                observation("wide", 2, "completed", 3.0),
            ],
            &[("wide", 2.0, Some(2.0_f64.sqrt()), 2), ("narrow", 5.0, None, 1)],
        );
    }

    #[test]
    fn diverged_runs_and_values_that_are_no_numbers_take_no_part() {
        check(
            &[
                observation("wide", 1, "diverged", 100.0),
                observation("wide", 2, "completed", f64::NAN),
                observation("wide", 3, "completed", 4.0),
            ],
            &[("wide", 4.0, None, 1)],
        );
    }

    #[test]
    fn no_observation_gives_no_summary() {
        check(&[], &[]);
    }

    #[test]
    fn scores_survive_the_csv_bit_for_bit() {
        let value = 0.1 + 0.2;
        let frame = ScoreFrame::new(&[observation("a,b", 1, "completed", value)]);
        let csv = frame.expect("columns have one length").csv().expect("the table is written");
        let text = String::from_utf8(csv).expect("CSV is UTF-8");
        let last = text.trim_end().rsplit(',').next().expect("a row has cells");
        assert_eq!(last.parse::<f64>().expect("a number").to_bits(), value.to_bits());
        assert!(text.contains("\"a,b\""));
    }
}
