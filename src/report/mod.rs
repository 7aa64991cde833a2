//! `reports/<name>/`: what a sweep found, computed from records alone.
//!
//! [`build`] is a pure function from a [`ReportInput`] to the bytes of every file: no clock, no host,
//! no unordered map, so the same records always give the same report and `report --check` can compare
//! bytes. It loads no model and opens no file; whoever calls it reads the store and writes the result.
//!
//! A report is put together in three stages:
//!
//! ```text
//! study.rs, frame.rs, paired.rs    records  -> numbers (polars lives in frame.rs alone)
//! sections/                        numbers  -> blocks of a Document
//! markdown.rs, html.rs             Document -> report.md, report.html
//! ```
//!
//! Both pages are rendered from one `Document`, so they cannot disagree.

use std::{collections::BTreeMap, io, path::PathBuf};

use crate::store::{
    event::Event,
    manifest::{ManifestRun, SweepManifest},
    record::Record,
};

mod anatomy;
mod animation;
mod axis;
mod curve;
mod document;
mod frame;
mod html;
mod markdown;
mod number;
mod paired;
mod palette;
mod rollouts;
mod samples;
mod sections;
mod strip;
mod study;
mod svg;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use rollouts::{Clip, Rollouts, RolloutsError};
pub use samples::Samples;

/// Everything that a report is computed from.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// The sweep as it was last started.
    pub manifest: SweepManifest,
    /// Its runs, in the manifest's order.
    pub runs: Vec<ReportRun>,
}

/// One run of the sweep.
#[derive(Clone, Debug)]
pub struct ReportRun {
    /// The run as the manifest names it.
    pub entry: ManifestRun,
    /// What it left behind.
    pub state: RunState,
    /// What it kept of its test; nothing if it was not tested.
    pub samples: Samples,
}

/// How far a run got.
#[derive(Clone, Debug)]
pub enum RunState {
    /// The run has a record: it completed or diverged.
    Finished {
        /// The record.
        record: Box<Record>,
        /// Its journal.
        events: Vec<Event>,
    },
    /// The run has no record and takes no part in any number.
    Unfinished {
        /// What there is instead, e.g. `not started` or `stopped after step 120`.
        what: String,
    },
}

/// The files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Contents by path relative to `reports/<name>/`.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Report {
    /// Returns the size of all files together in bytes.
    pub fn bytes(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }
}

/// Why a report could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The table of scores could not be computed.
    #[error("failed to tabulate the scores")]
    Table(#[from] polars::error::PolarsError),
    /// The table of scores could not be written.
    #[error("failed to write the scores as CSV")]
    Csv(#[from] csv::Error),
    /// A figure could not be drawn.
    #[error("failed to draw figure `{figure}`")]
    Draw {
        /// File name of the figure.
        figure: String,
        /// What plotters reports.
        #[source]
        source: plotters::drawing::DrawingAreaErrorKind<io::Error>,
    },
    /// A strip of frames could not be encoded as PNG.
    #[error("failed to encode the frames of `{clip}` as PNG")]
    Png {
        /// Name of the test sequence.
        clip: String,
        /// What the encoder reports.
        #[source]
        source: png::EncodingError,
    },
    /// An animation could not be encoded as GIF.
    #[error("failed to encode the animation of `{clip}` as GIF")]
    Gif {
        /// Name of the test sequence.
        clip: String,
        /// What the encoder reports.
        #[source]
        source: gif::EncodingError,
    },
    /// A configuration could not be written as a tree of settings.
    #[error("failed to list the settings of run `{run}`")]
    Settings {
        /// The run.
        run: String,
        /// What serde reports.
        #[source]
        source: serde_json::Error,
    },
}

/// Computes the report of a sweep: `report.md`, `report.html`, the figures they show and the scores
/// as CSV.
pub fn build(input: &ReportInput) -> Result<Report, ReportError> {
    let study = study::Study::new(input)?;
    let document = sections::document(&study)?;

    let mut files = BTreeMap::new();
    files.insert(PathBuf::from("metrics.csv"), study.scores.csv()?);
    files.insert(PathBuf::from("metrics_by_frame.csv"), study.scores_by_frame.csv()?);
    for figure in document.figures() {
        files.insert(PathBuf::from(&figure.path), figure.file());
    }
    files.insert(PathBuf::from("report.md"), markdown::render(&document).into_bytes());
    files.insert(PathBuf::from("report.html"), html::render(&document).into_bytes());
    Ok(Report { files })
}
