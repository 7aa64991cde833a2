//! Runs worker processes on this machine, a few at a time.
//!
//! A worker is any command that writes [`Message`] lines to its stdout, stops with exit code 130 when
//! its stdin ends, and explains a failure on its stderr. So a worker whose parent is killed, however,
//! stops by itself. Nothing here knows what a worker computes. Start from [`execute`].

use std::{
    io::{self, BufRead, BufReader, Read},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    message::Message,
    plan::{Action, Lease, Observed, Progress, plan},
};
use crate::{fs::AppendFile, scalar::Count};

/// How often one run is begun before it is given up.
pub const ATTEMPTS_MAX: Count = Count::literal(2);

/// Exit code of a worker that stopped because it was asked to.
pub const EXIT_STOPPED: i32 = 130;

/// Longest wait for news, which is also how soon an interrupt is seen.
const TICK: Duration = Duration::from_millis(100);

/// Lines of a failed worker's stderr that are kept for the message; the whole is in its log.
const TAIL_LINES: usize = 12;

/// Something for a worker to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The program with its arguments.
    pub program: PathBuf,
    /// Arguments.
    pub arguments: Vec<String>,
    /// Variables that are added to the environment.
    pub environment: Vec<(String, String)>,
    /// Where the worker's stderr is appended.
    pub log: PathBuf,
}

/// How tasks share the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Workers at the same time.
    pub jobs: NonZeroUsize,
    /// What a failure means for the others.
    pub on_failure: OnFailure,
}

/// What happens to the other tasks when one has failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// They are carried out.
    GoOn,
    /// They are stopped, or not begun.
    Stop,
}

/// What happens while tasks are carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A worker was started.
    Begun,
    /// A worker said something.
    Said(Message),
    /// A worker failed and is started once more.
    Retried(Failed),
    /// The task is over.
    Ended(End),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The worker did what it was to do.
    Done,
    /// Another process was at it.
    Busy,
    /// It was stopped, or never begun, because of an interrupt or of another task's failure.
    Stopped,
    /// It failed as often as it may.
    Failed(Failed),
}

/// A worker's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// How the process ended, e.g. `exit status: 3`.
    pub status: String,
    /// The last lines of its stderr.
    pub stderr: Vec<String>,
}

/// Carries out all tasks and returns how each ended.
///
/// `interrupts` counts wishes to stop: after the first, workers are asked to stop and none is
/// started; after the second they are killed.
pub fn execute(
    tasks: &[Task],
    pool: Pool,
    interrupts: &AtomicU32,
    watch: &mut dyn FnMut(usize, Happening),
) -> Vec<End> {
    let (sender, receiver) = mpsc::channel();
    let mut floor = Floor { tasks, pool, sender, active: Vec::new(), next: 0, stopping: false };
    let mut ends = vec![End::Stopped; tasks.len()];
    loop {
        floor.heed(interrupts.load(Ordering::Relaxed));
        floor.fill(&mut ends, watch);
        if floor.active.is_empty() {
            return ends;
        }
        match receiver.recv_timeout(TICK) {
            Ok(News::Said(task, message)) => {
                floor.note(task, &message);
                watch(task, Happening::Said(message));
            }
            Ok(News::Closed(task)) => {
                if let Some(end) = floor.ended(task, watch) {
                    ends[task] = end;
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// From a worker's stdout.
enum News {
    Said(usize, Message),
    Closed(usize),
}

/// The workers and the queue.
struct Floor<'a> {
    tasks: &'a [Task],
    pool: Pool,
    sender: Sender<News>,
    active: Vec<Worker>,
    next: usize,
    stopping: bool,
}

/// A running worker process.
struct Worker {
    task: usize,
    attempt: u32,
    busy: bool,
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: Option<JoinHandle<Vec<String>>>,
}

impl Floor<'_> {
    /// Starts workers while there are tasks and room.
    fn fill(&mut self, ends: &mut [End], watch: &mut dyn FnMut(usize, Happening)) {
        while !self.stopping && self.active.len() < self.pool.jobs.get() {
            let task = self.next;
            if task == self.tasks.len() {
                return;
            }
            self.next += 1;
            if let Some(end) = self.begin(task, 1, watch) {
                ends[task] = end;
            }
        }
    }

    /// Starts a worker; returns the end of its task if that cannot be done.
    fn begin(
        &mut self,
        task: usize,
        attempt: u32,
        watch: &mut dyn FnMut(usize, Happening),
    ) -> Option<End> {
        match Worker::start(&self.tasks[task], task, attempt, &self.sender) {
            Ok(worker) => {
                self.active.push(worker);
                watch(task, Happening::Begun);
                None
            }
            Err(error) => {
                let failed = Failed { status: format!("not started: {error}"), stderr: Vec::new() };
                Some(self.conclude(task, End::Failed(failed), watch))
            }
        }
    }

    fn note(&mut self, task: usize, message: &Message) {
        if let Some(worker) = self.active.iter_mut().find(|worker| worker.task == task) {
            worker.busy |= *message == Message::Busy;
        }
    }

    /// Takes a worker off the floor whose stdout has ended; returns nothing if it is started again.
    fn ended(&mut self, task: usize, watch: &mut dyn FnMut(usize, Happening)) -> Option<End> {
        let index = self.active.iter().position(|worker| worker.task == task)?;
        let worker = self.active.swap_remove(index);
        let (attempt, busy) = (worker.attempt, worker.busy);
        let (status, stderr) = worker.wait();
        let end = match status.as_ref().map(ExitStatus::code) {
            Ok(Some(0)) if busy => End::Busy,
            Ok(Some(0)) => End::Done,
            Ok(Some(EXIT_STOPPED)) => End::Stopped,
            Ok(None) if self.stopping => End::Stopped, // killed by a second interrupt
            _ => {
                let status = status.map_or_else(|error| error.to_string(), |it| it.to_string());
                let failed = Failed { status, stderr };
                match next_attempt(attempt) {
                    Some(attempt) if !self.stopping => {
                        watch(task, Happening::Retried(failed));
                        return self.begin(task, attempt, watch);
                    }
                    _ => End::Failed(failed),
                }
            }
        };
        Some(self.conclude(task, end, watch))
    }

    fn conclude(&mut self, task: usize, end: End, watch: &mut dyn FnMut(usize, Happening)) -> End {
        if matches!(end, End::Failed(_)) && self.pool.on_failure == OnFailure::Stop {
            self.stop();
        }
        watch(task, Happening::Ended(end.clone()));
        end
    }

    fn heed(&mut self, interrupts: u32) {
        match interrupts {
            0 => {}
            1 => self.stop(),
            _ => {
                self.stop();
                for worker in &mut self.active {
                    worker.child.kill().ok(); // it may have ended in this moment
                }
            }
        }
    }

    /// Asks every worker to stop; none is started any more.
    fn stop(&mut self) {
        self.stopping = true;
        for worker in &mut self.active {
            worker.stdin = None;
        }
    }
}

/// Returns the number of the next attempt after one that failed, if there is one.
fn next_attempt(failed: u32) -> Option<u32> {
    let progress = Progress::Failed { attempts: failed };
    match plan(&[Observed { progress, lease: Lease::Free }], ATTEMPTS_MAX)[..] {
        [Action::Retry { attempt }] => Some(attempt),
        _ => None,
    }
}

impl Worker {
    fn start(task: &Task, index: usize, attempt: u32, news: &Sender<News>) -> io::Result<Self> {
        let mut child = Command::new(&task.program)
            .args(&task.arguments)
            .envs(task.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (news, log) = (news.clone(), task.log.clone());
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A line that is no message is a stray print of a library.
                if let Ok(message) = serde_json::from_str(&line)
                    && news.send(News::Said(index, message)).is_err()
                {
                    return;
                }
            }
            news.send(News::Closed(index)).ok(); // nobody listens once all tasks are over
        });
        let stderr = thread::spawn(move || keep_stderr(stderr, &log));
        Ok(Self { task: index, attempt, busy: false, child, stdin, stderr: Some(stderr) })
    }

    /// Waits for the process and returns its status with the end of its stderr.
    fn wait(mut self) -> (io::Result<ExitStatus>, Vec<String>) {
        self.stdin = None;
        let status = self.child.wait();
        let tail = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        (status, tail)
    }
}

/// Appends a worker's stderr to its log, which is only made if there is something to write, and
/// returns the last lines.
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
    /// Waits for the end of its stdin, as a worker does that is asked to stop.
    const UNTIL_STOPPED: &str = "cat >/dev/null; exit 130";

    struct Case<'a> {
        scripts: &'a [&'a str],
        jobs: usize,
        on_failure: OnFailure,
        interrupts: u32,
    }

    impl Case<'_> {
        fn run(&self) -> (Vec<End>, Vec<(usize, Happening)>, tempfile::TempDir) {
            let folder = tempfile::tempdir().unwrap();
            let task = |(index, script): (usize, &&str)| Task {
                program: "sh".into(),
                arguments: vec!["-c".to_owned(), (*script).to_owned()],
                environment: vec![("MARK".to_owned(), folder.path().display().to_string())],
                log: folder.path().join(format!("{index}.log")),
            };
            let tasks: Vec<_> = self.scripts.iter().enumerate().map(task).collect();
            let pool =
                Pool { jobs: NonZeroUsize::new(self.jobs).unwrap(), on_failure: self.on_failure };
            let interrupts = AtomicU32::new(0);
            let mut happenings = Vec::new();
            let ends = execute(&tasks, pool, &interrupts, &mut |task, happening| {
                interrupts.store(self.interrupts, Ordering::Relaxed);
                happenings.push((task, happening));
            });
            (ends, happenings, folder)
        }
    }

    #[track_caller]
    fn check(case: &Case<'_>, expected: &[&str]) {
        let (ends, ..) = case.run();
        let name = |end: &End| match end {
            End::Done => "done",
            End::Busy => "busy",
            End::Stopped => "stopped",
            End::Failed(_) => "failed",
        };
        assert_eq!(ends.iter().map(name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tasks_end_as_their_workers_say() {
        let scripts = &[DONE, "echo '\"busy\"'", "exit 130", "exit 3", "kill -9 $$"];
        let case = Case { scripts, jobs: 2, on_failure: OnFailure::GoOn, interrupts: 0 };
        check(&case, &["done", "busy", "stopped", "failed", "failed"]);
    }

    #[test]
    fn a_failed_worker_is_started_once_more() {
        let script =
            format!("[ -e $MARK/tried ] && {{ {DONE}; exit 0; }}; touch $MARK/tried; exit 1");
        let case =
            Case { scripts: &[&script], jobs: 1, on_failure: OnFailure::GoOn, interrupts: 0 };
        let (ends, happenings, _folder) = case.run();
        assert_eq!(ends, [End::Done]);
        let begun = happenings.iter().filter(|(_, happening)| *happening == Happening::Begun);
        assert_eq!(begun.count(), 2);
    }

    #[test]
    fn a_failure_shows_the_end_of_stderr_and_logs_all_of_it() {
        let script = "for i in $(seq 1 20); do echo line $i >&2; done; exit 3";
        let case = Case { scripts: &[script], jobs: 1, on_failure: OnFailure::GoOn, interrupts: 0 };
        let (ends, _, folder) = case.run();
        let [End::Failed(failed)] = ends.as_slice() else { panic!("{ends:?}") };
        assert_eq!(failed.status, "exit status: 3");
        assert_eq!((failed.stderr.len(), failed.stderr[0].as_str()), (TAIL_LINES, "line 9"));
        let log = crate::fs::read_text(&folder.path().join("0.log"), 1 << 20).unwrap();
        assert_eq!(log.lines().count(), 40, "both attempts are logged");
    }

    #[test]
    fn an_interrupt_stops_workers_and_starts_none() {
        let scripts = &[UNTIL_STOPPED, DONE];
        let case = Case { scripts, jobs: 1, on_failure: OnFailure::GoOn, interrupts: 1 };
        check(&case, &["stopped", "stopped"]);
    }

    #[test]
    fn a_second_interrupt_kills() {
        let scripts = &["trap '' TERM INT; exec sleep 60"];
        let case = Case { scripts, jobs: 1, on_failure: OnFailure::GoOn, interrupts: 2 };
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
        let pool = Pool { jobs: NonZeroUsize::MIN, on_failure: OnFailure::GoOn };
        let ends = execute(&[task], pool, &AtomicU32::new(0), &mut |_, _| {});
        assert!(matches!(ends.as_slice(), [End::Failed(_)]), "{ends:?}");
    }
}
