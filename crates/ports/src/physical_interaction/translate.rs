//! Between our axes and names and the originals'.

use std::collections::BTreeMap;

use tch::Tensor;

use crate::{
    refused,
    torch::{Capture, Placement, input},
    unsupported,
};
use reprise_base::config::model::physical_interaction::Port;
use reprise_golden::{Case, PortError, Role, TensorData};
use reprise_torch::{
    models::physical_interaction::{
        names::{Original, import, originals},
        sampling::ShuffleSource,
    },
    nn::params::{Builder, Params},
};

/// Where an original keeps the channels of a map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// `[B, H, W, C]`.
    ChannelsLast,
    /// `[B, C, H, W]`.
    ChannelsFirst,
}

impl Axes {
    /// Turns a map of the original, of any rank from 2 on, into ours.
    pub(super) fn to_ours(self, map: &Tensor) -> Tensor {
        match self {
            Self::ChannelsLast => map.movedim_int(-1, 1).contiguous(),
            Self::ChannelsFirst => map.shallow_clone(),
        }
    }

    /// Turns one of our maps into the original's.
    pub(super) fn to_original(self, map: &Tensor) -> Tensor {
        match self {
            Self::ChannelsLast => map.movedim_int(1, -1),
            Self::ChannelsFirst => map.shallow_clone(),
        }
    }
}

/// Parameters of a model or of a part of one, with their names in the case.
pub(super) struct Translated {
    pub(super) params: Params,
    pub(super) originals: Vec<Original>,
}

impl Translated {
    /// Fills parameters with the case's values.
    ///
    /// `rename` maps the original's name within the whole model to the case's. Each of the case's
    /// parameters whose name begins with `prefix` is used exactly once.
    pub(super) fn load(
        case: &Case,
        place: Placement,
        builder: Builder,
        form: OriginalForm,
        prefix: &str,
        rename: impl Fn(&str) -> String,
    ) -> Result<Self, PortError> {
        let mut params = builder.finish();
        let mut originals = originals(&params, form.port, form.bottleneck);
        for original in &mut originals {
            original.name = rename(&original.name);
        }
        let mut values = BTreeMap::new();
        for spec in case.tensors() {
            if spec.role == Role::Parameter && spec.name.starts_with(prefix) {
                values.insert(spec.name.clone(), input(case, &spec.name, place)?);
            }
        }
        import(&mut params, &originals, values).map_err(refused)?;
        Ok(Self { params, originals })
    }

    /// Captures every gradient as `grad/NAME`, zero for parameters without any effect.
    pub(super) fn gradients(&self, capture: &mut Capture) {
        for (entry, original) in self.params.trained().zip(&self.originals) {
            let gradient = entry.tensor.grad();
            let gradient =
                if gradient.defined() { gradient } else { entry.tensor.detach().zeros_like() };
            let name = format!("grad/{}", original.name);
            capture.tensor(name, &original.layout.to_original(&gradient));
        }
    }

    /// Captures every parameter as `after/NAME`.
    pub(super) fn after(&self, capture: &mut Capture) {
        for (entry, original) in self.params.trained().zip(&self.originals) {
            let value = original.layout.to_original(&entry.tensor.detach());
            capture.tensor(format!("after/{}", original.name), &value);
        }
    }
}

/// Which original, and the feature map that is flattened before linear layers.
#[derive(Clone, Copy)]
pub(super) struct OriginalForm {
    pub(super) port: Port,
    /// `[C, H, W]`.
    pub(super) bottleneck: [i64; 3],
}

/// Captures the gradient of an input, if anything depends on it.
pub(super) fn capture_gradient(capture: &mut Capture, name: &str, leaf: &Tensor) {
    let gradient = leaf.grad();
    if gradient.defined() {
        capture.tensor(format!("grad/{name}"), &gradient);
    }
}

/// Permutations of the batch that the case recorded.
pub(super) struct RecordedShuffle(Vec<Vec<i64>>);

impl RecordedShuffle {
    /// Reads the permutations of one optimizer step, one for each of `draws` steps after the context.
    ///
    /// If all or none of the frames are true, the permutation has no effect and may be missing.
    pub(super) fn read(
        case: &Case,
        step: usize,
        draws: usize,
        batch: i64,
        mixed: Mixed,
    ) -> Result<Self, PortError> {
        let order = |draw: usize| {
            let names = [
                format!("shuffle/step{step}/{draw}"),
                format!("shuffle/{step}/{draw}"),
                format!("shuffle/{draw}"),
                "shuffle".to_owned(),
            ];
            let name = names.iter().find(|name| case.tensor_spec(name).is_some());
            match (name, mixed) {
                (Some(name), _) => permutation(case, name),
                (None, Mixed::No) => Ok((0..batch).collect()),
                (None, Mixed::Yes) => {
                    Err(unsupported(case, "scheduled sampling without its permutation"))
                }
            }
        };
        (0..draws).map(order).collect::<Result<_, _>>().map(Self)
    }
}

/// Whether the permutation of the batch has an effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mixed {
    /// Some frames are true and some predicted.
    Yes,
    /// All are of one kind.
    No,
}

impl ShuffleSource for RecordedShuffle {
    fn permutation(&mut self, draw: u64, _: i64) -> Vec<i64> {
        let draw = usize::try_from(draw).expect("a sequence has few frames");
        self.0[draw].clone()
    }
}

/// Reads and checks a permutation.
pub(super) fn permutation(case: &Case, name: &str) -> Result<Vec<i64>, PortError> {
    let TensorData::I64(order) = case.tensor(name)?.data else {
        return Err(unsupported(case, format!("`{name}` that is not a list of integers")));
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().zip(0..).any(|(&found, expected)| found != expected) {
        return Err(unsupported(case, format!("`{name}` that is not a permutation")));
    }
    Ok(order)
}
