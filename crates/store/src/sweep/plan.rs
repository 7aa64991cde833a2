//! Decides what to do with every run of a sweep from its observed state alone.
//!
//! | State of the run | Lease | Action |
//! |---|---|---|
//! | finished by this code, or by other code with the same canary | any | skip |
//! | the same, but not all of its evaluations are | free | evaluate |
//! | finished by other code, canary not repeated yet | free | repeat the canary |
//! | finished by other code, canary missing or different | free | restart |
//! | not started | free | start |
//! | unfinished, with a valid checkpoint | free | resume |
//! | unfinished, without one | free | restart |
//! | its record is damaged | free | repair: set the record aside, then resume or restart |
//! | written by a newer reprise, or unreadable | any | refuse |
//! | anything that needs work | live | leave |
//!
//! The lease of a dead process is free. Start from [`plan`].

use std::fmt;

use crate::store::{LeaseState, Observed, State, record::Record};
use reprise_base::{scalar::Step, text::count};

/// How the code that wrote a record compares with the running code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Its sources have the same digest.
    Same,
    /// It differs, and the canary has not been repeated.
    Changed,
    /// It differs, and the first two steps gave the same bits.
    CanaryEqual,
    /// It differs, and the first two steps gave other bits.
    CanaryDiffers,
    /// It differs, and the record has no canary because the run was shorter than two steps.
    NoCanary,
}

impl Code {
    /// Compares the code of a record with sources of this digest.
    pub fn of(record: &Record, sources_sha256: &str) -> Self {
        match &record.canary {
            _ if record.code.sources_sha256 == sources_sha256 => Self::Same,
            Some(_) => Self::Changed,
            None => Self::NoCanary,
        }
    }
}

/// What to do with one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Keep the record.
    Skip {
        /// Why it is still valid.
        reason: SkipReason,
    },
    /// Keep the record and carry out evaluations.
    Evaluate {
        /// How many are left.
        evaluations: usize,
    },
    /// Repeat the first two steps of the record, then plan again.
    RepeatCanary,
    /// Train from the beginning.
    Start,
    /// Continue from the checkpoint.
    Resume {
        /// Optimizer steps taken at the checkpoint.
        step: Step,
    },
    /// Train from the beginning; what exists is kept as superseded.
    Restart {
        /// Why it cannot be used.
        reason: RestartReason,
    },
    /// Set the damaged record aside, then continue from the checkpoint or from the beginning.
    Repair,
    /// Another process is working on it.
    Leave,
    /// Nothing can be done.
    Refuse { reason: RefuseReason },
}

/// Why nothing can be done with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefuseReason {
    /// A newer reprise wrote it, in this format.
    Newer { format: u32 },
    /// The operating system cannot read it.
    Unreadable,
}

/// Why a record is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The same code wrote it.
    SameCode,
    /// Other code wrote it, but the first two steps gave the same bits.
    SameNumbers,
}

/// Why a run is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartReason {
    /// There is no valid checkpoint.
    NoCheckpoint,
    /// The code has changed, and the first two steps give other bits.
    NumbersChanged,
    /// The code has changed, and there is no canary to compare.
    NoCanary,
}

/// Returns the action for every run, in order. `code` compares the code that wrote a record with
/// the running code; `left` counts the evaluations of a finished run that are not carried out.
pub fn plan(
    observed: &[Observed],
    code: impl Fn(&Record) -> Code,
    left: impl Fn(&Record) -> usize,
) -> Vec<Action> {
    observed.iter().map(|run| decide(run, &code, &left)).collect()
}

fn decide(
    Observed { state, lease }: &Observed,
    code: impl Fn(&Record) -> Code,
    left: impl Fn(&Record) -> usize,
) -> Action {
    let keep = |record: &Record, reason| match left(record) {
        0 => Action::Skip { reason },
        evaluations => Action::Evaluate { evaluations },
    };
    let action = match state {
        State::Nothing => Action::Start,
        State::Resumable(position) => Action::Resume { step: position.next_step },
        State::NotResumable { .. } => Action::Restart { reason: RestartReason::NoCheckpoint },
        State::Finished(record) => match code(record) {
            Code::Same => keep(record, SkipReason::SameCode),
            Code::CanaryEqual => keep(record, SkipReason::SameNumbers),
            Code::Changed => Action::RepeatCanary,
            Code::CanaryDiffers => Action::Restart { reason: RestartReason::NumbersChanged },
            Code::NoCanary => Action::Restart { reason: RestartReason::NoCanary },
        },
        State::Damaged { .. } => Action::Repair,
        State::Newer { format } => {
            Action::Refuse { reason: RefuseReason::Newer { format: *format } }
        }
        State::Unreadable { .. } => Action::Refuse { reason: RefuseReason::Unreadable },
    };
    if action.works() && *lease == LeaseState::Live { Action::Leave } else { action }
}

impl Action {
    /// Returns whether it needs a worker.
    pub const fn works(self) -> bool {
        match self {
            Self::RepeatCanary
            | Self::Evaluate { .. }
            | Self::Start
            | Self::Resume { .. }
            | Self::Restart { .. }
            | Self::Repair => true,
            Self::Skip { .. } | Self::Leave | Self::Refuse { .. } => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip { reason } => write!(f, "skip: {reason}"),
            Self::Evaluate { evaluations } => {
                write!(f, "evaluate: {} left", count(*evaluations, "evaluation"))
            }
            Self::RepeatCanary => f.write_str("verify: finished with different code"),
            Self::Start => f.write_str("start"),
            Self::Resume { step } => write!(f, "resume from step {}", step.0),
            Self::Restart { reason } => write!(f, "restart: {reason}"),
            Self::Repair => f.write_str("repair: its record is damaged"),
            Self::Leave => f.write_str("leave: another process is working on it"),
            Self::Refuse { reason } => write!(f, "refuse: {reason}"),
        }
    }
}

impl fmt::Display for RefuseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { format } => {
                write!(f, "written by a newer version of reprise (format {format})")
            }
            Self::Unreadable => f.write_str("its files cannot be read"),
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameCode => "finished",
            Self::SameNumbers => "finished with different code, same results",
        })
    }
}

impl fmt::Display for RestartReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCheckpoint => "interrupted before its first valid checkpoint",
            Self::NumbersChanged => "the code has changed and gives different results",
            Self::NoCanary => "the code has changed, and the run is too short to verify",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::{checkpoint::Position, journal::JournalMark, samples};

    const LEAVE: &str = "leave: another process is working on it";

    fn finished() -> State {
        State::Finished(Box::new(samples::record(samples::id('a'))))
    }

    fn resumable(step: u64) -> State {
        let journal = JournalMark { bytes: 0, sha256: None };
        State::Resumable(Position { next_step: Step(step), journal })
    }

    #[track_caller]
    fn check(state: &State, code: Code, free: &str, live: &str) {
        for (lease, action) in [(LeaseState::Free, free), (LeaseState::Live, live)] {
            let planned = plan(&[Observed { state: state.clone(), lease }], |_| code, |_| 0);
            assert_eq!(planned.iter().map(Action::to_string).collect::<Vec<_>>(), [action]);
        }
    }

    #[test]
    fn a_finished_run_of_the_same_code_is_skipped() {
        check(&finished(), Code::Same, "skip: finished", "skip: finished");
    }

    #[test]
    fn a_finished_run_is_evaluated_if_evaluations_are_left() {
        for (lease, action) in
            [(LeaseState::Free, "evaluate: 2 evaluations left"), (LeaseState::Live, LEAVE)]
        {
            let planned = plan(&[Observed { state: finished(), lease }], |_| Code::Same, |_| 2);
            assert_eq!(planned[0].to_string(), action);
        }
    }

    #[test]
    fn a_finished_run_whose_numbers_have_not_changed_is_skipped() {
        let action = "skip: finished with different code, same results";
        check(&finished(), Code::CanaryEqual, action, action);
    }

    #[test]
    fn a_finished_run_of_other_code_is_compared_first() {
        check(&finished(), Code::Changed, "verify: finished with different code", LEAVE);
    }

    #[test]
    fn a_finished_run_whose_numbers_have_changed_is_restarted() {
        let action = "restart: the code has changed and gives different results";
        check(&finished(), Code::CanaryDiffers, action, LEAVE);
    }

    #[test]
    fn a_finished_run_that_cannot_be_compared_is_restarted() {
        let action = "restart: the code has changed, and the run is too short to verify";
        check(&finished(), Code::NoCanary, action, LEAVE);
    }

    #[test]
    fn a_run_of_which_there_is_nothing_is_started() {
        check(&State::Nothing, Code::Same, "start", LEAVE);
    }

    #[test]
    fn a_run_with_a_checkpoint_is_resumed() {
        check(&resumable(24), Code::Same, "resume from step 24", LEAVE);
    }

    #[test]
    fn a_run_without_a_checkpoint_is_restarted() {
        let action = "restart: interrupted before its first valid checkpoint";
        check(&State::NotResumable { refusal: None }, Code::Same, action, LEAVE);
    }

    #[test]
    fn a_newer_format_is_refused() {
        let action = "refuse: written by a newer version of reprise (format 9)";
        check(&State::Newer { format: 9 }, Code::Same, action, action);
    }

    #[test]
    fn a_damaged_record_is_repaired_and_an_unreadable_one_refused() {
        let why = || "bad sector".to_owned();
        let repair = "repair: its record is damaged";
        check(&State::Damaged { why: why() }, Code::Same, repair, LEAVE);
        let refuse = "refuse: its files cannot be read";
        check(&State::Unreadable { why: why() }, Code::Same, refuse, refuse);
    }

    #[test]
    fn the_code_of_a_record_is_compared_by_its_digest() {
        let mut record = samples::record(samples::id('a'));
        assert_eq!(Code::of(&record, &record.code.sources_sha256), Code::Same);
        assert_eq!(Code::of(&record, "other"), Code::Changed);
        record.canary = None;
        assert_eq!(Code::of(&record, "other"), Code::NoCanary);
    }

    /// The table as conditions, read from top to bottom, to compare with the match above.
    fn by_conditions(run: &Observed, code: Code) -> Action {
        if let State::Newer { format } = run.state {
            return Action::Refuse { reason: RefuseReason::Newer { format } };
        }
        if matches!(run.state, State::Unreadable { .. }) {
            return Action::Refuse { reason: RefuseReason::Unreadable };
        }
        let is_finished = matches!(run.state, State::Finished(_));
        if is_finished && code == Code::Same {
            return Action::Skip { reason: SkipReason::SameCode };
        }
        if is_finished && code == Code::CanaryEqual {
            return Action::Skip { reason: SkipReason::SameNumbers };
        }
        if run.lease == LeaseState::Live {
            return Action::Leave;
        }
        if is_finished {
            let reason = match code {
                Code::Changed => return Action::RepeatCanary,
                Code::NoCanary => RestartReason::NoCanary,
                _ => RestartReason::NumbersChanged,
            };
            return Action::Restart { reason };
        }
        if let State::Resumable(position) = &run.state {
            return Action::Resume { step: position.next_step };
        }
        if matches!(run.state, State::Damaged { .. }) {
            return Action::Repair;
        }
        if run.state == State::Nothing {
            return Action::Start;
        }
        Action::Restart { reason: RestartReason::NoCheckpoint }
    }

    fn any_code() -> impl Strategy<Value = Code> {
        prop_oneof![
            Just(Code::Same),
            Just(Code::Changed),
            Just(Code::CanaryEqual),
            Just(Code::CanaryDiffers),
            Just(Code::NoCanary),
        ]
    }

    fn any_observed() -> impl Strategy<Value = Observed> {
        let state = prop_oneof![
            Just(State::Nothing),
            Just(State::NotResumable { refusal: None }),
            any::<u64>().prop_map(resumable),
            Just(finished()),
            any::<u32>().prop_map(|format| State::Newer { format }),
            Just(State::Damaged { why: String::new() }),
            Just(State::Unreadable { why: String::new() }),
        ];
        let lease = prop_oneof![Just(LeaseState::Free), Just(LeaseState::Live)];
        (state, lease).prop_map(|(state, lease)| Observed { state, lease })
    }

    proptest! {
        #[test]
        fn every_run_is_decided_as_the_conditions_say(
            mut runs in prop::collection::vec(any_observed(), 0..20),
            codes in prop::collection::vec(any_code(), 20),
        ) {
            for (index, run) in (0..).zip(&mut runs) {
                if let State::Finished(record) = &mut run.state {
                    record.parameters = index; // names the code of this run
                }
            }
            let code = |record: &Record| codes[usize::try_from(record.parameters).unwrap()];
            let expected: Vec<Action> =
                runs.iter().zip(&codes).map(|(run, code)| by_conditions(run, *code)).collect();
            prop_assert_eq!(plan(&runs, code, |_| 0), expected);
        }

        #[test]
        fn nothing_that_another_process_works_on_is_worked_on(
            run in any_observed(), code in any_code(),
        ) {
            let run = Observed { lease: LeaseState::Live, ..run };
            prop_assert!(!plan(&[run], |_| code, |_| 1)[0].works());
        }
    }
}
