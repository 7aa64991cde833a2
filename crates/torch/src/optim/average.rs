//! The moving average of parameters, in the arithmetic of PyTorch.

use tch::Tensor;

use super::slots::Slots;
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
    /// None before the first update.
    averages: Option<Slots>,
}

impl ParameterAverage {
    /// Name of the tensors in [`ParameterAverage::state`].
    pub const KIND: &'static str = "average";

    /// Creates the average before the first update.
    pub const fn new(settings: WeightAverage) -> Self {
        Self { decay: settings.decay.get(), averages: None }
    }

    /// Includes the parameters after an update.
    pub fn update(&mut self, params: &Params) {
        let Some(averages) = &mut self.averages else {
            self.averages = Some(Slots::copied(Self::KIND, params));
            return;
        };
        tch::no_grad(|| {
            for (at, entry) in params.trained().enumerate() {
                let _average = averages.at(at).lerp_(&entry.tensor, 1.0 - self.decay);
            }
        });
    }

    /// Returns the averages, `average/NAME`; none before the first update.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.averages.iter().flat_map(Slots::state)
    }

    /// Restores the tensors that [`ParameterAverage::state`] returned after an update; returns `false` if one
    /// is missing or has another shape.
    pub fn restore(
        &mut self,
        params: &Params,
        mut find: impl FnMut(&str) -> Option<Tensor>,
    ) -> bool {
        self.averages.insert(Slots::copied(Self::KIND, params)).restore(&mut find)
    }
}
