//! Comparisons as plain text.

use std::fmt::{self, Display, Formatter};

use super::{
    DiffVerdict, JournalDifference, NoiseComparison, NoisyValue, RunDiff, RunDifference, StoreDiff,
    TensorDifference, TextDifference, ValueDifference, journal::JournalPlace,
};
use reprise_base::text::count;

impl Display for DiffVerdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BitEqual => "bit-equal",
            Self::WithinNoise => "equal within noise",
            Self::Different => "different",
        })
    }
}

impl Display for RunDiff {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { a, b, verdict, differences, circumstances, noise } = self;
        if a == b {
            writeln!(f, "{a}: {verdict}")?;
        } else {
            writeln!(f, "{a}, {b}: {verdict}")?;
        }
        if let Some(noise) = noise {
            writeln!(f, "  {noise}")?;
        }
        for difference in differences {
            writeln!(f, "  {difference}")?;
        }
        if !circumstances.is_empty() {
            writeln!(f, "  ignored:")?;
        }
        for circumstance in circumstances {
            writeln!(f, "    {circumstance}")?;
        }
        Ok(())
    }
}

impl Display for StoreDiff {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { verdict: _, runs, only_in_a, only_in_b, unfinished } = self;
        for run in runs {
            write!(f, "{run}")?;
        }
        for (ids, text) in [
            (only_in_a, "finished only in the first store"),
            (only_in_b, "finished only in the second store"),
            (unfinished, "finished in neither store"),
        ] {
            for id in ids {
                writeln!(f, "{id}: {text}")?;
            }
        }
        let equal = runs.iter().filter(|run| run.verdict == DiffVerdict::BitEqual).count();
        let all = runs.len() + only_in_a.len() + only_in_b.len() + unfinished.len();
        let noisy = self.runs.iter().filter(|run| run.verdict == DiffVerdict::WithinNoise).count();
        write!(f, "{equal} of {all} runs are bit-equal")?;
        if noisy > 0 {
            write!(f, ", {noisy} equal within noise")?;
        }
        writeln!(f)
    }
}

impl Display for NoiseComparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { steps, repeated, ratio, worst } = self;
        let repeated = count(*repeated, "repeated step");
        write!(f, "noise: {steps} of {repeated} compared")?;
        match worst {
            None => write!(f, ", all equal"),
            Some(NoisyValue { step, series, a, b, tolerance }) => write!(
                f,
                ", largest difference {ratio:.3} of the tolerance: step {}, {series}: {a} != {b}, \
                 tolerance {tolerance:.1e}",
                step.0
            ),
        }
    }
}

impl Display for RunDifference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec(difference) => write!(f, "spec: {difference}"),
            Self::Outcome(difference)
            | Self::Canary(difference)
            | Self::FinalState(difference)
            | Self::Best(difference) => difference.fmt(f),
            Self::Journal(difference) => write!(f, "journal: {difference}"),
            Self::Validation(difference) => write!(f, "validation: {difference}"),
            Self::Test(difference) => write!(f, "test: {difference}"),
            Self::Tensors(difference) => difference.fmt(f),
        }
    }
}

impl Display for TextDifference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} != {}", self.key, self.a, self.b)
    }
}

impl Display for ValueDifference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = |value: Option<f64>| value.map_or("absent".to_owned(), |x| format!("{x:?}"));
        write!(f, "{}: {} != {}", self.name, text(self.a), text(self.b))?;
        self.ulps.map_or(Ok(()), |ulps| write!(f, " ({ulps} ulp)"))
    }
}

impl Display for JournalDifference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { line, a, b, value } = self;
        let text = |place: &Option<JournalPlace>| match place {
            Some(JournalPlace::Step { step, epoch }) => {
                format!("step {} of epoch {}", step.0, epoch.0)
            }
            Some(JournalPlace::Evaluation { epoch, split }) => {
                format!("{split} after epoch {}", epoch.0)
            }
            None => "end of the journal".to_owned(),
        };
        match value {
            Some(value) => write!(f, "line {line}, {}, {value}", text(a)),
            None => write!(f, "line {line}: {} != {}", text(a), text(b)),
        }
    }
}

impl Display for TensorDifference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { file, tensor, a, b, elements, tensors_differing } = self;
        write!(f, "{file}: ")?;
        if let Some(tensor) = tensor {
            write!(f, "{tensor}: ")?;
        }
        match elements {
            Some(elements) => {
                write!(f, "{} of {} elements differ", elements.differing, elements.count)?;
                elements.max_abs.map_or(Ok(()), |max| write!(f, ", by at most {max:e}"))?;
            }
            None => write!(f, "{a} != {b}")?,
        }
        match tensors_differing.saturating_sub(1) {
            0 => Ok(()),
            1 => write!(f, " (and 1 more tensor)"),
            others => write!(f, " (and {others} more tensors)"),
        }
    }
}
