//! The sections of a report, one file each, in reading order.

use super::{
    document::{Document, PageBlock, RichText},
    error::ReportError,
    sweep_results::SweepResults,
};
use reprise_base::text::count;

mod anatomy;
mod cautions;
mod claims;
mod configuration;
mod cost;
mod course;
mod curves;
mod data;
mod differences;
mod evaluations;
mod findings;
mod futures;
mod gap;
mod keypoints;
mod latent;
mod picture_grid;
mod ports;
mod predictions;
mod provenance;
mod published;
mod reached;
mod results;
mod samples;
mod twins;

/// Builds the report of a sweep.
pub(super) fn document(results: &SweepResults<'_>) -> Result<Document, ReportError> {
    let manifest = &results.input.manifest;
    let mut blocks = vec![
        PageBlock::Authored(manifest.description.clone()),
        PageBlock::Findings(findings::findings(results)),
    ];
    if !manifest.scale.trim().is_empty() {
        blocks.push(PageBlock::Note(RichText::default().strong("Scale.").plain(format!(
            " Preset {}: {}",
            manifest.preset,
            manifest.scale.trim()
        ))));
    }
    blocks.extend(cautions::blocks(results));
    blocks.extend(claims::blocks(results));
    blocks.extend(results::blocks(results));
    blocks.extend(differences::blocks(results));
    blocks.extend(gap::blocks(results));
    blocks.extend(reached::blocks(results));
    blocks.extend(latent::blocks(results));
    blocks.extend(ports::blocks(results));
    blocks.extend(cost::blocks(results));
    blocks.extend(published::blocks(results));
    blocks.extend(evaluations::blocks(results)?);
    blocks.extend(course::blocks(results)?);
    blocks.extend(curves::blocks(results)?);
    blocks.extend(predictions::blocks(results)?);
    blocks.extend(anatomy::blocks(results)?);
    blocks.extend(keypoints::blocks(results)?);
    blocks.extend(picture_grid::blocks(results)?);
    blocks.extend(samples::blocks(results)?);
    blocks.extend(data::blocks(results));
    blocks.extend(provenance::blocks(results));
    blocks.extend(configuration::blocks(results)?);
    Ok(Document {
        title: manifest.title.clone(),
        subtitle: format!(
            "Sweep {}, preset {}: {}, {}",
            manifest.name,
            manifest.preset,
            count(results.arms.len(), "arm"),
            count(results.input.runs.len(), "run"),
        ),
        command: format!("./just report {}", manifest.name),
        blocks,
    })
}
