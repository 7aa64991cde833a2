//! Prediction: frames of every step and their scores.

use super::{load::load, training::warm_up};
use crate::{
    refused,
    torch::{Capture, Placement, RecordedNoise, input},
};
use reprise_base::{
    config::protocol::{Latent, RolloutFeedback},
    metrics::{self, FrameShape},
};
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::models::cvae::{
    rollout::{RolloutPolicy, rollout},
    training::ConditionedBatch,
};

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let mut loaded = load(case, place)?;
    warm_up(case, place, &mut loaded)?;
    let batch = ConditionedBatch {
        frames: input(case, "x", place)?.permute([1, 0, 2, 3, 4]),
        condition: input(case, "cond", place)?.permute([1, 0, 2]),
    };
    let latent = match case.config.str("mode")? {
        "posterior" => Latent::Posterior,
        _ => Latent::Prior,
    };
    let mut noise = RecordedNoise::rollout(case, place, "noise".to_owned());
    noise.check(u64::try_from(loaded.frames - 1).map_err(refused)?)?;
    let policy =
        RolloutPolicy { latent, feedback: RolloutFeedback::FreeRunning, skips: loaded.skips };
    let frames = rollout(&loaded.model, &batch, policy, &mut noise);

    let mut capture = Capture::default();
    for t in 0..loaded.frames {
        capture.tensor(format!("prediction/{t}"), &frames.get(t));
    }
    score(case, &mut capture, place, &batch.frames, &frames, loaded.skips.context_frames);
    Ok(capture.finish())
}

/// MSE, SSIM and PSNR of `finn_eval_seq` on the frames after the context, `[B, horizon]`.
fn score(
    case: &Case,
    capture: &mut Capture,
    place: Placement,
    truth: &tch::Tensor,
    prediction: &tch::Tensor,
    context_frames: i64,
) {
    let (frames, batch, channels, height, width) =
        truth.size5().expect("frames are [T, B, C, H, W]");
    let extent = |n: i64| usize::try_from(n).expect("sizes are not negative");
    let shape =
        FrameShape { channels: extent(channels), height: extent(height), width: extent(width) };
    let (mut mse, mut ssim, mut psnr) = (Vec::new(), Vec::new(), Vec::new());
    for b in 0..batch {
        for t in context_frames..frames {
            let x = plain(&truth.get(t).get(b));
            let y = plain(&prediction.get(t).get(b));
            mse.push(metrics::mse(&x, &y));
            ssim.push(metrics::ssim(&x, &y, shape));
            psnr.push(metrics::psnr(&x, &y, shape).unwrap_or(f64::INFINITY));
        }
    }
    let mean = psnr.iter().sum::<f64>() / psnr.len() as f64;
    for (name, values) in [("mse", mse), ("ssim", ssim), ("psnr", psnr), ("psnr_mean", vec![mean])]
    {
        capture.vector(case, name, values, place.precision);
    }
}

/// Pixels in double precision, which is exact.
fn plain(frame: &tch::Tensor) -> Vec<f64> {
    let frame = frame.to_kind(tch::Kind::Double).contiguous();
    let mut values = vec![0.0; frame.numel()];
    frame.copy_data(&mut values, frame.numel());
    values
}
