//! Options that several commands share.

use std::path::PathBuf;

use clap::{
    Args, ValueEnum,
    builder::{PathBufValueParser, TypedValueParser},
};

use crate::experiment::EventFolder;
use reprise_base::scalar::Count;

/// Which store.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Folder of the run store
    #[arg(long, value_name = "DIR", default_value = "store", value_parser = folder())]
    pub store: PathBuf,
}

/// Parses the path of a folder; a shell replaces `~` in `--store ~/runs`, but not in `--store=~/runs`.
fn folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        if path.starts_with("~") {
            return Err("`~` is not replaced here; write the full path, or a space before it");
        }
        Ok(path)
    })
}

/// What is written for TensorBoard; changes no number of a run.
#[derive(Debug, Args)]
pub struct TensorboardArgs {
    /// Write event files for TensorBoard to this folder: scalars, scores and images
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// Steps between two images of training sequences in TensorBoard
    #[arg(long, value_name = "N", default_value = "250", requires = "tensorboard")]
    pub picture_steps: Count,
}

impl TensorboardArgs {
    /// Returns the folder of event files, if one is given.
    pub fn event_folder(&self) -> Option<EventFolder> {
        let path = self.tensorboard.clone()?;
        Some(EventFolder { path, picture_steps: self.picture_steps })
    }
}

/// How data is printed.
#[derive(Debug, Args)]
pub struct FormatArgs {
    /// Output format: text for people, json for scripts
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Tables and sentences.
    Text,
    /// One JSON value.
    Json,
}
