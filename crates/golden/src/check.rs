//! From cases through ports to verdicts.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    case::Case,
    discover::CaseDir,
    exceptions::{Exception, Exceptions},
    guarded::run,
    judge::{Judgement, judge, widen_tail},
    port::CasePort,
    references::References,
    spec::Precision,
    spread,
    verdict::{CaseReport, CaseVerdict, Report, diverging, special_rules, worst},
};
use reprise_base::text::error_chain;

/// How cases are checked.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    /// The implementations; the first that serves a system runs its cases.
    pub ports: &'a [Box<dyn CasePort>],
    pub precision: Precision,
    pub exceptions: &'a Exceptions,
}

impl Check<'_> {
    /// Checks the cases in `dirs`, `jobs` of them in parallel.
    ///
    /// `watch` is called with the report of every case as it ends; the result has the order of `dirs`.
    pub fn all(
        &self,
        dirs: &[CaseDir],
        jobs: usize,
        watch: &(dyn Fn(&CaseReport) + Sync),
    ) -> Report {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(dirs.len()));
        thread::scope(|scope| {
            for _ in 0..jobs.clamp(1, dirs.len().max(1)) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(dir) = dirs.get(index) else { break };
                        let report = self.dir(dir);
                        watch(&report);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((index, report));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        let cases: Vec<CaseReport> = done.into_iter().map(|(_, report)| report).collect();
        let stale = self
            .exceptions
            .list
            .iter()
            .filter(|exception| is_stale(exception, &cases, self.precision))
            .map(|Exception { system, case, output, .. }| format!("{system}/{case} {output}"))
            .collect();
        Report::new(self.precision, cases, stale)
    }

    /// Checks the case in `dir` with the port of its system.
    pub fn dir(&self, dir: &CaseDir) -> CaseReport {
        let invalid = |reason: String| CaseReport::invalid(&dir.system, &dir.case, reason);
        match Case::load(&dir.path) {
            Err(error) => invalid(error_chain(&error)),
            Ok(case) => match self.ports.iter().find(|port| port.serves(&case.system)) {
                None => invalid(format!("no port for system `{}`", case.system)),
                Some(port) => self.case(&case, port.as_ref()),
            },
        }
    }

    /// Checks one case with one port.
    pub fn case(&self, case: &Case, port: &dyn CasePort) -> CaseReport {
        let captured = match run(case, port, self.precision) {
            Ok(captured) => captured,
            Err(reason) => return CaseReport::invalid(&case.system, &case.name, reason),
        };
        let references = References::of(case);
        let mut outputs = Vec::new();
        let mut incomparable = Vec::new();
        for output in case.outputs_in_flow_order() {
            match judge(&references, output, captured.get(&output.name), self.precision) {
                Ok(judgement) => outputs.push(judgement),
                Err(error) => incomparable.push(error),
            }
        }
        widen_tail(case, &mut outputs, self.precision);
        for judgement in outputs.iter_mut().filter(|judgement| judgement.diverges()) {
            let known = self.exceptions.list.iter().find(|exception| {
                exception.covers_case(&case.system, &case.name, self.precision)
                    && exception.covers_output(&judgement.output)
                    && judgement.ratio <= exception.size
            });
            judgement.known_difference = known.map(|exception| exception.reason.clone());
        }
        if incomparable.is_empty() && self.may_measure(case, port, &outputs) {
            spread::widen(&references, port, self.precision, &captured, &mut outputs);
        }
        let first_divergent =
            outputs.iter().find(|judgement| judgement.fails()).map(|j| j.output.clone());
        let (verdict, reason) = match (incomparable.first(), &first_divergent) {
            (Some(error), _) if incomparable.len() == 1 => {
                (CaseVerdict::Invalid, Some(error.to_string()))
            }
            (Some(error), _) => {
                let more = incomparable.len() - 1;
                (
                    CaseVerdict::Invalid,
                    Some(format!("{error}; {more} more outputs cannot be compared")),
                )
            }
            (None, Some(output)) => (CaseVerdict::Fail, Some(diverging(&outputs, output))),
            (None, None) => (CaseVerdict::Pass, special_rules(&outputs)),
        };
        CaseReport {
            system: case.system.clone(),
            case: case.name.clone(),
            verdict,
            worst: worst(&outputs),
            reason,
            first_divergent,
            outputs,
        }
    }
}

impl Check<'_> {
    /// Returns whether the spread of failing outputs may be measured: in f32 only if the port passes in
    /// f64, where a wrong formula shows.
    fn may_measure(&self, case: &Case, port: &dyn CasePort, outputs: &[Judgement]) -> bool {
        let twin = Check { precision: Precision::F64, ..*self };
        outputs.iter().any(Judgement::fails)
            && (self.precision == Precision::F64
                || twin.case(case, port).verdict == CaseVerdict::Pass)
    }
}

/// Returns whether cases that an exception covers were run and none shows the difference.
fn is_stale(exception: &Exception, cases: &[CaseReport], precision: Precision) -> bool {
    let mut covered = cases
        .iter()
        .filter(|case| exception.covers_case(&case.system, &case.case, precision))
        .filter(|case| case.verdict != CaseVerdict::Invalid)
        .peekable();
    covered.peek().is_some()
        && covered.all(|case| {
            !case.outputs.iter().any(|j| j.diverges() && exception.covers_output(&j.output))
        })
}
