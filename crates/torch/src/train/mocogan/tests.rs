use std::collections::BTreeMap;

use tch::Tensor;

use super::*;
use crate::{
    models::mocogan::training::Real,
    train::{
        evaluate::{Judge, Networks, Scope, evaluate_in_training},
        state::StateError,
    },
};
use reprise_base::{
    config::{
        data::Dataset,
        feature_network::{FeatureNetworks, NetworkFile},
        protocol::Protocol,
    },
    scalar::{Count, Epoch, Step},
};
use reprise_data::{self as data, Required, Split};

/// Returns a run of tiny networks on the embedded videos.
fn spec(motion: &str) -> RunSpec {
    let json = format!(
        r#"{{
            "seed": 1,
            "data": {{ "dataset": "weizmann_like" }},
            "optimizer": {{ "adam": {{ "learning_rate": 0.0002, "beta1": 0.5 }} }},
            "model": {{ "mocogan": {{
                "motion": {motion}, "categories": {{ "count": 5 }}, "image_batch": 3,
                "content_size": 2, "motion_size": 2, "generator_width": 2, "discriminator_width": 2,
                "video_discriminator": {{ "categorical": {{
                    "real_categories": "added", "generated_categories": "added" }} }}
            }} }}
        }}"#
    );
    let spec: RunSpec = serde_json::from_str(&json).expect("it is valid");
    spec.check().expect("the settings are valid");
    spec
}

fn gru() -> RunSpec {
    spec(r#""gru""#)
}

fn pack() -> Pack {
    let cache = tempfile::tempdir().expect("a temporary folder");
    data::open(&Dataset::WeizmannLike, Required::AllSplits, cache.path(), &mut |_| {})
        .expect("it is embedded")
}

fn mocogan(spec: &RunSpec) -> &MocoganSpec {
    match &spec.model {
        reprise_base::config::model::ModelSpec::Mocogan(mocogan) => mocogan,
        other => panic!("{other:?}"),
    }
}

fn system(spec: &RunSpec, pack: &Pack) -> MocoganSystem {
    check_data(mocogan(spec), pack).expect("the data fit");
    MocoganSystem::new(spec, mocogan(spec), pack, Device::Cpu)
}

fn at(step: u64) -> At {
    At::update(Step(step), Epoch(0))
}

fn examples<'a>(pack: &'a Pack, indices: &'a [usize]) -> Examples<'a> {
    Examples { pack, split: Split::Train, indices, device: Device::Cpu }
}

fn parameters(system: &MocoganSystem) -> BTreeMap<String, Tensor> {
    let entries = system.state.params.iter();
    entries.map(|entry| (entry.name.clone(), entry.tensor.detach().copy())).collect()
}

#[test]
fn batches_are_a_function_of_the_step_with_values_from_minus_one_to_one() {
    let (spec, pack) = (gru(), pack());
    let system = system(&spec, &pack);
    let real = |step: u64, indices: &[usize]| -> Real {
        system.cutting.real(&examples(&pack, indices), &system.categories, Step(step))
    };
    let three = real(3, &[0, 9]);
    assert_eq!(three.images.size(), [3, 3, 64, 64]);
    assert_eq!(three.videos.size(), [2, 3, 16, 64, 64]);
    let extremes = (three.videos.min().double_value(&[]), three.videos.max().double_value(&[]));
    assert!(extremes.0 >= -1.0 && extremes.1 <= 1.0 && extremes.0 < 0.0 && extremes.1 > 0.0);
    assert_eq!(three.videos, real(3, &[0, 9]).videos);
    assert_ne!(three.videos, real(4, &[0, 9]).videos);
    assert_ne!(three.images, real(4, &[0, 9]).images);
    // The trainer determines the order of videos; frames have an order of their own.
    assert_eq!(three.images, real(3, &[5]).images);
}

#[test]
fn categories_are_numbered_over_all_splits() {
    let (spec, pack) = (gru(), pack());
    let system = system(&spec, &pack);
    assert_eq!(system.categories, ["bend", "jack", "walk", "wave1", "wave2"]);
    let real = system.cutting.real(&examples(&pack, &[0, 9]), &system.categories, Step(0));
    let labels = real.categories.expect("clips have categories");
    assert_eq!(labels, Tensor::from_slice(&[0_i64, 4]));
    assert_eq!(pack.sequence_name(Split::Train, 9).split('/').next(), Some("wave2"));
}

#[test]
fn another_number_of_categories_is_refused() {
    let (spec, pack) = (gru(), pack());
    let six =
        MocoganSpec { categories: Categories::Count(Count::literal(6)), ..mocogan(&spec).clone() };
    let refused = check_data(&six, &pack).expect_err("the data have five");
    assert_eq!(refused, UnfitData::Categories { expected: 6, found: 5 });
}

#[test]
fn an_iteration_resumes_bit_for_bit() {
    let (spec, pack) = (gru(), pack());
    let (mut whole, mut first) = (system(&spec, &pack), system(&spec, &pack));
    let batches = [[0, 4], [7, 2]];
    for (step, indices) in (0..).zip(&batches) {
        let scalars = whole.update(&examples(&pack, indices), at(step)).expect("it is finite");
        assert_eq!(scalars.len(), 3);
    }
    first.update(&examples(&pack, &batches[0]), at(0)).expect("it is finite");

    let mut second = system(&spec, &pack);
    let checkpoint = first.state.checkpoint_tensors();
    second.state.load_checkpoint(1, &checkpoint).expect("names and shapes are the same");
    second.update(&examples(&pack, &batches[1]), at(1)).expect("it is finite");
    assert_eq!(parameters(&second), parameters(&whole));
    let parameters: Vec<_> =
        checkpoint.into_iter().filter(|tensor| tensor.name.starts_with("model/")).collect();
    assert!(matches!(second.state.load_checkpoint(1, &parameters), Err(StateError::Optimizer)));
}

#[test]
fn a_video_does_not_depend_on_its_batch() {
    let (spec, pack) = (gru(), pack());
    let system = system(&spec, &pack);
    let generator = &system.model.generator;
    let protocol = Protocol::own(&spec, Split::Test);
    let both = system.sample(generator, protocol, &[4, 9]);
    let alone = system.sample(generator, protocol, &[9]);
    assert_eq!(both.size(), [2, 3, 16, 64, 64]);
    assert!(both.get(1).allclose(&alone.get(0), 1e-5, 1e-5, false));
    assert!(!both.get(1).allclose(&both.get(0), 1e-3, 1e-3, false));
}

#[test]
fn a_grid_crosses_the_contents_and_motions_of_single_videos() {
    let (spec, pack) = (gru(), pack());
    let system = system(&spec, &pack);
    let protocol = Protocol::own(&spec, Split::Test);
    let codes = sample::GridCodes {
        contents: 2,
        categories: vec![0, 1, 2],
        frames: mocogan(&spec).video_length,
    };
    let grid = system.grid(protocol, &codes);
    assert_eq!(grid.size(), [2 * 3, 16, 3, 64, 64]);
    // Videos 0 and 1 have the categories 0 and 1; they are on the diagonal.
    let alone = system.sample(&system.model.generator, protocol, &[0, 1]);
    let alone = ((alone + 1.0) / 2.0).transpose(1, 2); // [N, T, C, S, S]
    let distance = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
    for (place, number) in [(0, 0), (4, 1)] {
        let distance = distance(&grid.get(place), &alone.get(number));
        assert!(distance < 1e-6, "video {number}: {distance}");
    }
    // The networks are untrained and small, so videos are similar.
    for (a, b) in [(0, 1), (0, 3), (1, 4)] {
        let distance = distance(&grid.get(a), &grid.get(b));
        assert!(distance > 1e-5, "{a} and {b}: {distance}");
    }
    let longer = sample::GridCodes { frames: Count::literal(40), ..codes };
    assert_eq!(system.grid(protocol, &longer).size(), [2 * 3, 40, 3, 64, 64]);
    assert_eq!(system.frames_max(), None);
}

#[test]
fn an_lstm_makes_no_more_frames_than_it_computes() {
    let motion = r#"{ "lstm": { "hidden_size": 3, "forget_bias": 1.0, "frames": 20 } }"#;
    let (spec, pack) = (spec(motion), pack());
    let system = system(&spec, &pack);
    let most = system.frames_max().unwrap();
    let codes = sample::GridCodes {
        contents: 1,
        categories: vec![0],
        frames: Count::try_from(most).unwrap(),
    };
    let grid = system.grid(Protocol::own(&spec, Split::Test), &codes);
    assert_eq!(grid.size()[1], 18);
}

#[test]
fn an_evaluation_scores_baselines_and_changes_no_state() {
    let motion = r#"{ "lstm": { "hidden_size": 3, "forget_bias": 1.0, "frames": 20 } }"#;
    let (spec, pack) = (spec(motion), pack());
    let system = system(&spec, &pack);
    let before = parameters(&system);
    let mut scope = Scope { batch_size: 4, ..Scope::own(&spec, Split::Test) };
    scope.protocol.sequences = Count::literal(5);
    let evaluation = evaluate_in_training(system.scoring(), &pack, scope, Device::Cpu);
    assert_eq!(parameters(&system), before);
    let scores = &evaluation.scores;
    assert_eq!(
        scores["model"]["energy_distance"],
        scores["untrained_generator"]["energy_distance"]
    );
    let of = |predictor: &str| scores[predictor]["energy_distance"].mean;
    assert!(of("real_videos") < of("mean_video") && of("mean_video") < of("model"));
    assert!(scores["real_videos"]["category_accuracy"].mean > 0.8);
    assert_eq!(evaluation.names, system.categories);
    assert_eq!(evaluation.tensors[0].shape, [15, 16, 64, 64, 3]);
    assert_eq!(evaluation.tensors[1].shape, [5, 16, 64, 64, 3]);
}

#[test]
fn fvd_compares_sets_of_videos() {
    let (spec, pack) = (gru(), pack());
    let system = system(&spec, &pack);
    let mut scope = Scope { batch_size: 4, ..Scope::own(&spec, Split::Test) };
    scope.protocol.sequences = Count::literal(2);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/feature_networks/fvd.pt");
    let file = NetworkFile { file: file.into(), sha256: None };
    let files = FeatureNetworks { lpips: None, fvd: Some(file) };
    let networks = Networks::load(&files, Device::Cpu).expect("the network is read");
    let evaluation = system.judge(&pack, scope, &networks, Device::Cpu).expect("it fits");
    let name = networks.fvd.expect("it is there").name();
    let of = |predictor: &str| evaluation.scores[predictor][&name].mean;
    let [model, untrained, real] = ["model", "untrained_generator", "real_videos"].map(of);
    assert_eq!(model.to_bits(), untrained.to_bits(), "nothing was trained");
    assert!(real > 0.0 && model > 0.0 && real.to_bits() != model.to_bits());
    assert!(!evaluation.scores["mean_video"].contains_key(&name));
}
