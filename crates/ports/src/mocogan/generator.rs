//! The generators: latents, frames, and gradients of a cotangent.

use tch::Tensor;

use super::{
    draws::{NamedDraws, NumberedDraws},
    settings::{categories, side},
};
use crate::{
    integer, number, refused,
    torch::{Capture, Placement, builder, inner, input, load},
    unsupported,
};
use reprise_base::{
    config::model::{
        MocoganSpec,
        mocogan::{Categories, Motion},
    },
    scalar::Count,
};
use reprise_golden::{Case, ElementType, Outputs, PortError};
use reprise_torch::{
    models::mocogan::VideoGenerator,
    nn::{Mode, params::Params},
};

/// `sample_videos` or `sample_images` of `VideoGenerator`.
pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let spec = MocoganSpec {
        video_length: integer(case, "video_length")?,
        side: side(case, "main.0.weight")?,
        channels: integer(case, "n_channels")?,
        content_size: integer(case, "dim_z_content")?,
        categories: categories(case)?,
        motion_size: integer(case, "dim_z_motion")?,
        motion: Motion::Gru,
        generator_width: integer(case, "ngf")?,
        ..MocoganSpec::default()
    };
    let builder = builder(place);
    let root = builder.root();
    let generator = VideoGenerator::new(&root.sub("recurrent"), &root.sub("main"), &spec);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let samples = integer::<Count>(case, "num_samples")?.size();
    let mut draws = NumberedDraws::new(case, place);
    let mut capture = Capture::default();
    if case.tensors().iter().any(|tensor| tensor.name.ends_with("/frame_choice")) {
        let images = generator.sample_images(samples, Mode::Train, &mut draws);
        draws.finish()?;
        capture.tensor("z_chosen", &images.z.unsqueeze(-1).unsqueeze(-1));
        capture.tensor("images", &images.frames);
        pull_back(case, place, &images.frames, &params, &mut capture)?;
        let evaluated = generator.frames(&images.z, Mode::Eval);
        capture.tensor("eval/images", &evaluated);
    } else {
        // `sample_videos(num_samples, video_len)` may ask for another length.
        let frames = if case.config.contains("video_len") {
            integer::<Count>(case, "video_len")?.size()
        } else {
            generator.video_length()
        };
        let videos = generator.sample_videos(samples, frames, Mode::Train, &mut draws);
        draws.finish()?;
        let z = &videos.latents.z;
        capture.tensor("z", z);
        labels(case, videos.latents.categories.as_ref(), samples, place, &mut capture)?;
        capture.tensor("videos", &videos.frames);
        pull_back(case, place, &videos.frames, &params, &mut capture)?;
        capture.tensor("eval/videos", &generator.videos(z, frames, Mode::Eval));
    }
    Ok(capture.finish())
}

/// `gen_z`, `trim_noise` and `Generator_I` of the MP6 assignment.
pub(super) fn assignment(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let count = |key| integer::<Count>(case, key);
    let (frames, unrolled) = (count("T")?.size(), count("n_frames")?.size());
    let start = case.config.i64("start")?;
    if start < 0 || start + frames > unrolled {
        return Err(unsupported(case, "a start so late that the motion sequence is too short"));
    }
    let spec = MocoganSpec {
        video_length: count("T")?,
        side: side(case, "gen_i.main.0.weight")?,
        channels: count("nc")?,
        content_size: count("d_C")?,
        categories: Categories::None,
        motion_size: count("d_E")?,
        motion: Motion::Lstm {
            hidden_size: count("hidden_size")?,
            forget_bias: number(case, "forget_bias")?,
            frames: count("n_frames")?,
        },
        generator_width: count("ngf")?,
        ..MocoganSpec::default()
    };
    let builder = builder(place);
    let frame_network = builder.module("gen_i").sub("main");
    let generator = VideoGenerator::new(&builder.module("lstm"), &frame_network, &spec);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let mut draws = NamedDraws {
        content: input(case, "z_C", place)?,
        motion: input(case, "eps", place)?,
        start,
    };
    let samples = integer::<Count>(case, "batch_size")?.size();
    let videos = generator.sample_videos(samples, frames, Mode::Train, &mut draws);
    let mut capture = Capture::default();
    capture.tensor("Z", &videos.latents.z.unsqueeze(-1).unsqueeze(-1));
    capture.tensor("fake_videos", &videos.frames);
    pull_back(case, place, &videos.frames, &params, &mut capture)?;
    Ok(capture.finish())
}

/// Without categories the original returns zeros, which NumPy makes in f64.
fn labels(
    case: &Case,
    drawn: Option<&Tensor>,
    samples: i64,
    place: Placement,
    capture: &mut Capture,
) -> Result<(), PortError> {
    const NAME: &str = "z_categ_labels";
    let zeros = vec![0; usize::try_from(samples).map_err(refused)?];
    match (drawn, case.output_spec(NAME).map(|output| output.dtype)) {
        (Some(drawn), _) => capture.tensor(NAME, drawn),
        (None, Some(ElementType::F32 | ElementType::F64)) => {
            let zeros = zeros.iter().map(|&zero| f64::from(zero)).collect();
            capture.vector(case, NAME, zeros, place.precision);
        }
        (None, _) => {
            let zeros: Vec<i64> = zeros.iter().map(|&zero| i64::from(zero)).collect();
            capture.tensor(NAME, &Tensor::from_slice(&zeros));
        }
    }
    Ok(())
}

/// Captures the scalar product with the cotangent, if any, its gradients, and the state after.
fn pull_back(
    case: &Case,
    place: Placement,
    frames: &Tensor,
    params: &Params,
    capture: &mut Capture,
) -> Result<(), PortError> {
    if case.tensor_spec("cotangent").is_some() {
        let scalar = inner(&input(case, "cotangent", place)?, frames);
        scalar.backward();
        capture.tensor("scalar", &scalar);
        capture.gradients(params);
    }
    capture.after(params);
    Ok(())
}
