use std::path::Path;

use super::*;
use crate::train::{
    Trained,
    evaluate::{Scope, evaluate_in_training},
    first_steps::take_first_steps,
    systems::build,
};
use reprise_base::{
    config::{RunSpec, data::Dataset, protocol::EvaluationRequest},
    scalar::Count,
    vocabulary::rollouts::{SAMPLES, TRUTH},
};
use reprise_data::{self as data, Required, npy::ArrayData};

#[test]
fn roll_outs_are_those_that_an_evaluation_scores() {
    let json = r#"{
        "seed": 3,
        "data": { "dataset": { "moving_square": { "sequences": 20, "frames": 6 } } },
        "model": { "cvae": { "width": 2, "g_dim": 4, "z_dim": 3, "rnn_size": 8, "horizon": 3 } },
        "training": { "batch_size": 4 },
        "evaluation": { "batch_size": 4 },
        "optimizer": { "adam": { "learning_rate": 0.02 } }
    }"#;
    let spec: RunSpec = serde_json::from_str(json).unwrap();
    let dataset =
        Dataset::MovingSquare { sequences: Count::literal(20), frames: Count::literal(6) };
    let pack = data::open(&dataset, Required::AllSplits, Path::new(""), &mut |_| {}).unwrap();
    let mut system = build(&spec, &pack, tch::Device::Cpu);
    take_first_steps(&mut *system, &spec, &pack, tch::Device::Cpu, 12).unwrap();
    let request: EvaluationRequest =
        serde_json::from_str(r#"{ "samples": 2, "sequences": 2 }"#).unwrap();
    let protocol = request.resolve(&spec).unwrap();

    let scope = Scope::new(protocol, &spec);
    let evaluation = evaluate_in_training(system.scoring(), &pack, scope, tch::Device::Cpu);
    let stored = |name| {
        let tensor = evaluation.tensors.iter().find(|tensor| tensor.name == name);
        tensor.unwrap().data.clone()
    };
    let tensors = system.state().model_tensors();
    let trained = Trained { spec: &spec, tensors: &tensors, device: tch::Device::Cpu };
    let set = RolloutSet { pack: &pack, protocols: &[protocol], sequences: &[0, 1] };
    let mut done = Vec::new();
    let made = rollouts(trained, set, &mut |number| done.push(number)).unwrap();

    assert_eq!((made.shape, made.context, done), ([5, 64, 64, 3], Some(2), vec![4]));
    assert_eq!(made.columns, ["truth", "prior 1", "prior 2"]);
    let column = |column: usize| made.rows.iter().flat_map(move |row| row.videos[column].clone());
    assert!(column(0).eq(stored(TRUTH)), "the true frames");
    let samples = made.rows.iter().flat_map(|row| row.videos[1..].concat());
    assert!(samples.eq(stored(SAMPLES)), "the samples");
    assert!(!column(1).eq(column(2)), "samples differ");

    let (name, prior) = &made.arrays[1];
    assert_eq!((name.as_str(), &prior.shape[..]), ("prior", &[2, 2, 5, 3, 64, 64][..]));
    let ArrayData::F32(values) = &prior.elements else { panic!("single precision") };
    // The last pixel of the last frame of the last sample.
    let byte = made.rows[1].videos[2].last().copied().unwrap();
    assert!((values.last().unwrap() * 255.0 - f32::from(byte)).abs() <= 0.5);
}
