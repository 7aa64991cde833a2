//! Shapes and identities of the variants.

use tch::{Device, Kind, Tensor};

use super::*;
use crate::nn::params::{Builder, Params};
use reprise_base::scalar::Seed;

const FRAME: FrameSize = FrameSize { channels: 1, height: 4, width: 5 };

fn small() -> ConvLstmSpec {
    let count = Count::literal;
    ConvLstmSpec { hidden: count(3), horizon: count(4), ..ConvLstmSpec::default() }
}

fn build(spec: &ConvLstmSpec) -> (ConvLstm, Params) {
    let builder = Builder::new(Seed(2), Kind::Double, Device::Cpu);
    let model = ConvLstm::new(&builder, spec, FRAME);
    (model, builder.finish())
}

fn context() -> Tensor {
    let values = Tensor::arange(2 * 3 * 20, (Kind::Double, Device::Cpu)).sin();
    values.reshape([2, 3, 1, 4, 5])
}

fn predicted(spec: &ConvLstmSpec, horizon: i64) -> Tensor {
    build(spec).0.predict(&context(), horizon)
}

#[track_caller]
fn check_shape(spec: &ConvLstmSpec) {
    assert_eq!(predicted(spec, 4).size(), [2, 4, 1, 4, 5]);
}

#[test]
fn every_variant_predicts_frames_of_the_size_it_reads() {
    check_shape(&small());
    check_shape(&ConvLstmSpec { connections: Connections::Full, ..small() });
    let kernel = Count::literal(5);
    check_shape(&ConvLstmSpec { connections: Connections::Convolutional { kernel }, ..small() });
    check_shape(&ConvLstmSpec { bias: Presence::Absent, ..small() });
    check_shape(&ConvLstmSpec { skip: Presence::Present, ..small() });
    check_shape(&ConvLstmSpec { decoding: Decoding::AllAtOnce, ..small() });
    let (skip, decoding) = (Presence::Present, Decoding::AllAtOnce);
    check_shape(&ConvLstmSpec { skip, decoding, ..small() });
}

#[test]
fn peepholes_begin_at_zero_and_learn() {
    let with = ConvLstmSpec { peepholes: Presence::Present, ..small() };
    assert!(predicted(&with, 4) == predicted(&small(), 4));
    let (model, params) = build(&with);
    model.forward(&context(), 4).frames.square().sum(Kind::Double).backward();
    let learns = |name: &str| {
        let entry = params.iter().find(|entry| entry.name == name).expect("a peephole");
        entry.tensor.grad().abs().max().double_value(&[]) > 0.0
    };
    for gate in ["W_ci", "W_cf", "W_co"] {
        // The only step of the first cell of the context has a cell state of zero; the next ones have not.
        assert!(learns(&format!("encoder_1_convlstm.conv.{gate}")), "{gate}");
    }
}

#[test]
fn all_at_once_has_one_cell_per_frame_and_predicts_prefixes() {
    let spec = ConvLstmSpec { decoding: Decoding::AllAtOnce, ..small() };
    assert_eq!(build(&spec).0.decoder.len(), 4);
    assert!(predicted(&spec, 4).narrow(1, 0, 2) == predicted(&spec, 2));
}

/// Every pixel of a fully connected prediction depends on every pixel of the context.
#[test]
fn full_connections_reach_across_the_frame() {
    let reach = |connections| {
        let layers = Count::literal(1);
        let (model, _) = build(&ConvLstmSpec { connections, layers, ..small() });
        let x = context().narrow(1, 0, 1).set_requires_grad(true);
        let frames = model.forward(&x, 1).frames; // [B, C, 1, H, W]
        frames.select(4, 0).select(3, 0).sum(Kind::Double).backward();
        (x.grad().select(0, 0).ne(0.0)).sum(Kind::Int64).int64_value(&[])
    };
    assert_eq!(reach(Connections::Full), 20);
    let kernel = Count::literal(1);
    assert_eq!(reach(Connections::Convolutional { kernel }), 4);
}
