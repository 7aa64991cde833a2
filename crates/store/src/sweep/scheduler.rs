//! Runs worker processes on this machine, a limited number at a time.
//!
//! A worker is any command that writes [`WorkerMessage`] lines to its stdout, stops with exit code
//! 130 when its stdin ends, and explains a failure on its stderr. A worker whose parent is killed
//! therefore stops by itself. Nothing here knows what a worker computes. Start from [`execute`].

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::message::WorkerMessage;
use reprise_base::fs::AppendFile;

/// Attempts at one task before it has failed.
const ATTEMPTS_MAX: u32 = 2;

/// Exit code of a worker that was asked to stop.
pub const EXIT_STOPPED: i32 = 130;

/// Exit code of a worker whose settings or files cannot work, so that another attempt cannot help.
const EXIT_USAGE: i32 = 2;

/// Longest wait for a message; also how long an interrupt can go unseen.
const TICK: Duration = Duration::from_millis(100);

/// Lines of a failed worker's stderr that are kept for the event; its log has all of them.
const TAIL_LINES: usize = 12;

/// A command to run as a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The program, without its arguments.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables that are added to the environment.
    pub environment: Vec<(String, String)>,
    /// File to which the worker's stderr is appended.
    pub log: PathBuf,
}

/// How tasks share the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One worker runs in each slot at a time. Without slots, nothing runs.
    pub slots: Vec<Slot>,
    /// What a failure means for the other tasks.
    pub on_failure: OnFailure,
}

/// A part of the machine, such as a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Variables that are added to the environment of its workers.
    pub environment: Vec<(String, String)>,
}

/// What happens to the other tasks when one has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// They are run.
    Continue,
    /// They are stopped or not started.
    Stop,
}

/// What the scheduler reports of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskEvent {
    /// A worker was started.
    Started,
    /// The worker printed a message.
    Message(WorkerMessage),
    /// The worker failed; another attempt follows.
    Retried(WorkerFailure),
    /// The task has ended.
    Ended(TaskEnd),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskEnd {
    /// The worker succeeded.
    Done,
    /// Another process was working on it.
    Busy,
    /// It was stopped or never started, because of an interrupt or another task's failure.
    Stopped,
    /// Every attempt failed.
    Failed(WorkerFailure),
}

/// A worker's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerFailure {
    /// How the process ended, e.g. `exit status: 3`.
    pub status: String,
    /// The last lines of its stderr.
    pub stderr: Vec<String>,
}

/// Runs all tasks and returns how each ended.
///
/// `interrupts` counts requests to stop: after the first, workers are asked to stop and no more are
/// started; after the second, they are killed.
pub fn execute(
    tasks: &[Task],
    limits: &Limits,
    interrupts: &AtomicU32,
    report: &mut dyn FnMut(usize, TaskEvent),
) -> Vec<TaskEnd> {
    let (sender, receiver) = mpsc::channel();
    let waiting = (0..tasks.len()).map(|task| Waiting { task, attempt: 1, avoided: None });
    let mut scheduler = Scheduler {
        tasks,
        limits,
        sender,
        active: Vec::new(),
        waiting: waiting.collect(),
        stopping: false,
    };
    let mut ends = vec![TaskEnd::Stopped; tasks.len()];
    loop {
        scheduler.apply_interrupts(interrupts.load(Ordering::Relaxed));
        scheduler.fill(&mut ends, report);
        if scheduler.active.is_empty() {
            return ends;
        }
        match receiver.recv_timeout(TICK) {
            Ok(FromWorker::Message(task, message)) => {
                scheduler.note(task, &message);
                report(task, TaskEvent::Message(message));
            }
            Ok(FromWorker::Closed(task)) => {
                if let Some(end) = scheduler.end_attempt(task, report) {
                    ends[task] = end;
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// What the reader of a worker's stdout sends.
enum FromWorker {
    Message(usize, WorkerMessage),
    /// Stdout has ended.
    Closed(usize),
}

/// The queue of tasks and the running workers.
struct Scheduler<'a> {
    tasks: &'a [Task],
    limits: &'a Limits,
    sender: Sender<FromWorker>,
    active: Vec<Worker>,
    /// Tasks in the order in which they are started.
    waiting: VecDeque<Waiting>,
    stopping: bool,
}

/// A task that is to be started.
struct Waiting {
    task: usize,
    attempt: u32,
    /// The slot in which the last attempt failed.
    avoided: Option<usize>,
}

/// A running worker process.
struct Worker {
    task: usize,
    /// Index of its slot.
    slot: usize,
    attempt: u32,
    busy: bool,
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: Option<JoinHandle<Vec<String>>>,
}

impl Scheduler<'_> {
    /// Starts a worker in every free slot for which a task waits.
    fn fill(&mut self, ends: &mut [TaskEnd], report: &mut dyn FnMut(usize, TaskEvent)) {
        for slot in 0..self.limits.slots.len() {
            while !self.stopping && self.active.iter().all(|worker| worker.slot != slot) {
                let suits = |waiting: &Waiting| self.suits(waiting, slot);
                let Some(place) = self.waiting.iter().position(suits) else { break };
                let Some(Waiting { task, attempt, .. }) = self.waiting.remove(place) else { break };
                if let Some(end) = self.start(task, slot, attempt, report) {
                    ends[task] = end;
                }
            }
        }
    }

    /// Returns whether a task may be started in a slot: after a failure, only in one of another kind, if
    /// there is any.
    fn suits(&self, waiting: &Waiting, slot: usize) -> bool {
        let slots = &self.limits.slots;
        waiting.avoided.is_none_or(|avoided| {
            slots[avoided] != slots[slot] || slots.iter().all(|slot| *slot == slots[avoided])
        })
    }

    /// Starts a worker; returns the end of its task if that fails.
    fn start(
        &mut self,
        task: usize,
        slot: usize,
        attempt: u32,
        report: &mut dyn FnMut(usize, TaskEvent),
    ) -> Option<TaskEnd> {
        match Worker::start(self.tasks, task, &self.limits.slots, slot, attempt, &self.sender) {
            Ok(worker) => {
                self.active.push(worker);
                report(task, TaskEvent::Started);
                None
            }
            Err(error) => {
                let status = format!("failed to start: {error}");
                let failure = WorkerFailure { status, stderr: Vec::new() };
                Some(self.end(task, TaskEnd::Failed(failure), report))
            }
        }
    }

    fn note(&mut self, task: usize, message: &WorkerMessage) {
        if let Some(worker) = self.active.iter_mut().find(|worker| worker.task == task) {
            worker.busy |= *message == WorkerMessage::Busy;
        }
    }

    /// Removes a worker whose stdout has ended. Returns the end of its task, or nothing if another
    /// attempt follows.
    fn end_attempt(
        &mut self,
        task: usize,
        report: &mut dyn FnMut(usize, TaskEvent),
    ) -> Option<TaskEnd> {
        let index = self.active.iter().position(|worker| worker.task == task)?;
        let worker = self.active.swap_remove(index);
        let (attempt, slot, busy) = (worker.attempt, worker.slot, worker.busy);
        let (status, stderr) = worker.wait();
        let code = status.as_ref().ok().and_then(ExitStatus::code);
        let end = match status.as_ref().map(ExitStatus::code) {
            Ok(Some(0)) if busy => TaskEnd::Busy,
            Ok(Some(0)) => TaskEnd::Done,
            Ok(Some(EXIT_STOPPED)) => TaskEnd::Stopped,
            Ok(None) if self.stopping => TaskEnd::Stopped, // killed by a second interrupt
            _ => {
                let status = status.map_or_else(|error| error.to_string(), |it| it.to_string());
                let failure = WorkerFailure { status, stderr };
                let may_help = code != Some(EXIT_USAGE);
                if may_help && attempt < ATTEMPTS_MAX && !self.stopping {
                    report(task, TaskEvent::Retried(failure));
                    let again = Waiting { task, attempt: attempt + 1, avoided: Some(slot) };
                    self.waiting.push_front(again);
                    return None;
                }
                TaskEnd::Failed(failure)
            }
        };
        Some(self.end(task, end, report))
    }

    /// Reports the end of a task.
    fn end(
        &mut self,
        task: usize,
        end: TaskEnd,
        report: &mut dyn FnMut(usize, TaskEvent),
    ) -> TaskEnd {
        if matches!(end, TaskEnd::Failed(_)) && self.limits.on_failure == OnFailure::Stop {
            self.stop();
        }
        report(task, TaskEvent::Ended(end.clone()));
        end
    }

    fn apply_interrupts(&mut self, interrupts: u32) {
        if interrupts > 0 {
            self.stop();
        }
        if interrupts > 1 {
            for worker in &mut self.active {
                worker.child.kill().ok(); // it may have just ended
            }
        }
    }

    /// Asks every worker to stop; no more are started.
    fn stop(&mut self) {
        self.stopping = true;
        for worker in &mut self.active {
            worker.stdin = None;
        }
    }
}

impl Worker {
    fn start(
        tasks: &[Task],
        index: usize,
        slots: &[Slot],
        slot: usize,
        attempt: u32,
        sender: &Sender<FromWorker>,
    ) -> io::Result<Self> {
        let task = &tasks[index];
        let environment = task.environment.iter().chain(&slots[slot].environment);
        let mut child = Command::new(&task.program)
            .args(&task.arguments)
            .envs(environment.map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (sender, log) = (sender.clone(), task.log.clone());
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Libraries may print other lines.
                if let Ok(message) = serde_json::from_str(&line)
                    && sender.send(FromWorker::Message(index, message)).is_err()
                {
                    return;
                }
            }
            sender.send(FromWorker::Closed(index)).ok(); // fails once all tasks have ended
        });
        let stderr = thread::spawn(move || keep_stderr(stderr, &log));
        let stderr = Some(stderr);
        Ok(Self { task: index, slot, attempt, busy: false, child, stdin, stderr })
    }

    /// Waits for the process and returns its status with the end of its stderr.
    fn wait(mut self) -> (io::Result<ExitStatus>, Vec<String>) {
        self.stdin = None;
        let status = self.child.wait();
        let tail = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        (status, tail)
    }
}

/// Appends a worker's stderr to its log, which is created with the first line, and returns the last
/// lines.
fn keep_stderr(stderr: impl Read, log: &Path) -> Vec<String> {
    let mut tail: Vec<String> = Vec::new();
    let mut file = None;
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        if file.is_none() {
            file = AppendFile::open(log).ok();
        }
        if let Some(file) = &mut file {
            file.append(&line).ok(); // a full disk must not hide the message itself
        }
        if tail.len() == TAIL_LINES {
            tail.remove(0);
        }
        tail.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: &str = r#"echo '{"finished":{"outcome":"completed"}}'"#;
    /// Waits for the end of its stdin, as a worker that is asked to stop.
    const UNTIL_STOPPED: &str = "cat >/dev/null; exit 130";

    struct Case<'a> {
        scripts: &'a [&'a str],
        jobs: usize,
        on_failure: OnFailure,
        interrupts: u32,
    }

    impl Case<'_> {
        fn run(&self) -> (Vec<TaskEnd>, Vec<(usize, TaskEvent)>, tempfile::TempDir) {
            let folder = tempfile::tempdir().unwrap();
            let task = |(index, script): (usize, &&str)| Task {
                program: "sh".into(),
                arguments: ["-c", *script].map(OsString::from).to_vec(),
                environment: vec![("MARK".to_owned(), folder.path().display().to_string())],
                log: folder.path().join(format!("{index}.log")),
            };
            let tasks: Vec<_> = self.scripts.iter().enumerate().map(task).collect();
            let limits =
                Limits { slots: vec![Slot::default(); self.jobs], on_failure: self.on_failure };
            let interrupts = AtomicU32::new(0);
            let mut events = Vec::new();
            let ends = execute(&tasks, &limits, &interrupts, &mut |task, event| {
                interrupts.store(self.interrupts, Ordering::Relaxed);
                events.push((task, event));
            });
            (ends, events, folder)
        }
    }

    #[track_caller]
    fn check(case: &Case<'_>, expected: &[&str]) {
        let (ends, ..) = case.run();
        let name = |end: &TaskEnd| match end {
            TaskEnd::Done => "done",
            TaskEnd::Busy => "busy",
            TaskEnd::Stopped => "stopped",
            TaskEnd::Failed(_) => "failed",
        };
        assert_eq!(ends.iter().map(name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tasks_end_as_their_workers_do() {
        let scripts = &[DONE, "echo '\"busy\"'", "exit 130", "exit 3", "kill -9 $$"];
        let case = Case { scripts, jobs: 2, on_failure: OnFailure::Continue, interrupts: 0 };
        check(&case, &["done", "busy", "stopped", "failed", "failed"]);
    }

    #[test]
    fn a_failed_worker_is_started_once_more() {
        let script =
            format!("[ -e $MARK/tried ] && {{ {DONE}; exit 0; }}; touch $MARK/tried; exit 1");
        let case =
            Case { scripts: &[&script], jobs: 1, on_failure: OnFailure::Continue, interrupts: 0 };
        let (ends, events, _folder) = case.run();
        assert_eq!(ends, [TaskEnd::Done]);
        let started = events.iter().filter(|(_, event)| *event == TaskEvent::Started);
        assert_eq!(started.count(), 2);
    }

    #[test]
    fn a_failed_worker_is_started_again_in_another_slot() {
        // The first slot is lost; tasks are kept long enough that both slots are used.
        let script = format!("[ $SLOT = 0 ] && exit 1; sleep 0.2; {DONE}");
        let folder = tempfile::tempdir().unwrap();
        let task = |index: usize| Task {
            program: "sh".into(),
            arguments: ["-c", script.as_str()].map(OsString::from).to_vec(),
            environment: Vec::new(),
            log: folder.path().join(format!("{index}.log")),
        };
        let tasks: Vec<Task> = (0..3).map(task).collect();
        let slot = |slot: &str| Slot { environment: vec![("SLOT".to_owned(), slot.to_owned())] };
        let limits = Limits { slots: vec![slot("0"), slot("1")], on_failure: OnFailure::Continue };
        let mut retried = 0;
        let ends = execute(&tasks, &limits, &AtomicU32::new(0), &mut |_, event| {
            retried += usize::from(matches!(event, TaskEvent::Retried(_)));
        });
        assert_eq!(ends, vec![TaskEnd::Done; 3]);
        assert!(retried > 0, "the first slot was used");
    }

    #[test]
    fn a_worker_with_impossible_settings_is_not_started_again() {
        let case =
            Case { scripts: &["exit 2"], jobs: 1, on_failure: OnFailure::Continue, interrupts: 0 };
        let (_, events, _folder) = case.run();
        let started = events.iter().filter(|(_, event)| *event == TaskEvent::Started);
        assert_eq!(started.count(), 1);
    }

    #[test]
    fn a_failure_shows_the_end_of_stderr_and_logs_all_of_it() {
        let script = "for i in $(seq 1 20); do echo line $i >&2; done; exit 3";
        let case =
            Case { scripts: &[script], jobs: 1, on_failure: OnFailure::Continue, interrupts: 0 };
        let (ends, _, folder) = case.run();
        let [TaskEnd::Failed(failed)] = ends.as_slice() else { panic!("{ends:?}") };
        assert_eq!(failed.status, "exit status: 3");
        assert_eq!((failed.stderr.len(), failed.stderr[0].as_str()), (TAIL_LINES, "line 9"));
        let log = reprise_base::fs::read_text(&folder.path().join("0.log"), 1 << 20).unwrap();
        assert_eq!(log.lines().count(), 40, "both attempts are logged");
    }

    #[test]
    fn an_interrupt_stops_workers_and_starts_none() {
        let scripts = &[UNTIL_STOPPED, DONE];
        let case = Case { scripts, jobs: 1, on_failure: OnFailure::Continue, interrupts: 1 };
        check(&case, &["stopped", "stopped"]);
    }

    #[test]
    fn a_second_interrupt_kills() {
        let scripts = &["trap '' TERM INT; exec sleep 60"];
        let case = Case { scripts, jobs: 1, on_failure: OnFailure::Continue, interrupts: 2 };
        check(&case, &["stopped"]);
    }

    #[test]
    fn failing_fast_stops_the_others() {
        let scripts = &["exit 3", UNTIL_STOPPED, DONE];
        let case = Case { scripts, jobs: 2, on_failure: OnFailure::Stop, interrupts: 0 };
        check(&case, &["failed", "stopped", "stopped"]);
    }

    #[test]
    fn a_program_that_cannot_be_started_is_a_failure() {
        let task = Task {
            program: "/nonexistent/program".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            log: "/nonexistent/log".into(),
        };
        let limits = Limits { slots: vec![Slot::default()], on_failure: OnFailure::Continue };
        let ends = execute(&[task], &limits, &AtomicU32::new(0), &mut |_, _| {});
        assert!(matches!(ends.as_slice(), [TaskEnd::Failed(_)]), "{ends:?}");
    }
}
