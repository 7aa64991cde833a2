//! Evaluations besides the test: one part per protocol.

use super::{
    curves::{figure, file_stem},
    futures::{self, LabelledPredictions},
    twins,
};
use crate::{
    curve::{Line, Plot, Stroke},
    document::{Column, Figure, FigureLayout, PageBlock, PageTable, RichText, Row, RowKind},
    error::ReportError,
    input::{ReportEvaluation, ReportRun},
    number::{ABSENT, decimals, fixed, signed},
    paired::{by_seed, confidence, interval},
    palette::{self, BASELINE, Ink},
    protocols::ProtocolResults,
    reported::ReportedMetric,
    run_curves::{Points, mean_of},
    samples::Samples,
    sweep_results::{ArmResults, MODEL, SweepResults},
    words::in_words,
};
use reprise_base::{
    config::protocol::{Latent, Protocol, RolloutFeedback},
    rng::streams::Stream,
    scalar::Seed,
    stats::bootstrap,
    text::count,
    vocabulary::{MetricName, Predictor},
};
use reprise_data::Split;

/// No figure is added once the figures of a protocol take this many bytes.
const FIGURE_BYTES_MAX: usize = 700_000;
/// At most this many pairs of arms are compared.
const PAIRS_MAX: usize = 6;

/// Returns the section; empty if there are no evaluations.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    if results.protocols.is_empty() {
        return Ok(Vec::new());
    }
    let mut blocks = vec![
        PageBlock::Heading("Evaluations".to_owned()),
        PageBlock::Prose(
            "Finished runs were scored again by the protocols below. Scores of different protocols are not \
             comparable."
                .into(),
        ),
        PageBlock::Note(looks(results).into()),
    ];
    for evaluated in &results.protocols {
        let shown = Shown { results, evaluated };
        blocks.push(PageBlock::Prose(shown.head()));
        blocks.push(PageBlock::Table(shown.scores()));
        blocks.extend(shown.differences());
        let arms = shown.arms();
        blocks.extend(twins::tables(results, evaluated, &arms, &shown.metrics()));
        let mut pictures = twins::figures(results, evaluated, &arms)?;
        pictures.extend(shown.pictures(bytes_of(&pictures))?);
        for (figures, layout) in
            [(shown.curves()?, FigureLayout::Grid), (pictures, FigureLayout::Wide)]
        {
            if !figures.is_empty() {
                blocks.push(PageBlock::Figures { figures, layout });
            }
        }
    }
    Ok(blocks)
}

fn bytes_of(figures: &[Figure]) -> usize {
    figures.iter().map(|figure| figure.file().len()).sum()
}

/// Says how often the test split was used.
fn looks(results: &SweepResults<'_>) -> String {
    let of_run = |run: &ReportRun| {
        let record = run.completed()?;
        let is_test = |it: &&ReportEvaluation| {
            it.record.protocol.split == Split::Test
                && it.record.data.pack_sha256 == record.data.pack_sha256
        };
        Some(usize::from(record.test.is_some()) + run.evaluations.iter().filter(is_test).count())
    };
    let all: Vec<usize> = results.input.runs.iter().filter_map(of_run).collect();
    let most = all.iter().max().copied().unwrap_or(0);
    format!(
        "The test split was used in up to {} of each run, its test included. The more often a choice is made by \
         test scores, the less they say about new data.",
        count(most, "evaluation")
    )
}

/// A protocol as it is shown.
struct Shown<'a> {
    results: &'a SweepResults<'a>,
    evaluated: &'a ProtocolResults<'a>,
}

impl<'a> Shown<'a> {
    fn head(&self) -> RichText {
        let ProtocolResults { name, protocol, data, .. } = self.evaluated;
        let mut text = RichText::default()
            .strong(format!("{}: ", in_words(name)))
            .plain(format!("{protocol}, data set "))
            .code(&data.name)
            .plain(".");
        if let Some(rollout) = protocol.rollout {
            if rollout.latent == Some(Latent::Posterior) {
                text = text.plain(
                    " The posterior sees each frame that is read, so these are not predictions from the \
                     context alone.",
                );
            }
            if rollout.feedback == RolloutFeedback::TeacherForced {
                text = text
                    .plain(" The model reads true frames, so each prediction is one frame ahead.");
            }
        }
        text
    }

    /// Returns the arms that were evaluated.
    fn arms(&self) -> Vec<&'a ArmResults<'a>> {
        let is_evaluated = |arm: &&ArmResults<'_>| {
            self.evaluated.runs.iter().any(|(run, _)| run.entry.arm == arm.label)
        };
        self.results.arms.iter().filter(is_evaluated).collect()
    }

    /// Returns the metrics that have scores.
    fn metrics(&self) -> Vec<&ReportedMetric> {
        let is_scored =
            |metric: &&ReportedMetric| self.evaluated.summaries(metric).next().is_some();
        self.results.metrics.iter().filter(is_scored).collect()
    }

    fn samples(&self) -> usize {
        self.evaluated.protocol.rollout.map_or(1, |rollout| rollout.samples.len())
    }

    /// Names what is scored.
    fn prediction(&self, predictor: &str) -> String {
        let samples = self.samples();
        match predictor {
            MODEL if samples > 1 => format!("mean of {samples} samples"),
            MODEL => "model".to_owned(),
            _ if predictor == Predictor::SampleSpread.as_str() => {
                "standard deviation between samples".to_owned()
            }
            _ if Predictor::is_statistic(predictor) => {
                let [which, metric] = ["best", "worst"]
                    .iter()
                    .find_map(|which| {
                        Some([*which, predictor.strip_prefix(which)?.strip_prefix("_by_")?])
                    })
                    .unwrap_or(["", predictor]);
                format!("{which} of {samples} by {}", metric.to_uppercase())
            }
            baseline => format!("baseline: {}", in_words(baseline)),
        }
    }

    fn scores(&self) -> PageTable {
        let metrics = self.metrics();
        let places: Vec<usize> = metrics
            .iter()
            .map(|metric| decimals(self.evaluated.summaries(metric).map(|summary| summary.mean)))
            .collect();
        let mut predictors = self.evaluated.predictors();
        predictors.sort_by_key(|name| (Predictor::rank(name), *name));
        let mut rows = Vec::new();
        for predictor in predictors {
            let is_baseline = predictor != MODEL && !Predictor::is_statistic(predictor);
            let mut known: Vec<Vec<RichText>> = Vec::new();
            for arm in self.arms() {
                let cells: Vec<RichText> = metrics
                    .iter()
                    .zip(&places)
                    .map(|(metric, &places)| self.cell(arm.label, predictor, metric, places))
                    .collect();
                // A baseline that is equal in all arms has one row.
                if is_baseline && known.contains(&cells) {
                    continue;
                }
                known.push(cells.clone());
                let label = if is_baseline { ABSENT } else { arm.label };
                let head = [RichText::from(self.prediction(predictor)), label.into()];
                let kind = if is_baseline { RowKind::Baseline } else { RowKind::Ordinary };
                rows.push(Row { kind, cells: head.into_iter().chain(cells).collect() });
            }
        }
        let split = self.evaluated.protocol.split;
        let heads = metrics.iter().map(|metric| Column::numbers(metric.heading()));
        let columns = [Column::words("Prediction"), Column::words("Arm")].into_iter().chain(heads);
        let caption = format!(
            "Scores on the {split} split of {}: mean \u{b1} sample standard deviation over seeds.",
            count(self.sequences(), "sequence"),
        );
        PageTable { caption: caption.into(), columns: columns.collect(), rows }
    }

    fn cell(&self, arm: &str, predictor: &str, metric: &ReportedMetric, places: usize) -> RichText {
        let Some(summary) = self.evaluated.summary(arm, predictor, metric) else {
            return ABSENT.into();
        };
        let spread = summary.standard_deviation.filter(|std| *std > 0.0);
        let spread =
            spread.map(|std| format!(" \u{b1} {}", fixed(std, places))).unwrap_or_default();
        format!("{}{spread}", fixed(summary.mean, places)).into()
    }

    /// Returns the number of sequences that were scored.
    fn sequences(&self) -> usize {
        let Self { evaluated: ProtocolResults { protocol, data, .. }, .. } = self;
        let Protocol { split, sequences, .. } = protocol;
        let available = data.sequences.get(split.name()).copied().unwrap_or(0);
        sequences.len().min(usize::try_from(available).unwrap_or(usize::MAX))
    }

    /// Returns the differences between arms, with intervals over seeds and over sequences.
    fn differences(&self) -> Vec<PageBlock> {
        let arms = self.arms();
        let pairs: Vec<[&str; 2]> = arms
            .iter()
            .enumerate()
            .flat_map(|(at, left)| arms[at + 1..].iter().map(|right| [left.label, right.label]))
            .collect();
        if pairs.is_empty() || pairs.len() > PAIRS_MAX {
            return Vec::new();
        }
        let best = [
            (Predictor::BestByPsnr, MetricName::Psnr),
            (Predictor::BestBySsim, MetricName::Ssim),
            (Predictor::BestByLpips, MetricName::Lpips),
        ];
        let of_model = self.metrics().into_iter().map(|metric| (MODEL, metric));
        let of_best = best.iter().filter_map(|(predictor, name)| {
            let metric = self.metrics().into_iter().find(|it| it.base_name() == name.as_str())?;
            Some((predictor.as_str(), metric))
        });
        let compared: Vec<(&str, &ReportedMetric)> = of_model.chain(of_best).collect();
        let mut rows = Vec::new();
        for pair in pairs {
            for (predictor, metric) in &compared {
                rows.extend(self.difference(pair, predictor, metric));
            }
        }
        let columns = vec![
            Column::words("Difference"),
            Column::words("Prediction"),
            Column::words("Metric"),
            Column::numbers("Seeds"),
            Column::numbers("Mean"),
            Column::numbers(format!("{} interval over seeds", confidence())),
            Column::numbers(format!("{} interval over sequences", confidence())),
        ];
        let table =
            PageTable { caption: "Differences between arms, paired.".into(), columns, rows };
        let note = format!(
            "Over seeds: Student-t interval of the differences of means, which covers what the seed decides. Over \
             sequences: percentile interval of {} resamples of the sequences, whose differences are averaged over \
             these seeds; it covers the choice of test sequences, not the seed.",
            bootstrap::RESAMPLES
        );
        vec![PageBlock::Table(table.without_empty_columns()), PageBlock::Note(note.into())]
    }

    fn difference(&self, pair: [&str; 2], predictor: &str, metric: &ReportedMetric) -> Option<Row> {
        let [left, right] = pair.map(|arm| self.evaluated.by_seed(arm, predictor, metric));
        let paired = by_seed(&left, &right)?;
        let means = self.evaluated.summaries(metric).map(|summary| summary.mean);
        let places = decimals(means).max(3);
        let values = self.evaluated.sequence_differences(pair, predictor, metric);
        let mut draws = Stream::new(Seed(0), "bootstrap").at(0);
        let below = |n: usize| usize::try_from(draws.below(n as u64)).expect("below a usize");
        let over_sequences = bootstrap::interval(&values, below).map_or_else(
            || ABSENT.to_owned(),
            |[low, high]| format!("[{}, {}]", signed(low, places), signed(high, places)),
        );
        Some(Row::new(vec![
            format!("{} \u{2212} {}", pair[0], pair[1]).into(),
            self.prediction(predictor).into(),
            metric.heading().into(),
            paired.n.to_string().into(),
            signed(paired.mean, places).into(),
            interval(&paired, places).into(),
            over_sequences.into(),
        ]))
    }

    /// Returns the curves by predicted frame: of the mean, and of the best and the worst sample by the same metric.
    fn curves(&self) -> Result<Vec<Figure>, ReportError> {
        let mut figures = Vec::new();
        for metric in self.metrics() {
            let [best, worst] =
                ["best", "worst"].map(|which| format!("{which}_by_{}", metric.base_name()));
            let (mut lines, mut legend) = (Vec::new(), Vec::new());
            let copied = Predictor::CopyLastFrame.as_str();
            for arm in self.arms() {
                let ink = palette::arm(arm.position);
                let line = |predictor: &str, ink: Ink, stroke: Stroke| {
                    let curves: Vec<Points> = arm
                        .runs
                        .iter()
                        .map(|run| {
                            let split = self.evaluated.protocol.split;
                            self.evaluated.by_frame.of(run, predictor, split, &metric.key)
                        })
                        .filter(|points| !points.is_empty())
                        .collect();
                    Line { ink, stroke, points: mean_of(&curves.iter().collect::<Vec<_>>()) }
                };
                let reference = Stroke::Reference { number: 0 };
                let baseline = line(copied, BASELINE, reference);
                if !baseline.points.is_empty() && !lines.contains(&baseline) {
                    if lines.iter().all(|line: &Line| line.stroke != reference) {
                        legend.push((in_words(copied), BASELINE, reference));
                    }
                    lines.push(baseline);
                }
                lines.push(line(&best, ink, Stroke::Run));
                lines.push(line(&worst, ink, Stroke::Run));
                lines.push(line(MODEL, ink, Stroke::Mean));
                legend.push((arm.label.to_owned(), ink, Stroke::Mean));
            }
            lines.retain(|line| !line.points.is_empty());
            let heading = metric.heading();
            let mut caption = RichText::default()
                .strong(format!("{heading} by predicted frame"))
                .plain(", mean over sequences and seeds.");
            if lines.iter().any(|line| line.stroke == Stroke::Run) {
                caption = caption.plain(format!(
                    " Thick: mean of {} samples. Thin: the best and the worst sample of each sequence, chosen by \
                     this metric.",
                    self.samples()
                ));
            }
            let plot = Plot {
                x_start: 1.0,
                x_label: "predicted frame".to_owned(),
                y_label: heading.clone(),
                lines,
                legend,
            };
            let slug = &self.evaluated.slug;
            let path = format!("figures/evaluation_{slug}_{}.svg", file_stem(&metric.key));
            figures.extend(figure(path, &plot, format!("{heading} by predicted frame"), caption)?);
        }
        Ok(figures)
    }

    /// Returns sampled futures: the first sequence in all arms, and the best, the median and the worst sequence of each.
    /// `bytes` is the size of the figures before them.
    fn pictures(&self, mut bytes: usize) -> Result<Vec<Figure>, ReportError> {
        let mut figures = Vec::new();
        let pictured: Vec<(&ArmResults<'_>, &Samples)> = self
            .arms()
            .into_iter()
            .filter_map(|arm| Some((arm, self.evaluated.pictured(arm.label)?)))
            .collect();
        let Some((_, first)) = pictured.first() else { return Ok(figures) };
        let ranked: Vec<usize> = (0..first.names.len())
            .filter(|&index| first.names[index].ends_with(" by PSNR)"))
            .collect();
        let of_all = std::iter::once((0, pictured.clone()));
        let of_each = pictured.iter().flat_map(|&(arm, samples)| {
            ranked.iter().map(move |&index| (index, vec![(arm, samples)]))
        });
        for (index, arms) in of_all.chain(of_each) {
            if bytes > FIGURE_BYTES_MAX {
                break;
            }
            let labels: Vec<&str> = arms.iter().map(|(arm, _)| arm.label).collect();
            let predictions: Vec<LabelledPredictions<'_>> = arms
                .iter()
                .map(|(arm, samples)| LabelledPredictions {
                    label: arm.label.to_owned(),
                    ink: palette::arm(arm.position),
                    samples,
                    count: self.samples(),
                })
                .collect();
            let slug = &self.evaluated.slug;
            let figure = futures::figure(slug, index, &predictions, &labels.join(", "))?;
            bytes += figure.as_ref().map_or(0, |figure| figure.file().len());
            figures.extend(figure);
        }
        Ok(figures)
    }
}
