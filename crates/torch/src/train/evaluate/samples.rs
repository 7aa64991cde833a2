//! Statistics over the samples of a sequence.
//!
//! The best sample is the one whose mean over predicted frames is best (Denton & Fergus 2018, section 4; Babaeizadeh
//! et al. 2018, section 5.1). It is chosen by each metric separately, because the best sample by PSNR is not always
//! the best by SSIM.

use super::frame_metric::mean;
use reprise_base::vocabulary::{MetricName, Predictor};

/// By sample, metric and predicted frame.
pub(super) type SampleCurves = Vec<Vec<Vec<f64>>>;

/// Statistics over the samples of a sequence.
#[derive(Debug, PartialEq)]
pub(super) struct SampleStatistics {
    /// By metric and predicted frame.
    pub(super) by_frame: Vec<(Predictor, Vec<Vec<f64>>)>,
    /// Means over predicted frames by metric and sample; empty for a single sample.
    pub(super) by_sample: Vec<Vec<f64>>,
}

/// Computes the mean over samples, and, if there are several, the best and the worst sample by PSNR, by SSIM and by
/// LPIPS, and the standard deviation between samples.
pub(super) fn statistics(metrics: &[MetricName], samples: &SampleCurves) -> SampleStatistics {
    let [first, _, ..] = samples.as_slice() else {
        let only = samples.first().cloned().unwrap_or_default();
        return SampleStatistics {
            by_frame: vec![(Predictor::Model, only)],
            by_sample: Vec::new(),
        };
    };
    let frames = first.first().map_or(0, Vec::len);
    let each = |of: &dyn Fn(&[f64]) -> f64| -> Vec<Vec<f64>> {
        let at = |m: usize, t: usize| -> Vec<f64> {
            samples.iter().map(|sample| sample[m][t]).collect()
        };
        (0..metrics.len()).map(|m| (0..frames).map(|t| of(&at(m, t))).collect()).collect()
    };
    let by_sample: Vec<Vec<f64>> = (0..metrics.len())
        .map(|m| samples.iter().map(|sample| mean(sample[m].iter().copied())).collect())
        .collect();
    let mut by_frame = vec![(Predictor::Model, each(&|values| mean(values.iter().copied())))];
    for (metric, lowest, highest) in [
        (MetricName::Psnr, Predictor::WorstByPsnr, Predictor::BestByPsnr),
        (MetricName::Ssim, Predictor::WorstBySsim, Predictor::BestBySsim),
        (MetricName::Lpips, Predictor::BestByLpips, Predictor::WorstByLpips),
    ] {
        let Some(m) = metrics.iter().position(|&it| it == metric) else { continue };
        for (predictor, sample) in [lowest, highest].into_iter().zip(extremes(&by_sample[m])) {
            by_frame.push((predictor, samples[sample].clone()));
        }
    }
    by_frame.push((Predictor::SampleSpread, each(&deviation)));
    SampleStatistics { by_frame, by_sample }
}

/// Returns the places of the smallest and of the largest value, the first of equal ones.
fn extremes(values: &[f64]) -> [usize; 2] {
    let mut found = [0, 0];
    for (at, &value) in values.iter().enumerate() {
        if value < values[found[0]] {
            found[0] = at;
        }
        if value > values[found[1]] {
            found[1] = at;
        }
    }
    found
}

/// Returns the standard deviation of a sample, with n − 1 in the denominator.
fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three samples of two frames: the second has the best PSNR, the third the best SSIM.
    fn samples() -> SampleCurves {
        vec![
            vec![vec![20.0, 22.0], vec![0.5, 0.6]],
            vec![vec![30.0, 20.0], vec![0.4, 0.4]],
            vec![vec![19.0, 21.0], vec![0.9, 0.8]],
        ]
    }

    #[test]
    fn best_and_worst_are_chosen_by_each_metric_and_all_curves_are_those_of_one_sample() {
        let samples = samples();
        let SampleStatistics { by_frame, by_sample } =
            statistics(&[MetricName::Psnr, MetricName::Ssim], &samples);
        assert_eq!(by_sample[0], [21.0, 25.0, 20.0]);
        let of = |predictor| &by_frame.iter().find(|(it, _)| *it == predictor).unwrap().1;
        assert_eq!(of(Predictor::Model)[0], [23.0, 21.0]);
        assert_eq!(*of(Predictor::BestByPsnr), samples[1]);
        assert_eq!(*of(Predictor::WorstByPsnr), samples[2]);
        assert_eq!(*of(Predictor::BestBySsim), samples[2]);
        assert_eq!(*of(Predictor::WorstBySsim), samples[1]);
        // (20, 30, 19): mean 23, squares 9 + 49 + 16 over 2.
        assert_eq!(of(Predictor::SampleSpread)[0][..1], [37.0_f64.sqrt()]);
    }

    #[test]
    fn a_low_lpips_is_a_good_one() {
        let samples = vec![vec![vec![0.4, 0.2]], vec![vec![0.1, 0.1]]];
        let SampleStatistics { by_frame, .. } = statistics(&[MetricName::Lpips], &samples);
        let of = |predictor| &by_frame.iter().find(|(it, _)| *it == predictor).unwrap().1;
        assert_eq!(*of(Predictor::BestByLpips), samples[1]);
        assert_eq!(*of(Predictor::WorstByLpips), samples[0]);
    }

    #[test]
    fn a_single_sample_has_no_statistics() {
        let one = vec![samples().remove(0)];
        let SampleStatistics { by_frame, by_sample } =
            statistics(&[MetricName::Psnr, MetricName::Ssim], &one);
        assert_eq!(by_frame, [(Predictor::Model, one[0].clone())]);
        assert!(by_sample.is_empty());
    }
}
