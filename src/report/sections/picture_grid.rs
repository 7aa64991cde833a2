//! The picture grid of the ConvLSTM autoencoder: prediction, truth and error of one test sequence.

use crate::{
    report::{
        ReportError,
        document::{Block, Figure, Layout, Picture, Text},
        strip,
        study::{Arm, Study},
    },
    store::tensors::StoredTensor,
    vocabulary::rollouts::PICTURE_GRID,
};

/// Returns the section; nothing if no run has kept a grid.
pub(super) fn blocks(study: &Study<'_>) -> Result<Vec<Block>, ReportError> {
    let seeds = study.input.runs.iter().map(|run| run.entry.seed);
    let Some(seed) = seeds.min() else { return Ok(Vec::new()) };
    let mut figures = Vec::new();
    for arm in &study.arms {
        let run = arm.runs.iter().find(|run| run.entry.seed == seed);
        if let Some(grid) = run.and_then(|run| run.samples.bytes(PICTURE_GRID)) {
            figures.extend(figure(arm, seed.0, grid)?);
        }
    }
    if figures.is_empty() {
        return Ok(Vec::new());
    }
    let note = format!(
        "The picture that the original logs, of the first test sequence and seed {seed}. First row: \
         context, then prediction. Second row: context, then truth. Third row: black frames, then \
         squared errors; there are as many black frames as predicted ones, so errors stand below \
         their frames only where context and horizon are equally long.",
        seed = seed.0,
    );
    Ok(vec![
        Block::Heading("Picture grid".to_owned()),
        Block::Note(note.into()),
        Block::Figures { figures, layout: Layout::Wide },
    ])
}

/// Returns the figure of an arm; nothing if the tensor is no picture.
fn figure(arm: &Arm<'_>, seed: u32, grid: &StoredTensor) -> Result<Option<Figure>, ReportError> {
    let &[1, height, width, channels @ (1 | 3)] = &grid.shape[..] else { return Ok(None) };
    let drawing = strip::single(&grid.data, [height, width, channels])
        .map_err(|source| ReportError::Png { clip: arm.label.to_owned(), source })?;
    Ok(Some(Figure {
        path: format!("picture_grid/{:03}.svg", arm.position),
        picture: Picture::Svg(drawing),
        alt: format!("prediction, truth and squared error in {}", arm.label),
        caption: Text::default().strong(arm.label).plain(format!(", seed {seed}.")),
    }))
}
