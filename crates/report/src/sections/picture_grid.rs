//! The image grid of the ConvLSTM autoencoder: prediction, truth and error of one test sequence.

use crate::{
    document::{Figure, FigureContent, FigureLayout, PageBlock, RichText},
    error::ReportError,
    strip,
    sweep_results::{ArmResults, SweepResults},
};
use reprise_base::vocabulary::rollouts::PICTURE_GRID;
use reprise_store::store::tensors::StoredTensor;

/// Returns the section; empty if no run stored a grid.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    let seeds = results.input.runs.iter().map(|run| run.entry.seed);
    let Some(seed) = seeds.min() else { return Ok(Vec::new()) };
    let mut figures = Vec::new();
    for arm in &results.arms {
        let run = arm.runs.iter().find(|run| run.entry.seed == seed);
        if let Some(grid) = run.and_then(|run| run.samples.bytes(PICTURE_GRID)) {
            figures.extend(figure(arm, seed.0, grid)?);
        }
    }
    if figures.is_empty() {
        return Ok(Vec::new());
    }
    let note = format!(
        "The image that the original implementation logs, for the first test sequence and seed {seed}. \
         First row: context, then prediction. Second row: context, then truth. Third row: one black frame \
         per predicted frame, then the squared errors. Each error is below its predicted frame only if \
         context and horizon have the same length.",
        seed = seed.0,
    );
    Ok(vec![
        PageBlock::Heading("Image grid".to_owned()),
        PageBlock::Note(note.into()),
        PageBlock::Figures { figures, layout: FigureLayout::Wide },
    ])
}

/// Returns the figure of an arm; nothing if the tensor has another shape.
fn figure(
    arm: &ArmResults<'_>,
    seed: u64,
    grid: &StoredTensor,
) -> Result<Option<Figure>, ReportError> {
    let &[1, height, width, channels @ (1 | 3)] = &grid.shape[..] else { return Ok(None) };
    let drawing = strip::single(&grid.data, [height, width, channels])
        .map_err(|source| ReportError::Png { name: arm.label.to_owned(), source })?;
    Ok(Some(Figure {
        path: format!("picture_grid/{:03}.svg", arm.position),
        content: FigureContent::Svg(drawing),
        alt: format!("prediction, truth and squared error in {}", arm.label),
        caption: RichText::default().strong(arm.label).plain(format!(", seed {seed}.")),
    }))
}
