//! Every system but the conditional VAE, in its shipped sweep with the smoke preset: interrupted
//! twice, it ends with the same bits, and its report is written.

use rustix::process::Signal;

use crate::{sources::project, support::Place, sweeps::one_arm};

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

/// Trains one tiny run in an arithmetic and returns its id.
fn trained(place: &Place, arithmetic: &str) -> String {
    let setting = format!("engine.arithmetic={arithmetic}");
    place.write("experiments/tiny.toml", &one_arm());
    place.succeed(&["sweep", "tiny", "--device", "cpu", "--set", &setting, "--store", arithmetic]);
    let runs = place.runs(arithmetic);
    runs[0].file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn other_orders_of_operations_are_noise_and_other_numbers_are_not() {
    let place = Place::new();
    let [exact, fast, bf16] = ["exact", "fast", "bf16"].map(|it| (it, trained(&place, it)));
    let diff = |(store, run): &(&str, String)| {
        let runs = ["--store", "exact", "--store", store, exact.1.as_str(), run.as_str()];
        place.run(&[&["runs", "diff", "--noise", "4"][..], &runs].concat())
    };
    let equal = diff(&fast);
    assert_eq!(equal.code, Some(0), "{}", equal.stdout);
    assert!(equal.stdout.contains(": equal within noise\n  noise: 4 of 4 repeated steps compared"));
    let other = diff(&bf16);
    assert_eq!(other.code, Some(1), "{}", other.stdout);
    assert!(other.stdout.contains(": different\n  noise: 4 of 4 repeated steps compared"));
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
