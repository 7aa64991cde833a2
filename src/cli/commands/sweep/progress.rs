//! Prints the events of a sweep: a bar per active run on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    cli::{
        Failure,
        output::{duration, tell},
    },
    experiment::{ResolvedRun, ResolvedSweep, SweepEvent},
};
use reprise_base::{metrics, scalar::Step, text::count};
use reprise_store::{
    provenance::Stopwatch,
    store::{progress::WorkerProgress, record::Outcome},
    sweep::{
        message::WorkerMessage,
        plan::{Action, SkipReason},
        scheduler::{TaskEnd, TaskEvent, WorkerFailure},
    },
};

/// Seconds between plain lines of one run.
const LINE_SECONDS: f64 = 10.0;

/// The progress of a sweep on stderr.
pub(super) struct SweepProgress<'a> {
    sweep: &'a ResolvedSweep,
    training: Option<TrainingProgress>,
}

impl<'a> SweepProgress<'a> {
    /// Begins before anything has happened.
    pub(super) fn new(sweep: &'a ResolvedSweep) -> Self {
        Self { sweep, training: None }
    }

    /// Prints an event.
    pub(super) fn show(&mut self, event: SweepEvent<'_>) {
        match event {
            SweepEvent::SameTraining { run, trained, used } => {
                let name = &self.sweep.runs[run].name;
                match used {
                    Ok(()) => tell(&format!(
                        "{name}: trained already as run {trained}; only its test is left"
                    )),
                    Err(error) => tell(&format!(
                        "{name}: trained again, since run {trained} cannot be used\n{}",
                        Failure::from(error).render()
                    )),
                }
            }
            SweepEvent::RepeatingCanaries(runs) => tell(&format!(
                "the code has changed since {} finished: verifying the first two steps",
                count(runs, "run"),
            )),
            SweepEvent::Planned(actions) => self.show_plan(actions),
            SweepEvent::NotReady { run, error } => {
                let name = &self.sweep.runs[run].name;
                tell(&format!("{name}: failed\n{}", Failure::from(error).render()));
            }
            SweepEvent::Training { runs, actions } => {
                let finished =
                    actions.iter().filter(|it| matches!(it, Action::Skip { .. })).count();
                let active =
                    |&index: &usize| ActiveRun::new(&self.sweep.runs[index], actions[index]);
                self.training =
                    Some(TrainingProgress::new(runs.iter().map(active).collect(), finished));
            }
            SweepEvent::Task { task, event } => {
                if let Some(training) = &mut self.training {
                    training.show(task, event);
                }
            }
        }
    }

    /// Removes the bars.
    pub(super) fn close(&self) {
        if let Some(training) = &self.training {
            training.close();
        }
    }

    /// Prints what is skipped and what is left.
    fn show_plan(&self, actions: &[Action]) {
        for (run, action) in self.sweep.runs.iter().zip(actions) {
            if !matches!(action, Action::Skip { .. } | Action::Start) {
                tell(&format!("{}: {action}", run.name));
            }
        }
        let skipped = |wanted: &[SkipReason]| {
            let is_wanted = |action: &&Action| match action {
                Action::Skip { reason } => wanted.contains(reason),
                _ => false,
            };
            actions.iter().filter(is_wanted).count()
        };
        let total = count(actions.len(), "run");
        let finished = match skipped(&[SkipReason::SameCode, SkipReason::SameNumbers]) {
            0 => String::new(),
            all if all == actions.len() => ", all finished already".to_owned(),
            some => format!(", {some} finished already"),
        };
        let verified = match skipped(&[SkipReason::SameNumbers]) {
            0 => String::new(),
            some => format!(" ({some} with different code but the same results)"),
        };
        tell(&format!("{}: {total}{finished}{verified}", self.sweep.sweep.name));
    }
}

/// The runs that are being trained or evaluated.
pub(in crate::cli::commands) struct TrainingProgress {
    runs: Vec<ActiveRun>,
    style: Style,
    watch: Stopwatch,
    finished: usize,
    total_runs: usize,
    steps_at_start: u64,
}

/// How progress is shown.
enum Style {
    Bars { all: MultiProgress, sweep: ProgressBar, bars: Vec<Option<ProgressBar>> },
    Lines,
}

/// What is known of a run while it is trained or evaluated.
pub(in crate::cli::commands) struct ActiveRun {
    /// Arm and seed.
    name: String,
    /// Steps of the whole run.
    total: u64,
    /// Steps taken so far.
    done: u64,
    attempt: Option<Attempt>,
    loss: Option<f64>,
    /// The last validation.
    score: Option<String>,
    /// The evaluation that is being carried out.
    scoring: Option<EvaluationProgress>,
    line_at: f64,
}

/// An evaluation that is being carried out.
struct EvaluationProgress {
    evaluation: String,
    /// Sequences scored.
    done: u64,
    total: u64,
    /// When it began, with the sequences that were scored before.
    attempt: Option<Attempt>,
}

/// When the current attempt began, and after how many steps.
#[derive(Clone, Copy)]
struct Attempt {
    seconds: f64,
    done: u64,
}

impl TrainingProgress {
    /// Begins to show runs of a sweep that has `finished` more.
    pub(in crate::cli::commands) fn new(runs: Vec<ActiveRun>, finished: usize) -> Self {
        let style = if io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let sweep = all.add(bar(runs.iter().map(|run| run.total).sum()));
            Style::Bars { all, sweep, bars: vec![None; runs.len()] }
        } else {
            Style::Lines
        };
        let steps_at_start = runs.iter().map(|run| run.done).sum();
        let total_runs = runs.len() + finished;
        Self { runs, style, watch: Stopwatch::start(), finished, total_runs, steps_at_start }
    }

    pub(in crate::cli::commands) fn show(&mut self, index: usize, event: &TaskEvent) {
        let now = self.watch.seconds();
        let run = &mut self.runs[index];
        let name = run.name.clone();
        match event {
            TaskEvent::Message(WorkerMessage::NumbersChanged) => self.print(&format!(
                "{name}: results differ from those at the run's start; restarting from scratch"
            )),
            TaskEvent::Message(WorkerMessage::Damaged) => self
                .print(&format!("{name}: its best checkpoint is damaged; restarting from scratch")),
            TaskEvent::Message(WorkerMessage::Progress(WorkerProgress::Started {
                first,
                total,
            })) => {
                run.total = *total;
                run.done = first.0;
                run.attempt = Some(Attempt { seconds: now, done: first.0 });
                run.line_at = now;
                self.print(&match first.0 {
                    0 => format!("{name}: started, {total} steps"),
                    done => format!("{name}: resumed from step {done} of {total}"),
                });
            }
            TaskEvent::Message(WorkerMessage::Progress(WorkerProgress::Stepped { done, loss })) => {
                run.done = *done;
                run.loss = Some(*loss);
                if now - run.line_at >= LINE_SECONDS {
                    run.line_at = now;
                    self.print_line(index, now);
                }
            }
            TaskEvent::Message(WorkerMessage::Progress(WorkerProgress::Evaluated {
                epoch,
                split,
                metric,
                value,
            })) => {
                let score = metrics::written(metric, *value);
                run.score = Some(score.clone());
                run.line_at = now;
                self.print(&format!("{name}: {split} {score} after epoch {}", epoch.0 + 1));
            }
            TaskEvent::Message(WorkerMessage::Evaluating { name: evaluation }) => {
                let evaluation = evaluation.clone();
                run.scoring =
                    Some(EvaluationProgress { evaluation, done: 0, total: 0, attempt: None });
                run.line_at = now;
            }
            TaskEvent::Message(WorkerMessage::Progress(WorkerProgress::Scoring {
                done,
                total,
            })) => {
                if let Some(scoring) = &mut run.scoring {
                    (scoring.done, scoring.total) = (*done, *total);
                    if scoring.attempt.is_none() {
                        scoring.attempt = Some(Attempt { seconds: now, done: *done });
                        let text = format!("{name}: {}", run.text(now));
                        self.print(&text);
                    }
                }
                let run = &mut self.runs[index];
                if now - run.line_at >= LINE_SECONDS {
                    run.line_at = now;
                    self.print_line(index, now);
                }
            }
            TaskEvent::Message(WorkerMessage::Finished {
                outcome: Outcome::Diverged { step, quantity, value },
            }) => {
                self.print(&format!("{name}: diverged in step {}: {quantity} is {value}", step.0));
            }
            TaskEvent::Message(WorkerMessage::Finished {
                outcome: Outcome::StoppedEarly { epochs },
            }) => {
                let epochs = count(epochs.get(), "epoch");
                self.print(&format!("{name}: stopped early after {epochs}"));
            }
            TaskEvent::Started | TaskEvent::Message(_) => {}
            TaskEvent::Retried(failure) => {
                self.print(&format!(
                    "{name}: failed; starting a second attempt\n{}",
                    tail(failure)
                ));
            }
            TaskEvent::Ended(end) => self.end(index, end),
        }
        self.draw(index, now);
    }

    /// Removes the bars.
    pub(in crate::cli::commands) fn close(&self) {
        if let Style::Bars { all, .. } = &self.style {
            all.clear().ok(); // a terminal that is gone needs no clearing
        }
    }

    fn end(&mut self, index: usize, end: &TaskEnd) {
        let ActiveRun { name, done, total, attempt, .. } = &self.runs[index];
        let text = match end {
            TaskEnd::Done => {
                self.finished += 1;
                let took = attempt.map(|it| duration(self.watch.seconds() - it.seconds));
                let took = took.map(|took| format!(" in {took}")).unwrap_or_default();
                format!(
                    "{name}: finished{took} ({} of {} finished)",
                    self.finished,
                    count(self.total_runs, "run"),
                )
            }
            TaskEnd::Busy => format!("{name}: skipped, another process is working on it"),
            TaskEnd::Stopped if attempt.is_some() => {
                format!("{name}: stopped after {done} of {total} steps")
            }
            TaskEnd::Stopped => return,
            TaskEnd::Failed(failure) => format!("{name}: failed\n{}", tail(failure)),
        };
        self.print(&text);
        if let Style::Bars { bars, .. } = &mut self.style
            && let Some(bar) = bars[index].take()
        {
            bar.finish_and_clear();
        }
    }

    /// Prints a line that stays.
    fn print(&self, text: &str) {
        match &self.style {
            Style::Bars { all, .. } => all.println(text).unwrap_or_else(|_| tell(text)),
            Style::Lines => tell(text),
        }
    }

    /// Prints the progress of a run if there are no bars.
    fn print_line(&self, index: usize, now: f64) {
        if matches!(self.style, Style::Lines) {
            let run = &self.runs[index];
            let left = self.seconds_left(now).map(duration);
            let left = left.map(|left| format!(", sweep ETA {left}")).unwrap_or_default();
            tell(&format!("{}: {}{left}", run.name, run.text(now)));
        }
    }

    fn draw(&mut self, index: usize, now: f64) {
        let steps = self.runs.iter().map(|run| run.done).sum();
        let left = self.seconds_left(now).map_or_else(|| "?".to_owned(), duration);
        let text = format!("{} of {}, ETA {left}", self.finished, count(self.total_runs, "run"));
        let Style::Bars { all, sweep, bars } = &mut self.style else { return };
        sweep.set_position(steps);
        sweep.set_message(text);
        let run = &self.runs[index];
        if run.attempt.is_some_and(|_| run.done < run.total) || run.scoring.is_some() {
            let bar = bars[index].get_or_insert_with(|| all.insert_before(sweep, bar(run.total)));
            let [done, total] = match &run.scoring {
                Some(EvaluationProgress { done, total, .. }) => [*done, *total],
                None => [run.done, run.total],
            };
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(format!("{}: {}", run.name, run.text(now)));
        }
    }

    /// Returns the seconds left at the pace so far, once there is one.
    fn seconds_left(&self, now: f64) -> Option<f64> {
        let done: u64 = self.runs.iter().map(|run| run.done).sum();
        let total: u64 = self.runs.iter().map(|run| run.total).sum();
        seconds_left(done.checked_sub(self.steps_at_start)?, total.checked_sub(done)?, now)
    }
}

impl ActiveRun {
    fn new(run: &ResolvedRun, action: Action) -> Self {
        let total = run.spec.training.total_steps();
        let done = match action {
            Action::Resume { step: Step(done) } => done,
            Action::Evaluate { .. } => total,
            _ => 0,
        };
        Self { done, ..Self::named(&run.name, total) }
    }

    pub(in crate::cli::commands) fn named(name: &str, total: u64) -> Self {
        let name = name.to_owned();
        Self {
            name,
            total,
            done: 0,
            attempt: None,
            loss: None,
            score: None,
            scoring: None,
            line_at: 0.0,
        }
    }

    fn text(&self, now: f64) -> String {
        if let Some(EvaluationProgress { evaluation, done, total, attempt }) = &self.scoring {
            let left = attempt.and_then(|attempt| {
                let pace = done.checked_sub(attempt.done)?;
                seconds_left(pace, total.checked_sub(*done)?, now - attempt.seconds)
            });
            let left = left.map(|left| format!(", ETA {}", duration(left))).unwrap_or_default();
            return format!("evaluating `{evaluation}`, sequence {done}/{total}{left}");
        }
        let mut parts = vec![format!("step {}/{}", self.done, self.total)];
        if let Some(loss) = self.loss {
            parts.push(format!("loss {loss:.4}"));
        }
        if let Some(score) = &self.score {
            parts.push(score.clone());
        }
        let left = self.attempt.and_then(|attempt| {
            let done = self.done.checked_sub(attempt.done)?;
            seconds_left(done, self.total.checked_sub(self.done)?, now - attempt.seconds)
        });
        if let Some(left) = left {
            parts.push(format!("ETA {}", duration(left)));
        }
        parts.join(", ")
    }
}

/// Returns how long `left` steps take if `done` took `seconds`.
fn seconds_left(done: u64, left: u64, seconds: f64) -> Option<f64> {
    (done > 0).then(|| seconds / done as f64 * left as f64)
}

fn bar(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {msg}").expect("the template is valid");
    ProgressBar::new(total).with_style(style)
}

fn tail(WorkerFailure { status, stderr }: &WorkerFailure) -> String {
    let quoted = |line: &String| format!("  | {line}\n");
    let lines: String = stderr.iter().map(quoted).collect();
    format!("{lines}  | the worker ended with {status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(run: &ActiveRun, now: f64, expected: &str) {
        assert_eq!(run.text(now), expected);
    }

    #[test]
    fn a_run_without_steps_has_no_pace() {
        let attempt = Some(Attempt { seconds: 0.0, done: 0 });
        check(&ActiveRun { attempt, ..ActiveRun::named("a · seed 1", 100) }, 5.0, "step 0/100");
    }

    #[test]
    fn a_resumed_run_is_paced_by_its_new_steps() {
        let resumed = ActiveRun {
            done: 60,
            attempt: Some(Attempt { seconds: 10.0, done: 50 }),
            loss: Some(0.012_34),
            score: Some("PSNR 19.50 dB".to_owned()),
            ..ActiveRun::named("a · seed 1", 100)
        };
        check(&resumed, 30.0, "step 60/100, loss 0.0123, PSNR 19.50 dB, ETA 1 min 20 s");
    }
}
