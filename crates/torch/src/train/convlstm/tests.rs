use std::collections::BTreeMap;

use super::*;
use crate::train::evaluate::evaluate_in_training;
use reprise_base::{
    config::data::{Dataset, SplitSizes},
    scalar::{Count, Epoch, Step},
};
use reprise_data::{
    self as data, Required, Split,
    npy::{self, Array, ArrayData},
};

fn spec(arithmetic: &str, devices: usize) -> RunSpec {
    let devices = vec!["\"cpu\""; devices].join(", ");
    let json = format!(
        r#"{{ "seed": 1, "data": {{ "dataset": "moving_mnist" }},
              "engine": {{ "arithmetic": "{arithmetic}", "devices": [{devices}] }},
              "model": {{ "convlstm": {{ "context_frames": 2, "horizon": 3, "hidden": 2 }} }} }}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn system(arithmetic: &str) -> ConvLstmSystem {
    sharing(arithmetic, 1)
}

fn sharing(arithmetic: &str, devices: usize) -> ConvLstmSystem {
    let spec = spec(arithmetic, devices);
    let reprise_base::config::model::ModelSpec::ConvLstm(convlstm) = &spec.model else {
        unreachable!()
    };
    ConvLstmSystem::new(&spec, convlstm, [64, 64, 1], tch::Device::Cpu)
}

/// A data set of six grey sequences of five frames.
fn pack() -> Pack {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frames.npy");
    let shape = vec![5, 6, 64, 64];
    let pixels = (0..shape.iter().product::<usize>()).map(|i| (i * i % 251).to_le_bytes()[0]);
    npy::write(&file, &Array { shape, elements: ArrayData::U8(pixels.collect()) }).unwrap();
    let two = Count::literal(2);
    let sequences = SplitSizes { train: two, validate: two, test: two };
    let dataset = Dataset::MnistTestSeq { file, sequences: Some(sequences), axes: None, key: None };
    data::open(&dataset, Required::AllSplits, &folder.path().join("cache"), &mut |_| {}).unwrap()
}

const FIRST: At = At::update(Step(0), Epoch(0));

fn examples<'a>(pack: &'a Pack, indices: &'a [usize]) -> Examples<'a> {
    Examples { pack, split: Split::Train, indices, device: tch::Device::Cpu }
}

fn parameters(system: &ConvLstmSystem) -> BTreeMap<String, Tensor> {
    let entries = system.state.params.iter();
    entries.map(|entry| (entry.name.clone(), entry.tensor.detach().copy())).collect()
}

/// The mean of the gradients of two batches is the gradient of both together, up to rounding.
#[test]
fn accumulated_batches_are_one_larger_batch() {
    let pack = pack();
    let trained = |batch_size: u32, batches: u32| {
        let mut spec = spec("exact", 1);
        spec.training.batch_size = Count::literal(batch_size);
        spec.training.accumulated_batches = Count::literal(batches);
        spec.optimizer = serde_json::from_str(
            r#"{"gradient_descent": {"learning_rate": 0.5, "form": "pytorch"}}"#,
        )
        .unwrap();
        let reprise_base::config::model::ModelSpec::ConvLstm(convlstm) = &spec.model else {
            unreachable!()
        };
        let mut system = ConvLstmSystem::new(&spec, convlstm, [64, 64, 1], tch::Device::Cpu);
        system.state_mut().prepare(&spec.training);
        let scalars = system.take_step(&examples(&pack, &[0, 1]), FIRST).unwrap();
        (scalars[&SeriesName::Loss], parameters(&system))
    };
    let ((loss, whole), (mean, parts)) = (trained(2, 1), trained(1, 2));
    assert!((loss - mean).abs() < 1e-6 * loss, "{loss} {mean}");
    let before = parameters(&system("exact"));
    for (name, whole) in &whole {
        let moved = (whole - &before[name]).abs().max().double_value(&[]);
        let error = (whole - &parts[name]).abs().max().double_value(&[]);
        assert!(moved > 0.0 && error <= 1e-3 * moved, "{name}: {error:e} of {moved:e}");
    }
}

#[test]
fn equal_seeds_give_equal_bits_and_so_do_resumed_runs() {
    let pack = pack();
    let mut whole = system("exact");
    let mut first = system("exact");
    for indices in [[0, 1], [1, 0]] {
        whole.update(&examples(&pack, &indices), FIRST).unwrap();
    }
    first.update(&examples(&pack, &[0, 1]), FIRST).unwrap();

    let mut second = system("exact");
    second.state.load_checkpoint(1, &first.state.checkpoint_tensors()).unwrap();
    second.update(&examples(&pack, &[1, 0]), FIRST).unwrap();
    assert_eq!(parameters(&second), parameters(&whole));
}

#[test]
fn a_non_finite_loss_leaves_the_parameters_unchanged() {
    let mut system = system("exact");
    let before = parameters(&system);
    let frames = Tensor::full([5, 2, 1, 8, 8], f64::NAN, (Kind::Float, tch::Device::Cpu));
    let refused = system.step(&Batch { frames, condition: Tensor::new() }).unwrap_err();
    assert_eq!(refused.quantity, "loss");
    assert_eq!(parameters(&system), before);
}

#[test]
fn sixteen_bits_approximate_the_objective() {
    let pack = pack();
    let loss = |arithmetic| {
        let mut system = system(arithmetic);
        system.update(&examples(&pack, &[0, 1]), FIRST).unwrap()[&SeriesName::Loss]
    };
    let exact = loss("exact");
    for (arithmetic, bound) in [("bf16", 1e-2), ("fp16", 1e-3)] {
        let reduced = loss(arithmetic);
        assert!((exact - reduced).abs() < bound * exact, "{exact} and {reduced}");
        assert_ne!(exact.to_bits(), reduced.to_bits());
    }
}

#[test]
fn an_overflow_in_float16_updates_nothing_and_halves_the_scale() {
    let mut system = system("fp16");
    let before = parameters(&system);
    assert_eq!(system.state.loss_scale(), Some(65536.0));
    // The gradient of the squared error, times the scale, is larger than a float16.
    let frames = Tensor::full([5, 2, 1, 8, 8], 1e4, (Kind::Float, tch::Device::Cpu));
    system.step(&Batch { frames, condition: Tensor::new() }).unwrap();
    assert_eq!(parameters(&system), before);
    assert_eq!(system.state.loss_scale(), Some(32768.0));

    let pack = pack();
    system.update(&examples(&pack, &[0, 1]), FIRST).unwrap();
    assert_ne!(parameters(&system), before);
    assert_eq!(system.state.loss_scale(), Some(32768.0));
}

#[test]
fn a_run_in_float16_resumes_to_the_same_bits() {
    let pack = pack();
    let mut whole = system("fp16");
    let frames = || Tensor::full([5, 2, 1, 8, 8], 1e4, (Kind::Float, tch::Device::Cpu));
    whole.step(&Batch { frames: frames(), condition: Tensor::new() }).unwrap();
    whole.update(&examples(&pack, &[0, 1]), FIRST).unwrap();
    let checkpoint = whole.state.checkpoint_tensors();
    whole.update(&examples(&pack, &[1, 0]), FIRST).unwrap();

    let mut resumed = system("fp16");
    resumed.state.load_checkpoint(2, &checkpoint).unwrap();
    resumed.update(&examples(&pack, &[1, 0]), FIRST).unwrap();
    assert_eq!(parameters(&resumed), parameters(&whole));
}

/// Compares the gradients of replicas with those of one model, on frames of different brightness.
#[track_caller]
fn check_sharing(devices: usize, sequences: i64) {
    let frames = Tensor::arange(5 * sequences * 64, (Kind::Float, tch::Device::Cpu)).sin().abs()
        * Tensor::arange(sequences, (Kind::Float, tch::Device::Cpu))
            .repeat_interleave_self_int(64, None, None)
            .repeat([5])
        / (sequences - 1) as f64;
    let batch = Batch { frames: frames.view([5, sequences, 1, 8, 8]), condition: Tensor::new() };
    let (mut one, mut several) = (system("exact"), sharing("exact", devices));
    for _ in 0..2 {
        let loss = one.differentiate(&batch).unwrap();
        let shared = several.differentiate(&batch).unwrap();
        assert!((loss - shared).abs() < 1e-6 * loss, "{loss} and {shared}");
        for (a, b) in one.state.params.trained().zip(several.state.params.trained()) {
            let (a_grad, b_grad) = (a.tensor.grad(), b.tensor.grad());
            let distance = (&a_grad - &b_grad).norm().double_value(&[]);
            let norm = a_grad.norm().double_value(&[]);
            assert!(norm > 0.0 && distance < 1e-5 * norm, "{}: {distance} of {norm}", a.name);
        }
        one.step(&batch).unwrap();
        several.state.params.load(parameters(&one)).unwrap();
    }
}

#[test]
fn replicas_have_the_gradients_of_one_device() {
    check_sharing(2, 4);
    check_sharing(2, 3); // parts of 2 and 1
    check_sharing(4, 5); // parts of 2, 2 and 1: one replica has none
}

#[test]
fn an_evaluation_scores_both_conventions_and_saves_the_image_of_one_sequence() {
    let pack = pack();
    let scope = Scope { batch_size: 1, ..Scope::own(&spec("exact", 1), Split::Test) };
    let system = system("exact");
    let evaluation = evaluate_in_training(system.scoring(), &pack, scope, tch::Device::Cpu);
    let model = &evaluation.scores["model"];
    let (mean, sum) = (model["mse"].mean, model["mse_sum"].mean);
    assert!((sum - 4096.0 * mean).abs() < 1e-9 * sum, "{mean} and {sum}");
    assert!(evaluation.scores["copy_last_frame"].contains_key("mse_sum"));
    let grid = evaluation.tensors.iter().find(|tensor| tensor.name == "picture_grid").unwrap();
    // Five frames of 64 pixels per row, with borders of 2 pixels; a fourth row for the last error,
    // since more frames are predicted than given.
    assert_eq!(grid.shape, [1, 4 * 66 + 2, 5 * 66 + 2, 3]);
}

#[test]
fn the_horizon_of_an_evaluation_may_differ_from_training() {
    let (pack, system) = (pack(), system("exact"));
    let by_frame = |predicted: Option<u32>| {
        let mut spec = spec("exact", 1);
        spec.evaluation.horizon = predicted.map(Count::literal);
        let scope = Scope::own(&spec, Split::Test);
        let evaluation = evaluate_in_training(system.scoring(), &pack, scope, tch::Device::Cpu);
        let truth = evaluation.tensors.iter().find(|tensor| tensor.name == "truth").unwrap();
        (evaluation.scores["model"]["mse"].by_frame.clone(), truth.shape[1])
    };
    let (trained, frames) = by_frame(None);
    assert_eq!((trained.len(), frames), (3, 5));
    // The model feeds back its own state, so a longer horizon does not change earlier frames.
    assert_eq!(by_frame(Some(2)), (trained[..2].to_vec(), 4));
}

#[test]
fn the_image_of_a_training_batch_shows_its_first_sequence_and_changes_no_state() {
    let pack = pack();
    let system = system("exact");
    let before = parameters(&system);
    let [both] = &system.training_images(&examples(&pack, &[1, 0]))[..] else { unreachable!() };
    let [first] = &system.training_images(&examples(&pack, &[1]))[..] else { unreachable!() };
    assert_eq!(both, first);
    assert_eq!(parameters(&system), before);
}

#[test]
fn the_loss_of_colour_frames_compares_each_channel_with_itself() {
    let spec = spec("exact", 1);
    let reprise_base::config::model::ModelSpec::ConvLstm(convlstm) = &spec.model else {
        unreachable!()
    };
    let system = ConvLstmSystem::new(&spec, convlstm, [64, 64, 3], tch::Device::Cpu);
    let frames = Tensor::linspace(0, 1, 2 * 5 * 3 * 8 * 8, (Kind::Float, tch::Device::Cpu))
        .view([2, 5, 3, 8, 8]);
    let predicted = system.model.predict(&frames.narrow(1, 0, 2), 3);
    assert_eq!(predicted.size(), [2, 3, 3, 8, 8]);
    let expected = (predicted - frames.narrow(1, 2, 3)).square().mean(Kind::Float);
    let loss = system.loss_on(&system.model, &frames, tch::Device::Cpu);
    let error = (loss - expected).abs().double_value(&[]);
    assert!(error < 1e-7, "{error:e}");
}
