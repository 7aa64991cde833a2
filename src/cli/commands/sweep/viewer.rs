//! TensorBoard, shown while a sweep is trained.

use std::{
    io::ErrorKind,
    path::Path,
    process::{Child, Command, Stdio},
};

use clap::Args;

use crate::{
    cli::{args::TensorboardArgs, output::tell},
    experiment::EventFolder,
};

const PROGRAM: &str = "tensorboard";

/// What is written for TensorBoard, and whether it is shown.
#[derive(Debug, Args)]
pub(super) struct EventArgs {
    #[command(flatten)]
    tensorboard: TensorboardArgs,
    /// Show the event files in TensorBoard while the sweep is trained
    #[arg(long, requires = "tensorboard")]
    viewer: bool,
}

impl EventArgs {
    /// Returns the folder of event files, if one is given.
    pub(super) fn event_folder(&self) -> Option<EventFolder> {
        self.tensorboard.event_folder()
    }

    /// Starts TensorBoard if it is asked for; otherwise says how event files are shown.
    pub(super) fn show(&self) -> Option<Viewer> {
        let folder = self.tensorboard.tensorboard.as_deref()?;
        if self.viewer {
            return Viewer::start(folder);
        }
        tell(&command(folder));
        None
    }
}

/// A running TensorBoard; it ends with this value.
pub(super) struct Viewer(Child);

impl Viewer {
    /// Starts TensorBoard on a folder of event files, or says how to do so. It prints its own address.
    fn start(folder: &Path) -> Option<Self> {
        let started =
            Command::new(PROGRAM).arg("--logdir").arg(folder).stdout(Stdio::null()).spawn();
        match started {
            Ok(child) => Some(Self(child)),
            Err(error) => {
                let why = match error.kind() {
                    ErrorKind::NotFound => "it is not installed".to_owned(),
                    _ => error.to_string(),
                };
                tell(&format!(
                    "failed to start TensorBoard: {why}; after `pip install {PROGRAM}`, {}",
                    command(folder)
                ));
                None
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // Both fail only if the viewer has ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Returns what shows a folder of event files.
fn command(folder: &Path) -> String {
    format!("`{PROGRAM} --logdir {}` shows the runs", folder.display())
}
