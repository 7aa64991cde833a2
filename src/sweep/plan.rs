//! Decides what to do with every run of a sweep, from what is observed of it alone.
//!
//! | progress | lease | action |
//! |---|---|---|
//! | finished by the same code, or the canary gave the same bits | any | skip |
//! | finished by other code, canary not repeated yet | free | repeat the canary |
//! | finished by other code, canary differs or there is none | free | restart |
//! | nothing | free | start |
//! | unfinished, with a valid checkpoint | free | resume from it |
//! | unfinished, without one | free | restart |
//! | failed, attempts left | free | retry |
//! | failed, no attempts left | any | give up |
//! | written by a newer format | any | refuse |
//! | anything that would be worked on | live | leave |
//!
//! The lease of a dead process is free. Start from [`plan`]; carrying it out is the executor's.

use std::fmt;

use crate::scalar::{Count, Step};

/// What is known about one run before anything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// How far the run is.
    pub progress: Progress,
    /// Whether a process is working on it.
    pub lease: Lease,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The store has nothing of it.
    Nothing,
    /// It has begun and has a valid checkpoint.
    Resumable {
        /// Optimizer steps already taken at the checkpoint.
        step: Step,
    },
    /// It has begun and has no valid checkpoint.
    NotResumable,
    /// Its process has ended without a record this many times.
    Failed {
        /// Attempts so far.
        attempts: u32,
    },
    /// It has a record, completed or diverged.
    Finished {
        /// How the code that made it compares with this.
        code: Code,
    },
    /// A newer reprise has written it.
    Newer {
        /// The format that it names.
        format: u32,
    },
}

/// How the code that made a record compares with the running one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It has the same digest.
    Same,
    /// It differs, and the canary has not been repeated.
    Changed,
    /// It differs, and the first two steps gave the same bits.
    CanaryEqual,
    /// It differs, and the first two steps gave other bits.
    CanaryDiffers,
    /// It differs, and the record has no canary, as the run had less than two steps.
    NoCanary,
}

/// Whether a process is working on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// None is: there is no lease, or its holder is dead.
    Free,
    /// A living process is.
    Live,
}

/// What to do with one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Keep the record.
    Skip {
        /// Why it still holds.
        reason: SkipReason,
    },
    /// Repeat the first two steps of the record and plan again.
    RepeatCanary,
    /// Train from the beginning.
    Start,
    /// Train on from the checkpoint.
    Resume {
        /// Optimizer steps already taken there.
        step: Step,
    },
    /// Train from the beginning and keep what is there as superseded.
    Restart {
        /// Why what is there does not serve.
        reason: RestartReason,
    },
    /// Try again after a failure.
    Retry {
        /// Which attempt this will be; the first was 1.
        attempt: u32,
    },
    /// Leave it to the process that is working on it.
    Leave,
    /// Report the failure.
    GiveUp {
        /// Attempts that failed.
        attempts: u32,
    },
    /// Do not touch it.
    Refuse {
        /// The newer format that it names.
        format: u32,
    },
}

/// Why a record still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The same code made it.
    SameCode,
    /// Other code made it, but the first two steps gave the same bits.
    SameNumbers,
}

/// Why a run begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartReason {
    /// There is no valid checkpoint.
    NoCheckpoint,
    /// The code has changed, and with it the numbers.
    NumbersChanged,
    /// The code has changed, and there is no canary to tell whether the numbers did.
    NoCanary,
}

/// Decides for every run, in order. A run that failed `attempts_max` times is given up.
pub fn plan(observed: &[Observed], attempts_max: Count) -> Vec<Action> {
    observed.iter().map(|run| decide(*run, attempts_max)).collect()
}

fn decide(Observed { progress, lease }: Observed, attempts_max: Count) -> Action {
    let action = match progress {
        Progress::Nothing => Action::Start,
        Progress::Resumable { step } => Action::Resume { step },
        Progress::NotResumable => Action::Restart { reason: RestartReason::NoCheckpoint },
        Progress::Failed { attempts } if u64::from(attempts) < attempts_max.get() => {
            Action::Retry { attempt: attempts + 1 }
        }
        Progress::Failed { attempts } => Action::GiveUp { attempts },
        Progress::Finished { code } => match code {
            Code::Same => Action::Skip { reason: SkipReason::SameCode },
            Code::CanaryEqual => Action::Skip { reason: SkipReason::SameNumbers },
            Code::Changed => Action::RepeatCanary,
            Code::CanaryDiffers => Action::Restart { reason: RestartReason::NumbersChanged },
            Code::NoCanary => Action::Restart { reason: RestartReason::NoCanary },
        },
        Progress::Newer { format } => Action::Refuse { format },
    };
    if action.works() && lease == Lease::Live { Action::Leave } else { action }
}

impl Action {
    /// Returns whether a process has to be started for it.
    pub const fn works(self) -> bool {
        match self {
            Self::RepeatCanary
            | Self::Start
            | Self::Resume { .. }
            | Self::Restart { .. }
            | Self::Retry { .. } => true,
            Self::Skip { .. } | Self::Leave | Self::GiveUp { .. } | Self::Refuse { .. } => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip { reason } => write!(f, "skip: {reason}"),
            Self::RepeatCanary => f.write_str("compare: the code has changed since it finished"),
            Self::Start => f.write_str("start"),
            Self::Resume { step } => write!(f, "resume after {} steps", step.0),
            Self::Restart { reason } => write!(f, "restart: {reason}"),
            Self::Retry { attempt } => write!(f, "retry: attempt {attempt}"),
            Self::Leave => f.write_str("leave: another process is working on it"),
            Self::GiveUp { attempts } => write!(f, "give up: failed {attempts} times"),
            Self::Refuse { format } => {
                write!(f, "refuse: written in format {format} by a newer reprise")
            }
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameCode => "finished",
            Self::SameNumbers => "finished; the code has changed, the numbers have not",
        })
    }
}

impl fmt::Display for RestartReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCheckpoint => "interrupted before its first valid checkpoint",
            Self::NumbersChanged => "the code has changed, and with it the numbers",
            Self::NoCanary => "the code has changed, and the run is too short to compare",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ATTEMPTS_MAX: Count = Count::literal(3);

    /// Checks one row of the table, written out as the dry run prints it.
    #[track_caller]
    fn check(progress: Progress, lease: Lease, action: &str) {
        let planned = plan(&[Observed { progress, lease }], ATTEMPTS_MAX);
        assert_eq!(planned.iter().map(Action::to_string).collect::<Vec<_>>(), [action]);
    }

    #[test]
    fn a_finished_run_of_the_same_code_is_skipped() {
        let progress = Progress::Finished { code: Code::Same };
        check(progress, Lease::Free, "skip: finished");
        check(progress, Lease::Live, "skip: finished");
    }

    #[test]
    fn a_finished_run_whose_numbers_have_not_changed_is_skipped() {
        let progress = Progress::Finished { code: Code::CanaryEqual };
        let action = "skip: finished; the code has changed, the numbers have not";
        check(progress, Lease::Free, action);
        check(progress, Lease::Live, action);
    }

    #[test]
    fn a_finished_run_of_other_code_is_compared_first() {
        let progress = Progress::Finished { code: Code::Changed };
        check(progress, Lease::Free, "compare: the code has changed since it finished");
        check(progress, Lease::Live, "leave: another process is working on it");
    }

    #[test]
    fn a_finished_run_whose_numbers_have_changed_is_restarted() {
        let progress = Progress::Finished { code: Code::CanaryDiffers };
        check(progress, Lease::Free, "restart: the code has changed, and with it the numbers");
    }

    #[test]
    fn a_finished_run_that_cannot_be_compared_is_restarted() {
        let progress = Progress::Finished { code: Code::NoCanary };
        let action = "restart: the code has changed, and the run is too short to compare";
        check(progress, Lease::Free, action);
    }

    #[test]
    fn a_run_of_which_there_is_nothing_is_started() {
        check(Progress::Nothing, Lease::Free, "start");
        check(Progress::Nothing, Lease::Live, "leave: another process is working on it");
    }

    #[test]
    fn a_run_with_a_checkpoint_is_resumed() {
        let progress = Progress::Resumable { step: Step(24) };
        check(progress, Lease::Free, "resume after 24 steps");
        check(progress, Lease::Live, "leave: another process is working on it");
    }

    #[test]
    fn a_run_without_a_checkpoint_is_restarted() {
        let action = "restart: interrupted before its first valid checkpoint";
        check(Progress::NotResumable, Lease::Free, action);
        check(Progress::NotResumable, Lease::Live, "leave: another process is working on it");
    }

    #[test]
    fn a_failed_run_is_retried_while_attempts_are_left() {
        check(Progress::Failed { attempts: 2 }, Lease::Free, "retry: attempt 3");
        check(Progress::Failed { attempts: 3 }, Lease::Free, "give up: failed 3 times");
        check(Progress::Failed { attempts: 3 }, Lease::Live, "give up: failed 3 times");
    }

    #[test]
    fn a_newer_format_is_refused() {
        let action = "refuse: written in format 9 by a newer reprise";
        check(Progress::Newer { format: 9 }, Lease::Free, action);
        check(Progress::Newer { format: 9 }, Lease::Live, action);
    }

    /// The table read from top to bottom as conditions, for comparison with the match above.
    fn by_conditions(run: Observed, attempts_max: u32) -> Action {
        let live = run.lease == Lease::Live;
        if let Progress::Newer { format } = run.progress {
            return Action::Refuse { format };
        }
        if let Progress::Failed { attempts } = run.progress
            && attempts >= attempts_max
        {
            return Action::GiveUp { attempts };
        }
        if run.progress == (Progress::Finished { code: Code::Same }) {
            return Action::Skip { reason: SkipReason::SameCode };
        }
        if run.progress == (Progress::Finished { code: Code::CanaryEqual }) {
            return Action::Skip { reason: SkipReason::SameNumbers };
        }
        if live {
            return Action::Leave;
        }
        if let Progress::Finished { code } = run.progress {
            let reason = match code {
                Code::Changed => return Action::RepeatCanary,
                Code::NoCanary => RestartReason::NoCanary,
                _ => RestartReason::NumbersChanged,
            };
            return Action::Restart { reason };
        }
        if let Progress::Resumable { step } = run.progress {
            return Action::Resume { step };
        }
        if let Progress::Failed { attempts } = run.progress {
            return Action::Retry { attempt: attempts + 1 };
        }
        if run.progress == Progress::Nothing {
            return Action::Start;
        }
        Action::Restart { reason: RestartReason::NoCheckpoint }
    }

    fn any_observed() -> impl Strategy<Value = Observed> {
        let code = prop_oneof![
            Just(Code::Same),
            Just(Code::Changed),
            Just(Code::CanaryEqual),
            Just(Code::CanaryDiffers),
            Just(Code::NoCanary),
        ];
        let progress = prop_oneof![
            Just(Progress::Nothing),
            Just(Progress::NotResumable),
            any::<u64>().prop_map(|step| Progress::Resumable { step: Step(step) }),
            (0_u32..6).prop_map(|attempts| Progress::Failed { attempts }),
            code.prop_map(|code| Progress::Finished { code }),
            any::<u32>().prop_map(|format| Progress::Newer { format }),
        ];
        let lease = prop_oneof![Just(Lease::Free), Just(Lease::Live)];
        (progress, lease).prop_map(|(progress, lease)| Observed { progress, lease })
    }

    proptest! {
        #[test]
        fn every_run_is_decided_as_the_conditions_say(
            runs in prop::collection::vec(any_observed(), 0..20), attempts_max in 1_u32..5
        ) {
            let expected: Vec<Action> =
                runs.iter().map(|run| by_conditions(*run, attempts_max)).collect();
            prop_assert_eq!(plan(&runs, Count::literal(attempts_max)), expected);
        }

        #[test]
        fn nothing_that_somebody_works_on_is_worked_on(run in any_observed()) {
            let run = Observed { lease: Lease::Live, ..run };
            prop_assert!(!plan(&[run], ATTEMPTS_MAX)[0].works());
        }
    }
}
