//! The moving average of parameters, in the arithmetic of PyTorch.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::nn::params::Params;
use reprise_base::config::training::WeightAverage;

/// The exponential moving average of all trained parameters (`AveragedModel` with
/// `get_ema_multi_avg_fn`). Buffers are not averaged: those of the model are used.
///
/// ```text
/// w̄_1 = w_1        w̄_t = w̄_{t−1} + (1 − d) (w_t − w̄_{t−1})
/// ```
#[derive(Debug)]
pub struct ParameterAverage {
    decay: f64,
    /// By name; empty before the first update.
    averages: BTreeMap<String, Tensor>,
}

impl ParameterAverage {
    /// Creates the average before the first update.
    pub const fn new(settings: WeightAverage) -> Self {
        Self { decay: settings.decay.get(), averages: BTreeMap::new() }
    }

    /// Includes the parameters after an update.
    pub fn update(&mut self, params: &Params) {
        tch::no_grad(|| {
            for entry in params.trained() {
                match self.averages.get_mut(&entry.name) {
                    Some(average) => {
                        let _average = average.lerp_(&entry.tensor, 1.0 - self.decay);
                    }
                    None => {
                        self.averages.insert(entry.name.clone(), entry.tensor.detach().copy());
                    }
                }
            }
        });
    }

    /// Returns the averages by name; empty before the first update.
    pub const fn averages(&self) -> &BTreeMap<String, Tensor> {
        &self.averages
    }

    /// Restores stored averages; without any, the next update begins a new average.
    ///
    /// Returns whether all or none of the parameters have one.
    pub fn restore(&mut self, params: &Params, find: impl Fn(&str) -> Option<Tensor>) -> bool {
        let found = params.trained().filter_map(|entry| {
            let stored = find(&entry.name)?.to_device(entry.tensor.device());
            (stored.size() == entry.tensor.size()).then(|| (entry.name.clone(), stored))
        });
        self.averages = found.collect();
        self.averages.is_empty() || self.averages.len() == params.trained().count()
    }
}
