//! Shows how far runs are: a line per active run on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::output::{count, duration, tell};
use crate::{
    data, metrics,
    provenance::Stopwatch,
    store::{progress::TrainingProgress, record::Outcome},
    sweep::{
        local::{End, Failed, Happening},
        message::Message,
    },
};

/// Seconds between plain lines of one run.
const LINE_SECONDS: f64 = 10.0;

/// A run that is worked on, as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Arm and seed.
    pub name: String,
    /// Steps of the whole run.
    pub total: u64,
    /// Steps taken so far.
    pub done: u64,
}

/// The progress of a sweep.
pub struct Board {
    runs: Vec<Active>,
    face: Face,
    watch: Stopwatch,
    finished: usize,
    total_runs: usize,
    steps_at_start: u64,
}

/// What is known of one run while it is worked on.
struct Active {
    run: Run,
    begun: Option<Begun>,
    loss: Option<f64>,
    /// The last evaluation, as it is shown.
    score: Option<String>,
    line_at: f64,
}

/// When the current attempt began and with how many steps.
#[derive(Clone, Copy)]
struct Begun {
    seconds: f64,
    done: u64,
}

enum Face {
    Terminal { all: MultiProgress, sweep: ProgressBar, bars: Vec<Option<ProgressBar>> },
    Lines,
}

impl Board {
    /// Begins to show runs, of a sweep that has `skipped` more.
    pub fn new(runs: Vec<Run>, skipped: usize) -> Self {
        let face = if io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let sweep = all.add(bar(runs.iter().map(|run| run.total).sum()));
            Face::Terminal { all, sweep, bars: vec![None; runs.len()] }
        } else {
            Face::Lines
        };
        let active = |run| Active { run, begun: None, loss: None, score: None, line_at: 0.0 };
        let steps_at_start = runs.iter().map(|run| run.done).sum();
        let total_runs = runs.len() + skipped;
        let runs = runs.into_iter().map(active).collect();
        let watch = Stopwatch::start();
        Self { runs, face, watch, finished: skipped, total_runs, steps_at_start }
    }

    /// Shows what happened to a run.
    pub fn show(&mut self, index: usize, happening: &Happening) {
        let now = self.watch.seconds();
        let active = &mut self.runs[index];
        let name = active.run.name.clone();
        match happening {
            Happening::Said(Message::Progress(TrainingProgress::Started { first, total })) => {
                active.run.total = *total;
                active.run.done = first.0;
                active.begun = Some(Begun { seconds: now, done: first.0 });
                active.line_at = now;
                self.event(&match first.0 {
                    0 => format!("{name}: started, {total} steps"),
                    done => format!("{name}: resumed after {done} of {total} steps"),
                });
            }
            Happening::Said(Message::Progress(TrainingProgress::Stepped { done, loss })) => {
                active.run.done = *done;
                active.loss = Some(*loss);
                if now - active.line_at >= LINE_SECONDS {
                    active.line_at = now;
                    self.line(index, now);
                }
            }
            Happening::Said(Message::Progress(TrainingProgress::Evaluated {
                epoch,
                split,
                metric,
                value,
            })) => {
                let score = metrics::written(metric, *value);
                active.score = Some(score.clone());
                active.line_at = now;
                let epoch = epoch.0 + 1;
                self.event(&format!("{name}: {split} {score} with epoch {epoch}"));
            }
            Happening::Said(Message::Finished {
                outcome: Outcome::Diverged { step, quantity, value },
            }) => {
                self.event(&format!("{name}: diverged in step {}: {quantity} is {value}", step.0));
            }
            Happening::Begun | Happening::Said(_) => {}
            Happening::Retried(failed) => {
                self.event(&format!("{name}: failed, tried once more\n{}", tail(failed)));
            }
            Happening::Ended(end) => self.ended(index, end),
        }
        self.draw(index, now);
    }

    /// Stops showing anything that moves.
    pub fn close(&self) {
        if let Face::Terminal { all, .. } = &self.face {
            all.clear().ok(); // a terminal that went away needs no clearing
        }
    }

    fn ended(&mut self, index: usize, end: &End) {
        let active = &self.runs[index];
        let (name, done, total) = (&active.run.name, active.run.done, active.run.total);
        let text = match end {
            End::Done => {
                self.finished += 1;
                let seconds = active.begun.map_or(0.0, |it| self.watch.seconds() - it.seconds);
                format!(
                    "{name}: finished in {} ({} of {} are finished)",
                    duration(seconds),
                    self.finished,
                    count(self.total_runs, "run"),
                )
            }
            End::Busy => format!("{name}: left to the process that is working on it"),
            End::Stopped if active.begun.is_some() => {
                format!("{name}: stopped after {done} of {total} steps")
            }
            End::Stopped => return,
            End::Failed(failed) => format!("{name}: failed\n{}", tail(failed)),
        };
        self.event(&text);
        if let Face::Terminal { bars, .. } = &mut self.face
            && let Some(bar) = bars[index].take()
        {
            bar.finish_and_clear();
        }
    }

    /// Says something that stays to be read.
    fn event(&self, text: &str) {
        match &self.face {
            Face::Terminal { all, .. } => all.println(text).unwrap_or_else(|_| tell(text)),
            Face::Lines => tell(text),
        }
    }

    /// Says how far a run is, where nothing moves.
    fn line(&self, index: usize, now: f64) {
        if matches!(self.face, Face::Lines) {
            let active = &self.runs[index];
            let left = self.seconds_left(now).map(duration);
            let left = left.map(|left| format!(", sweep {left}")).unwrap_or_default();
            tell(&format!("{}: {}{left}", active.run.name, active.text(now)));
        }
    }

    fn draw(&mut self, index: usize, now: f64) {
        let steps = self.runs.iter().map(|active| active.run.done).sum();
        let left = self.seconds_left(now).map_or_else(|| "?".to_owned(), duration);
        let text = format!("{} of {}, ETA {left}", self.finished, count(self.total_runs, "run"));
        let Face::Terminal { all, sweep, bars } = &mut self.face else { return };
        sweep.set_position(steps);
        sweep.set_message(text);
        let active = &self.runs[index];
        if active.begun.is_some_and(|_| active.run.done < active.run.total) {
            let bar =
                bars[index].get_or_insert_with(|| all.insert_before(sweep, bar(active.run.total)));
            bar.set_position(active.run.done);
            bar.set_message(format!("{}: {}", active.run.name, active.text(now)));
        }
    }

    /// Returns the seconds that are left at the pace so far, once there is one.
    fn seconds_left(&self, now: f64) -> Option<f64> {
        let done: u64 = self.runs.iter().map(|active| active.run.done).sum();
        let total: u64 = self.runs.iter().map(|active| active.run.total).sum();
        seconds_left(done.checked_sub(self.steps_at_start)?, total.checked_sub(done)?, now)
    }
}

impl Active {
    fn text(&self, now: f64) -> String {
        let mut parts = vec![format!("step {}/{}", self.run.done, self.run.total)];
        if let Some(loss) = self.loss {
            parts.push(format!("loss {loss:.4}"));
        }
        if let Some(score) = &self.score {
            parts.push(score.clone());
        }
        let left = self.begun.and_then(|begun| {
            let done = self.run.done.checked_sub(begun.done)?;
            seconds_left(done, self.run.total.checked_sub(self.run.done)?, now - begun.seconds)
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

fn tail(failed: &Failed) -> String {
    let Failed { status, stderr } = failed;
    let quoted = |line: &String| format!("  | {line}\n");
    let lines: String = stderr.iter().map(quoted).collect();
    format!("{lines}  | the worker ended with {status}")
}

/// Shows how far a data set is; quiet while there is little to do.
pub fn data_watch() -> impl FnMut(data::Progress) {
    let watch = Stopwatch::start();
    let mut said_at = 0.0;
    move |progress| {
        let now = watch.seconds();
        let text = match progress {
            data::Progress::Waiting => "data: another process decodes them, waiting".to_owned(),
            data::Progress::Decoding { done, total } => {
                format!("data: decoded {done} of {total} sequences")
            }
            data::Progress::Verifying { bytes, total } => {
                format!("data: verified {} of {} MB", bytes / 1_000_000, total / 1_000_000)
            }
        };
        if now - said_at >= 2.0 || progress == data::Progress::Waiting {
            said_at = now;
            tell(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(active: &Active, now: f64, expected: &str) {
        assert_eq!(active.text(now), expected);
    }

    fn active() -> Active {
        let run = Run { name: "a · seed 1".to_owned(), total: 100, done: 0 };
        Active { run, begun: None, loss: None, score: None, line_at: 0.0 }
    }

    #[test]
    fn a_run_without_steps_has_no_pace() {
        let begun = Some(Begun { seconds: 0.0, done: 0 });
        check(&Active { begun, ..active() }, 5.0, "step 0/100");
    }

    #[test]
    fn a_resumed_run_is_paced_by_its_new_steps() {
        let mut resumed = active();
        resumed.run.done = 60;
        resumed.begun = Some(Begun { seconds: 10.0, done: 50 });
        (resumed.loss, resumed.score) = (Some(0.012_34), Some("PSNR 19.50 dB".to_owned()));
        check(&resumed, 30.0, "step 60/100, loss 0.0123, PSNR 19.50 dB, ETA 1 min 20 s");
    }
}
