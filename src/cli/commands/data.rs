//! `reprise data`: list, check, show, pack and import data sets.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        args::{FormatArgs, OutputFormat},
        output::{print, print_json, summary_text, table, tell},
        places::packs,
        progress::data_watch,
    },
    experiment::REPORTS,
};
use reprise_base::{
    config::data::{Dataset, Split},
    fs,
    scalar::{Count, ScalarError},
    text::{count, error_chain},
};
use reprise_data::{
    self as data, Checked, ContactSheet, DataError, DataSummary, Required, SheetSize,
    ShownSequence, map_csv::FrameImages,
};

/// Arguments of `reprise data`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise data list                       data sets that a sweep file can name
  reprise data check data/bair            read all of a folder and list every problem
  reprise data show data/bair             show its first sequences as an image
  reprise data pack data/bair bair.pack   decode a folder into one file with digests
  reprise data import data/push/push_train data/npy/train
                                          convert TFRecord files to .npy files and a map.csv

Layouts:
  BAIR          the folders train, validate and test. Each sequence is a folder two levels below,
                with frames 0.png to N.png, actions.csv and endeffector_positions.csv. A sweep
                uses such data with `--set data.dataset.bair.root=data/bair`. The first sweep
                decodes the data into the cache.
  pushing       TFRecord files in the folders train and test (Berkeley) or push_train and
                push_testseen (Google), or .npy files in train and test, listed in a map.csv in
                each. In train or push_train, the first 95% of the files are the training split,
                the others the validation split.
  videos        one folder per category, with strips of frames (PNG) or videos (AVI with Motion
                JPEG, GIF). Videos outside such folders must be named PERSON_CATEGORY.avi. The
                text before the first underscore of a name identifies the person; no person
                appears in two splits.
  keypoints     the file training.csv of Kaggle's facial keypoints.")]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// List the data sets that a sweep file can name
    List(ListDataArgs),
    /// Validate a data set and list every problem
    Check(CheckArgs),
    /// Show the first sequences of a data set as an image and as a table
    Show(ShowDataArgs),
    /// Pack a folder of frames, image strips, videos or keypoints into one file with digests
    Pack(PackArgs),
    /// Convert a folder of TFRecord files to .npy files and a map.csv
    Import(ImportDataArgs),
}

/// Arguments of `reprise data list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise data list --format json")]
struct ListDataArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// A data set by its name or its place.
#[derive(Debug, Args)]
struct DatasetArgs {
    /// `sawyer_push`, `moving_mnist`, `weizmann_like`, `facial_keypoints`, or the path of a folder or of
    /// an array file
    #[arg(value_name = "NAME|PATH")]
    dataset: String,
    /// Frames to read from each TFRecord [default: the number in the first record]
    #[arg(long, value_name = "N", value_parser = frames)]
    frames: Option<Count>,
}

impl DatasetArgs {
    fn detect(&self) -> Result<Dataset, Failure> {
        let path = Path::new(&self.dataset);
        match data::embedded(&self.dataset) {
            Some(dataset) => Ok(dataset),
            None if fs::kind(path)?.is_none() => Err(Failure::Usage {
                message: format!("failed to find a data set or folder `{}`", self.dataset),
                hint: "give the path of a folder, or the name of an embedded data set from \
                       `reprise data list`",
            }),
            None => Ok(data::detect(path, self.frames)?),
        }
    }
}

/// Arguments of `reprise data check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise data check sawyer_push          an embedded data set
  reprise data check data/bair            a folder; its layout is detected
  reprise data check data/push --frames 12

The exit code is 1 if the data set has errors. Warnings do not change it.")]
struct CheckArgs {
    #[command(flatten)]
    dataset: DatasetArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `reprise data show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise data show data/bair             writes reports/data/bair.png
  reprise data show weizmann_like --sequences 8 --columns 16 --out people.png

The image shows the first sequences of each split as the models see them, one sequence per row, with
frames at equal distances from the first to the last. Images with keypoints are shown as a grid of
4x4 with their points. The table lists the sequences from top to bottom.")]
struct ShowDataArgs {
    #[command(flatten)]
    dataset: DatasetArgs,
    /// Sequences of each split
    #[arg(long, value_name = "N", default_value = "3")]
    sequences: Count,
    /// Frames of each sequence
    #[arg(long, value_name = "N", default_value = "10")]
    columns: Count,
    /// The PNG file to write [default: reports/data/NAME.png]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `reprise data pack`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise data pack data/bair bair.pack.zst

The file is compressed if its name ends in `.zst`.")]
struct PackArgs {
    /// The folder of the data set; its layout is detected
    #[arg(value_name = "ROOT")]
    root: PathBuf,
    /// The file to write
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

/// Arguments of `reprise data import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise data import data/push/push_train data/npy/train --frames 10

The layout of the records, Berkeley or Google, is detected from the first record. The command
writes the same files as the importer of the Chainer original: image_batch_N.npy,
action_batch_N.npy, state_batch_N.npy and map.csv.")]
struct ImportDataArgs {
    /// The folder of the TFRecord files
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The folder to write to
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Frames to import from each TFRecord [default: the number in the first record]
    #[arg(long, value_name = "N", value_parser = frames)]
    frames: Option<Count>,
    /// Also write every frame as `image_batch_N_FRAME.png`, for people to look at
    #[arg(long)]
    images: bool,
}

fn frames(text: &str) -> Result<Count, ScalarError> {
    // Text that is not an integer gets the message of 0.
    Count::try_from(text.parse::<i64>().unwrap_or(0))
}

/// Runs a command of `reprise data`.
pub fn run(args: DataArgs) -> Result<(), Failure> {
    match args.command {
        DataCommand::List(args) => list(&args),
        DataCommand::Check(args) => check(&args),
        DataCommand::Show(args) => show(&args),
        DataCommand::Pack(args) => pack(&args),
        DataCommand::Import(args) => import(&args),
    }
}

fn list(args: &ListDataArgs) -> Result<(), Failure> {
    let listed = data::list();
    if args.format.format == OutputFormat::Json {
        return print_json(&listed);
    }
    let rows: Vec<_> = listed
        .iter()
        .map(|set| {
            let sizes = set.sizes.map_or_else(String::new, |sizes| {
                let [train, validate, test] = sizes.sequences;
                let unit = match sizes.frames {
                    1 => "images".to_owned(),
                    frames => format!("sequences of {frames} frames"),
                };
                format!("{train} + {validate} + {test} {unit}")
            });
            [set.name.to_owned(), sizes, set.about.to_owned()]
        })
        .collect();
    print(&table(["name", "train + validate + test", "description"], &rows))
}

/// The result of a check as it is printed.
#[derive(Debug, Serialize)]
struct PrintedCheck {
    /// All errors and warnings are counted; the first ones are listed.
    errors: u64,
    warnings: u64,
    first_errors: Vec<PrintedError>,
    first_warnings: Vec<String>,
    /// Absent if the data set cannot be used.
    summary: Option<DataSummary>,
}

#[derive(Debug, Serialize)]
struct PrintedError {
    message: String,
    hint: Option<String>,
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let dataset = args.dataset.detect()?;
    let name = &args.dataset.dataset;
    let checked = data::check(&dataset, Required::AllSplits, &packs()?, &mut data_watch());
    let errors = checked.findings.error_count();
    let printed = PrintedCheck::from(checked);
    match args.format.format {
        OutputFormat::Json => print_json(&printed)?,
        OutputFormat::Text => print(&printed.text())?,
    }
    if errors > 0 {
        let errors = count(errors, "error");
        return Err(Failure::Check(format!("`{name}` cannot be used: {errors}")));
    }
    tell(&format!("no problems found in `{name}`"));
    tell(&usage(&dataset));
    Ok(())
}

/// Returns how a sweep uses a data set.
fn usage(dataset: &Dataset) -> String {
    let name = dataset.name();
    match dataset.location() {
        Some((key, path)) => {
            format!("use it with `--set data.dataset.{name}.{key}={}`", path.display())
        }
        None => format!("use it with `--set data.dataset={name}`"),
    }
}

fn show(args: &ShowDataArgs) -> Result<(), Failure> {
    let dataset = args.dataset.detect()?;
    let pack = data::open(&dataset, Required::Only(Split::Train), &packs()?, &mut data_watch())?;
    let size = SheetSize { sequences: args.sequences.len(), frames: args.columns.len() };
    let sheet = ContactSheet::new(&pack, size);
    let default = || Path::new(REPORTS).join("data").join(format!("{}.png", dataset.name()));
    let out = args.out.clone().unwrap_or_else(default);
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write_atomic(&out, &sheet.png()?)?;
    pack.warnings().iter().for_each(|warning| tell(&format!("warning: {warning}")));
    print(&format!("{}\n{}", summary_text(&pack.summary()), shown_text(&sheet)))?;
    tell(&format!("image: `{}`", out.display()));
    tell(&usage(&dataset));
    Ok(())
}

/// Returns the sequences on a sheet, from top to bottom.
fn shown_text(sheet: &ContactSheet) -> String {
    let row = |shown: &ShownSequence| {
        let ShownSequence { split, name, length, frames, values: [low, high] } = shown;
        let frames: Vec<String> = frames.iter().map(ToString::to_string).collect();
        let values = format!("{low} to {high}");
        [split.to_string(), name.clone(), length.to_string(), values, frames.join(" ")]
    };
    let rows: Vec<_> = sheet.shown.iter().map(row).collect();
    table(["split", "sequence", "frames", "values", "shown"], &rows)
}

impl From<Checked> for PrintedCheck {
    fn from(Checked { findings, summary }: Checked) -> Self {
        let error =
            |error: &DataError| PrintedError { message: error_chain(error), hint: error.hint() };
        Self {
            errors: findings.error_count(),
            warnings: findings.warning_count(),
            first_errors: findings.errors().iter().map(error).collect(),
            first_warnings: findings.warnings(),
            summary,
        }
    }
}

impl PrintedCheck {
    fn text(&self) -> String {
        let errors = self.first_errors.iter().flat_map(|PrintedError { message, hint }| {
            let hint = hint.iter().map(|hint| format!("hint: {hint}\n"));
            std::iter::once(format!("error: {message}\n")).chain(hint)
        });
        let left_out = self.errors - self.first_errors.len() as u64;
        let left_out = (left_out > 0).then(|| format!("{left_out} more errors\n"));
        let warnings = self.first_warnings.iter().map(|warning| format!("warning: {warning}\n"));
        errors
            .chain(left_out)
            .chain(warnings)
            .chain(self.summary.iter().map(summary_text))
            .collect()
    }
}

fn pack(args: &PackArgs) -> Result<(), Failure> {
    let dataset = data::detect(&args.root, None)?;
    data::pack(&dataset, &args.out, &mut data_watch())?;
    let (sha256, bytes) = fs::sha256_file(&args.out)?;
    tell(&format!("packed `{}` into `{}`", args.root.display(), args.out.display()));
    print(&format!("{sha256}  {bytes} bytes\n"))
}

fn import(args: &ImportDataArgs) -> Result<(), Failure> {
    let frames = args.frames.map(Count::len);
    let images = if args.images { FrameImages::Written } else { FrameImages::LeftOut };
    let done = data::import(&args.folder, &args.out, frames, images, &mut data_watch())?;
    let sequences = count(done.sequences, "sequence");
    tell(&format!("imported `{}` into `{}`", args.folder.display(), args.out.display()));
    print(&format!("{sequences} of {} frames, {} layout\n", done.frames, done.layout))
}
