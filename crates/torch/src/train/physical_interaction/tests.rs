use std::{collections::BTreeMap, path::Path};

use tch::Device;

use super::*;
use crate::train::evaluate::{Evaluation, evaluate_in_training};
use reprise_base::{
    config::data::Dataset,
    scalar::{Count, Epoch, Step},
};
use reprise_data::{self as data, Required, Split};
use reprise_store::store::tensors::state_digest;

fn pack() -> Pack {
    let dataset = Dataset::MovingSquare { sequences: Count::literal(4), frames: Count::literal(6) };
    data::open(&dataset, Required::AllSplits, Path::new(""), &mut |_| {}).expect("it is drawn")
}

fn spec(model: &str, form: &str) -> RunSpec {
    let model = format!(r#"{{ "width": 2, "horizon": 3, {model} }}"#);
    let json = format!(
        r#"{{ "seed": 5, "model": {{ "physical_interaction": {model} }},
              "optimizer": {{ "adam": {{ "form": "{form}" }} }},
              "training": {{ "batch_size": 4 }} }}"#
    );
    let spec: RunSpec = serde_json::from_str(&json).expect("the settings are valid");
    spec.check().expect("the settings are valid");
    spec
}

fn system(spec: &RunSpec, pack: &Pack) -> Box<dyn System> {
    crate::train::systems::build(spec, pack, Device::Cpu)
}

fn update(system: &mut dyn System, pack: &Pack, step: u64) -> Scalars {
    let examples =
        Examples { pack, split: Split::Train, indices: &[0, 1, 2, 3], device: Device::Cpu };
    let at = At::update(Step(step), Epoch(0));
    system.update(&examples, at).expect("everything is finite")
}

fn digest(system: &dyn System) -> String {
    state_digest(&system.state().model_tensors())
}

const CDNA: &str = r#""transformation": { "cdna": { "masks": 3 } }"#;

#[test]
fn an_update_is_a_function_of_its_step() {
    let pack = pack();
    // With k = 1 half of the batch gets true frames at step 0, so the result depends on the
    // permutation.
    let settings =
        format!(r#"{CDNA}, "scheduled_sampling": {{ "inverse_sigmoid": {{ "k": 1 }} }}"#);
    let spec = spec(&settings, "tensorflow");
    let after = |seed: u64| {
        let mut system = system(&RunSpec { seed: Seed(seed), ..spec.clone() }, &pack);
        let scalars = update(&mut *system, &pack, 0);
        assert_eq!(scalars[&SeriesName::TrueFrameShare].to_bits(), 0.5_f64.to_bits());
        digest(&*system)
    };
    assert_eq!(after(5), after(5));
    assert_ne!(after(5), after(6));
}

/// Resumes from a checkpoint after two updates and expects the bits of three uninterrupted ones.
#[track_caller]
fn check_resume(model: &str, form: &str) {
    let pack = pack();
    let spec = spec(model, form);
    let mut whole = system(&spec, &pack);
    for step in 0..2 {
        update(&mut *whole, &pack, step);
    }
    let checkpoint = whole.state().checkpoint_tensors();
    update(&mut *whole, &pack, 2);

    let mut resumed = system(&spec, &pack);
    resumed.state_mut().load_checkpoint(2, &checkpoint).expect("the checkpoint is complete");
    update(&mut *resumed, &pack, 2);
    assert_eq!(digest(&*resumed), digest(&*whole));
    let states = [resumed, whole].map(|system| state_digest(&system.state().checkpoint_tensors()));
    assert_eq!(states[0], states[1], "the optimizer's moments, too");
}

#[test]
fn weights_that_are_redrawn_forget_every_update() {
    let pack = pack();
    let last_loss = |weights: &str, updates: std::ops::Range<u64>| {
        let settings = format!(r#"{CDNA}, "port": "chainer-stateless", "weights": "{weights}""#);
        let mut system = system(&spec(&settings, "chainer"), &pack);
        let losses: Vec<f64> =
            updates.map(|step| update(&mut *system, &pack, step)[&SeriesName::Loss]).collect();
        losses.last().map(|loss| loss.to_bits())
    };
    assert_eq!(last_loss("redrawn", 0..2), last_loss("redrawn", 1..2));
    assert_ne!(last_loss("redrawn", 0..1), last_loss("redrawn", 1..2));
    assert_ne!(last_loss("kept", 0..2), last_loss("kept", 1..2));
    let settings = format!(r#"{CDNA}, "port": "chainer-stateless", "weights": "redrawn""#);
    check_resume(&settings, "chainer");
}

#[test]
fn every_transformation_and_port_resumes_bit_for_bit() {
    check_resume(CDNA, "tensorflow");
    check_resume(r#""transformation": "dna", "port": "tensorflow-fixed-linear""#, "tensorflow");
    check_resume(r#""transformation": { "stp": { "masks": 3 } }, "port": "chainer""#, "chainer");
    check_resume(&format!(r#"{CDNA}, "port": "chainer-stateless""#), "chainer");
}

#[test]
fn an_evaluation_scores_frames_and_states_and_saves_masks_and_kernels() {
    let pack = pack();
    let spec = spec(CDNA, "tensorflow");
    let system = system(&spec, &pack);
    let scope = Scope::own(&spec, Split::Test);
    let Evaluation { scores, tensors, names } =
        evaluate_in_training(system.scoring(), &pack, scope, Device::Cpu);
    assert_eq!(names.len(), 1);
    let metrics: Vec<&str> = scores["model"].keys().map(String::as_str).collect();
    assert_eq!(metrics, ["mse", "psnr", "ssim", "state_mse"]);
    assert!(scores["copy_last_frame"]["state_mse"].by_frame.iter().all(|error| *error > 0.0));
    let [height, width, channels] = pack.frame_shape();
    let shapes: BTreeMap<&str, &[usize]> =
        tensors.iter().map(|it| (it.name.as_str(), it.shape.as_slice())).collect();
    let expected: [(&str, &[usize]); 7] = [
        ("inspected_frames", &[3]),
        ("kernels", &[1, 3, 3, 5, 5]),
        ("masks", &[1, 3, 4, height, width]),
        ("prediction", &[1, 5, height, width, channels]),
        ("previous", &[1, 3, height, width, channels]),
        ("transformed", &[1, 3, 4, height, width, channels]),
        ("truth", &[1, 5, height, width, channels]),
    ];
    assert_eq!(shapes, BTreeMap::from(expected));
}

#[test]
fn every_scalar_has_a_definition() {
    let pack = pack();
    let mut system = system(&spec(r#""transformation": "dna""#, "tensorflow"), &pack);
    let scalars = update(&mut *system, &pack, 0);
    let mut defined: Vec<_> = system.series().into_iter().map(|(name, _)| name).collect();
    defined.sort_unstable();
    assert!(scalars.keys().eq(&defined));
    let sum = (scalars[&SeriesName::Reconstruction] + scalars[&SeriesName::StateLoss]) / 3.0;
    assert!((scalars[&SeriesName::Loss] - sum).abs() < 1e-6 * sum);
}
