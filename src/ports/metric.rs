//! System `metric`: `finn_eval_seq` and `eval_seq` of the lab report's `utils.py`.

use super::{integer, unsupported};
use crate::{
    golden::{Case, CasePort, Outputs, PortError, Precision, Tensor, TensorData},
    metrics::{
        FrameShape, mse, psnr, psnr_in_range, skimage_ssim, ssim,
        ssim::{Covariance, SkimageSsim, finn_ssim_map},
    },
    scalar::Count,
};

/// The frame metrics: f32 frames and f64 sums in both precisions.
pub(super) struct MetricPort;

/// True and predicted frames, `[T, B, C, H, W]`.
struct FramePairs {
    truth: Vec<f32>,
    prediction: Vec<f32>,
    shape: FrameShape,
    frames: usize,
    batch: usize,
}

impl CasePort for MetricPort {
    fn serves(&self, system: &str) -> bool {
        system == "metric"
    }

    fn run(&self, case: &Case, _precision: Precision) -> Result<Outputs, PortError> {
        let sequences = sequences(case)?;
        let width = sequences.shape.width;
        // The case records the original's single-frame functions on the first plane only.
        let plane = || {
            let n = sequences.shape.plane();
            (&sequences.truth[..n], &sequences.prediction[..n])
        };
        // `finn_eval_seq` leaves this at 1.
        let plane_range = number_or(case, "data_range", 1.0)?;
        let map = || {
            let (x, y) = plane();
            finn_ssim_map(x, y, width, plane_range)
        };
        let skimage = skimage(case)?;
        let exactly = || unsupported(case, "the PSNR of equal frames");
        let ratio = |x: &[f32], y: &[f32]| match &skimage {
            // For equal frames scikit-image divides by zero; the lab report's code stops.
            Some(Skimage { psnr_range, .. }) => {
                Ok(psnr_in_range(x, y, sequences.shape, *psnr_range).unwrap_or(f64::INFINITY))
            }
            None => psnr(x, y, sequences.shape).ok_or_else(exactly),
        };
        let mut outputs = Outputs::new();
        for output in case.outputs() {
            let values = match output.name.as_str() {
                "mse" => sequences.each(|x, y| Ok(mse(x, y)))?,
                "psnr" => sequences.each(ratio)?,
                "psnr_mean" => vec![mean(&sequences.each(ratio)?)],
                "ssim" => match &skimage {
                    Some(Skimage { ssim, .. }) => {
                        sequences.each(|x, y| Ok(skimage_ssim(x, y, sequences.shape, ssim)))?
                    }
                    None => sequences.each(|x, y| Ok(ssim(x, y, sequences.shape)))?,
                },
                "finn_psnr" => {
                    let (x, y) = plane();
                    let shape = FrameShape { channels: 1, ..sequences.shape };
                    vec![psnr_in_range(x, y, shape, plane_range).ok_or_else(exactly)?]
                }
                "finn_ssim_map" => map().similarity,
                "finn_ssim_cs_map" => map().contrast,
                name => return Err(unsupported(case, format!("output `{name}`"))),
            };
            let data = TensorData::F64(values);
            outputs.insert(output.name.clone(), Tensor { shape: output.shape.clone(), data });
        }
        Ok(outputs)
    }
}

impl FramePairs {
    /// Returns a value per frame, `[B, T]`.
    fn each(
        &self,
        metric: impl Fn(&[f32], &[f32]) -> Result<f64, PortError>,
    ) -> Result<Vec<f64>, PortError> {
        let frame = |b: usize, t: usize| {
            let at = (t * self.batch + b) * self.shape.len();
            at..at + self.shape.len()
        };
        (0..self.batch)
            .flat_map(|b| (0..self.frames).map(move |t| (b, t)))
            .map(|(b, t)| metric(&self.truth[frame(b, t)], &self.prediction[frame(b, t)]))
            .collect()
    }
}

/// How `eval_seq` calls scikit-image.
struct Skimage {
    ssim: SkimageSsim,
    psnr_range: f64,
}

/// Reads the arguments of scikit-image, or `None` for a case of `finn_eval_seq`.
fn skimage(case: &Case) -> Result<Option<Skimage>, PortError> {
    let config = &case.config;
    if !config.contains("ssim_data_range") {
        return Ok(None);
    }
    let defaults = SkimageSsim::of_range(config.f64("ssim_data_range")?);
    let side = |key| integer::<Count>(case, key).map(Count::len);
    let ssim = SkimageSsim {
        side: if config.contains("win_size") { side("win_size")? } else { defaults.side },
        k1: number_or(case, "K1", defaults.k1)?,
        k2: number_or(case, "K2", defaults.k2)?,
        covariance: match config.bool("use_sample_covariance") {
            Ok(false) => Covariance::Population,
            _ => defaults.covariance,
        },
        ..defaults
    };
    Ok(Some(Skimage { ssim, psnr_range: number_or(case, "psnr_data_range", 1.0)? }))
}

fn number_or(case: &Case, key: &str, default: f64) -> Result<f64, PortError> {
    if case.config.contains(key) { Ok(case.config.f64(key)?) } else { Ok(default) }
}

fn sequences(case: &Case) -> Result<FramePairs, PortError> {
    let size = |key| integer::<Count>(case, key).map(Count::len);
    let shape =
        FrameShape { channels: size("channels")?, height: size("height")?, width: size("width")? };
    let truth = match case.tensor("gt")?.data {
        TensorData::F32(pixels) => pixels,
        TensorData::U8(bytes) => bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect(),
        other => return Err(unsupported(case, format!("frames of {}", other.dtype()))),
    };
    let delta = case.tensor("delta")?.data.to_f64();
    let (frames, batch) = (size("T")?, size("batch")?);
    if truth.len() != frames * batch * shape.len() || delta.len() != truth.len() {
        return Err(unsupported(case, "frames that are not [T, batch, channels, height, width]"));
    }
    let prediction = truth.iter().zip(&delta).map(|(&x, &d)| x + single(d)).collect();
    Ok(FramePairs { truth, prediction, shape, frames, batch })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the value was an f32 before")]
fn single(value: f64) -> f32 {
    value as f32
}
