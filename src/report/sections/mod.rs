//! The sections of a report, one a file, in reading order.

use super::{
    ReportError,
    document::{Block, Document, Text},
    number::grouped,
    study::Study,
};
use crate::{data::Split, store::record::DataRecord, text::count};

mod anatomy;
mod configuration;
mod curves;
mod differences;
mod findings;
mod keypoints;
mod picture_grid;
mod ports;
mod predictions;
mod provenance;
mod published;
mod results;
mod samples;

/// Puts the report of a study together.
pub(super) fn document(study: &Study<'_>) -> Result<Document, ReportError> {
    let manifest = &study.input.manifest;
    let mut blocks = vec![
        Block::Authored(manifest.description.clone()),
        Block::Findings(findings::findings(study)),
    ];
    if !manifest.scale.trim().is_empty() {
        blocks.push(Block::Note(Text::default().strong("Scale.").plain(format!(
            " Preset {}: {}",
            manifest.preset,
            manifest.scale.trim()
        ))));
    }
    blocks.extend(results::blocks(study));
    blocks.extend(differences::blocks(study));
    blocks.extend(ports::blocks(study));
    blocks.extend(published::blocks(study));
    blocks.extend(curves::blocks(study)?);
    blocks.extend(predictions::blocks(study)?);
    blocks.extend(anatomy::blocks(study)?);
    blocks.extend(keypoints::blocks(study)?);
    blocks.extend(picture_grid::blocks(study)?);
    blocks.extend(samples::blocks(study)?);
    blocks.extend(provenance::blocks(study));
    blocks.extend(configuration::blocks(study)?);
    Ok(Document {
        title: manifest.title.clone(),
        subtitle: format!(
            "Sweep {}, preset {}: {}, {}",
            manifest.name,
            manifest.preset,
            count(study.arms.len(), "arm"),
            count(study.input.runs.len(), "run"),
        ),
        made_by: format!("./just report {}", manifest.name),
        blocks,
    })
}

/// Returns how a table calls a split.
const fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "Training",
        Split::Validate => "Validation",
        Split::Test => "Test",
    }
}

/// Says how much data there is, e.g. `145 training, 30 validation and 30 test pictures`.
fn amount(data: &DataRecord) -> String {
    let count = |split: Split| grouped(data.sequences.get(split.name()).copied().unwrap_or(0));
    let [train, validate, test] = [Split::Train, Split::Validate, Split::Test].map(count);
    let what = if data.frames == 1 { "pictures" } else { "sequences" };
    format!("{train} training, {validate} validation and {test} test {what}")
}

/// Returns a predictor's name in words.
fn in_words(predictor: &str) -> String {
    predictor.replace('_', " ")
}
