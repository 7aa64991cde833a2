//! The parts of predicted frames: transformed frames, masks and kernels.

use crate::{
    anatomy::Anatomy,
    document::{Figure, FigureContent, FigureLayout, PageBlock, RichText},
    error::ReportError,
    svg::Drawing,
    sweep_results::{ArmResults, SweepResults},
};

/// Fewer frames are shown if all drawings together would take more bytes. Each is written twice, as a file
/// and inside the page.
const DRAWING_BYTES_MAX: usize = 600_000;

/// An arm's first run that stored the parts of its frames.
struct ShownFrames<'a> {
    arm: &'a ArmResults<'a>,
    seed: u64,
    sequence: &'a str,
    context: usize,
    anatomy: Anatomy,
}

/// Returns the section; empty if no run stored such tensors.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    let shown: Vec<ShownFrames<'_>> = results.arms.iter().filter_map(first_run).collect();
    if shown.is_empty() {
        return Ok(Vec::new());
    }
    let mut drawings = Vec::new();
    for choice in [Frames::All, Frames::Ends, Frames::Last] {
        drawings = draw(&shown, choice)?;
        if drawings.iter().map(|drawing| drawing.elements.len()).sum::<usize>() <= DRAWING_BYTES_MAX
        {
            break;
        }
    }
    let figures = shown.iter().zip(drawings).map(|(shown, drawing)| figure(shown, drawing));
    Ok(vec![
        PageBlock::Heading("How frames are composed".to_owned()),
        PageBlock::Note(
            "The next frame is a weighted sum of the images in the first row: the previous frame and its \
             transformed versions. The second row shows their weights, the masks (white: 1, black: 0); an \
             image without a mask is not part of the sum. After the context the previous frame is the \
             model's own prediction. Models with kernels have a third row: each kernel is below the image \
             that it produced, scaled so that its largest weight is white."
                .into(),
        ),
        PageBlock::Figures { figures: figures.collect(), layout: FigureLayout::Wide },
    ])
}

/// Which of the stored frames are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frames {
    All,
    Ends,
    Last,
}

impl Frames {
    /// Returns the indices of the drawn frames among `count`.
    fn of(self, count: usize) -> Vec<usize> {
        let mut chosen = match self {
            Self::All => (0..count).collect(),
            Self::Ends => vec![0, count - 1],
            Self::Last => vec![count - 1],
        };
        chosen.dedup();
        chosen
    }
}

fn first_run<'a>(arm: &'a ArmResults<'a>) -> Option<ShownFrames<'a>> {
    arm.runs.iter().find_map(|run| {
        let context = run.record()?.spec.model.frames_used()?.context.len();
        let anatomy = Anatomy::of(&run.samples)?;
        let sequence = run.samples.names.first()?;
        Some(ShownFrames { arm, seed: run.entry.seed.0, sequence, context, anatomy })
    })
}

fn draw(shown: &[ShownFrames<'_>], choice: Frames) -> Result<Vec<Drawing>, ReportError> {
    let one = |ShownFrames { sequence, context, anatomy, .. }: &ShownFrames<'_>| {
        anatomy
            .draw(&choice.of(anatomy.frames.len()), *context)
            .map_err(|source| ReportError::Png { name: (*sequence).to_owned(), source })
    };
    shown.iter().map(one).collect()
}

fn figure(shown: &ShownFrames<'_>, drawing: Drawing) -> Figure {
    let ShownFrames { arm, seed, sequence, context: _, anatomy } = shown;
    let rows = if anatomy.has_kernels() { "images, masks and kernels" } else { "images and masks" };
    Figure {
        path: format!("figures/made_{:03}.svg", arm.position),
        content: FigureContent::Svg(drawing),
        alt: format!("{rows} of predicted frames of {}", arm.label),
        caption: RichText::default()
            .strong(arm.label)
            .plain(format!(", {rows} of test sequence "))
            .code(*sequence)
            .plain(format!(", seed {seed}.{}", remark(arm))),
    }
}

/// Explains what the images of an arm do not show.
fn remark(arm: &ArmResults<'_>) -> &'static str {
    use reprise_base::config::model::physical_interaction::{Port, Topic, Transformation, Version};
    let record = arm.runs.iter().find_map(|run| run.record());
    let Some(model) = record.and_then(|it| it.spec.model.physical_interaction()) else { return "" };
    let topic = match model.transformation {
        Transformation::Cdna { .. } => Topic::CdnaImages,
        Transformation::Stp { .. } => Topic::StpMaps,
        Transformation::Dna | Transformation::Direct => return "",
    };
    match (model.numerics().of(topic), model.transformation) {
        (Port::Tensorflow(Version::V1), Transformation::Cdna { .. }) => {
            " This port mixes colour channels and kernels: the channels of one image come from \
             neighbouring kernels."
        }
        (Port::ChainerStateless, Transformation::Cdna { .. }) => {
            " This port does not use the predicted kernels: it filters each sequence of a batch with \
             separate trained weights."
        }
        (Port::Chainer, Transformation::Stp { .. }) => {
            " This port predicts the same affine map for every mask, so all transformed images are equal."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;

    #[test]
    fn fewer_frames_are_the_ends_then_the_last() {
        assert_eq!(Frames::All.of(3), [0, 1, 2]);
        assert_eq!(Frames::Ends.of(3), [0, 2]);
        assert_eq!(Frames::Ends.of(1), [0]);
        assert_eq!(Frames::Last.of(3), [2]);
    }
}
