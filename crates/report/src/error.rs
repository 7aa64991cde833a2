//! Why a report could not be built.

use std::io;

use reprise_data::video_grid::PictureError;

/// Why a report could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Polars rejected the frame of scores.
    #[error("failed to tabulate the scores")]
    Frame(#[from] polars::error::PolarsError),
    /// The scores could not be written as CSV.
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
    /// A row of frames could not be encoded as PNG.
    #[error("failed to encode `{name}` as PNG")]
    Png {
        /// Test sequence or arm.
        name: String,
        /// What the encoder reports.
        #[source]
        source: png::EncodingError,
    },
    /// An animation could not be encoded as GIF.
    #[error("failed to encode the animation of `{name}` as GIF")]
    Gif {
        /// Test sequence or arm.
        name: String,
        /// What the encoder reports.
        #[source]
        source: PictureError,
    },
    /// A run's settings could not be written as a tree.
    #[error("failed to list the settings of run `{run}`")]
    Settings {
        /// Run id.
        run: String,
        /// What serde reports.
        #[source]
        source: serde_json::Error,
    },
}
