//! Keypoints of images: of a data set, or of Kaggle's test images as a submission.

use std::{iter, path::Path};

use super::{
    args::GenerateArgs,
    kinds::GeneratedKind,
    making::Making,
    output::{GenerationRecord, OutputFolder},
    selection,
};
use crate::{
    build_identity::BUILD,
    cli::{Failure, output::tell},
};
use reprise_base::{
    config::{
        model::{RcnSpec, rcn::HALF_SIDE},
        protocol::Protocol,
    },
    text::count,
};
use reprise_data::{
    DataError,
    kaggle::{KaggleError, OutsideImage, Predictions, read_lookup, read_test, submission},
    keypoint_sheet,
    npy::{Array, ArrayData},
};
use reprise_torch::train::{
    TrainError,
    rcn::{self, KeypointImages},
};

/// Kaggle's images, in the folder of `--kaggle`.
const PICTURES: &str = "test.csv";
/// The requested coordinates, in the same folder.
const LOOKUP: &str = "IdLookupTable.csv";
/// Images that are predicted if none is chosen.
const IMAGES: usize = 16;

/// Predicts keypoints.
///
/// # Errors
/// If the request, the data or the weights do not fit, or a file cannot be written.
pub(super) fn make_keypoints(
    args: &GenerateArgs,
    making: &Making<'_>,
    model: &RcnSpec,
) -> Result<(), Failure> {
    match &args.keypoints.kaggle {
        Some(kaggle) => making.submission(args, model, kaggle),
        None => making.keypoints(args, model),
    }
}

impl Making<'_> {
    /// Predicts the keypoints of images of a split.
    fn keypoints(&self, args: &GenerateArgs, model: &RcnSpec) -> Result<(), Failure> {
        let kinds = args.kinds(&GeneratedKind::OF_KEYPOINTS, &GeneratedKind::USUAL_OF_KEYPOINTS)?;
        let pack = &self.pack;
        let Protocol { split, seed, .. } = self.protocol;
        let indices = selection::chosen(args.sequences.as_ref(), pack, split, IMAGES)?;
        let images = KeypointImages::Known { pack, split, seed, indices: &indices };
        let predicted = rcn::predict(self.trained(), model, images).map_err(TrainError::from)?;

        let name = |&index: &usize| pack.sequence_name(split, index).to_owned();
        let names: Vec<String> = indices.iter().map(name).collect();
        let columns = pack.position_names();
        let folder = self.folder(args);
        let record = GenerationRecord {
            rows: names.clone(),
            columns: columns.to_vec(),
            ..self.record(args, &[self.protocol])
        };
        let mut output = OutputFolder::create(&folder, record)?;
        if kinds.contains(&GeneratedKind::Sheet) {
            let scaled = |row: &Vec<f64>| row.iter().map(|&pixel| scaled(pixel)).collect();
            let scaled: Vec<Vec<f32>> = predicted.iter().map(scaled).collect();
            output.write("sheet.png", &keypoint_sheet(pack, split, &indices, &scaled)?)?;
        }
        if kinds.contains(&GeneratedKind::Csv) {
            let text = table(&names, columns, &predicted);
            output.write("keypoints.csv", &text)?;
        }
        let truth = indices.iter().flat_map(|&index| pack.sequence(split, index).positions);
        let truth = truth.map(|&position| pixels(position)).collect();
        let predictions = predicted.iter().flatten().map(|&pixel| single(pixel)).collect();
        let array = |values| Array {
            shape: vec![indices.len(), columns.len()],
            elements: ArrayData::F32(values),
        };
        let arrays = [("prediction", predictions), ("truth", truth)]
            .map(|(name, values)| (name.to_owned(), array(values)));
        output.write_arrays(&kinds, &arrays)?;
        let files = output.finish()?;
        tell(&format!(
            "wrote {} to `{}`: keypoints of {}",
            count(files, "file"),
            folder.display(),
            count(indices.len(), "image")
        ));
        Ok(())
    }

    /// Writes a submission for Kaggle.
    fn submission(
        &self,
        args: &GenerateArgs,
        model: &RcnSpec,
        kaggle: &Path,
    ) -> Result<(), Failure> {
        if args.sequences.is_some() || !args.write.is_empty() {
            return Err(Failure::Usage {
                message: "`--kaggle` writes a submission for all its images".to_owned(),
                hint: "remove `--sequences` and `--write`",
            });
        }
        let Self { source, pack, .. } = self;
        let lookup = kaggle.join(LOOKUP);
        let wanted = read_lookup(&lookup).map_err(DataError::from)?;
        let test = read_test(&kaggle.join(PICTURES)).map_err(DataError::from)?;
        let pictures: Vec<&[u8]> = (0..test.ids.len()).map(|at| test.images.grey(at)).collect();
        let locations = rcn::predict(self.trained(), model, KeypointImages::Unseen(&pictures))
            .map_err(TrainError::from)?;
        // The names of the coordinates come from the run's own data set.
        let columns = pack.position_names();
        let predictions = Predictions { ids: &test.ids, columns, locations: &locations };
        let outside = if args.keypoints.clamp { OutsideImage::Clamped } else { OutsideImage::Kept };
        let text = submission(&wanted, predictions, outside)
            .map_err(|source| DataError::from(KaggleError::Table { path: lookup, source }))?;

        let folder = self.folder(args);
        let record = GenerationRecord::of(source, args.command(source.id()), BUILD.sources_sha256);
        let mut output = OutputFolder::create(&folder, record)?;
        output.write("submission.csv", text.as_bytes())?;
        output.finish()?;
        tell(&format!(
            "wrote {} of {} to `{}`",
            count(wanted.len(), "location"),
            count(pictures.len(), "image"),
            folder.join("submission.csv").display()
        ));
        Ok(())
    }
}

/// Returns keypoints in pixels as CSV, an image per row.
fn table(names: &[String], columns: &[String], predicted: &[Vec<f64>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = iter::once("image").chain(columns.iter().map(String::as_str));
    let mut written = writer.write_record(head);
    for (name, row) in names.iter().zip(predicted) {
        let numbers = row.iter().map(ToString::to_string);
        written =
            written.and_then(|()| writer.write_record(iter::once(name.clone()).chain(numbers)));
    }
    written.expect("writing to memory succeeds");
    writer.into_inner().expect("writing to memory succeeds")
}

/// Converts pixels to the units of a pack.
fn scaled(pixel: f64) -> f32 {
    single((pixel - HALF_SIDE) / HALF_SIDE)
}

/// Converts the units of a pack to pixels.
fn pixels(position: f32) -> f32 {
    single(f64::from(position) * HALF_SIDE + HALF_SIDE)
}

#[expect(clippy::cast_possible_truncation, reason = "arrays have single precision")]
const fn single(value: f64) -> f32 {
    value as f32
}
