//! Shapes and gradients that no reference case covers: training on 96×96 frames, and which networks
//! each loss reaches.

use tch::{Device, Kind, Tensor};

use super::{Mocogan, MocoganNetwork, training};
use crate::{
    models::{ChoicePurpose, IndexChoice, NoisePurpose, NoiseSource, RandomSource},
    nn::{
        Mode,
        params::{Builder, Params},
    },
};
use reprise_base::{
    config::model::{
        MocoganSpec,
        mocogan::{
            Categories, CategoryLoss, ImageDiscriminator, InstanceNoise, Motion, VideoDiscriminator,
        },
    },
    scalar::{Count, NonNegative, Seed},
};

/// Deterministic values in place of noise; choices are the first integers.
struct Waves;

impl NoiseSource for Waves {
    fn standard_normal(
        &mut self,
        _: NoisePurpose,
        draw: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Tensor {
        let n: i64 = shape.iter().product();
        let phase = Tensor::arange(n, (like.kind(), like.device())) + draw as f64;
        (phase * 1.7).sin().reshape(shape)
    }
}

impl RandomSource for Waves {
    fn choose(&mut self, _: ChoicePurpose, choice: IndexChoice) -> Vec<i64> {
        match choice {
            IndexChoice::Independent { count, below } => (0..count).map(|i| i % below).collect(),
            IndexChoice::Distinct { count, .. } => (0..count).rev().collect(),
        }
    }
}

fn small() -> MocoganSpec {
    let two = Count::literal(2);
    MocoganSpec {
        content_size: two,
        motion_size: two,
        generator_width: two,
        discriminator_width: two,
        ..MocoganSpec::default()
    }
}

fn build(spec: &MocoganSpec) -> (Mocogan, Params) {
    spec.check().expect("the settings fit together");
    let builder = Builder::new(Seed(1), Kind::Float, Device::Cpu);
    let model = Mocogan::new(&builder, spec);
    (model, builder.finish())
}

fn real(spec: &MocoganSpec) -> training::Real {
    let (side, length) = (spec.side.size(), spec.video_length.size());
    let wave = |shape: &[i64]| {
        let like = Tensor::zeros([], (Kind::Float, Device::Cpu));
        Waves.standard_normal(NoisePurpose::Content, 0, shape, &like)
    };
    training::Real {
        images: wave(&[2, 3, side, side]),
        videos: wave(&[2, 3, length, side, side]),
        categories: Some(Tensor::from_slice(&[0_i64, 1]).reshape([2, 1])),
    }
}

/// Returns the networks that get a gradient from a loss.
fn reached(spec: &MocoganSpec, network: MocoganNetwork) -> Vec<MocoganNetwork> {
    let (model, params) = build(spec);
    let loss = training::loss(&model, network, &real(spec), &mut Waves);
    assert!(loss.double_value(&[]).is_finite());
    loss.backward();
    let learns = |network: &MocoganNetwork| {
        let module = format!("{}.", network.module());
        let mut own = params.trained().filter(|entry| entry.name.starts_with(&module));
        own.all(|entry| entry.tensor.grad().defined())
    };
    MocoganNetwork::ORDER.into_iter().filter(learns).collect()
}

#[test]
fn only_the_generators_loss_reaches_the_generator() {
    let spec = MocoganSpec {
        video_discriminator: VideoDiscriminator::Categorical {
            real_categories: CategoryLoss::Added,
            generated_categories: CategoryLoss::Added,
        },
        ..small()
    };
    for network in [MocoganNetwork::ImageDiscriminator, MocoganNetwork::VideoDiscriminator] {
        assert_eq!(reached(&spec, network), [network]);
    }
    assert_eq!(reached(&spec, MocoganNetwork::Generator), MocoganNetwork::ORDER);
}

#[test]
fn the_generator_with_an_lstm_trains_against_patches_of_larger_frames() {
    let spec = MocoganSpec {
        side: Count::literal(96),
        video_length: Count::literal(13),
        categories: Categories::None,
        motion: Motion::Lstm {
            hidden_size: Count::literal(5),
            forget_bias: NonNegative::try_from(1.0).unwrap(),
            frames: Count::literal(15),
        },
        image_discriminator: ImageDiscriminator::Whole,
        video_discriminator: VideoDiscriminator::Patch,
        instance_noise: InstanceNoise::Gaussian { sigma: NonNegative::try_from(0.1).unwrap() },
        ..small()
    };
    for network in MocoganNetwork::ORDER {
        assert!(reached(&spec, network).contains(&network));
    }
    let (model, _) = build(&spec);
    let videos = model.generator.sample_videos(2, 13, Mode::Eval, &mut Waves);
    assert_eq!(videos.frames.size(), [2, 3, 13, 96, 96]);
}

#[test]
fn an_lstm_cell_takes_the_place_of_the_gru_cell() {
    let with = |motion| {
        let (model, params) = build(&MocoganSpec { motion, ..small() });
        let weight = params.iter().find(|entry| entry.name == "generator.recurrent.weight_ih");
        let gates = weight.expect("a cell").tensor.size();
        let videos = model.generator.sample_videos(2, 16, Mode::Eval, &mut Waves);
        (gates, videos.frames)
    };
    let ([gru, lstm], [by_gru, by_lstm]) = {
        let (a, b) = (with(Motion::Gru), with(Motion::LstmCell));
        ([a.0, b.0], [a.1, b.1])
    };
    assert_eq!((3 * lstm[0], lstm[1]), (4 * gru[0], gru[1]));
    assert_eq!(by_gru.size(), by_lstm.size());
    assert!(by_gru != by_lstm);
    for network in MocoganNetwork::ORDER {
        let spec = MocoganSpec { motion: Motion::LstmCell, ..small() };
        assert!(reached(&spec, network).contains(&network));
    }
}

#[test]
fn a_batch_of_one_keeps_its_categories() {
    let (model, _) = build(&small());
    let video = real(&small()).videos.narrow(0, 0, 1);
    let logits = model.video_discriminator.forward(&video, Mode::Eval, &mut Waves);
    assert_eq!(logits.real.size(), [1, 1]);
    assert_eq!(logits.category.expect("the network is categorical").size(), [1, 6]);
}
