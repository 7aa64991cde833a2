//! Every system but the conditional VAE, in its shipped sweep with the smoke preset: interrupted
//! twice, it ends with the same bits, and its report is written.

use rustix::process::Signal;

use crate::{sources::project, support::Place};

#[track_caller]
fn check(sweep: &str) {
    let place = Place::new();
    let file = project().join("experiments").join(format!("{sweep}.toml"));
    let file = file.to_str().unwrap();
    let arguments = |store| {
        ["sweep", file, "--preset", "smoke", "--set", "seeds=[1]", "--jobs", "1", "--store", store]
    };
    place.succeed(&arguments("whole"));
    let page = place.path("reports").join(format!("{sweep}.smoke")).join("report.html");
    assert!(page.is_file(), "no report at `{}`", page.display());

    let started = place.start(&arguments("broken"));
    place.wait_for_lines("broken", 2);
    started.signal(Signal::INT);
    assert_eq!(started.finish().code, Some(130));
    let started = place.start(&arguments("broken"));
    place.wait_for_lines("broken", place.journaled("broken") + 2);
    started.signal(Signal::KILL);
    assert_eq!(started.finish().code, None);
    place.succeed(&arguments("broken"));
    place.succeed(&["runs", "diff", "--store", "whole", "--store", "broken"]);
}

#[test]
fn physical_interaction_resumes_to_the_same_bits() {
    check("transformations");
}

#[test]
fn convlstm_resumes_to_the_same_bits() {
    check("convlstm");
}

#[test]
fn mocogan_resumes_to_the_same_bits() {
    check("mocogan");
}

#[test]
fn rcn_resumes_to_the_same_bits() {
    check("keypoints");
}
