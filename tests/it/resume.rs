//! A sweep that is interrupted in any way resumes to the same bits.

use rustix::process::Signal;

use crate::support::{Place, Started, wait};

/// Long enough to be interrupted more than once.
const LONGER: &str = "training.steps_per_epoch=8";

fn arguments(store: &str) -> [&str; 8] {
    ["sweep", "tiny", "--set", LONGER, "--jobs", "1", "--store", store]
}

/// Ends a sweep before it is done.
type Interruption = fn(&Place, Started);

/// Ctrl-C: the program and its worker receive it.
fn interrupt(place: &Place, started: Started) {
    started.signal(Signal::INT);
    let output = started.finish();
    assert_eq!(output.code, Some(130), "{}", output.stderr);
    assert!(output.stderr.contains("stopped after"), "{}", output.stderr);
    assert!(
        output.stderr.contains("repeat the command to resume: ./just sweep"),
        "{}",
        output.stderr
    );
    assert!(place.succeed(&["status", "--store", "broken"]).stdout.contains("resumable"));
}

/// `kill -9` of the program and its worker.
fn kill_all(_: &Place, started: Started) {
    started.signal(Signal::KILL);
    assert_eq!(started.finish().code, None);
}

/// `kill -9` of the program alone: its worker stops with a checkpoint.
fn kill_alone(place: &Place, mut started: Started) {
    started.kill_alone();
    assert_eq!(started.finish().code, None);
    wait(|| place.succeed(&["status", "--store", "broken"]).stdout.contains("resumable"));
}

/// Trains in one store without interruption; in the other, interrupts after each of these numbers
/// of journal lines, then trains to the end.
#[track_caller]
fn check(interruptions: &[(usize, Interruption)]) {
    let place = Place::new();
    place.succeed(&arguments("whole"));
    for (lines, interruption) in interruptions {
        let started = place.start(&arguments("broken"));
        place.wait_for_lines("broken", *lines);
        interruption(&place, started);
    }
    place.succeed(&arguments("broken"));
    let diff = place.succeed(&["runs", "diff", "--store", "whole", "--store", "broken"]).stdout;
    assert!(diff.contains("2 of 2 runs are bit-equal"), "{diff}");
}

#[test]
fn a_run_with_a_checkpoint_is_resumed() {
    check(&[(3, interrupt), (7, kill_all), (11, kill_alone)]);
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_is_restarted() {
    check(&[(3, kill_all)]);
}
