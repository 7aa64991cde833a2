//! Every difference between the ports alone, and all of them together.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::{
    Network, NetworkSizes, Sequences,
    names::{bottleneck, export, originals},
    network::NetworkStep,
    sequence::NoShuffle,
    training::{PassTime, pass},
};
use crate::nn::{Mode, params::Builder};
use reprise_base::{
    config::model::{
        PhysicalInteractionSpec,
        physical_interaction::{DIFFERENCES, Port, PortDifferences, Topic, Transformation},
    },
    scalar::{Count, Seed, Step},
    schedule::ScheduledSampling,
};

const SIZES: NetworkSizes = NetworkSizes { frame: [3, 16, 16], actions: 4, states: 3, batch: 2 };

fn spec(transformation: Transformation, differences: PortDifferences) -> PhysicalInteractionSpec {
    PhysicalInteractionSpec {
        transformation,
        differences,
        width: Count::literal(2),
        horizon: Count::literal(3),
        // One of two sequences gets the true frame, so that the mixture has a gradient to cut.
        scheduled_sampling: ScheduledSampling::InverseSigmoid {
            k: 1.0.try_into().expect("a positive number"),
        },
        ..PhysicalInteractionSpec::default()
    }
}

fn waves(shape: &[i64], frequency: f64) -> Tensor {
    let n: i64 = shape.iter().product();
    (Tensor::arange(n, (Kind::Double, Device::Cpu)) * frequency).sin().reshape(shape) * 0.5 + 0.5
}

fn add_step(values: &mut BTreeMap<String, Tensor>, t: usize, step: &NetworkStep) {
    for (k, feature) in step.features.iter().enumerate() {
        values.insert(format!("enc{k}/{t}"), feature.detach());
    }
    for (k, hidden) in step.hidden.iter().enumerate() {
        values.insert(format!("hidden{}/{t}", k + 1), hidden.detach());
    }
    values.insert(format!("masks/{t}"), step.masks.detach());
    values.insert(format!("image/{t}"), step.image.detach());
}

/// Returns all tensors of a training pass by name: results, gradients, and the initial weights as the
/// original stores them.
fn trace(spec: &PhysicalInteractionSpec) -> BTreeMap<String, Tensor> {
    let builder = Builder::new(Seed(4), Kind::Double, Device::Cpu);
    let network = Network::new(&builder, spec, SIZES);
    let params = builder.finish();
    let batch = Sequences {
        images: waves(&[5, 2, 3, 16, 16], 0.37),
        actions: waves(&[5, 2, 4], 0.7),
        states: waves(&[5, 2, 3], 0.9),
    };
    let at = PassTime { step: Step(0), mode: Mode::Train };
    let mut values = BTreeMap::new();
    let pass = pass(&network, spec, &batch, at, &mut NoShuffle, |t, step| {
        add_step(&mut values, t, step);
    });
    pass.objective.loss.backward();
    values.insert("loss".to_owned(), pass.objective.loss.detach());
    for entry in params.trained() {
        let gradient = entry.tensor.grad();
        if gradient.defined() {
            values.insert(format!("grad/{}", entry.name), gradient.copy());
        }
    }
    let originals = originals(&params, spec.numerics(), bottleneck(spec, SIZES));
    let exported = export(&params, &originals).into_iter();
    values.extend(exported.map(|(name, weight)| (format!("weight/{name}"), weight.copy())));
    values
}

fn is_equal(a: &BTreeMap<String, Tensor>, b: &BTreeMap<String, Tensor>) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|((name, a), (other, b))| {
            name == other && a.size() == b.size() && bool::try_from(a.eq_tensor(b).all()).unwrap()
        })
}

fn transformations() -> [Transformation; 3] {
    let masks = Count::literal(3);
    [Transformation::Cdna { masks }, Transformation::Dna, Transformation::Stp { masks }]
}

fn only(topic: Topic, port: Port) -> PortDifferences {
    let mut differences = PortDifferences::default();
    differences.set(topic, port);
    differences
}

/// Returns the values without exported weights, whose names are those of `port`.
fn computed(mut values: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    values.retain(|name, _| !name.starts_with("weight/"));
    values
}

#[test]
fn all_differences_together_are_the_other_port() {
    for transformation in transformations() {
        let mut differences = PortDifferences::default();
        for topic in Topic::ALL {
            differences.set(topic, Port::Chainer);
        }
        let switched = computed(trace(&spec(transformation, differences)));
        let chainer = PhysicalInteractionSpec {
            port: Port::Chainer,
            ..spec(transformation, PortDifferences::default())
        };
        assert!(is_equal(&switched, &computed(trace(&chainer))), "{transformation:?}");
    }
}

#[test]
fn naming_the_port_itself_changes_nothing() {
    for transformation in transformations() {
        let tensorflow = spec(transformation, PortDifferences::default());
        let mut differences = PortDifferences::default();
        for topic in Topic::ALL {
            differences.set(topic, tensorflow.port);
        }
        let named = trace(&spec(transformation, differences));
        assert!(is_equal(&named, &trace(&tensorflow)), "{transformation:?}");
    }
}

/// A difference changes a tensor where, and only where, the table says that the two ports differ.
#[test]
fn each_difference_alone_changes_a_tensor() {
    let mut changed = [false; 17];
    for port in [Port::Chainer, Port::ChainerStateless] {
        for transformation in transformations() {
            let tensorflow = spec(transformation, PortDifferences::default());
            let before = trace(&tensorflow);
            for difference in &DIFFERENCES {
                let topic = difference.topic();
                let differs = difference.concerns(transformation)
                    && difference.of(tensorflow.port) != difference.of(port);
                let after = trace(&spec(transformation, only(topic, port)));
                let key = topic.key();
                if !differs {
                    assert!(is_equal(&before, &after), "{key}, {port}, {transformation:?}");
                } else if !is_equal(&before, &after) {
                    changed[usize::from(difference.number) - 1] = true;
                }
            }
        }
    }
    let unchanged: Vec<&str> = DIFFERENCES
        .iter()
        .filter(|difference| !changed[usize::from(difference.number) - 1])
        .map(|difference| difference.topic().key())
        .collect();
    assert!(unchanged.is_empty(), "{unchanged:?}");
}
