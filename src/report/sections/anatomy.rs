//! What a predicted frame of each arm was made of: masks, transformed frames, kernels.

use crate::report::{
    ReportError,
    anatomy::Anatomy,
    document::{Block, Figure, Layout, Picture, Text},
    study::{Arm, Study},
    svg::Drawing,
};

/// All drawings together take at most so many bytes where that can be had by showing fewer frames; each is
/// kept twice, as a file and inside the page.
const DRAWING_BYTES_MAX: usize = 600_000;

/// An arm's run of the smallest seed that kept what its frames were made of.
struct Shown<'a> {
    arm: &'a Arm<'a>,
    seed: u32,
    sequence: &'a str,
    context: usize,
    anatomy: Anatomy,
}

/// Returns the section; nothing if no run kept such tensors.
pub(super) fn blocks(study: &Study<'_>) -> Result<Vec<Block>, ReportError> {
    let shown: Vec<Shown<'_>> = study.arms.iter().filter_map(first_run).collect();
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
        Block::Heading("How frames are made".to_owned()),
        Block::Note(
            "The next frame is a sum: the previous frame and its transformed versions in the first row, \
             each times the mask below it (white 1, black 0); an image without a mask takes no part. \
             After the context the previous frame is the model's own prediction. Kernels, where there \
             are any, stand in the third row below the frame that they made, each with its own largest \
             weight white."
                .into(),
        ),
        Block::Figures { figures: figures.collect(), layout: Layout::Wide },
    ])
}

/// Which of the kept frames are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frames {
    All,
    Ends,
    Last,
}

impl Frames {
    /// Returns the numbers of the frames among so many.
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

fn first_run<'a>(arm: &'a Arm<'a>) -> Option<Shown<'a>> {
    arm.runs.iter().find_map(|run| {
        let context = run.record()?.spec.model.frames_used()?.context.len();
        let anatomy = Anatomy::of(&run.samples)?;
        let sequence = run.samples.names.first()?;
        Some(Shown { arm, seed: run.entry.seed.0, sequence, context, anatomy })
    })
}

fn draw(shown: &[Shown<'_>], choice: Frames) -> Result<Vec<Drawing>, ReportError> {
    let one = |Shown { sequence, context, anatomy, .. }: &Shown<'_>| {
        anatomy
            .draw(&choice.of(anatomy.frames.len()), *context)
            .map_err(|source| ReportError::Png { clip: (*sequence).to_owned(), source })
    };
    shown.iter().map(one).collect()
}

fn figure(shown: &Shown<'_>, drawing: Drawing) -> Figure {
    let Shown { arm, seed, sequence, context: _, anatomy } = shown;
    let rows = if anatomy.has_kernels() { "images, masks and kernels" } else { "images and masks" };
    Figure {
        path: format!("figures/made_{:03}.svg", arm.position),
        picture: Picture::Svg(drawing),
        alt: format!("{rows} behind predicted frames of {}", arm.label),
        caption: Text::default()
            .strong(arm.label)
            .plain(format!(", {rows} of test sequence "))
            .code(*sequence)
            .plain(format!(", seed {seed}.{}", remark(arm))),
    }
}

/// Says what a reader could not guess from the pictures of an arm.
fn remark(arm: &Arm<'_>) -> &'static str {
    use crate::config::model::physical_interaction::{Port, Transformation, Version};
    let record = arm.runs.iter().find_map(|run| run.record());
    let Some(model) = record.and_then(|it| it.spec.model.physical_interaction()) else { return "" };
    match (model.port, model.transformation) {
        (Port::Tensorflow(Version::V1), Transformation::Cdna { .. }) => {
            " This port mixes colours and kernels: an image holds single colours under neighbouring \
             kernels."
        }
        (Port::ChainerStateless, Transformation::Cdna { .. }) => {
            " This port ignores its kernels and filters every sequence of a batch with weights of its \
             own."
        }
        (Port::Chainer, Transformation::Stp { .. }) => " This port has one map, so all are equal.",
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
