//! The run store: what a run leaves on disk and how it is read back.
//!
//! ```text
//! STORE/format                         "reprise store 1"
//! STORE/runs/<run id>/spec.json        the RunSpec, every default written out
//! STORE/runs/<run id>/lease            locked by the process that trains the run
//! STORE/runs/<run id>/journal.jsonl    one Event a line, free of clock and host: equal runs, equal bytes
//! STORE/runs/<run id>/timing.jsonl     what the clock said; never compared
//! STORE/runs/<run id>/checkpoint.safetensors   state after the last checkpointed step
//! STORE/runs/<run id>/best.safetensors         parameters and buffers of the best validation
//! STORE/runs/<run id>/final.safetensors        parameters and buffers after the last step
//! STORE/runs/<run id>/rollouts.safetensors     test roll-outs as u8 pictures
//! STORE/runs/<run id>/code.patch       difference of the working tree from its commit, if any
//! STORE/runs/<run id>/record.json      written last: its presence says that the run is finished
//! STORE/runs/<run id>/superseded/<n>/  an earlier attempt that was not continued
//! STORE/sweeps/<name>.json             the runs of the sweep as it was last started
//! ```
//!
//! The store knows bytes and records; it does not know what a loss is.

pub mod event;
pub mod manifest;
pub mod record;
