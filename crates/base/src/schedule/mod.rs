//! Schedules: pure functions of the epoch or step, so that resuming a run needs no schedule state.
//!
//! The cvae original fills its schedules by repeated addition, with rounding errors;
//! [`KlWeight::table`] and [`TeacherForcing::table`] return the same tables bit for bit. Variants
//! published elsewhere differ in details and have their own names. Entry `e` of a table applies to all
//! updates of epoch `e`.

mod kl_weight;
mod learning_rate;
mod scheduled_sampling;
mod teacher_forcing;

pub use kl_weight::KlWeight;
pub use learning_rate::{LearningRateDecay, LearningRateSchedule, WarmUp};
pub use scheduled_sampling::{ScheduleArithmetic, ScheduledSampling};
pub use teacher_forcing::TeacherForcing;
