//! Words that several sections share.

use super::{
    number::{grouped, magnitude},
    reported::ReportedMetric,
    sweep_results::SweepResults,
};
use reprise_base::stats::paired::PairedDifference;
use reprise_data::Split;
use reprise_store::store::record::DataRecord;

/// Returns the name of a split in a table.
pub(super) const fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "Training",
        Split::Validate => "Validation",
        Split::Test => "Test",
    }
}

/// Returns the sizes of the splits, e.g. `145 training, 30 validation and 30 test images`.
pub(super) fn split_sizes(data: &DataRecord) -> String {
    let count = |split: Split| grouped(data.sequences.get(split.name()).copied().unwrap_or(0));
    let [train, validate, test] = [Split::Train, Split::Validate, Split::Test].map(count);
    let what = if data.frames == 1 { "images" } else { "sequences" };
    format!("{train} training, {validate} validation and {test} test {what}")
}

/// Returns a name from code in words.
pub(super) fn in_words(name: &str) -> String {
    name.replace('_', " ")
}

/// Returns which direction of a metric is better.
pub(super) const fn direction(metric: &ReportedMetric) -> &'static str {
    if metric.definition.higher_is_better { "higher" } else { "lower" }
}

/// Returns the decimals of differences: at least three and at least those of the scores; more, up to
/// six, until the largest difference shows three significant digits.
pub(super) fn difference_decimals<'a>(
    results: &SweepResults<'_>,
    metric: &ReportedMetric,
    differences: impl IntoIterator<Item = &'a PairedDifference>,
) -> usize {
    let sizes = differences.into_iter().map(|difference| difference.mean.abs());
    let largest = sizes.filter(|size| size.is_finite()).fold(0.0, f64::max);
    // A rounding error below a power of ten adds no digit.
    let needed = if largest > 0.0 { (2 - magnitude(largest * 1.000_001)).clamp(0, 6) } else { 0 };
    results.decimals(Split::Test, metric).max(3).max(usize::try_from(needed).unwrap_or(0))
}

/// Returns a text with a capital at its start; symbols such as β and names from code stay as they are.
pub(super) fn capitalized(text: &str) -> String {
    if text.split_whitespace().next().is_some_and(|word| word.contains('_')) {
        return text.to_owned();
    }
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        std::iter::once(first.to_ascii_uppercase()).chain(characters).collect()
    })
}

/// Returns a fragment as a sentence: a capital at the start, a full stop at the end.
pub(super) fn sentence(text: &str) -> String {
    let text = capitalized(text.trim());
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
