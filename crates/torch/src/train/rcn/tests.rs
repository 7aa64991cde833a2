use std::fmt::Write as _;

use super::*;
use crate::train::evaluate::evaluate_in_training;
use reprise_base::{
    config::data::{Dataset, KeypointColumns, RowSplit},
    fs,
    scalar::{Epoch, Step},
};
use reprise_data::{self as data, Required, kaggle::PIXELS};

/// Opens a table of drawn dots; the keypoint is the centre of a bright square.
fn dots(rows: usize) -> (tempfile::TempDir, Pack) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut text = "dot_x,dot_y,Image\n".to_owned();
    for row in 0..rows {
        let [x, y] = [10 + (row * 37) % 75, 10 + (row * 53) % 75];
        let pixels = (0..PIXELS).map(|at| {
            let near = (at % SIDE).abs_diff(x) < 6 && (at / SIDE).abs_diff(y) < 6;
            if near { "200" } else { "10" }
        });
        let pixels = pixels.collect::<Vec<_>>().join(" ");
        writeln!(text, "{x}.25,{y}.75,{pixels}").expect("a string takes it");
    }
    fs::write_atomic(&folder.path().join("training.csv"), text.as_bytes()).expect("written");
    let (columns, split) = (KeypointColumns::All, RowSplit::default());
    let dataset = Dataset::Kaggle { root: folder.path().to_owned(), columns, split };
    let cache = folder.path().join("cache");
    let pack = data::open(&dataset, Required::AllSplits, &cache, &mut |_| {}).expect("it is good");
    (folder, pack)
}

fn spec(model: &str, optimizer: &str) -> RunSpec {
    let json = format!(
        r#"{{ "seed": 3, "model": {{ "rcn": {model} }}, "optimizer": {optimizer},
              "data": {{ "dataset": "facial_keypoints" }} }}"#
    );
    serde_json::from_str(&json).expect("the settings are valid")
}

const SMALL: &str = r#"{ "hidden_units": 6 }"#;
const ADAGRAD: &str = r#"{ "adagrad": { "learning_rate": 0.01 } }"#;

fn system(spec: &RunSpec, pack: &Pack) -> RcnSystem {
    let reprise_base::config::model::ModelSpec::Rcn(rcn) = &spec.model else { panic!("an rcn") };
    RcnSystem::new(spec, rcn, pack.position_size(), Device::Cpu)
}

fn step(system: &mut RcnSystem, pack: &Pack, step: u64) -> f64 {
    let indices = [0, 1 + usize::try_from(step).expect("a small step")];
    let examples = Examples { pack, split: Split::Train, indices: &indices, device: Device::Cpu };
    let at = At::update(Step(step), Epoch(0));
    system.update(&examples, at).expect("nothing diverges")[&SeriesName::Loss]
}

fn evaluated(system: &RcnSystem, pack: &Pack, split: Split, batch_size: usize) -> Evaluation {
    let scope = Scope { batch_size, ..Scope::own(&spec(SMALL, ADAGRAD), split) };
    evaluate_in_training(system.scoring(), pack, scope, Device::Cpu)
}

#[test]
fn a_resumed_run_has_the_same_bits() {
    let (_folder, pack) = dots(12);
    for optimizer in [ADAGRAD, r#"{ "gradient_descent": {} }"#, r#"{ "adam": {} }"#] {
        let spec = spec(SMALL, optimizer);
        let mut whole = system(&spec, &pack);
        let losses: Vec<u64> = (0..4).map(|at| step(&mut whole, &pack, at).to_bits()).collect();

        let mut first = system(&spec, &pack);
        let begun: Vec<u64> = (0..2).map(|at| step(&mut first, &pack, at).to_bits()).collect();
        let checkpoint = first.state.checkpoint_tensors();
        let mut second = system(&spec, &pack);
        second.state.load_checkpoint(2, &checkpoint).expect("the checkpoint fits");
        let ended: Vec<u64> = (2..4).map(|at| step(&mut second, &pack, at).to_bits()).collect();

        assert_eq!([begun, ended].concat(), losses, "{optimizer}");
        assert_eq!(second.state.model_tensors(), whole.state.model_tensors(), "{optimizer}");
    }
}

#[test]
fn a_prediction_does_not_depend_on_its_batch_even_with_dropout() {
    let (_folder, pack) = dots(20);
    let spec = spec(SMALL, ADAGRAD);
    let system = system(&spec, &pack);
    let scores = |batch| evaluated(&system, &pack, Split::Train, batch).scores;
    let (alone, together) = (scores(1), scores(5));
    let errors = |scores: &Scores| scores["model"]["rmse"].by_sequence.clone();
    for (alone, together) in errors(&alone).into_iter().zip(errors(&together)) {
        assert!((alone - together).abs() < 1e-5, "{alone} {together}");
    }
}

#[test]
fn predictions_have_dropout_unless_it_is_off() {
    let (_folder, pack) = dots(12);
    let rmse = |model: &str| {
        let system = system(&spec(model, ADAGRAD), &pack);
        evaluated(&system, &pack, Split::Test, 4).scores["model"]["rmse"].mean
    };
    let as_in_training = rmse(SMALL);
    let corrected = rmse(r#"{ "hidden_units": 6, "prediction": "off" }"#);
    let never = rmse(r#"{ "hidden_units": 6, "dropout": "off" }"#);
    assert_ne!(as_in_training.to_bits(), corrected.to_bits());
    assert_eq!(corrected.to_bits(), never.to_bits());
}

#[test]
fn pixels_are_forty_eight_scaled_units_and_the_baseline_is_the_mean_position() {
    let (_folder, pack) = dots(24);
    let system = system(&spec(SMALL, ADAGRAD), &pack);
    let Evaluation { scores, tensors, names } = evaluated(&system, &pack, Split::Train, 4);
    for predictor in ["model", "mean_position"] {
        let [scaled, pixels] = ["rmse", "rmse_pixels"].map(|metric| scores[predictor][metric].mean);
        assert!((48.0 * scaled - pixels).abs() < 1e-12);
    }
    // On the training images the error of the mean position is their standard deviation.
    let positions: Vec<&[f32]> = (0..pack.sequences(Split::Train))
        .map(|i| pack.sequence(Split::Train, i).positions)
        .collect();
    let n = positions.len() as f64;
    let variance: f64 = (0..2)
        .map(|axis| {
            let mean = positions.iter().map(|p| f64::from(p[axis])).sum::<f64>() / n;
            positions.iter().map(|p| (f64::from(p[axis]) - mean).powi(2)).sum::<f64>() / n
        })
        .sum();
    assert!((scores["mean_position"]["rmse"].mean - (variance / 2.0).sqrt()).abs() < 1e-12);
    assert_eq!(names.len(), KEPT_IMAGES);
    let stored: Vec<(&str, &[usize])> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect();
    let expected: [(&str, &[usize]); 4] = [
        ("keypoints/picture", &[KEPT_IMAGES, SIDE, SIDE]),
        ("keypoints/prediction", &[KEPT_IMAGES, 1, 2]),
        ("keypoints/truth", &[KEPT_IMAGES, 1, 2]),
        ("keypoints/rmse_pixels/dot", &[2]),
    ];
    assert_eq!(stored, expected);
}

#[test]
fn without_concatenation_only_the_first_convolution_of_each_pair_is_smaller() {
    let (_folder, pack) = dots(12);
    let shapes = |model: &str| -> BTreeMap<String, Vec<i64>> {
        let system = system(&spec(model, ADAGRAD), &pack);
        system.state.params.iter().map(|entry| (entry.name.clone(), entry.tensor.size())).collect()
    };
    let joined = shapes(SMALL);
    let alone = shapes(r#"{ "hidden_units": 6, "recombination": "none" }"#);
    assert!(joined.keys().eq(alone.keys()));
    let differing: Vec<_> = joined
        .iter()
        .filter(|(name, shape)| alone[*name] != **shape)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(differing, ["conv2_1_c.w", "conv2_2_c.w", "conv2_3_c.w"]);
    assert_eq!(alone["conv2_1_c.w"], [3, 3, 48, 48]);
}

#[test]
fn a_non_finite_loss_leaves_the_parameters_unchanged() {
    let (_folder, pack) = dots(12);
    let mut system = system(&spec(SMALL, ADAGRAD), &pack);
    let bias = system.state.params.iter().find(|entry| entry.name == "fc2.b").expect("a bias");
    let _filled = tch::no_grad(|| bias.tensor.shallow_clone().fill_(f64::NAN));
    let before = system.state.model_tensors();
    let examples =
        Examples { pack: &pack, split: Split::Train, indices: &[0, 1], device: Device::Cpu };
    let at = At::update(Step(0), Epoch(0));
    let divergence = system.update(&examples, at).expect_err("the loss is not finite");
    assert_eq!(divergence.quantity, "loss");
    assert_eq!(system.state.model_tensors(), before);
}

#[test]
fn frames_without_keypoints_are_refused() {
    let cache = tempfile::tempdir().expect("a temporary folder can be made");
    let count = reprise_base::scalar::Count::literal(1);
    let dataset = Dataset::MovingSquare { sequences: count, frames: count };
    let pack = data::open(&dataset, Required::AllSplits, cache.path(), &mut |_| {}).expect("drawn");
    let refused = check_data(&pack).expect_err("they have no keypoints");
    assert!(refused.to_string().contains("[96, 96, 1]"), "{refused}");
}

#[test]
fn loaded_weights_predict_like_the_trained_system() {
    let (_folder, pack) = dots(12);
    let run = spec(r#"{ "hidden_units": 6, "prediction": "off" }"#, ADAGRAD);
    let mut trained = system(&run, &pack);
    step(&mut trained, &pack, 0);
    let weights = trained.state.model_tensors();
    let reprise_base::config::model::ModelSpec::Rcn(rcn) = &run.model else { panic!("an rcn") };
    let images = [0, 1, 2].map(|index| pack.sequence(Split::Train, index).frames);
    let unseen = KeypointImages::Unseen(&images);
    let given = |tensors| Trained { spec: &run, tensors, device: Device::Cpu };
    let predicted = predict(given(&weights), rcn, unseen).expect("the weights fit");
    let examples =
        Examples { pack: &pack, split: Split::Train, indices: &[0, 1, 2], device: Device::Cpu };
    let expected = trained.predict(&load(&examples).images, run.seed, UNSEEN, &[0, 1, 2]);
    let expected: Vec<f64> = expected.into_iter().map(pixels).collect();
    assert_eq!(predicted.concat(), expected);
    assert!(predict(given(&weights[1..]), rcn, unseen).is_err());
    // Without dropout, images of a data set are predicted alike.
    let known = KeypointImages::Known {
        pack: &pack,
        split: Split::Train,
        seed: run.seed,
        indices: &[0, 1, 2],
    };
    assert_eq!(predict(given(&weights), rcn, known).expect("the weights fit"), predicted);
}
