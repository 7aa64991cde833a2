//! The sequences of each update of a run.

use std::ops::Range;

use super::{batch::Examples, error::TrainError};
use reprise_base::{
    config::{RunSpec, data::Sampler},
    scalar::{Count, Seed, Step},
};
use reprise_data::{Pack, Split, moving_mnist::FreshDigits, sampler::Order};

/// The training sequences of a run: a pure function of seed and step.
#[derive(Debug)]
pub(super) struct Updates<'a> {
    pack: &'a Pack,
    order: Order,
    /// Where sequences are drawn from, if none is seen twice.
    fresh: Option<FreshDigits>,
    seed: Seed,
    device: tch::Device,
}

/// The sequences of an update.
#[derive(Debug)]
pub(super) struct Update<'a> {
    source: UpdateSource<'a>,
    /// Positions within the split.
    indices: Vec<usize>,
    device: tch::Device,
}

/// Where the sequences of an update are.
#[derive(Debug)]
enum UpdateSource<'a> {
    Stored(&'a Pack),
    Drawn(Box<Pack>),
}

impl<'a> Updates<'a> {
    /// Prepares the updates of a run.
    ///
    /// # Errors
    /// If the training split cannot be put in order, or the digits that sequences are drawn from cannot be read.
    pub(super) fn new(
        spec: &RunSpec,
        pack: &'a Pack,
        device: tch::Device,
    ) -> Result<Self, TrainError> {
        let sequences = pack.sequences(Split::Train);
        let per_update = i64::try_from(spec.training.sequences_per_update()).ok();
        let per_update = per_update.and_then(|n| Count::try_from(n).ok());
        let per_update = per_update.expect("the sequences of an update fit in memory");
        let order = Order::new(spec.data.sampler, spec.seed, sequences, per_update)?;
        let fresh = match spec.data.sampler {
            Sampler::Fresh => FreshDigits::open(&spec.data.dataset)?,
            Sampler::EpochPermutation | Sampler::Original { .. } | Sampler::Minibatches => None,
        };
        Ok(Self { pack, order, fresh, seed: spec.seed, device })
    }

    /// Returns the indices of consecutive updates, to be given to [`Updates::load`].
    pub(super) fn indices(&self, first: Step, steps: u64) -> Vec<Vec<usize>> {
        self.order.batches(first, steps)
    }

    /// Returns the sequences with these indices.
    pub(super) fn load(&self, indices: Vec<usize>) -> Update<'a> {
        let device = self.device;
        let Some(digits) = &self.fresh else {
            return Update { source: UpdateSource::Stored(self.pack), indices, device };
        };
        let drawn = digits.draw(self.seed, numbers(&indices));
        Update {
            source: UpdateSource::Drawn(Box::new(drawn)),
            indices: (0..indices.len()).collect(),
            device,
        }
    }

    /// Returns the first updates of the run in order.
    pub(super) fn first(&self, steps: u64) -> impl Iterator<Item = Update<'a>> + use<'_, 'a> {
        self.indices(Step(0), steps).into_iter().map(|indices| self.load(indices))
    }
}

impl Update<'_> {
    pub(super) fn examples(&self) -> Examples<'_> {
        let pack: &Pack = match &self.source {
            UpdateSource::Stored(pack) => pack,
            UpdateSource::Drawn(pack) => pack,
        };
        Examples { pack, split: Split::Train, indices: &self.indices, device: self.device }
    }
}

/// Returns consecutive indices as the numbers of sequences.
fn numbers(indices: &[usize]) -> Range<u64> {
    let first = indices.first().map_or(0, |&first| first as u64);
    first..first + indices.len() as u64
}
