//! `reprise predict`: writes a Kaggle submission with the keypoints of its test images.

use std::path::PathBuf;

use clap::Args;

use super::export::CheckpointChoice;
use crate::cli::{
    Failure,
    args::StoreArgs,
    output::{print, tell},
    places::packs,
    progress::data_watch,
};
use reprise_base::{config::model::ModelSpec, fs, text::count};
use reprise_data::{
    self as data, DataError, Required,
    kaggle::{KaggleError, OutsideImage, Predictions, read_lookup, read_test, submission},
};
use reprise_store::store::Store;
use reprise_torch::{
    libtorch,
    train::{TrainError, rcn},
};

/// The images, in the folder of `--data`.
const PICTURES: &str = "test.csv";
/// The requested coordinates, in the same folder.
const LOOKUP: &str = "IdLookupTable.csv";

/// Arguments of `reprise predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise predict 3f2a --data data/kaggle --out submission.csv
  reprise predict 3f2a --data data/kaggle --clamp | head

The folder of `--data` must contain two files of Kaggle's `facial-keypoints-detection`
competition: test.csv (ImageId,Image) and IdLookupTable.csv (RowId,ImageId,FeatureName,Location).
The output has the columns RowId,Location, with rows in the order of the lookup table. Locations
are in pixels.

Locations outside the image are written as predicted unless `--clamp` is given. If the run's
setting `prediction` is `as_in_training`, dropout is active as in the original. Repeated calls use
the same dropout mask.")]
pub struct PredictArgs {
    /// Id of a run of `rcn`, or the first digits of the id
    #[arg(value_name = "RUN")]
    run: String,
    /// Folder with test.csv and IdLookupTable.csv
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// File to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Checkpoint to use
    #[arg(long, value_enum, default_value_t = CheckpointChoice::Best)]
    checkpoint: CheckpointChoice,
    /// Move each location outside the image to the nearest edge of the image, 0 or 96
    #[arg(long)]
    clamp: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Predicts the requested coordinates with the weights of a run.
pub fn run(args: &PredictArgs) -> Result<(), Failure> {
    let dir = Store::open(&args.store.store)?.find(&args.run)?;
    let spec = dir.spec()?;
    let ModelSpec::Rcn(model) = &spec.model else {
        let system = spec.model.system();
        return Err(Failure::Usage {
            message: format!("failed to predict: run {} trains `{system}`", dir.id()),
            hint: "choose a run of `rcn`; no other system predicts keypoints",
        });
    };
    let (weights, _) = args.checkpoint.read(&dir, "predict with")?;
    let lookup = args.data.join(LOOKUP);
    let wanted = read_lookup(&lookup).map_err(DataError::from)?;
    let test = read_test(&args.data.join(PICTURES)).map_err(DataError::from)?;
    // The names of the coordinates come from the run's own data set.
    let dataset = &spec.data.dataset;
    let pack = data::open(dataset, Required::AllSplits, &packs()?, &mut data_watch())?;

    let device = libtorch::prepare(&spec.engine)?.device;
    let pictures: Vec<&[u8]> = (0..test.ids.len()).map(|at| test.images.grey(at)).collect();
    let columns = pack.position_names();
    let locations =
        rcn::predict(&spec, model, rcn::Weights { tensors: &weights, device }, &pictures)
            .map_err(TrainError::from)?;
    let predictions = Predictions { ids: &test.ids, columns, locations: &locations };
    let outside = if args.clamp { OutsideImage::Clamped } else { OutsideImage::Kept };
    let text = submission(&wanted, predictions, outside)
        .map_err(|source| DataError::from(KaggleError::Table { path: lookup, source }))?;

    let Some(out) = &args.out else { return print(&text) };
    fs::write_atomic(out, text.as_bytes())?;
    let locations = count(wanted.len(), "location");
    tell(&format!(
        "wrote {locations} of {} to `{}`",
        count(pictures.len(), "image"),
        out.display()
    ));
    Ok(())
}
