//! Sweeps that are interrupted and go on, to the same bits.

use rustix::process::Signal;

use crate::support::{Place, Started, wait};

/// Long enough to be hit in the middle.
const LONGER: &str = "training.steps_per_epoch=12";

fn arguments(store: &str) -> [&str; 8] {
    ["sweep", "tiny", "--set", LONGER, "--jobs", "1", "--store", store]
}

/// Trains without interruption in one store; in the other with interruptions, then to the end.
#[track_caller]
fn check(interrupt: impl Fn(&Place, Started)) {
    let place = Place::new();
    place.succeed(&arguments("whole"));
    for lines in [3, 9] {
        let started = place.start(&arguments("broken"));
        place.wait_for_lines("broken", lines);
        interrupt(&place, started);
    }
    place.succeed(&arguments("broken"));
    let diff = place.succeed(&["runs", "diff", "--store", "whole", "--store", "broken"]).stdout;
    assert!(diff.contains("2 of 2 runs are bit-equal"), "{diff}");
}

#[test]
fn an_interrupted_sweep_says_how_to_go_on_and_does() {
    check(|place, started| {
        started.signal(Signal::INT);
        let said = started.finish();
        assert_eq!(said.code, Some(130), "{}", said.stderr);
        assert!(said.stderr.contains("stopped after"), "{}", said.stderr);
        assert!(said.stderr.contains("the same command goes on: ./just sweep"), "{}", said.stderr);
        assert!(place.succeed(&["status", "--store", "broken"]).stdout.contains("resumable"));
    });
}

#[test]
fn a_sweep_killed_with_all_its_workers_goes_on() {
    check(|_, started| {
        started.signal(Signal::KILL);
        assert_eq!(started.finish().code, None);
    });
}

#[test]
fn workers_stop_with_a_checkpoint_when_their_sweep_is_killed() {
    check(|place, mut started| {
        started.kill_alone();
        assert_eq!(started.finish().code, None);
        wait(|| place.succeed(&["status", "--store", "broken"]).stdout.contains("resumable"));
    });
}
