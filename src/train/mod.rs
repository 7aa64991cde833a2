//! Training: one loop for every system, from the first step to the record's numbers.
//!
//! Read [`run::train`] from top to bottom: that is the loop. A system says what one update and one
//! evaluation are ([`system::System`]); everything else here knows no model. A batch is a function of
//! (seed, step), a schedule of the epoch, noise of (seed, stream, step), so that going on from a
//! checkpoint needs tensors and a step number and nothing else.

pub mod batch;
pub mod bench;
pub mod convlstm;
pub mod cvae;
pub mod evaluate;
pub mod log;
pub mod mocogan;
pub mod noise;
pub mod physical_interaction;
pub mod rcn;
pub mod record;
mod replicas;
pub mod run;
pub mod state;
pub mod system;

pub use run::{End, Job, TrainError, train};
