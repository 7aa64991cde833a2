//! Noise and choices as the cases recorded them.

use tch::Tensor;

use crate::torch::Placement;
use crate::{torch::input, unsupported};
use reprise_golden::{Case, PortError, TensorData};
use reprise_torch::models::{ChoicePurpose, IndexChoice, NoisePurpose, NoiseSource, RandomSource};

/// Draws numbered in the order in which the original took them: `draw/<n>/<what>`.
///
/// A draw that the case lacks, or has in another shape, becomes the error of [`NumberedDraws::finish`].
pub(super) struct NumberedDraws<'a> {
    case: &'a Case,
    place: Placement,
    taken: usize,
    problem: Option<PortError>,
}

impl<'a> NumberedDraws<'a> {
    pub(super) fn new(case: &'a Case, place: Placement) -> Self {
        Self { case, place, taken: 0, problem: None }
    }

    /// Returns the error of the first draw that did not match.
    pub(super) fn finish(self) -> Result<(), PortError> {
        self.problem.map_or(Ok(()), Err)
    }

    /// Returns the name of the next draw.
    fn next(&mut self, what: &str) -> String {
        let name = format!("draw/{:04}/{what}", self.taken);
        self.taken += 1;
        name
    }

    fn noise(&mut self, what: &str, shape: &[i64]) -> Result<Tensor, PortError> {
        let name = self.next(what);
        let tensor = input(self.case, &name, self.place)?;
        if tensor.size() == shape {
            Ok(tensor)
        } else {
            let found = tensor.size();
            Err(unsupported(self.case, format!("`{name}` of shape {found:?}, not {shape:?}")))
        }
    }

    fn numbers(&mut self, what: &str, choice: IndexChoice) -> Result<Vec<i64>, PortError> {
        let (IndexChoice::Independent { count, below } | IndexChoice::Distinct { count, below }) =
            choice;
        let name = self.next(what);
        match self.case.tensor(&name)?.data {
            TensorData::I64(values)
                if i64::try_from(values.len()) == Ok(count)
                    && values.iter().all(|value| (0..below).contains(value)) =>
            {
                Ok(values)
            }
            _ => Err(unsupported(self.case, format!("`{name}` that is not {choice:?}"))),
        }
    }

    fn report(&mut self, problem: PortError) {
        self.problem.get_or_insert(problem);
    }
}

impl NoiseSource for NumberedDraws<'_> {
    fn standard_normal(
        &mut self,
        purpose: NoisePurpose,
        _: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Tensor {
        let what = match purpose {
            NoisePurpose::Content => "z_content",
            NoisePurpose::MotionStart => "gru_initial",
            NoisePurpose::Motion => "gru_noise",
            NoisePurpose::Instance => "instance_noise",
            NoisePurpose::Posterior | NoisePurpose::Prior | NoisePurpose::Rollout => "none",
        };
        self.noise(what, shape).unwrap_or_else(|problem| {
            self.report(problem);
            Tensor::zeros(shape, (like.kind(), like.device()))
        })
    }
}

impl RandomSource for NumberedDraws<'_> {
    fn choose(&mut self, purpose: ChoicePurpose, choice: IndexChoice) -> Vec<i64> {
        let what = match purpose {
            ChoicePurpose::Category => "z_categ",
            ChoicePurpose::Frames => "frame_choice",
            ChoicePurpose::Start => "start",
        };
        self.numbers(what, choice).unwrap_or_else(|problem| {
            self.report(problem);
            let (IndexChoice::Independent { count, .. } | IndexChoice::Distinct { count, .. }) =
                choice;
            vec![0; usize::try_from(count).unwrap_or(0)]
        })
    }
}

/// The draws of the MP6 assignment's generator: `z_C`, `eps` and the stated start.
pub(super) struct NamedDraws {
    pub(super) content: Tensor,
    pub(super) motion: Tensor,
    pub(super) start: i64,
}

impl NoiseSource for NamedDraws {
    fn standard_normal(&mut self, purpose: NoisePurpose, _: u64, _: &[i64], _: &Tensor) -> Tensor {
        match purpose {
            NoisePurpose::Content => self.content.shallow_clone(),
            _ => self.motion.shallow_clone(),
        }
    }
}

impl RandomSource for NamedDraws {
    fn choose(&mut self, _: ChoicePurpose, _: IndexChoice) -> Vec<i64> {
        vec![self.start]
    }
}
