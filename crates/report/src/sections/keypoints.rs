//! Images with true and predicted keypoints, and the error of every keypoint.

use std::{fmt::Write as _, ops::Range};

use crate::{
    document::{Column, Figure, FigureContent, FigureLayout, PageBlock, PageTable, RichText, Row},
    error::ReportError,
    input::ReportRun,
    number::{ABSENT, decimals, with_spread},
    palette::{self, Ink, PAPER, TEXT},
    strip::{png, rectangle, text},
    svg::Drawing,
    sweep_results::SweepResults,
};
use reprise_base::{
    stats::summary::{Summary, summarize},
    vocabulary::rollouts::{
        KEYPOINT_IMAGES, KEYPOINT_PREDICTION, KEYPOINT_RMSE_PREFIX, KEYPOINT_TRUTH,
    },
};

/// Width of an image, in units.
const SIDE: usize = 120;
/// Most images side by side.
const COLUMNS_MAX: usize = 8;
/// Gap between images in pixels of the image, as in `strip::png`.
const GAP_PIXELS: usize = 2;
/// Height of the legend and of an arm's label.
const LINE: usize = 18;

/// True keypoints are blue discs, predicted ones orange crosses: they differ in shape and lightness.
const TRUTH: Ink = palette::arm(5);
const PREDICTION: Ink = palette::arm(4);
/// Outline of every mark, so that it is visible on any grey.
const OUTLINE: &str = "#000000";

/// The test images that a run stored, with their keypoints.
struct StoredKeypoints<'a> {
    /// `[N, height, width]`.
    shape: [usize; 3],
    grey: &'a [u8],
    /// `[N, points, 2]` in pixels.
    truth: Vec<f32>,
    prediction: Vec<f32>,
}

/// Returns the section; empty if no run predicted keypoints.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    let mut blocks = Vec::new();
    blocks.extend(errors(results));
    blocks.extend(images(results)?);
    if !blocks.is_empty() {
        blocks.insert(0, PageBlock::Heading("Keypoints".to_owned()));
    }
    Ok(blocks)
}

/// Tabulates the error of every keypoint by arm.
fn errors(results: &SweepResults<'_>) -> Option<PageBlock> {
    let completed = || results.arms.iter().flat_map(|arm| &arm.runs);
    let completed = || completed().filter(|run| run.completed().is_some());
    let first = completed().find(|run| run.samples.tensors.iter().any(|it| is_error(&it.name)))?;
    let names: Vec<&str> = first
        .samples
        .tensors
        .iter()
        .filter_map(|tensor| tensor.name.strip_prefix(KEYPOINT_RMSE_PREFIX))
        .collect();

    // Per keypoint: the error of every arm over its seeds, and the baseline's, which is the same in all runs.
    let error = |run: &ReportRun, name: &str, which: usize| {
        let (_, values) = run.samples.floats(&format!("{KEYPOINT_RMSE_PREFIX}{name}"))?;
        values.get(which).map(|&value| f64::from(value))
    };
    let rows: Vec<(&str, Vec<Option<Summary>>)> = names
        .into_iter()
        .map(|name| {
            let arms = results.arms.iter().map(|arm| {
                let runs = arm.runs.iter().filter(|run| run.completed().is_some());
                let values: Vec<f64> = runs.filter_map(|run| error(run, name, 0)).collect();
                summarize(&values)
            });
            let baseline: Vec<f64> = error(first, name, 1).into_iter().collect();
            (name, arms.chain([summarize(&baseline)]).collect())
        })
        .collect();

    let means = rows.iter().flat_map(|(_, cells)| cells.iter().flatten().map(|cell| cell.mean));
    let places = decimals(means);
    let mut columns = vec![Column::words("Keypoint")];
    columns.extend(results.arms.iter().map(|arm| Column::numbers(arm.label)));
    columns.push(Column::numbers("mean position"));
    let rows = rows.into_iter().map(|(name, cells)| {
        let best = cells.iter().flatten().map(|cell| cell.mean).min_by(f64::total_cmp);
        let label = RichText::from(name.replace('_', " "));
        let cells = cells.iter().map(|cell| written(cell.as_ref(), best, places));
        Row::new([label].into_iter().chain(cells).collect())
    });
    Some(PageBlock::Table(PageTable {
        caption:
            "RMSE of each keypoint on the test split, in pixels, over both coordinates of all images: \
             mean \u{b1} sample standard deviation over seeds. Bold: lowest mean of the row."
                .into(),
        columns,
        rows: rows.collect(),
    }))
}

fn is_error(name: &str) -> bool {
    name.starts_with(KEYPOINT_RMSE_PREFIX)
}

fn written(cell: Option<&Summary>, best: Option<f64>, places: usize) -> RichText {
    let Some(summary) = cell else { return ABSENT.into() };
    let text = with_spread(summary, places);
    if Some(summary.mean) == best { RichText::default().strong(text) } else { text.into() }
}

/// Shows the stored test images with the predictions of one run per arm.
fn images(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    let Some((seed, shown)) = results.smallest_seed_with(stored) else { return Ok(Vec::new()) };
    let [count, height, width] = shown[0].1.shape;
    // Only predictions for the same images are shown together.
    let shown: Vec<_> = shown.iter().filter(|(_, stored)| stored.grey == shown[0].1.grey).collect();
    let columns = count.min(COLUMNS_MAX);
    let total_width = columns * SIDE + (columns - 1) * SIDE * GAP_PIXELS / width;
    let row_height = SIDE * height / width + 4;
    let total_height = LINE + shown.len() * (LINE + count.div_ceil(columns) * row_height);

    let mut elements = String::new();
    rectangle(&mut elements, [0, 0, total_width, total_height], PAPER);
    legend(&mut elements);
    let mut y = LINE;
    for (arm, stored) in &shown {
        rectangle(&mut elements, [0, y + 4, 6, 10], palette::arm(arm.position));
        text(&mut elements, [11, y + 13], TEXT, arm.label, "start");
        y += LINE;
        for first in (0..count).step_by(columns) {
            row(&mut elements, y, stored, first..count.min(first + columns))?;
            y += row_height;
        }
    }
    let size = |units: usize| u32::try_from(units).unwrap_or(u32::MAX);
    let drawing =
        Drawing { width: size(total_width), height: size(total_height), scale: 1, elements };
    let figure = Figure {
        path: "figures/keypoints.svg".to_owned(),
        content: FigureContent::Svg(drawing),
        alt: "test images with true and predicted keypoints, by arm".to_owned(),
        caption: RichText::default().strong("Test images").plain(format!(
            ": the first {count} of the test split, not selected by score, with the predictions of \
             seed {seed}. Discs: true keypoints. Crosses: predicted keypoints; a line joins each \
             cross to its disc."
        )),
    };
    Ok(vec![PageBlock::Figures { figures: vec![figure], layout: FigureLayout::Wide }])
}

fn stored(run: &ReportRun) -> Option<StoredKeypoints<'_>> {
    let picture = run.samples.bytes(KEYPOINT_IMAGES)?;
    let &[count, height, width] = picture.shape.as_slice() else { return None };
    let (points, truth) = run.samples.floats(KEYPOINT_TRUTH)?;
    let (same, prediction) = run.samples.floats(KEYPOINT_PREDICTION)?;
    let fits = points == same
        && points.first() == Some(&count)
        && points.last() == Some(&2)
        && ![count, height, width].contains(&0);
    let shape = [count, height, width];
    fits.then_some(StoredKeypoints { shape, grey: &picture.data, truth, prediction })
}

fn legend(elements: &mut String) {
    disc(elements, [6.0, 8.0]);
    text(elements, [14, 13], TEXT, "true", "start");
    cross(elements, [60.0, 8.0]);
    text(elements, [68, 13], TEXT, "predicted", "start");
}

/// Draws some images of an arm side by side with their keypoints.
fn row(
    elements: &mut String,
    y: usize,
    stored: &StoredKeypoints<'_>,
    images: Range<usize>,
) -> Result<(), ReportError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let [count, rows, columns] = stored.shape;
    let grey = &stored.grey[images.start * rows * columns..images.end * rows * columns];
    let width = images.len() * SIDE + (images.len() - 1) * SIDE * GAP_PIXELS / columns;
    let height = SIDE * rows / columns;
    let bytes = png(grey, [images.len(), rows, columns, 1])
        .map_err(|source| ReportError::Png { name: "keypoints".to_owned(), source })?;
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        elements,
        "<image x=\"0\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
         preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
         href=\"data:image/png;base64,{}\"/>",
        STANDARD.encode(bytes)
    );
    let scale = SIDE as f64 / columns as f64;
    let points = stored.truth.len() / count / 2;
    let values = 2 * points * images.start..2 * points * images.end;
    let prediction = stored.prediction[values.clone()].chunks_exact(2);
    let coordinates = stored.truth[values].chunks_exact(2).zip(prediction);
    for (point, (truth, prediction)) in coordinates.enumerate() {
        let left = (point / points * (columns + GAP_PIXELS)) as f64;
        // (0, 0) is the middle of the first pixel. A mark outside its image is drawn at the border.
        let place = |at: &[f32]| {
            let inside = |p: f32, end: usize| f64::from(p).clamp(-0.5, end as f64 - 0.5) + 0.5;
            [scale * (left + inside(at[0], columns)), y as f64 + scale * inside(at[1], rows)]
        };
        let (truth, prediction) = (place(truth), place(prediction));
        line(elements, truth, prediction);
        disc(elements, truth);
        cross(elements, prediction);
    }
    Ok(())
}

fn disc(elements: &mut String, [x, y]: [f64; 2]) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        elements,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.2\" fill=\"{}\" stroke=\"{OUTLINE}\" \
         stroke-width=\"0.6\"/>",
        TRUTH.hex()
    );
}

fn cross(elements: &mut String, [x, y]: [f64; 2]) {
    for (ink, width) in [(OUTLINE.to_owned(), 2.4), (PREDICTION.hex(), 1.4)] {
        let (left, right, top, bottom) = (x - 2.6, x + 2.6, y - 2.6, y + 2.6);
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            elements,
            "<path d=\"M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} \
             {top:.1}\" stroke=\"{ink}\" stroke-width=\"{width}\"/>"
        );
    }
}

fn line(elements: &mut String, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        elements,
        "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{}\" stroke-width=\"0.9\"/>",
        PREDICTION.hex()
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use safetensors::Dtype;

    use crate::{build, fixture, samples::Samples};
    use reprise_store::store::tensors::StoredTensor;

    fn tensor(name: &str, shape: &[usize], values: &[f32]) -> StoredTensor {
        StoredTensor {
            name: format!("keypoints/{name}"),
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    /// An image of 8×8 pixels with one keypoint, predicted `error` pixels too far to the right.
    fn samples(error: f32) -> Samples {
        let picture = StoredTensor {
            name: "keypoints/picture".to_owned(),
            dtype: Dtype::U8,
            shape: vec![1, 8, 8],
            data: vec![9; 64],
        };
        let tensors = vec![
            picture,
            tensor("prediction", &[1, 1, 2], &[3.0 + error, 4.0]),
            tensor("rmse_pixels/nose_tip", &[2], &[error, 7.25]),
            tensor("truth", &[1, 1, 2], &[3.0, 4.0]),
        ];
        let names = BTreeMap::from([("sequences".to_owned(), r#"["12"]"#.to_owned())]);
        Samples::new(tensors, &names).expect("the samples are valid")
    }

    #[test]
    fn errors_are_listed_by_arm_and_images_show_both_points() {
        let mut input = fixture::sweep();
        for run in &mut input.runs {
            run.samples = samples(if run.entry.arm == fixture::ARMS[0] { 1.5 } else { 2.25 });
        }
        let report = build(&input).expect("the report can be built");
        let file = |path: &str| {
            String::from_utf8_lossy(&report.files[path.as_ref() as &std::path::Path]).into_owned()
        };
        let page = file("report.md");
        let row = "| nose tip | **1.500 \u{b1} 0.000** | 2.250 \u{b1} 0.000 | 7.250 |";
        assert!(page.contains(row), "{page}");
        assert!(!page.contains("Roll-outs"), "{page}");
        let drawing = file("figures/keypoints.svg");
        // One disc and one cross in the legend, then one of each for either arm.
        assert_eq!(drawing.matches("<circle").count(), 3);
        assert_eq!(drawing.matches("stroke-width=\"1.4\"").count(), 3);
        // The keypoint at pixel (3, 4) of 8 lies at (3.5, 4.5) / 8 of a side of 120, below two lines of text.
        assert!(drawing.contains("<circle cx=\"52.5\" cy=\"103.5\""), "{drawing}");
    }

    #[test]
    fn a_sweep_that_predicts_frames_has_no_section_on_keypoints() {
        let report = build(&fixture::sweep()).expect("the report can be built");
        let page = &report.files["report.md".as_ref() as &std::path::Path];
        assert!(!String::from_utf8_lossy(page).contains("Keypoints"));
    }
}
