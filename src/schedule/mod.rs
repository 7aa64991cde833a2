//! Schedules: pure functions of the epoch or step, so that resuming a run needs no schedule state.
//!
//! The document's schedules are tables that its script fills by repeated addition, rounding included;
//! [`KlWeight::table`] and [`TeacherForcing::table`] return those tables bit for bit. Later scripts of
//! the same lab and the paper that cyclical annealing comes from differ in details; each such variant
//! has a name of its own. Nothing here counts calls: entry `e` of a table is in force during the whole
//! of epoch `e`, from before its first update.

mod kl_weight;
mod scheduled_sampling;
mod teacher_forcing;

pub use kl_weight::KlWeight;
pub use scheduled_sampling::{ScheduleArithmetic, ScheduledSampling};
pub use teacher_forcing::TeacherForcing;
