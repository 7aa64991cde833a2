//! Scores in long form, as Polars frames: every table, comparison, curve and CSV file is computed from
//! them. This is the only module that knows Polars.

use polars::prelude::*;

/// One value of one run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observation<'a> {
    pub(super) arm: &'a str,
    pub(super) seed: u64,
    /// Run id.
    pub(super) run: &'a str,
    /// How the run ended: [`COMPLETED`] or `diverged`.
    pub(super) outcome: &'static str,
    /// `model` or a baseline.
    pub(super) predictor: &'a str,
    pub(super) split: &'static str,
    /// Key of the metric, or name of the series.
    pub(super) metric: &'a str,
    /// Step, epoch or predicted frame; unused in a frame without such a column.
    pub(super) x: f64,
    pub(super) value: f64,
}

/// The outcome of a run that took all its steps.
pub(super) const COMPLETED: &str = "completed";

/// Observations in long form, one row each.
#[derive(Clone, Debug)]
pub(super) struct ScoreFrame {
    frame: DataFrame,
    /// The column of `x`, if the values depend on one.
    x: Option<&'static str>,
}

/// Rows that agree in N columns, in their order; the values are finite.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScoreGroup<const N: usize> {
    /// What they agree in.
    pub(super) keys: [String; N],
    pub(super) seeds: Vec<u64>,
    /// x and value of every row; x is 0 in a frame without it.
    pub(super) points: Vec<(f64, f64)>,
}

impl<const N: usize> ScoreGroup<N> {
    /// Returns the values alone.
    pub(super) fn values(&self) -> Vec<f64> {
        self.points.iter().map(|(_, value)| *value).collect()
    }
}

impl ScoreFrame {
    /// Makes a frame of `observations`, in their order. `x` names the column of their x, if any.
    pub(super) fn new(
        observations: &[Observation<'_>],
        x: Option<&'static str>,
    ) -> PolarsResult<Self> {
        let text = |name: &str, of: fn(&Observation<'_>) -> String| {
            Column::new(name.into(), observations.iter().map(of).collect::<Vec<_>>())
        };
        let number = |name: &str, of: fn(&Observation<'_>) -> f64| {
            Column::new(name.into(), observations.iter().map(of).collect::<Vec<_>>())
        };
        let mut columns = vec![
            text("arm", |row| row.arm.to_owned()),
            Column::new("seed".into(), observations.iter().map(|row| row.seed).collect::<Vec<_>>()),
            text("run", |row| row.run.to_owned()),
            text("outcome", |row| row.outcome.to_owned()),
            text("predictor", |row| row.predictor.to_owned()),
            text("split", |row| row.split.to_owned()),
            text("metric", |row| row.metric.to_owned()),
        ];
        columns.extend(x.map(|name| number(name, |row| row.x)));
        columns.push(number("value", |row| row.value));
        Ok(Self { frame: DataFrame::new(observations.len(), columns)?, x })
    }

    /// Returns the rows of completed runs.
    pub(super) fn completed(&self) -> PolarsResult<Self> {
        let completed = self.frame.column("outcome")?.str()?.equal(COMPLETED);
        Ok(Self { frame: self.frame.filter(&completed)?, x: self.x })
    }

    /// Groups the finite values by `keys`, in the order in which the groups first appear.
    pub(super) fn grouped<const N: usize>(
        &self,
        keys: [&str; N],
    ) -> PolarsResult<Vec<ScoreGroup<N>>> {
        let finite = self.frame.column("value")?.f64()?.is_finite();
        let frame = self.frame.filter(&finite)?;
        let seeds = frame.column("seed")?.u64()?;
        let values = frame.column("value")?.f64()?;
        let x = self.x.map(|name| frame.column(name)?.f64()).transpose()?;
        let columns: Vec<&StringChunked> =
            keys.iter().map(|name| frame.column(name)?.str()).collect::<PolarsResult<_>>()?;
        let point = |row: usize| {
            let x = x.and_then(|x| x.get(row)).unwrap_or(0.0);
            (x, values.get(row).unwrap_or(f64::NAN))
        };
        let groups = frame.group_by_stable(keys)?;
        let group = |rows: Vec<IdxSize>| {
            let rows: Vec<usize> = rows.into_iter().map(|row| row as usize).collect();
            let first = rows.first().copied().unwrap_or_default();
            ScoreGroup {
                keys: std::array::from_fn(|column| {
                    columns[column].get(first).unwrap_or_default().to_owned()
                }),
                seeds: rows.iter().filter_map(|&row| seeds.get(row)).collect(),
                points: rows.iter().map(|&row| point(row)).collect(),
            }
        };
        let rows = groups.get_groups().iter().map(|group| match group {
            GroupsIndicator::Idx((_, rows)) => rows.to_vec(),
            GroupsIndicator::Slice([first, len]) => (first..first + len).collect(),
        });
        Ok(rows.map(group).collect())
    }

    /// Returns the frame as CSV with a header row; floats read back to the same bits.
    pub(super) fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.frame.columns().iter().map(|column| column.name().as_str()))?;
        for row in 0..self.frame.height() {
            writer.write_record(self.frame.columns().iter().map(|column| cell(column, row)))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

/// Returns a value as text; an absent one is empty.
fn cell(column: &Column, row: usize) -> String {
    match column.get(row) {
        Ok(AnyValue::String(text)) => text.to_owned(),
        Ok(AnyValue::UInt64(count)) => count.to_string(),
        Ok(AnyValue::Float64(value)) => value.to_string(),
        Ok(_) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation<'a>(
        arm: &'a str,
        seed: u64,
        outcome: &'static str,
        value: f64,
    ) -> Observation<'a> {
        let (run, predictor, split, metric) = ("0123456789abcdef", "model", "test", "psnr");
        let x = seed as f64;
        Observation { arm, seed, run, outcome, predictor, split, metric, x, value }
    }

    #[track_caller]
    fn check(observations: &[Observation<'_>], expected: &[(&str, &[u64], &[f64])]) {
        let frame = ScoreFrame::new(observations, None).expect("columns have one length");
        let completed = frame.completed().expect("there is an outcome");
        let groups = completed.grouped(["arm", "metric"]).expect("the columns are there");
        let actual: Vec<_> = groups
            .iter()
            .map(|group| (group.keys[0].as_str(), group.seeds.clone(), group.values()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(arm, seeds, values)| (*arm, seeds.to_vec(), values.to_vec()))
            .collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn arms_are_grouped_in_their_own_order() {
        check(
            &[
                observation("wide", 1, "completed", 1.0),
                observation("narrow", 1, "completed", 5.0),
                observation("wide", 2, "completed", 3.0),
            ],
            &[("wide", &[1, 2], &[1.0, 3.0]), ("narrow", &[1], &[5.0])],
        );
    }

    #[test]
    fn diverged_runs_and_values_that_are_not_finite_are_left_out() {
        check(
            &[
                observation("wide", 1, "diverged", 100.0),
                observation("wide", 2, "completed", f64::NAN),
                observation("wide", 3, "completed", 4.0),
            ],
            &[("wide", &[3], &[4.0])],
        );
    }

    #[test]
    fn no_observation_gives_no_group() {
        check(&[], &[]);
    }

    #[test]
    fn scores_survive_the_csv_bit_for_bit() {
        let value = 0.1 + 0.2;
        let frame = ScoreFrame::new(&[observation("a,b", 1, "completed", value)], Some("frame"));
        let csv = frame.expect("columns have one length").csv().expect("the table is written");
        let text = String::from_utf8(csv).expect("CSV is UTF-8");
        let last = text.trim_end().rsplit(',').next().expect("a row has cells");
        assert_eq!(last.parse::<f64>().expect("a number").to_bits(), value.to_bits());
        assert!(text.contains("\"a,b\"") && text.contains(",metric,frame,value\n"), "{text}");
    }
}
