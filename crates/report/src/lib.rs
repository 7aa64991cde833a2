//! `reports/<name>/`: the report of a sweep, computed from records alone.
//!
//! [`build`] is a pure function from a [`ReportInput`] to the bytes of every file: no clock, no host,
//! no unordered map. The same records always give the same bytes, which `report --check` compares. It
//! loads no model and opens no file; the caller reads the store and writes the files.
//!
//! A report is built in three stages:
//!
//! ```text
//! scores.rs, sweep_results.rs    records  -> frames of scores and curves, summaries, differences
//! sections/                      results  -> blocks of a Document
//! markdown.rs, html.rs           Document -> report.md, report.html
//! ```
//!
//! Both pages are rendered from one `Document`, so they cannot disagree.

use std::{collections::BTreeMap, path::PathBuf};

mod anatomy;
mod axis;
pub mod claims;
mod curve;
mod document;
mod error;
mod html;
mod input;
mod markdown;
mod number;
mod paired;
mod palette;
mod protocols;
mod reported;
mod rollouts;
mod run_curves;
mod samples;
mod scores;
mod sections;
mod strip;
mod svg;
mod sweep_results;
mod twin;
mod words;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use error::ReportError;
pub use input::{ReportEvaluation, ReportInput, ReportRun, RunState};
pub use rollouts::{RolloutSequence, Rollouts, RolloutsError};
pub use samples::Samples;

/// The files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFiles {
    /// Contents by path relative to `reports/<name>/`.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl ReportFiles {
    /// Returns the size of all files together in bytes.
    pub fn bytes(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }
}

/// Computes the report of a sweep: `report.md`, `report.html`, the figures they show, and the scores and
/// curves as CSV.
pub fn build(input: &ReportInput) -> Result<ReportFiles, ReportError> {
    let results = sweep_results::SweepResults::new(input)?;
    let document = sections::document(&results)?;

    let mut files = BTreeMap::new();
    files.insert(PathBuf::from("metrics.csv"), results.scores.csv()?);
    files.insert(PathBuf::from("metrics_by_frame.csv"), results.by_frame.frame.csv()?);
    files.insert(PathBuf::from("metrics_by_epoch.csv"), results.by_epoch.frame.csv()?);
    files.insert(PathBuf::from("series_by_step.csv"), results.by_step.frame.csv()?);
    for evaluated in &results.protocols {
        let slug = &evaluated.slug;
        files.insert(format!("evaluations/{slug}.csv").into(), evaluated.means.csv()?);
        let by_frame = evaluated.by_frame.frame.csv()?;
        files.insert(format!("evaluations/{slug}_by_frame.csv").into(), by_frame);
        let by_sequence = evaluated.by_sequence.csv()?;
        files.insert(format!("evaluations/{slug}_by_sequence.csv").into(), by_sequence);
    }
    for figure in document.figures() {
        files.insert(PathBuf::from(&figure.path), figure.file());
    }
    files.insert(PathBuf::from("report.md"), markdown::render(&document).into_bytes());
    files.insert(PathBuf::from("report.html"), html::render(&document).into_bytes());
    Ok(ReportFiles { files })
}
