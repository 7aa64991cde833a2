//! Updates compared with those of PyTorch (`tests/fixtures/optimizers/make.py`).

use std::collections::BTreeMap;

use serde::Deserialize;
use tch::{Device, Kind};

use super::*;
use crate::{
    libtorch::{convert::to_host, cpu_capability},
    nn::{init::Init, params::Builder},
};
use reprise_base::{
    config::training::{GradientClipping, WeightAverage},
    scalar::{DecayRate, Seed},
};

#[derive(Deserialize)]
struct Case {
    optimizer: OptimizerSpec,
    clipping: Option<GradientClipping>,
    /// Bits of the parameters after all updates.
    params: BTreeMap<String, Vec<i32>>,
}

const UPDATES: i64 = 100;

fn cases() -> Vec<Case> {
    let text = include_str!("../../../../tests/fixtures/optimizers/updates.json");
    serde_json::from_str(text).expect("the fixture is valid")
}

/// The pattern of make.py.
fn pattern(shape: &[i64], seed: i64) -> Tensor {
    let count: i64 = shape.iter().product();
    let values = Tensor::arange(count, (Kind::Double, Device::Cpu)) * (2 * seed + 7) as f64;
    (values.remainder(101.0) / 100.0 - 0.5).to_kind(Kind::Float).view(shape)
}

fn params() -> Params {
    let builder = Builder::new(Seed(1), Kind::Float, Device::Cpu);
    let (a, b) = (builder.module("a"), builder.module("b"));
    let initial = Init::Uniform { bound: 1.0 };
    let all = [
        a.parameter("weight", &[9, 7], initial),
        a.parameter("bias", &[9], initial),
        b.parameter("weight", &[2, 3, 5], initial),
    ];
    tch::no_grad(|| {
        for (at, parameter) in (50..).zip(&all) {
            parameter.shallow_clone().copy_(&pattern(&parameter.size(), at));
        }
    });
    builder.finish()
}

/// Sets the gradients of make.py: g = p/2 + pattern, by differentiating p²/4 + pattern · p.
fn differentiate(params: &mut Params, update: i64) {
    params.zero_grad();
    for (at, entry) in (0..).zip(params.trained()) {
        let shift = pattern(&entry.tensor.size(), 3 * update + at);
        let gradient = tch::no_grad(|| &entry.tensor * 0.5 + shift);
        (&entry.tensor * gradient).sum(Kind::Float).backward();
    }
}

fn update(params: &mut Params, optimizer: &mut Optimizer, case: &Case, update: i64) {
    differentiate(params, update);
    if let Some(clipping) = case.clipping {
        let gradients: Vec<Tensor> = params.trained().map(|entry| entry.tensor.grad()).collect();
        clip(clipping, &gradients);
    }
    optimizer.step(params);
}

fn values(params: &Params) -> BTreeMap<String, Vec<f32>> {
    params.trained().map(|entry| (entry.name.clone(), to_host(&entry.tensor))).collect()
}

#[test]
fn a_hundred_updates_are_those_of_pytorch() {
    let cases = cases();
    assert_eq!(cases.len(), 9);
    // The fixture was made with AVX2 or AVX-512, which give the same bits.
    let is_exact = cpu_capability().starts_with("AVX");
    for case in cases {
        let mut params = params();
        let mut optimizer = Optimizer::new(case.optimizer, &params);
        for at in 0..UPDATES {
            update(&mut params, &mut optimizer, &case, at);
        }
        for (name, ours) in values(&params) {
            let theirs = &case.params[&name];
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.into_iter().zip(theirs) {
                let theirs = f32::from_ne_bytes(theirs.to_ne_bytes());
                let is_equal = ours.to_bits() == theirs.to_bits();
                let is_close = !is_exact && (ours - theirs).abs() < 1e-5;
                assert!(is_equal || is_close, "{:?}, {name}: {ours} {theirs}", case.optimizer);
            }
        }
    }
}

#[derive(Deserialize)]
struct AverageCase {
    decay: DecayRate,
    /// Bits of the averages after all updates.
    params: BTreeMap<String, Vec<i32>>,
}

#[test]
fn averages_after_a_hundred_updates_are_those_of_pytorch() {
    let text = include_str!("../../../../tests/fixtures/optimizers/averages.json");
    let cases: Vec<AverageCase> = serde_json::from_str(text).expect("the fixture is valid");
    let descent = r#"{"gradient_descent": {"learning_rate": 0.05, "form": "pytorch"}}"#;
    let descent = serde_json::from_str(descent).expect("an optimizer");
    for AverageCase { decay, params: theirs } in cases {
        let mut params = params();
        let mut optimizer = Optimizer::new(descent, &params);
        let mut average = ParameterAverage::new(WeightAverage { decay });
        for at in 0..UPDATES {
            differentiate(&mut params, at);
            optimizer.step(&params);
            average.update(&params);
        }
        assert_eq!(average.state().count(), theirs.len());
        for (name, ours) in average.state() {
            let name = name.trim_start_matches("average/");
            let ours: Vec<f32> = to_host(ours);
            let ours: Vec<i32> =
                ours.into_iter().map(|x| i32::from_ne_bytes(x.to_ne_bytes())).collect();
            assert!(!cpu_capability().starts_with("AVX") || ours == theirs[name], "{name}");
        }
    }
}

#[test]
fn a_restored_optimizer_continues_with_the_same_bits() {
    for case in cases() {
        let mut whole = params();
        let mut optimizer = Optimizer::new(case.optimizer, &whole);
        for at in 0..5 {
            update(&mut whole, &mut optimizer, &case, at);
        }
        let stored: BTreeMap<String, Tensor> =
            optimizer.state().into_iter().map(|(name, tensor)| (name, tensor.copy())).collect();
        let mut restored = Optimizer::new(case.optimizer, &whole);
        assert!(restored.restore(5, |name| stored.get(name).map(Tensor::shallow_clone)));
        assert!(stored.is_empty() || !restored.restore(5, |_| None), "a tensor is missing");
        assert!(restored.restore(5, |name| stored.get(name).map(Tensor::shallow_clone)));
        let mut again = params();
        tch::no_grad(|| {
            for (entry, now) in again.trained().zip(whole.trained()) {
                entry.tensor.shallow_clone().copy_(&now.tensor);
            }
        });
        for at in 5..9 {
            update(&mut whole, &mut optimizer, &case, at);
            update(&mut again, &mut restored, &case, at);
        }
        assert_eq!(values(&whole), values(&again), "{:?}", case.optimizer);
    }
}

#[test]
fn a_learning_rate_of_zero_moves_nothing() {
    for case in cases() {
        let mut params = params();
        let before = values(&params);
        let mut optimizer = Optimizer::new(case.optimizer, &params);
        optimizer.set_learning_rate(0.0);
        update(&mut params, &mut optimizer, &case, 0);
        assert_eq!(values(&params), before, "{:?}", case.optimizer);
    }
}
