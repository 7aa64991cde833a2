//! Files of what was generated, and their record.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{kinds::GeneratedKind, source::Source};
use crate::cli::Failure;
use reprise_base::{config::protocol::Protocol, fs, scalar::Seed};
use reprise_data::{
    npy::{self, Array},
    npz,
    video_grid::VideoGrid,
};
use reprise_store::store::record::RunId;
use reprise_torch::{libtorch, train::generate::GeneratedVideos};

/// The record beside the files.
const RECORD: &str = "generated.json";
/// Version of the record.
const GENERATION_FORMAT: u32 = 1;
/// Largest record that is read.
const RECORD_BYTES_MAX: u64 = 64 << 20;

/// What a folder of generated files is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GenerationRecord {
    pub format: u32,
    /// Gives the same files again.
    pub command: String,
    pub system: String,
    /// The run, unless the weights are imported.
    pub run: Option<RunId>,
    /// SHA-256 of the file of a run's weights; the id of imported ones.
    pub weights: String,
    /// Seed of the noise.
    pub seed: Seed,
    /// How frames were predicted, one protocol for each set of columns; empty if no data set was used.
    pub protocols: Vec<Protocol>,
    pub data: Option<GeneratedFrom>,
    pub libtorch: String,
    /// SHA-256 of the sources of reprise.
    pub sources_sha256: String,
    pub rows: Vec<String>,
    pub columns: Vec<String>,
    /// Shapes of the arrays by name.
    pub arrays: BTreeMap<String, Vec<usize>>,
    /// SHA-256 of each file.
    pub files: BTreeMap<String, String>,
}

/// A data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GeneratedFrom {
    pub name: String,
    /// Digest of its content.
    pub sha256: String,
}

impl GenerationRecord {
    /// Returns the record of weights that have generated nothing yet.
    pub(super) fn of(source: &Source, command: String, sources_sha256: &str) -> Self {
        Self {
            format: GENERATION_FORMAT,
            command,
            system: source.spec.model.system().to_owned(),
            run: source.run.clone(),
            weights: source.weights.clone(),
            seed: source.spec.seed,
            protocols: Vec::new(),
            data: None,
            libtorch: libtorch::version(),
            sources_sha256: sources_sha256.to_owned(),
            rows: Vec::new(),
            columns: Vec::new(),
            arrays: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }
}

/// A folder that is being written.
pub(super) struct OutputFolder<'a> {
    folder: &'a Path,
    record: GenerationRecord,
}

impl<'a> OutputFolder<'a> {
    /// Creates the folder, and removes the files of an earlier call that are still what it wrote.
    ///
    /// # Errors
    /// If the folder cannot be changed.
    pub(super) fn create(folder: &'a Path, record: GenerationRecord) -> Result<Self, Failure> {
        fs::create_dir_all(folder)?;
        let earlier = folder.join(RECORD);
        let bytes = fs::read(&earlier, RECORD_BYTES_MAX).ok();
        let earlier_record =
            bytes.and_then(|bytes| serde_json::from_slice::<GenerationRecord>(&bytes).ok());
        if let Some(GenerationRecord { files, .. }) = earlier_record {
            fs::remove_file(&earlier)?;
            // A record of another origin may name anything.
            for (name, sha256) in files.iter().filter(|(name, _)| fs::is_inside(name.as_ref())) {
                let path = folder.join(name);
                if fs::sha256_file(&path).is_ok_and(|(found, _)| found == *sha256) {
                    fs::remove_file(&path)?;
                }
            }
        }
        Ok(Self { folder, record })
    }

    /// Writes a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path: PathBuf = self.folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write_atomic(&path, bytes)?;
        self.record.files.insert(name.to_owned(), fs::sha256_hex(bytes));
        Ok(())
    }

    /// Writes arrays as the kinds say.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(super) fn write_arrays(
        &mut self,
        kinds: &[GeneratedKind],
        arrays: &[(String, Array)],
    ) -> Result<(), Failure> {
        for (name, array) in arrays {
            self.record.arrays.insert(name.clone(), array.shape.clone());
            if kinds.contains(&GeneratedKind::Npy) {
                self.write(&format!("arrays/{name}.npy"), &npy::encode(array))?;
            }
        }
        if kinds.contains(&GeneratedKind::Npz) {
            self.write("arrays.npz", &npz::encode(arrays))?;
        }
        Ok(())
    }

    /// Writes the record; returns the number of files, with it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn finish(self) -> Result<usize, Failure> {
        let Self { folder, record } = self;
        let mut text = serde_json::to_string_pretty(&record).map_err(Failure::Encode)?;
        text.push('\n');
        fs::write_atomic(&folder.join(RECORD), text.as_bytes())?;
        Ok(record.files.len() + 1)
    }
}

/// Writes videos as the kinds say; returns the number of files.
///
/// # Errors
/// If they are too large for a kind, or cannot be written.
pub(super) fn write_videos(
    folder: &Path,
    kinds: &[GeneratedKind],
    generated: &GeneratedVideos,
    record: GenerationRecord,
) -> Result<usize, Failure> {
    let GeneratedVideos { shape, rows, context, arrays, .. } = generated;
    let grid = VideoGrid {
        shape: *shape,
        rows: rows.iter().map(|row| row.videos.iter().map(Vec::as_slice).collect()).collect(),
        context: *context,
    };
    let mut output = OutputFolder::create(folder, record)?;
    for kind in kinds {
        match kind {
            GeneratedKind::Gif => output.write("videos.gif", &grid.gif()?.bytes)?,
            GeneratedKind::Apng => output.write("videos.png", &grid.apng()?)?,
            GeneratedKind::Sheet => output.write("sheet.png", &grid.sheet()?)?,
            GeneratedKind::Strip => {
                for row in 0..rows.len() {
                    output.write(&format!("strips/{row:03}.png"), &grid.strip(row)?)?;
                }
            }
            GeneratedKind::Png => {
                for (row, videos) in grid.rows.iter().enumerate() {
                    for (column, video) in videos.iter().enumerate() {
                        for frame in 0..shape[0] {
                            let name = format!("frames/{row:03}/{column:03}/{frame:03}.png");
                            output.write(&name, &grid.picture(video, frame)?)?;
                        }
                    }
                }
            }
            GeneratedKind::Npz | GeneratedKind::Npy | GeneratedKind::Csv => {}
        }
    }
    output.write_arrays(kinds, arrays)?;
    output.finish()
}
