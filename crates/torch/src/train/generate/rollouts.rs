//! Roll-outs of chosen sequences, beside the true frames.

use tch::Tensor;

use super::made::{GeneratedRow, GeneratedVideos, array};
use crate::{
    libtorch::convert::to_host,
    train::{
        batch::{self, Examples, FrameCounts},
        error::TrainError,
        evaluate::{RolloutRequest, SampleRow, Scoring},
        systems::{build, check_protocol},
        trained::Trained,
    },
};
use reprise_base::config::protocol::{Latent, Protocol, RolloutProtocol};
use reprise_data::Pack;

/// Which roll-outs to make.
#[derive(Clone, Copy, Debug)]
pub struct RolloutSet<'a> {
    pub pack: &'a Pack,
    /// How frames are predicted, one set of columns each. They differ only in latent variables and samples.
    pub protocols: &'a [Protocol],
    /// Places of the sequences within the split.
    pub sequences: &'a [usize],
}

/// Makes roll-outs: a row per sequence with the true frames, then the samples of each protocol.
///
/// Arrays: `truth` `[N, T, C, H, W]` and one per protocol, `[N, S, T, C, H, W]`, named by its latent variable, or
/// `prediction`. Values are pixels, in [0, 1] for true frames. `watch` receives the number of finished predictions.
///
/// # Errors
/// If the weights do not fit the model or the data does not fit the protocols.
///
/// # Panics
/// If `protocols` is empty, or if the system predicts no frames. [`EvaluationRequest::resolve`] rejects such systems.
///
/// [`EvaluationRequest::resolve`]: reprise_base::config::protocol::EvaluationRequest::resolve
pub fn rollouts(
    trained: Trained<'_>,
    set: RolloutSet<'_>,
    watch: &mut dyn FnMut(usize),
) -> Result<GeneratedVideos, TrainError> {
    let Trained { spec, tensors, device } = trained;
    let RolloutSet { pack, protocols, sequences } = set;
    let first = protocols.first().expect("there is a protocol");
    for protocol in protocols {
        check_protocol(spec, protocol, pack)?;
    }
    let mut system = build(spec, pack, device);
    system.state_mut().load_model(tensors)?;
    let Scoring::Frames(predictor) = system.scoring() else {
        panic!("the system predicts no frames");
    };
    let own = first.rollout.expect("frames are predicted");
    let counts = FrameCounts::new(own.context, own.horizon);
    let examples = |indices: &[usize]| {
        batch::load(&Examples { pack, split: first.split, indices, device }, counts)
    };

    let mut truth = FrameValues::default();
    for sequences in sequences.chunks(spec.evaluation.batch_size.len()) {
        truth.append(&examples(sequences).frames);
    }
    let [height, width, channels] = pack.frame_shape();
    let frame = [counts.total, channels, height, width];
    let mut columns = vec![TRUTH.to_owned()];
    let mut arrays =
        vec![(TRUTH.to_owned(), array(&[&[sequences.len()], &frame[..]].concat(), truth.values))];
    let mut rows: Vec<GeneratedRow> = sequences
        .iter()
        .zip(truth.videos)
        .map(|(&index, truth)| GeneratedRow {
            name: pack.sequence_name(first.split, index).to_owned(),
            videos: vec![truth],
        })
        .collect();

    let mut done = 0;
    for protocol in protocols {
        let rollout = protocol.rollout.expect("frames are predicted");
        let samples = rollout.samples.len();
        let of_sequence =
            |&sequence: &usize| (0..samples).map(move |sample| SampleRow { sequence, sample });
        let asked: Vec<SampleRow> = sequences.iter().flat_map(of_sequence).collect();
        let mut predicted = FrameValues::default();
        for rows in asked.chunks(spec.evaluation.batch_size.len()) {
            let indices: Vec<usize> = rows.iter().map(|row| row.sequence).collect();
            let batch = examples(&indices);
            let request = RolloutRequest { batch: &batch, rows, protocol: *protocol, rollout };
            predicted.append(&predictor.predict(&request).frames);
            done += rows.len();
            watch(done);
        }
        let name = name(&rollout);
        columns.extend((1..=samples).map(|sample| match samples {
            1 => name.to_owned(),
            _ => format!("{name} {sample}"),
        }));
        let shape = [&[sequences.len(), samples], &frame[..]].concat();
        arrays.push((name.to_owned(), array(&shape, predicted.values)));
        let mut videos = predicted.videos.into_iter();
        for row in &mut rows {
            row.videos.extend(videos.by_ref().take(samples));
        }
    }
    Ok(GeneratedVideos {
        shape: [counts.total, height, width, channels],
        columns,
        rows,
        context: Some(counts.context),
        arrays,
    })
}

/// Name of the true frames.
const TRUTH: &str = "truth";

/// Returns the name of predictions.
const fn name(rollout: &RolloutProtocol) -> &'static str {
    match rollout.latent {
        Some(Latent::Prior) => "prior",
        Some(Latent::Posterior) => "posterior",
        None => "prediction",
    }
}

/// Frames of several sequences.
#[derive(Default)]
struct FrameValues {
    /// `[N, T, C, H, W]`.
    values: Vec<f32>,
    /// Bytes `[T, H, W, C]` of each sequence.
    videos: Vec<Vec<u8>>,
}

impl FrameValues {
    /// Appends frames `[T, B, C, H, W]`.
    fn append(&mut self, frames: &Tensor) {
        let frames = frames.transpose(0, 1).contiguous(); // [B, T, C, H, W]
        self.values.extend(to_host::<f32>(&frames));
        let bytes = batch::to_bytes(&frames.movedim_int(-3, -1)).contiguous(); // [B, T, H, W, C]
        let videos = (0..frames.size()[0]).map(|b| to_host::<u8>(&bytes.select(0, b)));
        self.videos.extend(videos);
    }
}
