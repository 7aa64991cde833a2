//! TensorBoard, shown while a sweep is trained.

use std::{
    io::ErrorKind,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::cli::output::tell;

const PROGRAM: &str = "tensorboard";

/// A running TensorBoard; it ends with this value.
pub(super) struct Viewer(Child);

impl Viewer {
    /// Starts TensorBoard on a folder of event files, or says how to do so. It prints its own address.
    pub(super) fn start(folder: &Path) -> Option<Self> {
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
pub(super) fn command(folder: &Path) -> String {
    format!("`{PROGRAM} --logdir {}` shows the runs", folder.display())
}
