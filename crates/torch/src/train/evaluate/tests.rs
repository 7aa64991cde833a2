use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use super::{samples, *};
use crate::train::{first_steps::take_first_steps, system::System, systems::build};
use reprise_base::{
    config::{
        RunSpec,
        data::Dataset,
        feature_network::{FeatureNetworks, NetworkFile},
        protocol::EvaluationRequest,
    },
    scalar::Count,
    vocabulary::MetricName,
};
use reprise_data::{self as data, Required};
use reprise_store::store::{evaluation::SequenceScores, event::Scores};

fn pack() -> Pack {
    let dataset =
        Dataset::MovingSquare { sequences: Count::literal(20), frames: Count::literal(6) };
    data::open(&dataset, Required::AllSplits, Path::new(""), &mut |_| {}).unwrap()
}

fn run() -> RunSpec {
    let json = r#"{
        "seed": 3,
        "data": { "dataset": { "moving_square": { "sequences": 20, "frames": 6 } } },
        "model": { "cvae": { "width": 2, "g_dim": 4, "z_dim": 3, "rnn_size": 8, "horizon": 3 } },
        "training": { "batch_size": 4 },
        "optimizer": { "adam": { "learning_rate": 0.02 } }
    }"#;
    serde_json::from_str(json).unwrap()
}

/// Returns the system after a few updates: an untrained one ignores its latent variable.
fn trained(spec: &RunSpec, pack: &Pack) -> Box<dyn System> {
    let mut system = build(spec, pack, tch::Device::Cpu);
    take_first_steps(&mut *system, spec, pack, tch::Device::Cpu, 12).unwrap();
    system
}

/// Returns the scope of a request, which is JSON.
fn scope(spec: &RunSpec, request: &str, batch_size: usize) -> Scope {
    let request: EvaluationRequest = serde_json::from_str(request).unwrap();
    Scope { batch_size, ..Scope::new(request.resolve(spec).unwrap(), spec) }
}

fn recorded(
    system: &dyn System,
    pack: &Pack,
    scope: Scope,
    known: Vec<SequenceScores>,
) -> (Evaluation, Vec<SequenceScores>) {
    recorded_with(&Networks::default(), system, pack, scope, known)
}

fn recorded_with(
    networks: &Networks,
    system: &dyn System,
    pack: &Pack,
    scope: Scope,
    known: Vec<SequenceScores>,
) -> (Evaluation, Vec<SequenceScores>) {
    let mut all = known.clone();
    let mut after_batch = |batch: &[SequenceScores]| {
        all.extend_from_slice(batch);
        Ok(ControlFlow::Continue(()))
    };
    let course = Course::Recorded { known, networks, after_batch: &mut after_batch };
    let evaluation = evaluate(system.scoring(), pack, scope, tch::Device::Cpu, course);
    (evaluation.unwrap().unwrap(), all)
}

#[track_caller]
fn assert_close(a: &Scores, b: &Scores) {
    let values = |scores: &Scores| -> BTreeMap<String, f64> {
        reprise_store::store::event::score_values(scores).into_iter().collect()
    };
    let (a, b) = (values(a), values(b));
    assert!(a.keys().eq(b.keys()));
    for (name, value) in &a {
        assert!(
            (value - b[name]).abs() <= 1e-4 * value.abs().max(0.1),
            "{name}: {value} {}",
            b[name]
        );
    }
}

#[test]
fn scores_do_not_depend_on_the_batch_size() {
    let (spec, pack) = (run(), pack());
    let system = trained(&spec, &pack);
    let scored = |batch_size| {
        let scope = scope(&spec, r#"{ "samples": 3 }"#, batch_size);
        recorded(&*system, &pack, scope, Vec::new()).0.scores
    };
    // One sample at a time, sequences split between batches, two sequences per batch.
    let whole = scored(6);
    for batch_size in [1, 2, 4] {
        assert_close(&scored(batch_size), &whole);
    }
}

#[test]
fn an_interrupted_evaluation_ends_with_the_bits_of_an_uninterrupted_one() {
    let (spec, pack) = (run(), pack());
    let system = trained(&spec, &pack);
    let scope = scope(&spec, r#"{ "samples": 2 }"#, 4);
    let (whole, all) = recorded(&*system, &pack, scope, Vec::new());
    assert_eq!(all.len(), 5);
    for known in [2, 4] {
        let (resumed, again) = recorded(&*system, &pack, scope, all[..known].to_vec());
        assert_eq!((&resumed.scores, &resumed.tensors), (&whole.scores, &whole.tensors));
        assert_eq!((resumed.names, again), (whole.names.clone(), all.clone()));
    }
}

#[test]
fn an_evaluation_stops_after_a_batch() {
    let (spec, pack) = (run(), pack());
    let system = trained(&spec, &pack);
    let mut sequences = 0;
    let mut after_batch = |batch: &[SequenceScores]| {
        sequences += batch.len();
        Ok(ControlFlow::Break(()))
    };
    let course = Course::Recorded {
        known: Vec::new(),
        networks: &Networks::default(),
        after_batch: &mut after_batch,
    };
    let scope = scope(&spec, "{}", 2);
    let stopped = evaluate(system.scoring(), &pack, scope, tch::Device::Cpu, course).unwrap();
    assert!(stopped.is_none());
    assert_eq!(sequences, 2);
}

#[test]
fn the_first_sample_is_the_prediction_of_training_and_more_samples_only_improve_the_best() {
    let (spec, pack) = (run(), pack());
    let system = trained(&spec, &pack);
    let own = Scope::own(&spec, reprise_data::Split::Test);
    let own = evaluate_in_training(system.scoring(), &pack, own, tch::Device::Cpu);
    let best = |samples: u32| {
        let scope = scope(&spec, &format!(r#"{{ "samples": {samples} }}"#), 8);
        recorded(&*system, &pack, scope, Vec::new()).0.scores
    };
    let (two, four) = (best(2), best(4));
    let means = |scores: &Scores, predictor: &str| scores[predictor]["psnr"].by_sequence.clone();
    let first = means(&own.scores, "model");
    for (sequence, first) in first.into_iter().enumerate() {
        let [two_best, four_best] = [&two, &four].map(|it| means(it, "best_by_psnr")[sequence]);
        assert!(first <= two_best + 1e-4 && two_best <= four_best + 1e-4);
        assert!(means(&four, "worst_by_psnr")[sequence] <= means(&four, "model")[sequence]);
    }
    let spread = four["sample_spread"]["psnr"].mean;
    assert!(spread > 1e-4, "samples differ by more than rounding: {spread}");
    assert_eq!(own.scores["copy_last_frame"], four["copy_last_frame"]);
}

#[test]
fn the_shown_sequences_are_the_first_and_the_ranked_ones() {
    let (spec, pack) = (run(), pack());
    let system = trained(&spec, &pack);
    let scope = scope(&spec, r#"{ "samples": 5, "sequences": 5 }"#, 5);
    let (Evaluation { scores, tensors, names }, _) = recorded(&*system, &pack, scope, Vec::new());
    let by_psnr = &scores["model"]["psnr"].by_sequence;
    let best = (0..5).max_by(|&a, &b| by_psnr[a].total_cmp(&by_psnr[b])).unwrap();
    let name = pack.sequence_name(reprise_data::Split::Test, best);
    assert_eq!(names.len(), 7);
    assert_eq!(names[4], format!("{name} (best by PSNR)"));
    let shapes: BTreeMap<&str, &[usize]> =
        tensors.iter().map(|it| (it.name.as_str(), it.shape.as_slice())).collect();
    assert_eq!(shapes["prediction"], [7, 5, 64, 64, 3]);
    assert_eq!(shapes["samples"], [7, 4, 5, 64, 64, 3]);
    assert_eq!(shapes["best_sample"], [7, 5, 64, 64, 3]);
}

#[test]
fn latent_and_feedback_change_predictions_and_context_is_given() {
    let (spec, pack) = (run(), pack());
    let system = trained(&spec, &pack);
    let of = |request: &str| {
        let scope = scope(&spec, request, 16);
        recorded(&*system, &pack, scope, Vec::new()).0.scores["model"]["mse"].clone()
    };
    let free = of("{}");
    let posterior = of(r#"{ "latent": "posterior" }"#);
    let forced = of(r#"{ "feedback": "teacher_forced" }"#);
    assert_ne!(free.by_frame[0].to_bits(), posterior.by_frame[0].to_bits());
    // The first predicted frame reads only the context either way.
    assert_eq!(free.by_frame[0].to_bits(), forced.by_frame[0].to_bits());
    assert_ne!(free.by_frame[1].to_bits(), forced.by_frame[1].to_bits());
    assert_eq!(of(r#"{ "context": 4, "horizon": 2 }"#).by_frame.len(), 2);
}

/// Returns the small networks of `tests/fixtures/feature_networks`.
fn networks() -> Networks {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/feature_networks");
    let files = r#"{ "lpips": { "file": "lpips.pt" }, "fvd": { "file": "fvd.pt" } }"#;
    let files: FeatureNetworks<NetworkFile> = serde_json::from_str(files).unwrap();
    let files = files.map(|network| NetworkFile {
        file: Path::new(folder).join(&network.file),
        sha256: network.sha256,
    });
    Networks::load(&files, tch::Device::Cpu).unwrap()
}

#[test]
fn lpips_and_fvd_do_not_depend_on_the_batch_size_and_resume_to_the_same_bits() {
    let (spec, pack, networks) = (run(), pack(), networks());
    let system = trained(&spec, &pack);
    let scored = |batch_size, known| {
        let scope = scope(&spec, r#"{ "samples": 3 }"#, batch_size);
        recorded_with(&networks, &*system, &pack, scope, known)
    };
    let (whole, all) = scored(6, Vec::new());
    for batch_size in [1, 4] {
        assert_close(&scored(batch_size, Vec::new()).0.scores, &whole.scores);
    }
    let (resumed, again) = scored(6, all[..2].to_vec());
    assert_eq!((&resumed.scores, &again), (&whole.scores, &all));

    let name = |metric: MetricName| {
        let is_it = |name: &&String| MetricName::without_network(name) == metric.as_str();
        whole.scores["model"].keys().find(is_it).expect("it is scored").clone()
    };
    let (lpips, fvd) = (name(MetricName::Lpips), name(MetricName::Fvd));
    let of = |predictor: &str| &whole.scores[predictor][&lpips];
    assert_eq!(of("model").by_frame.len(), 3);
    assert!(of("copy_last_frame").by_frame.iter().all(|&value| value > 0.0));
    for sequence in 0..5 {
        let [best, mean, worst] = ["best_by_lpips", "model", "worst_by_lpips"]
            .map(|predictor| of(predictor).by_sequence[sequence]);
        assert!(best < mean && mean < worst);
    }
    // Every clip has the features of all its frames.
    let lengths = |name: &str| -> Vec<usize> {
        all[0].features[name].iter().map(|features| features.0.len()).collect()
    };
    assert_eq!((lengths("truth"), lengths("model")), (vec![5], vec![5, 5, 5]));
    assert!(whole.scores["model"][&fvd].mean > 0.0 && !whole.scores.contains_key("truth"));
    assert!(!whole.scores["best_by_lpips"].contains_key(&fvd), "a set has no best sample");
}

#[test]
fn a_perfect_prediction_has_no_lpips_and_no_fvd() {
    struct Truth;
    impl VideoPredictor for Truth {
        fn predict(&self, request: &RolloutRequest<'_>) -> PredictedRows {
            PredictedRows { frames: request.batch.frames.shallow_clone(), others: Vec::new() }
        }
    }
    let (spec, pack, networks) = (run(), pack(), networks());
    let mut after_batch = |_: &[SequenceScores]| Ok(ControlFlow::Continue(()));
    let course =
        Course::Recorded { known: Vec::new(), networks: &networks, after_batch: &mut after_batch };
    let scope = scope(&spec, "{}", 4);
    let evaluation =
        evaluate(Scoring::Frames(&Truth), &pack, scope, tch::Device::Cpu, course).unwrap().unwrap();
    for (name, score) in &evaluation.scores["model"] {
        let is_network_metric = MetricName::without_network(name) != name;
        let copied = evaluation.scores["copy_last_frame"][name].mean;
        let is_zero = score.mean.abs() < 1e-6 * copied;
        assert!(!is_network_metric || is_zero, "{name}: {} {copied}", score.mean);
    }
    assert_eq!(evaluation.scores["model"].len(), 5);
}

#[test]
fn statistics_of_equal_samples_have_no_spread() {
    let one = vec![vec![1.0, 2.0]];
    let statistics = samples::statistics(&[MetricName::Psnr], &vec![one.clone(), one.clone()]);
    let (name, spread) = statistics.by_frame.last().unwrap();
    assert_eq!((name.as_str(), spread), ("sample_spread", &vec![vec![0.0, 0.0]]));
}
