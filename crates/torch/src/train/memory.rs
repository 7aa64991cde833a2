//! Too little memory on a device: an error that names the batch that would fit, instead of a panic.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
};

use reprise_base::{config::RunSpec, scalar::Count};

/// Texts by which libtorch's allocators say that memory is exhausted.
const SIGNS: [&str; 2] = ["out of memory", "can't allocate memory"];

/// Memory of a device was exhausted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to train with batches of {batch}: the memory of `{device}` is exhausted")]
pub struct OutOfMemory {
    pub device: String,
    /// `training.batch_size` of the run.
    pub batch: u64,
    pub remedy: MemoryRemedy,
    /// What the allocator says.
    #[source]
    pub source: AllocatorMessage,
}

/// What would fit into the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryRemedy {
    /// Training with batches of this size: the batch of the run, halved as often as needed.
    Batch(u64),
    /// Training fits as it is, but evaluation does not.
    Evaluation,
    /// No batch fits.
    Model,
}

/// The message of libtorch's allocator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AllocatorMessage(String);

impl OutOfMemory {
    /// Returns what the user can do.
    pub fn hint(&self) -> String {
        match self.remedy {
            MemoryRemedy::Batch(batch) => {
                format!("`training.batch_size={batch}` fits; the run then has another id")
            }
            MemoryRemedy::Evaluation => {
                "training fits, but evaluation does not: lower `evaluation.batch_size`".to_owned()
            }
            MemoryRemedy::Model => {
                "no batch fits: use a smaller model, another device, or end other programs on it"
                    .to_owned()
            }
        }
    }
}

/// Works on a run, and describes what would fit if its memory is exhausted. `take_step` takes a step of a run and
/// returns whether it could.
pub(super) fn or_out_of_memory<T>(
    spec: &RunSpec,
    take_step: impl Fn(&RunSpec) -> bool,
    work: impl FnOnce() -> T,
) -> Result<T, OutOfMemory> {
    exhausted(work).map_err(|message| OutOfMemory {
        device: spec.engine.device.to_string(),
        batch: spec.training.batch_size.get(),
        remedy: remedy(spec, take_step),
        source: AllocatorMessage(message),
    })
}

/// Takes a step with smaller and smaller batches until one fits.
fn remedy(spec: &RunSpec, take_step: impl Fn(&RunSpec) -> bool) -> MemoryRemedy {
    let whole = spec.training.batch_size.get();
    let sizes = std::iter::successors(Some(whole), |batch| (*batch > 1).then_some(batch / 2));
    for batch in sizes {
        let Ok(size) = Count::try_from(i64::try_from(batch).unwrap_or(i64::MAX)) else { break };
        let mut spec: RunSpec = spec.clone();
        spec.training.batch_size = size;
        if spec.check().is_ok() && exhausted(|| take_step(&spec)) == Ok(true) {
            return if batch == whole {
                MemoryRemedy::Evaluation
            } else {
                MemoryRemedy::Batch(batch)
            };
        }
    }
    MemoryRemedy::Model
}

/// Runs `work`; returns the allocator's message if it panics because memory is exhausted. Other panics
/// continue. Such a panic is not printed.
fn exhausted<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let printed = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if message(info.payload()).is_none() {
            printed(info);
        }
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    // The hook before can only be restored by value, so only the standard one may be set.
    drop(panic::take_hook());
    result.or_else(|payload| match message(&*payload) {
        Some(message) => Err(message),
        None => panic::resume_unwind(payload),
    })
}

/// Returns the allocator's message in a panic of tch, without libtorch's backtrace.
fn message(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())?;
    let line = text
        .split("\\n")
        .flat_map(str::lines)
        .find(|line| SIGNS.iter().any(|sign| line.contains(sign)))?;
    let start = ["CUDA out of memory", "DefaultCPUAllocator"].iter().find_map(|it| line.find(it));
    Some(line[start.unwrap_or(0)..].trim_end_matches(['"', ')']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocators_message_is_found_in_a_panic() {
        let panic = |text: &str| exhausted(|| panic!("{text}"));
        let of_tch = "called `Result::unwrap()` on an `Err` value: Torch(\"CUDA out of memory. Tried to \
                      allocate 64 bytes.\\nException raised from allocate\\nframe #0\")";
        assert_eq!(
            panic(of_tch),
            Err("CUDA out of memory. Tried to allocate 64 bytes.".to_owned())
        );
        assert_eq!(exhausted(|| 7), Ok(7));
    }

    #[test]
    #[should_panic(expected = "another reason")]
    fn other_panics_continue() {
        drop(exhausted(|| panic!("another reason")));
    }
}
