//! `reprise predict`: keypoints of Kaggle's test pictures, as Kaggle wants them.

use std::path::PathBuf;

use clap::Args;

use super::export::Checkpoint;
use crate::{
    cli::{
        Failure,
        args::StoreArgs,
        output::{count, print, tell},
        places::packs,
        progress::data_watch,
    },
    config::model::ModelSpec,
    data::{
        self, DataError, Required,
        kaggle::{KaggleError, OutsideImage, Predictions, read_lookup, read_test, submission},
    },
    fs, libtorch,
    store::{Store, tensors::read_tensors},
    train::{TrainError, rcn},
};

/// The pictures, below the folder of `--data`.
const PICTURES: &str = "test.csv";
/// The wanted coordinates, beside them.
const LOOKUP: &str = "IdLookupTable.csv";

/// Arguments of `reprise predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise predict 3f2a --data data/kaggle --out submission.csv
  reprise predict 3f2a --data data/kaggle --clamp | head

The folder holds two files of Kaggle's competition `facial-keypoints-detection`: test.csv
(ImageId,Image) and IdLookupTable.csv (RowId,ImageId,FeatureName,Location). What is written is
RowId,Location in the order of the lookup table, locations in pixels.

A location is written as it was predicted, even outside the picture; `--clamp` moves it to the
nearest edge, 0 or 96. Where the run's setting `prediction` is `as_in_training`, predictions drop
activations as the original's do, the same ones whenever the command is repeated.")]
pub struct PredictArgs {
    /// Id of a run of `rcn`, or its first digits
    #[arg(value_name = "RUN")]
    run: String,
    /// Folder that holds test.csv and IdLookupTable.csv
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// File to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which weights
    #[arg(long, value_enum, default_value_t = Checkpoint::Best)]
    checkpoint: Checkpoint,
    /// Move locations outside the picture to its edge
    #[arg(long)]
    clamp: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Predicts the wanted coordinates with the weights of a run.
pub fn run(args: &PredictArgs) -> Result<(), Failure> {
    let dir = Store::open(&args.store.store)?.find(&args.run)?;
    let spec = dir.read_spec()?;
    let ModelSpec::Rcn(model) = &spec.model else {
        let system = spec.model.system();
        return Err(Failure::Usage {
            message: format!("failed to predict: run {} trains `{system}`", dir.id()),
            hint: "only `rcn` predicts keypoints",
        });
    };
    let (weights, _) = read_tensors(&args.checkpoint.path(&dir, "predict with")?)?;
    let lookup = args.data.join(LOOKUP);
    let wanted = read_lookup(&lookup).map_err(DataError::from)?;
    let test = read_test(&args.data.join(PICTURES)).map_err(DataError::from)?;
    // The run's own data know what its coordinates are called.
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
        count(pictures.len(), "picture"),
        out.display()
    ));
    Ok(())
}
