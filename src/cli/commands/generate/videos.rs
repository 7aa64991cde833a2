//! Roll-outs of sequences, and videos of MoCoGAN.

use super::{
    args::{GenerateArgs, VideoArgs},
    kinds::GeneratedKind,
    making::{Making, resolve},
    output::{GenerationRecord, write_videos},
    selection,
};
use crate::cli::{Failure, output::tell, progress::count_watch};
use reprise_base::{
    config::{
        model::MocoganSpec,
        protocol::{EvaluationRequest, Latent, Protocol},
    },
    scalar::Count,
    text::count,
};
use reprise_torch::train::generate::{CodeGrid, GeneratedVideos, RolloutSet, rollouts, videos};

/// Sequences that are predicted if none is chosen.
const SEQUENCES: usize = 4;
/// Samples of a sequence, if their number is not given.
const SAMPLES: Count = Count::literal(3);
/// Contents and motions of a grid, if their numbers are not given.
const CONTENTS: Count = Count::literal(4);
const MOTIONS: Count = Count::literal(4);

/// Makes roll-outs of sequences.
///
/// # Errors
/// If the request, the data or the weights do not fit, or a file cannot be written.
pub(super) fn make_rollouts(
    args: &GenerateArgs,
    making: &Making<'_>,
    request: &EvaluationRequest,
) -> Result<(), Failure> {
    let kinds = kinds(args)?;
    let protocols = making.protocols(args, request)?;
    let generated = making.rollouts(args, &protocols)?;
    making.write(args, &protocols, &kinds, &generated)
}

/// Makes a grid of videos.
///
/// # Errors
/// If the request, the data or the weights do not fit, or a file cannot be written.
pub(super) fn make_videos(
    args: &GenerateArgs,
    making: &Making<'_>,
    mocogan: &MocoganSpec,
) -> Result<(), Failure> {
    let kinds = kinds(args)?;
    let generated = making.videos(args, mocogan)?;
    making.write(args, &[making.protocol], &kinds, &generated)
}

fn kinds(args: &GenerateArgs) -> Result<Vec<GeneratedKind>, Failure> {
    args.kinds(&GeneratedKind::OF_VIDEOS, &GeneratedKind::USUAL_OF_VIDEOS)
}

impl Making<'_> {
    /// Returns how frames are predicted: with the posterior and with the prior, if there are both and none is chosen.
    fn protocols(
        &self,
        args: &GenerateArgs,
        request: &EvaluationRequest,
    ) -> Result<Vec<Protocol>, Failure> {
        let has_latent = self.source.spec.model.facts().has_latent();
        let asked = |latent, samples| {
            resolve(&EvaluationRequest { latent, samples, ..request.clone() }, self.source)
        };
        if request.samples.is_some() || request.sequences.is_some() {
            return Err(Failure::Usage {
                message:
                    "`samples` and `sequences` are options of this command, not keys of `--set`"
                        .to_owned(),
                hint: "write `--samples N` and `--sequences LIST`",
            });
        }
        match (has_latent, request.latent) {
            (true, None) => Ok(vec![
                asked(Some(Latent::Posterior), None)?,
                asked(Some(Latent::Prior), Some(args.samples.unwrap_or(SAMPLES)))?,
            ]),
            (true, latent) => Ok(vec![asked(latent, Some(args.samples.unwrap_or(SAMPLES)))?]),
            (false, latent) => Ok(vec![asked(latent, args.samples)?]),
        }
    }

    fn rollouts(
        &self,
        args: &GenerateArgs,
        protocols: &[Protocol],
    ) -> Result<GeneratedVideos, Failure> {
        let split = self.protocol.split;
        let sequences = selection::chosen(args.sequences.as_ref(), &self.pack, split, SEQUENCES)?;
        let set = RolloutSet { pack: &self.pack, protocols, sequences: &sequences };
        let samples: usize =
            protocols.iter().filter_map(|it| it.rollout).map(|it| it.samples.len()).sum();
        let mut watch = count_watch("generated", samples * sequences.len(), "prediction");
        Ok(rollouts(self.trained(), set, &mut watch)?)
    }

    fn videos(
        &self,
        args: &GenerateArgs,
        mocogan: &MocoganSpec,
    ) -> Result<GeneratedVideos, Failure> {
        let VideoArgs { contents, motions, categories, length } = &args.videos;
        let has_categories = mocogan.categories.size() > 0;
        let grid = CodeGrid {
            pack: &self.pack,
            protocol: self.protocol,
            contents: contents.unwrap_or(CONTENTS),
            motions: motions.unwrap_or(if has_categories { Count::literal(1) } else { MOTIONS }),
            frames: *length,
            categories,
        };
        Ok(videos(self.trained(), mocogan, grid)?)
    }

    fn write(
        &self,
        args: &GenerateArgs,
        protocols: &[Protocol],
        kinds: &[GeneratedKind],
        generated: &GeneratedVideos,
    ) -> Result<(), Failure> {
        let folder = self.folder(args);
        let record = GenerationRecord {
            rows: generated.rows.iter().map(|row| row.name.clone()).collect(),
            columns: generated.columns.clone(),
            ..self.record(args, protocols)
        };
        let files = write_videos(&folder, kinds, generated, record)?;
        tell(&format!(
            "wrote {} to `{}`: {}; columns: {}",
            count(files, "file"),
            folder.display(),
            count(generated.rows.len(), "row"),
            generated.columns.join("; "),
        ));
        Ok(())
    }
}
