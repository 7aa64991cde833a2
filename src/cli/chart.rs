//! Small text charts, for schedules in a terminal.

const ROWS: usize = 4;
const COLUMNS_MAX: usize = 60;
/// Eighths of a row.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws finite, non-negative values as bars over their index, on an axis from 0 to the largest
/// value.
pub fn bars(values: &[f64]) -> String {
    let largest = values.iter().copied().fold(0.0, f64::max);
    let scale = if largest > 0.0 { (ROWS * 8) as f64 / largest } else { 0.0 };
    let columns: Vec<usize> = sampled(values).map(|value| eighths(value, scale)).collect();
    let label = format!("{}", (largest * 1e4).round() / 1e4);
    let margin = label.chars().count().max(1);
    let row = |row: usize| {
        let text = match row {
            0 => "0",
            _ if row == ROWS - 1 => &label,
            _ => "",
        };
        let blocks: String =
            columns.iter().map(|&height| BLOCKS[height.saturating_sub(row * 8).min(8)]).collect();
        format!("{text:>margin$} |{}\n", blocks.trim_end())
    };
    let rows: Vec<String> = (0..ROWS).rev().map(row).collect();
    let (last, width) = (values.len().saturating_sub(1), columns.len().saturating_sub(1));
    let axis = "-".repeat(columns.len());
    format!("{}{:>margin$} +{axis}\n{:>margin$}  0{last:>width$}\n", rows.concat(), "", "")
}

/// Returns at most [`COLUMNS_MAX`] evenly spaced values, including the first and the last.
fn sampled(values: &[f64]) -> impl Iterator<Item = f64> {
    let columns = values.len().min(COLUMNS_MAX);
    let index = move |column: usize| match columns {
        0 | 1 => 0,
        _ => column * (values.len() - 1) / (columns - 1),
    };
    (0..columns).map(move |column| values[index(column)])
}

/// Returns the height of a bar; at least one eighth if the value is not 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 32")]
fn eighths(value: f64, scale: f64) -> usize {
    let height = (value * scale).round().clamp(0.0, (ROWS * 8) as f64) as usize;
    if value > 0.0 { height.max(1) } else { height }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(values: &[f64], expected: &str) {
        let expected: Vec<&str> =
            expected.trim_matches('\n').lines().map(str::trim_start).collect();
        let chart = bars(values);
        let drawn: Vec<&str> = chart.lines().map(str::trim_start).collect();
        assert_eq!(drawn, expected, "\n{chart}");
    }

    #[test]
    fn a_ramp_climbs() {
        check(
            &[0.0, 0.25, 0.5, 0.75, 1.0],
            "
            1 |    █
            |   ██
            |  ███
            0 | ████
            +-----
            0   4",
        );
    }

    #[test]
    fn nothing_but_zero_is_an_empty_chart() {
        check(&[0.0, 0.0], "0 |\n|\n|\n0 |\n+--\n01");
    }

    proptest! {
        #[test]
        fn any_schedule_fits(values in prop::collection::vec(0.0_f64..1e6, 1..300)) {
            let chart = bars(&values);
            prop_assert_eq!(chart.lines().count(), ROWS + 2);
            prop_assert!(chart.lines().all(|line| line.chars().count() <= COLUMNS_MAX + 20));
        }
    }
}
