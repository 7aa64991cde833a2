//! Test sequences beside what each arm predicts for them.

use super::findings::seeds;
use crate::report::{
    ReportError, Rollouts,
    animation::{self, FRAMES_PER_SECOND},
    document::{Block, Figure, Layout, Picture, Text},
    strip::{self, MAGNIFICATION, Prediction, Strip},
    study::{Arm, Study},
};

/// At most this many test sequences are shown.
const SEQUENCES_MAX: usize = 3;
/// No further sequence is added once the pictures take this many bytes. Each picture is kept twice, as a
/// file and inside the page, and the page adds base64, so a report stays below 5 MB.
const PICTURE_BYTES_MAX: usize = 1_400_000;

/// Returns the section.
pub(super) fn blocks(study: &Study<'_>) -> Result<Vec<Block>, ReportError> {
    let heading = Block::Heading("Roll-outs".to_owned());
    let Some((seed, shown)) = chosen_seed(study) else {
        // A system that predicts no frames keeps other pictures, which have sections of their own.
        if study.input.runs.iter().any(|run| !run.samples.tensors.is_empty()) {
            return Ok(Vec::new());
        }
        return Ok(vec![heading, Block::Prose("No run has left roll-outs.".into())]);
    };
    let reference = shown[0].1;
    let mut strips = Vec::new();
    let mut animations = Vec::new();
    let mut bytes = 0;
    for index in spread(reference.clips().len()) {
        if bytes > PICTURE_BYTES_MAX {
            break;
        }
        let (strip, animation) = figures(&shown, seed, index)?;
        bytes += strip.file().len() + animation.file().len();
        strips.push(strip);
        animations.push(animation);
    }

    let without: Vec<&str> = study
        .arms
        .iter()
        .filter(|arm| shown.iter().all(|(with, _)| with.label != arm.label))
        .map(|arm| arm.label)
        .collect();
    let mut note = Text::from(format!(
        "Shown: seed {seed} (the smallest of {}), {} of {} stored test sequences, evenly spaced in the \
         split's order and not chosen by their scores. Context frames are given to the model; everything \
         after them is predicted from its own predictions.",
        seeds(shown.iter().map(|(arm, _)| arm.runs.len()).max().unwrap_or(0)),
        strips.len(),
        reference.clips().len(),
    ));
    if !without.is_empty() {
        note = note.plain(format!(" Without roll-outs of this seed: {}.", without.join(", ")));
    }
    Ok(vec![
        heading,
        Block::Note(note),
        Block::Figures { figures: strips, layout: Layout::Wide },
        Block::Figures { figures: animations, layout: Layout::Natural },
    ])
}

/// Returns the smallest seed with roll-outs in as many arms as possible, and these arms.
fn chosen_seed<'a>(study: &'a Study<'a>) -> Option<(u32, Vec<(&'a Arm<'a>, &'a Rollouts)>)> {
    let seeds = study.input.runs.iter().map(|run| run.entry.seed);
    let with_seed = |seed| -> Vec<(&Arm<'_>, &Rollouts)> {
        let arms = study.arms.iter();
        arms.filter_map(|arm| {
            let run = arm.runs.iter().find(|run| run.entry.seed == seed)?;
            Some((
                arm,
                run.samples.rollouts.as_ref().filter(|rollouts| !rollouts.clips().is_empty())?,
            ))
        })
        .collect()
    };
    let best = seeds.max_by_key(|seed| (with_seed(*seed).len(), std::cmp::Reverse(*seed)))?;
    let shown = with_seed(best);
    (!shown.is_empty()).then_some((best.0, shown))
}

/// Spreads the shown sequences evenly over `count` stored ones, the first and the last among them.
fn spread(count: usize) -> Vec<usize> {
    let shown = count.min(SEQUENCES_MAX);
    (0..shown).map(|index| index * (count - 1) / (shown - 1).max(1)).collect()
}

/// Draws one sequence as a strip and as an animation.
fn figures(
    shown: &[(&Arm<'_>, &Rollouts)],
    seed: u32,
    index: usize,
) -> Result<(Figure, Figure), ReportError> {
    let reference = shown[0].1;
    let clip = &reference.clips()[index];
    // Only predictions of the very same frames can stand below one truth.
    let predictions: Vec<Prediction<'_>> = shown
        .iter()
        .filter(|(_, rollouts)| rollouts.shape() == reference.shape())
        .filter_map(|(arm, rollouts)| {
            let same = rollouts.clips().iter().find(|other| other.truth == clip.truth)?;
            Some(Prediction { label: arm.label, position: arm.position, clip: same })
        })
        .collect();
    let labels: Vec<&str> = predictions.iter().map(|prediction| prediction.label).collect();
    let strip = Strip {
        shape: reference.shape(),
        context_frames: reference.context_frames(),
        truth: &clip.truth,
        predictions,
    };

    let drawing = strip::draw(&strip)
        .map_err(|source| ReportError::Png { clip: clip.name.clone(), source })?;
    let still = Figure {
        path: format!("rollouts/{index:03}.svg"),
        picture: Picture::Svg(drawing),
        alt: format!("test sequence {} as strips of frames", clip.name),
        caption: Text::default().strong("Test sequence").plain(" ").code(&clip.name).plain(format!(
            ", seed {seed}. For each arm the prediction and, below it, the absolute difference to the \
             truth, mean over channels, magnified \u{d7} {MAGNIFICATION} (black: none; white: {} grey \
             levels or more).",
            255_usize.div_ceil(MAGNIFICATION)
        )),
    };
    let encoded = animation::encode(&strip)
        .map_err(|source| ReportError::Gif { clip: clip.name.clone(), source })?;
    let animation::Animation { bytes, width, height } = encoded;
    let moving = Figure {
        path: format!("rollouts/{index:03}.gif"),
        picture: Picture::Gif { bytes, width, height },
        alt: format!("animation of test sequence {}", clip.name),
        caption: Text::default().code(&clip.name).plain(format!(
            " at {FRAMES_PER_SECOND} frames a second. Left to right: truth, {}. Bar grey: context; \
             orange: predicted.",
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
