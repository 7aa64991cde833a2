//! Data parallelism: replicas of a model on several devices that share every batch.
//!
//! With B sequences in a batch, of which device r computes `B_r` with mean loss `L_r`:
//!
//! ```text
//! L = Σ_r (B_r / B) · L_r        ∇L = Σ_r (B_r / B) · ∇L_r
//! ```
//! A batch is divided as `torch.nn.DataParallel` divides it (`chunk`). The weighted gradients are
//! added on the first device in the order of devices, so they equal those of a single device up to
//! rounding.
//!
//! Deviation: the original's trainer (`distributed_backend='dp'`) averages the losses of the parts
//! without weights, which gives another value if the last part is smaller.

use tch::Device;

use crate::{
    libtorch::device,
    nn::params::{Builder, Params},
};
use reprise_base::{config::engine::EngineSpec, scalar::Seed};

/// The replicas of a model on all devices but the first.
#[derive(Debug)]
pub(super) struct Replicas<M> {
    replicas: Vec<Replica<M>>,
}

/// A copy of the model that computes one part of every batch.
#[derive(Debug)]
pub(super) struct Replica<M> {
    pub(super) model: M,
    pub(super) device: Device,
    params: Params,
}

impl<M> Replicas<M> {
    /// Builds a replica on each device of an engine except the first.
    pub(super) fn new(engine: &EngineSpec, seed: Seed, build: impl Fn(&Builder) -> M) -> Self {
        let replicas = engine.all_devices()[1..].iter().map(|&device| {
            let device = device::placed(device);
            let builder = Builder::new(seed, tch::Kind::Float, device);
            let model = build(&builder);
            Replica { model, device, params: builder.finish() }
        });
        Self { replicas: replicas.collect() }
    }

    /// Returns the replicas in the order of their devices.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Replica<M>> {
        self.replicas.iter()
    }

    /// Copies the model's parameters to every replica and clears the replicas' gradients.
    pub(super) fn synchronize(&mut self, params: &Params) {
        for replica in &mut self.replicas {
            replica.params.zero_grad();
            tch::no_grad(|| {
                for (own, entry) in replica.params.iter().zip(params.iter()) {
                    own.tensor.shallow_clone().copy_(&entry.tensor);
                }
            });
        }
    }

    /// Adds the gradients of all replicas to those of the model.
    pub(super) fn add_gradients(&self, params: &Params) {
        for replica in &self.replicas {
            for (own, entry) in replica.params.trained().zip(params.trained()) {
                let (part, mut whole) = (own.tensor.grad(), entry.tensor.grad());
                // Undefined if the batch had no part for this replica.
                if part.defined() {
                    tch::no_grad(|| whole += part.to_device(whole.device()));
                }
            }
        }
    }
}
