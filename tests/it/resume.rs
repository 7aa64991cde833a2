//! A sweep that is interrupted in any way resumes to the same bits.

use rustix::process::Signal;

use crate::support::{Place, Started, wait};

/// Long enough to be interrupted more than once.
const LONGER: &str = "training.steps_per_epoch=8";

/// Returns the arguments of a sweep with these settings changed.
fn arguments<'a>(sets: &[&'a str], store: &'a str) -> Vec<&'a str> {
    let sets = sets.iter().chain(&[LONGER]).flat_map(|&set| ["--set", set]);
    let arguments = ["sweep", "tiny", "--jobs", "1", "--store", store];
    arguments.into_iter().chain(sets).collect()
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
    check_with(&[], interruptions);
}

#[track_caller]
fn check_with(sets: &[&str], interruptions: &[(usize, Interruption)]) {
    let place = Place::new();
    place.succeed(&arguments(sets, "whole"));
    for (lines, interruption) in interruptions {
        let started = place.start(&arguments(sets, "broken"));
        place.wait_for_lines("broken", *lines);
        interruption(&place, started);
    }
    place.succeed(&arguments(sets, "broken"));
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

#[test]
fn optimizers_schedules_and_clipping_resume_to_the_same_bits() {
    let schedule = "training.learning_rate_schedule={ warm_up = { epochs = 1, start = 0.5 }, decay.exponential.factor = 0.5 }";
    for optimizer in [
        "optimizer.gradient_descent={ form = 'pytorch', momentum = 0.9, momentum_kind = 'nesterov' }",
        "optimizer.rms_prop={ learning_rate = 0.001, momentum = 0.5 }",
        "optimizer.adam={ weight_decay = 0.1, decay = 'decoupled' }",
    ] {
        let sets = [optimizer, schedule, "training.gradient_clipping.norm=0.1"];
        check_with(&sets, &[(5, kill_all), (13, interrupt)]);
    }
}

#[test]
fn sequences_that_are_drawn_anew_resume_to_the_same_bits() {
    let sets = ["data.dataset='moving_mnist'", "data.sampler='fresh'"];
    check_with(&sets, &[(5, kill_all), (13, interrupt)]);
}

/// Updates this large make scores worse again, so no run lasts for all of its epochs.
const OVERSHOOTING: [&str; 4] = [
    "optimizer.adam.learning_rate=0.3",
    "training.epochs=12",
    "training.early_stopping.patience_epochs=1",
    "evaluation.every_epochs=1",
];

#[test]
fn averages_and_early_stopping_resume_to_the_same_bits() {
    let others = ["training.weight_average.decay=0.5", "training.accumulated_batches=2"];
    let sets = [&OVERSHOOTING[..], &others].concat();
    check_with(&sets, &[(5, kill_all), (13, interrupt)]);
}

#[test]
fn a_run_stops_early_and_its_average_is_scored() {
    let place = Place::new();
    let average = "training.weight_average.decay=0.5";
    place.succeed(&arguments(&[&OVERSHOOTING[..], &[average]].concat(), "store"));
    let run = &place.runs("store")[0];
    let record = std::fs::read_to_string(run.join("record.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let epochs = record["outcome"]["stopped_early"]["epochs"].as_u64().expect("it stopped early");
    let best = record["scores"]["best"]["epoch"].as_u64();
    assert!((2..12).contains(&epochs), "{epochs} epochs, best {best:?}");
    let text = format!("stopped early after {epochs} epochs");
    let status = place.succeed(&["status", "--store", "store"]).stdout;
    assert!(status.contains(&text), "{status}");
    let id = run.file_name().unwrap().to_str().unwrap();
    let evaluated = place.succeed(&["evaluate", id, "--set", "checkpoint=average"]).stdout;
    assert!(evaluated.contains("averaged weights"), "{evaluated}");
    // It can be trained on from where it stopped.
    let longer = (epochs + 1).to_string();
    let extended = place.succeed(&["extend", id, "--epochs", &longer]).stderr;
    assert!(extended.contains("finished in"), "{extended}");
    // Nothing is trained again.
    let plan = arguments(&[&OVERSHOOTING[..], &[average]].concat(), "store");
    let plan = place.succeed(&[&plan[..], &["--dry-run"]].concat()).stdout;
    assert!(plan.contains("skip"), "{plan}");
}

#[test]
fn the_learning_rate_follows_its_schedule() {
    let place = Place::new();
    let decay = "training.learning_rate_schedule.decay.step={ every_epochs = 1, factor = 0.5 }";
    let arguments = ["sweep", "tiny", "--set", decay, "--set", "optimizer.adam.learning_rate=0.25"];
    let plan = place.succeed(&[&arguments[..], &["--dry-run"]].concat()).stdout;
    assert!(plan.contains("learning rate by epoch: fixed, learned"), "{plan}");
    place.succeed(&arguments);
    let journal = place.runs("store")[0].join("journal.jsonl");
    let text = std::fs::read_to_string(journal).unwrap();
    let rate = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["step"]["scalars"]["learning_rate"].as_f64()
    };
    let rates: Vec<f64> = text.lines().filter_map(rate).collect();
    assert_eq!(rates, [0.25, 0.25, 0.125, 0.125], "{text}");
}
