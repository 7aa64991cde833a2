//! Data parallelism: replicas of a model on several devices that share every batch.
//!
//! ```text
//! L = mean over B sequences        ∇L = Σ_r  (B_r / B) · ∇L_r
//! ```
//! A batch is cut as `torch.nn.DataParallel` cuts it (`chunk`), each part goes to a device, and the
//! gradients of the parts, weighted by their sizes, are added on the first device in the order of
//! devices. So they are those of one device but for the order of sums. The original's trainer
//! (`distributed_backend='dp'`) averages the parts' losses without weights, which differs where the
//! last part is smaller.

use tch::Device;

use crate::{
    config::engine::EngineSpec,
    libtorch::device,
    nn::params::{Builder, Params},
    scalar::Seed,
};

/// The replicas beside the model itself.
#[derive(Debug)]
pub(super) struct Replicas<M> {
    replicas: Vec<Replica<M>>,
}

/// A model that computes a part of every batch.
#[derive(Debug)]
pub(super) struct Replica<M> {
    /// The model on its device.
    pub(super) model: M,
    /// Where it computes.
    pub(super) device: Device,
    params: Params,
}

impl<M> Replicas<M> {
    /// Builds a replica on each device of an engine but the first.
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

    /// Gives every replica the values of the model's parameters, and no gradients.
    pub(super) fn take_up(&mut self, params: &Params) {
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
                // A replica without a part has none.
                if part.defined() {
                    tch::no_grad(|| whole += part.to_device(whole.device()));
                }
            }
        }
    }
}
