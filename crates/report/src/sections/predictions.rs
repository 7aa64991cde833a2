//! Test sequences and what each arm predicts for them.

use crate::{
    document::{Figure, FigureContent, FigureLayout, PageBlock, RichText},
    error::ReportError,
    input::ReportRun,
    rollouts::Rollouts,
    strip::{self, ArmPrediction, MAGNIFICATION, Strip},
    sweep_results::{ArmResults, SweepResults},
};
use reprise_base::text::count;
use reprise_data::video_grid::{Animation, FRAMES_PER_SECOND, VideoGrid};

/// At most this many test sequences are shown.
const SEQUENCES_MAX: usize = 3;
/// No sequence is added once the figures take this many bytes. Each figure is written twice, as a file and
/// as base64 inside the page, so a report stays below 5 MB.
const FIGURE_BYTES_MAX: usize = 1_400_000;

/// Returns the section.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    let heading = PageBlock::Heading("Roll-outs".to_owned());
    let Some((seed, shown)) = results.smallest_seed_with(rollouts) else {
        if results.input.runs.iter().any(|run| !run.samples.tensors.is_empty()) {
            return Ok(Vec::new()); // Another section shows what these runs stored.
        }
        return Ok(vec![heading, PageBlock::Prose("No run saved roll-outs.".into())]);
    };
    let reference = shown[0].1;
    let mut strips = Vec::new();
    let mut animations = Vec::new();
    let mut bytes = 0;
    for index in spread(reference.sequences().len()) {
        if bytes > FIGURE_BYTES_MAX {
            break;
        }
        let (strip, animation) = figures(&shown, seed, index)?;
        bytes += strip.file().len() + animation.file().len();
        strips.push(strip);
        animations.push(animation);
    }

    let without: Vec<&str> = results
        .arms
        .iter()
        .filter(|arm| shown.iter().all(|(with, _)| with.label != arm.label))
        .map(|arm| arm.label)
        .collect();
    let mut note = RichText::from(format!(
        "Predictions of seed {seed} (the smallest of {}) for {} of {} stored test sequences, which are \
         evenly spaced in the order of the split and not selected by score. The model is given the \
         context frames; after that, it predicts each frame from its own predictions.",
        count(shown.iter().map(|(arm, _)| arm.runs.len()).max().unwrap_or(0), "seed"),
        strips.len(),
        reference.sequences().len(),
    ));
    if !without.is_empty() {
        note =
            note.plain(format!(" Arms without roll-outs for this seed: {}.", without.join(", ")));
    }
    Ok(vec![
        heading,
        PageBlock::Note(note),
        PageBlock::Figures { figures: strips, layout: FigureLayout::Wide },
        PageBlock::Figures { figures: animations, layout: FigureLayout::Natural },
    ])
}

fn rollouts(run: &ReportRun) -> Option<&Rollouts> {
    run.samples.rollouts.as_ref().filter(|rollouts| !rollouts.sequences().is_empty())
}

/// Returns the indices of the shown sequences: evenly spaced over `count`, first and last included.
fn spread(count: usize) -> Vec<usize> {
    let shown = count.min(SEQUENCES_MAX);
    (0..shown).map(|index| index * (count - 1) / (shown - 1).max(1)).collect()
}

/// Draws one sequence as rows of frames and as an animation.
fn figures(
    shown: &[(&ArmResults<'_>, &Rollouts)],
    seed: u64,
    index: usize,
) -> Result<(Figure, Figure), ReportError> {
    let reference = shown[0].1;
    let sequence = &reference.sequences()[index];
    // Only predictions of the same frames are shown below one truth.
    let predictions: Vec<ArmPrediction<'_>> = shown
        .iter()
        .filter(|(_, rollouts)| rollouts.shape() == reference.shape())
        .filter_map(|(arm, rollouts)| {
            let same = rollouts.sequences().iter().find(|other| other.truth == sequence.truth)?;
            Some(ArmPrediction { label: arm.label, position: arm.position, sequence: same })
        })
        .collect();
    let labels: Vec<&str> = predictions.iter().map(|prediction| prediction.label).collect();
    let strip = Strip {
        shape: reference.shape(),
        context_frames: reference.context_frames(),
        truth: &sequence.truth,
        predictions,
    };

    let drawing = strip::draw(&strip)
        .map_err(|source| ReportError::Png { name: sequence.name.clone(), source })?;
    let still = Figure {
        path: format!("rollouts/{index:03}.svg"),
        content: FigureContent::Svg(drawing),
        alt: format!("test sequence {}, truth and predictions frame by frame", sequence.name),
        caption: RichText::default().strong("Test sequence").plain(" ").code(&sequence.name).plain(format!(
            ", seed {seed}. Each arm has two rows: its prediction, and below that the absolute error \
             (mean over channels, multiplied by {MAGNIFICATION}). Black: no error; white: an error of at \
             least {} of 255.",
            255_usize.div_ceil(MAGNIFICATION)
        )),
    };
    let predictions =
        strip.predictions.iter().map(|prediction| &prediction.sequence.prediction[..]);
    let row = std::iter::once(strip.truth).chain(predictions).collect();
    let grid =
        VideoGrid { shape: strip.shape, rows: vec![row], context: Some(strip.context_frames) };
    let Animation { bytes, width, height } =
        grid.gif().map_err(|source| ReportError::Gif { name: sequence.name.clone(), source })?;
    let moving = Figure {
        path: format!("rollouts/{index:03}.gif"),
        content: FigureContent::Gif { bytes, width, height },
        alt: format!("animation of test sequence {}", sequence.name),
        caption: RichText::default().code(&sequence.name).plain(format!(
            " at {FRAMES_PER_SECOND} frames per second. Left to right: truth, {}. Grey bar: context \
             frame; orange bar: predicted frame.",
            labels.join(", ")
        )),
    };
    Ok((still, moving))
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[track_caller]
    fn check(count: usize, expected: &[usize]) {
        assert_eq!(spread(count), expected);
    }

    #[test]
    fn shown_sequences_are_spread_evenly() {
        check(0, &[]);
        check(1, &[0]);
        check(2, &[0, 1]);
        check(16, &[0, 7, 15]);
    }
}
