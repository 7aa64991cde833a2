//! `reprise data`: list, check, pack and import data sets.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        args::{FormatArgs, OutputFormat},
        output::{print, print_json, table, tell},
        progress::data_watch,
    },
    config::data::Dataset,
    data::{self, Fault, Required},
    fs,
    scalar::{Count, ScalarError},
    text::{count, error_chain},
};

/// Arguments of `reprise data`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise data list                       data sets that a sweep file can name
  reprise data check data/bair            read all of a folder and name every fault
  reprise data pack data/bair bair.pack   decode a folder into one checksummed file
  reprise data import data/push/push_train data/npy/train
                                          turn TFRecord files into .npy files and a map.csv

A folder in the BAIR layout holds train, validate and test; below each, two folders deep, sequences
with 0.png, 1.png, ..., actions.csv and endeffector_positions.csv. A sweep names it with
`--set data.dataset.bair.root=data/bair`. Its first use decodes it once into the cache.

Robot-pushing data lie in TFRecord files, in train and test (Berkeley) or push_train and
push_testseen (Google), or as .npy files listed by a map.csv, in train and test. Of the first folder
the first 95% of the files train and the others validate.

Clips lie in a folder per category as picture strips (PNG) or as videos (AVI with Motion JPEG, GIF);
videos may also be named PERSON_CATEGORY.avi. What stands before a name's first underscore is who is
seen; nobody is in two splits.")]
pub struct DataArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the data sets that a sweep file can name
    List(ListArgs),
    /// Read all of a data set and say everything that is wrong with it
    Check(CheckArgs),
    /// Decode a folder of pictures, strips or videos into one checksummed file
    Pack(PackArgs),
    /// Turn a folder of TFRecord files into .npy files and a map.csv
    Import(ImportArgs),
}

/// Arguments of `reprise data list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reprise data list --format json")]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `reprise data check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise data check sawyer_push          the embedded data set
  reprise data check data/bair            a folder, whose layout is told by what is in it
  reprise data check data/push --frames 12

The exit code is 1 if the data set cannot be used; warnings do not count.")]
struct CheckArgs {
    /// `sawyer_push`, `moving_mnist`, `weizmann_like`, `facial_keypoints`, or the path of a folder
    #[arg(value_name = "NAME|PATH")]
    dataset: String,
    /// Frames that each TFRecord must have [default: those of the first]
    #[arg(long, value_name = "N", value_parser = frames)]
    frames: Option<Count>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `reprise data pack`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise data pack data/bair bair.pack.zst

The file is compressed if its name ends in `.zst`.")]
struct PackArgs {
    /// The folder that holds `train`, `validate` and `test`, or clips in categories
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

The layout of the records, Berkeley or Google, is told by the first one. The files are those that
the importer of the Chainer port writes: image_batch_N.npy, action_batch_N.npy, state_batch_N.npy
and map.csv.")]
struct ImportArgs {
    /// The folder that holds the TFRecord files
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The folder to write to
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Frames to take of each record [default: those of the first]
    #[arg(long, value_name = "N", value_parser = frames)]
    frames: Option<Count>,
}

fn frames(text: &str) -> Result<Count, ScalarError> {
    // What is no integer is as wrong as 0 is.
    Count::try_from(text.parse::<i64>().unwrap_or(0))
}

/// Carries out a verb of `reprise data`.
pub fn run(args: DataArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::List(args) => list(&args),
        Verb::Check(args) => check(&args),
        Verb::Pack(args) => pack(&args),
        Verb::Import(args) => import(&args),
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let known = data::list();
    if args.format.format == OutputFormat::Json {
        return print_json(&known);
    }
    let rows: Vec<_> = known
        .iter()
        .map(|set| {
            let sizes = set.sizes.map_or_else(String::new, |sizes| {
                let [train, validate, test] = sizes.sequences;
                let what = match sizes.frames {
                    1 => "pictures".to_owned(),
                    frames => format!("sequences of {frames} frames"),
                };
                format!("{train} + {validate} + {test} {what}")
            });
            [set.name.to_owned(), sizes, set.about.to_owned()]
        })
        .collect();
    print(&table(["name", "train + validate + test", "what it is"], &rows))
}

/// A fault as it is printed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Finding {
    Error { message: String, hint: Option<&'static str> },
    Warning { message: String },
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let dataset = match args.dataset.as_str() {
        "sawyer_push" => Dataset::SawyerPush,
        "facial_keypoints" => Dataset::FacialKeypoints,
        "moving_mnist" => Dataset::MovingMnist,
        "weizmann_like" => Dataset::WeizmannLike,
        path if fs::kind(path.as_ref())?.is_none() => {
            return Err(Failure::Usage {
                message: format!("failed to find a data set or a folder `{path}`"),
                hint: "`reprise data list` names the data sets",
            });
        }
        path => data::recognise(path.as_ref(), args.frames)?,
    };
    let findings: Vec<Finding> =
        data::check(&dataset, Required::AllSplits, &mut data_watch()).iter().map(finding).collect();
    let errors = findings.iter().filter(|finding| matches!(finding, Finding::Error { .. })).count();
    match args.format.format {
        OutputFormat::Json => print_json(&findings)?,
        OutputFormat::Text => print(&findings.iter().map(text).collect::<String>())?,
    }
    if errors > 0 {
        let errors = count(errors, "error");
        return Err(Failure::Check(format!("`{}` cannot be used: {errors}", args.dataset)));
    }
    tell(&format!("`{}` is whole", args.dataset));
    Ok(())
}

fn finding(fault: &Fault) -> Finding {
    match fault {
        Fault::Warning(message) => Finding::Warning { message: message.clone() },
        Fault::Error(error) => Finding::Error { message: error_chain(error), hint: error.hint() },
    }
}

fn text(finding: &Finding) -> String {
    match finding {
        Finding::Warning { message } => format!("warning: {message}\n"),
        Finding::Error { message, hint: None } => format!("error: {message}\n"),
        Finding::Error { message, hint: Some(hint) } => format!("error: {message}\nhint: {hint}\n"),
    }
}

fn pack(args: &PackArgs) -> Result<(), Failure> {
    let dataset = data::recognise(&args.root, None)?;
    data::pack(&dataset, &args.out, &mut data_watch())?;
    let (sha256, bytes) = fs::sha256_file(&args.out)?;
    tell(&format!("packed `{}` into `{}`", args.root.display(), args.out.display()));
    print(&format!("{sha256}  {bytes} bytes\n"))
}

fn import(args: &ImportArgs) -> Result<(), Failure> {
    let frames = args.frames.map(Count::len);
    let done = data::import(&args.folder, &args.out, frames, &mut data_watch())?;
    let sequences = count(done.sequences, "sequence");
    tell(&format!("imported `{}` into `{}`", args.folder.display(), args.out.display()));
    print(&format!("{sequences} of {} frames, {} layout\n", done.frames, done.layout))
}
