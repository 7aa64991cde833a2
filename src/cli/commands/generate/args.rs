//! Arguments of `reprise generate`.

use std::path::PathBuf;

use clap::Args;

use super::{kinds::GeneratedKind, selection::SequenceList};
use crate::cli::{Failure, args::StoreArgs};
use reprise_base::{config::RunSpec, scalar::Count, text::shell_word};

/// Arguments of `reprise generate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise generate 3f2a                                   roll-outs of four test sequences
  reprise generate 3f2a --sequences 0,7-9 --samples 8     of others, with more samples
  reprise generate 3f2a --set latent=prior --set horizon=28 --write apng,npz
  reprise generate 77b0 --contents 6 --motions 1          mocogan: a column per category
  reprise generate 77b0 --categories walk,wave1 --length 64    videos of any length
  reprise generate 90ce --kaggle data/kaggle              rcn: a submission for Kaggle
  reprise generate WEIGHTS --sweep mocogan                imported weights

Systems that predict frames make roll-outs: a row per sequence, with the true frames, the
prediction with the posterior, and samples with the prior. `mocogan` makes a grid of videos:
a row per content, a column per motion and category. `rcn` predicts keypoints of images.

Files: gif, apng (videos.gif, videos.png), png (frames/ROW/COLUMN/FRAME.png), strip
(strips/ROW.png: a line per column, frame by frame), sheet (sheet.png: all strips), npz
(arrays.npz), npy (arrays/NAME.npy), csv (keypoints.csv). generated.json names rows, columns,
weights, seed and command. The same command gives the same bytes.")]
pub struct GenerateArgs {
    /// Id of a run, or its first digits; or the id of imported weights, with `--sweep`
    #[arg(value_name = "RUN|WEIGHTS")]
    pub(super) target: String,
    /// Folder to write; files of an earlier call in it are replaced [default: generated/RUN]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Files to write [default: gif,strip,npz; for rcn sheet,csv,npz]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KINDS")]
    pub(super) write: Vec<GeneratedKind>,
    /// Change split, dataset, context, horizon, latent, feedback, checkpoint or seed, as for
    /// `reprise evaluate`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) sets: Vec<String>,
    /// Sequences or images of the split, from 0 [default: the first 4; for rcn the first 16]
    #[arg(long, value_name = "LIST")]
    pub(super) sequences: Option<SequenceList>,
    /// Samples of each sequence from the prior [default: 3]
    #[arg(long, value_name = "N")]
    pub(super) samples: Option<Count>,
    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) videos: VideoArgs,
    #[command(flatten)]
    pub(super) keypoints: KeypointArgs,
    #[command(flatten)]
    pub(super) imported: ImportedArgs,
}

/// Videos of MoCoGAN.
#[derive(Debug, Args)]
#[command(next_help_heading = "Videos of mocogan")]
pub(super) struct VideoArgs {
    /// Contents, one per row [default: 4]
    #[arg(long, value_name = "N")]
    pub(super) contents: Option<Count>,
    /// Motions of each category, one per column [default: 4, or 1 if there are categories]
    #[arg(long, value_name = "N")]
    pub(super) motions: Option<Count>,
    /// Categories [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(super) categories: Vec<String>,
    /// Frames of a video [default: as in training]
    #[arg(long, value_name = "FRAMES")]
    pub(super) length: Option<Count>,
}

/// Keypoints of `rcn`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Keypoints of rcn")]
pub(super) struct KeypointArgs {
    /// Write submission.csv for Kaggle's `facial-keypoints-detection`, from its test.csv and
    /// IdLookupTable.csv in this folder
    #[arg(long, value_name = "DIR")]
    pub(super) kaggle: Option<PathBuf>,
    /// Move each location outside the image to the nearest edge of the image, 0 or 96
    #[arg(long, requires = "kaggle")]
    pub(super) clamp: bool,
}

/// The settings of imported weights.
#[derive(Debug, Args)]
#[command(next_help_heading = "Imported weights")]
pub(super) struct ImportedArgs {
    /// Sweep file that has the settings of the model
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) sweep: Option<String>,
    /// Arm of the sweep [default: the first]
    #[arg(long, value_name = "LABEL", requires = "sweep")]
    pub(super) arm: Option<String>,
    /// Preset of the sweep
    #[arg(long, value_name = "PRESET", requires = "sweep")]
    pub(super) preset: Option<String>,
}

/// What options belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Rollouts,
    /// Roll-outs and keypoints.
    Sequences,
    Videos,
    Keypoints,
}

impl GenerateArgs {
    /// Refuses options of forms that a system does not have.
    pub(super) fn refuse(&self, spec: &RunSpec, forms: &[Form]) -> Result<(), Failure> {
        let VideoArgs { contents, motions, categories, length } = &self.videos;
        let given = [
            (Form::Sequences, self.sequences.is_some(), "--sequences"),
            (Form::Rollouts, self.samples.is_some(), "--samples"),
            (Form::Videos, contents.is_some(), "--contents"),
            (Form::Videos, motions.is_some(), "--motions"),
            (Form::Videos, !categories.is_empty(), "--categories"),
            (Form::Videos, length.is_some(), "--length"),
            (Form::Keypoints, self.keypoints.kaggle.is_some(), "--kaggle"),
        ];
        match given.into_iter().find(|(form, given, _)| *given && forms.contains(form)) {
            None => Ok(()),
            Some((_, _, option)) => Err(Failure::Usage {
                message: format!("`{option}` does not apply to `{}`", spec.model.system()),
                hint: "see `reprise generate --help` for the options of each system",
            }),
        }
    }

    /// Returns the command that repeats this one for a run or weights, without store and folder.
    pub(super) fn command(&self, id: &str) -> String {
        let mut words = vec!["reprise generate".to_owned(), id.to_owned()];
        let mut option = |name: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("{name} {}", shell_word(&value))));
        };
        let number = |number: Option<Count>| number.map(|it| it.to_string());
        let VideoArgs { contents, motions, categories, length } = &self.videos;
        let ImportedArgs { sweep, arm, preset } = &self.imported;
        option("--sweep", sweep.clone());
        option("--arm", arm.clone());
        option("--preset", preset.clone());
        for set in &self.sets {
            option("--set", Some(set.clone()));
        }
        option("--sequences", self.sequences.as_ref().map(ToString::to_string));
        option("--samples", number(self.samples));
        option("--contents", number(*contents));
        option("--motions", number(*motions));
        option("--categories", (!categories.is_empty()).then(|| categories.join(",")));
        option("--length", number(*length));
        option("--kaggle", self.keypoints.kaggle.as_ref().map(|path| path.display().to_string()));
        if self.keypoints.clamp {
            words.push("--clamp".to_owned());
        }
        let kinds: Vec<String> = self.write.iter().map(|kind| kind.name()).collect();
        if !kinds.is_empty() {
            words.push(format!("--write {}", kinds.join(",")));
        }
        words.join(" ")
    }

    /// Returns the kinds of files to write.
    ///
    /// # Errors
    /// If one cannot be made of this form.
    pub(super) fn kinds(
        &self,
        possible: &[GeneratedKind],
        own: &[GeneratedKind],
    ) -> Result<Vec<GeneratedKind>, Failure> {
        match self.write.iter().find(|kind| !possible.contains(kind)) {
            Some(kind) => Err(Failure::Usage {
                message: format!("failed to write `{}` for this system", kind.name()),
                hint: "see `reprise generate --help` for the files of each system",
            }),
            None if self.write.is_empty() => Ok(own.to_vec()),
            None => Ok(self.write.clone()),
        }
    }
}
