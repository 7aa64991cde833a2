//! Sampled futures of a sequence: the truth, and predictions below it.

use super::curves::file_stem;
use crate::{
    document::{Figure, FigureContent, RichText},
    error::ReportError,
    palette::{Ink, TEXT},
    samples::Samples,
    strip,
};
use reprise_base::vocabulary::rollouts::{BEST_SAMPLE, SAMPLES};

/// Samples of a sequence that a figure shows.
const SAMPLES_SHOWN: usize = 3;

/// Predictions under one label.
pub(super) struct LabelledPredictions<'a> {
    pub(super) label: String,
    pub(super) ink: Ink,
    pub(super) samples: &'a Samples,
    /// Predictions that were made of each sequence.
    pub(super) count: usize,
}

/// Draws a stored sequence and all predictions of it; returns `None` if they do not belong together.
pub(super) fn figure(
    slug: &str,
    index: usize,
    predictions: &[LabelledPredictions<'_>],
    what: &str,
) -> Result<Option<Figure>, ReportError> {
    let Some(reference) = predictions.first().and_then(|first| first.samples.rollouts.as_ref())
    else {
        return Ok(None);
    };
    let Some(sequence) = reference.sequences().get(index) else { return Ok(None) };
    let shape = reference.shape();
    let video_bytes: usize = shape.iter().product();
    let mut rows: Vec<(String, Ink, &[u8])> = vec![("truth".to_owned(), TEXT, &sequence.truth)];
    for LabelledPredictions { label, ink, samples, count } in predictions {
        let own = samples.rollouts.as_ref().and_then(|it| it.sequences().get(index));
        let Some(own) = own.filter(|own| own.truth == sequence.truth) else { return Ok(None) };
        let best = samples.bytes(BEST_SAMPLE).and_then(|it| it.data.chunks(video_bytes).nth(index));
        rows.extend(best.map(|best| (format!("{label}: best of {count} by PSNR"), *ink, best)));
        if let Some(tensor) = samples.bytes(SAMPLES) {
            let kept = tensor.shape.get(1).copied().unwrap_or(0);
            let videos = tensor.data.chunks(video_bytes).skip(index * kept);
            for (number, video) in videos.take(kept.min(SAMPLES_SHOWN)).enumerate() {
                rows.push((format!("{label}: sample {}", number + 1), *ink, video));
            }
        } else {
            rows.push((label.clone(), *ink, &own.prediction));
        }
    }
    if rows.iter().any(|(_, _, video)| video.len() != video_bytes) {
        return Ok(None);
    }
    let name = &sequence.name;
    let drawing = strip::draw_rows(&rows, shape)
        .map_err(|source| ReportError::Png { name: name.clone(), source })?;
    Ok(Some(Figure {
        path: format!("evaluations/{slug}_{index:03}_{}.svg", file_stem(what)),
        content: FigureContent::Svg(drawing),
        alt: format!("sequence {name}: truth and predictions frame by frame"),
        caption: RichText::default().strong("Sequence").plain(" ").code(name).plain(format!(
            ", {what}: the truth, then predictions. The first {} frames are given.",
            reference.context_frames()
        )),
    }))
}
