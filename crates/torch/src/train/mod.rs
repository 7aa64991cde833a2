//! Training: one loop for every system, from the first step to the numbers of the record.
//!
//! Start with [`run::train`]: it is the loop. A system defines an update and an evaluation
//! ([`system::System`]); [`systems`] lists the systems, and everything else here is independent of
//! the model. A batch is a function of (seed, step), a schedule of the epoch, noise of (seed,
//! stream, step). To resume from a checkpoint therefore takes only tensors and a step number.

pub mod batch;
pub mod bench;
pub mod convlstm;
pub mod cvae;
pub mod error;
pub mod evaluate;
pub mod evaluation;
pub mod first_steps;
pub mod generate;
pub mod log;
pub mod memory;
pub mod mocogan;
pub mod noise;
pub mod physical_interaction;
pub mod rcn;
pub mod record;
mod replicas;
pub mod run;
pub mod state;
pub mod system;
pub mod systems;
mod trained;
mod updates;

pub use error::TrainError;
pub use evaluation::{EvaluationEnd, EvaluationJob, carry_out};
pub use run::{Job, TrainingEnd, train};
pub use trained::Trained;
