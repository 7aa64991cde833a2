//! Evaluations of finished runs.

use std::{collections::BTreeMap, fs, path::PathBuf};

use rustix::process::Signal;

use crate::support::{Place, check_contains, wait};

const EVALUATIONS: &str = r#"
[[evaluation]]
name = "sampled"
samples = 3
split = "train"
sequences = 4

[[evaluation]]
latent = "posterior"
feedback = "teacher_forced"
"#;

/// A trained tiny sweep whose file then asks for evaluations.
fn trained() -> Place {
    let place = Place::new();
    place.succeed(&["sweep", "tiny"]);
    let sweep = fs::read_to_string(place.path("experiments/tiny.toml")).unwrap();
    place.write("experiments/tiny.toml", &format!("{sweep}{EVALUATIONS}"));
    place
}

/// Returns the files of all evaluations of a store but the times, by path.
fn evaluations(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for run in place.runs("store") {
        for folder in fs::read_dir(run.join("evaluations")).into_iter().flatten() {
            for file in fs::read_dir(folder.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                if !path.ends_with("timing.jsonl") {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
    }
    files
}

#[test]
fn evaluations_that_are_added_to_a_finished_sweep_train_nothing() {
    let place = trained();
    let plan = place.succeed(&["sweep", "tiny", "--dry-run"]).stdout;
    check_contains(&plan, &["evaluate: 2 evaluations left", "time: nothing is left to train"]);
    let journals = |place: &Place| -> Vec<Vec<u8>> {
        place.runs("store").iter().map(|run| fs::read(run.join("journal.jsonl")).unwrap()).collect()
    };
    let before = journals(&place);
    let swept = place.succeed(&["sweep", "tiny"]);
    check_contains(&swept.stderr, &["fixed · seed 1: evaluating `sampled`, sequence 0/4"]);
    assert!(!swept.stderr.contains("started, "), "{}", swept.stderr);
    assert_eq!(journals(&place), before);

    let page = fs::read_to_string(place.path("reports/tiny/report.md")).unwrap();
    check_contains(
        &page,
        &["## Evaluations", "best of 3 by PSNR", "interval over sequences", "teacher-forced"],
    );
    assert!(place.path("reports/tiny/evaluations/1_sampled_by_sequence.csv").exists());
    place.succeed(&["report", "tiny", "--check"]);

    let first = evaluations(&place);
    assert_eq!(first.len(), 2 * 2 * 3, "{:?}", first.keys());
    check_contains(&place.succeed(&["sweep", "tiny"]).stderr, &["all finished already"]);
    assert_eq!(evaluations(&place), first, "each is carried out once");
}

#[test]
fn an_evaluation_by_hand_is_recorded_once_and_has_the_bytes_of_the_sweep() {
    let place = trained();
    let sets = ["samples=3", "split=train", "sequences=4"];
    let evaluate: Vec<&str> = ["evaluate", "tiny"]
        .into_iter()
        .chain(sets.iter().flat_map(|set| ["--set", set]))
        .collect();
    let shown = place.succeed(&evaluate).stdout;
    check_contains(
        &shown,
        &["best_by_psnr", "sample_spread", "the test split was used in 1 evalu"],
    );
    let by_hand = evaluations(&place);
    assert_eq!(place.succeed(&evaluate).stdout, shown);
    assert_eq!(evaluations(&place), by_hand);
    place.succeed(&["sweep", "tiny"]);
    for (path, bytes) in by_hand {
        assert_eq!(evaluations(&place)[&path], bytes, "{}", path.display());
    }

    let own = place.succeed(&["evaluate", "tiny"]).stdout;
    check_contains(&own, &["`moving_square`, test split", "copy_last_frame"]);
    let id = place.runs("store")[0].file_name().unwrap().to_str().unwrap().to_owned();
    let json = place.succeed(&["evaluate", &id, "--set", "horizon=2", "--format", "json"]).stdout;
    let records: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(records[0]["protocol"]["rollout"]["horizon"], 2);
    assert!(records[0]["scores"]["model"]["psnr"]["mean"].is_f64());
    let json = place.succeed(&["evaluate", &id, "--format", "json"]).stdout;
    let own: serde_json::Value = serde_json::from_str(&json).unwrap();
    // Its test, the sweep's evaluation with the posterior, and the one with another horizon.
    assert_eq!((own[0]["evaluation"].is_null(), &own[0]["test_looks"]), (true, &3.into()));
    let evaluation = records[0]["evaluation"].as_str().unwrap();
    check_contains(&place.succeed(&["runs", "show", &id]).stdout, &["protocol", evaluation]);
}

#[test]
fn a_killed_evaluation_is_continued_to_the_same_bytes() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny"]);
    let evaluate =
        ["evaluate", "tiny", "--jobs", "1", "--set", "samples=40", "--set", "split=train"];
    let started = place.start(&evaluate);
    wait(|| !evaluations(&place).is_empty());
    started.signal(Signal::KILL);
    started.finish();
    place.succeed(&evaluate);
    let names = ["scores.jsonl", "rollouts.safetensors"];
    let results = |place: &Place| -> Vec<Vec<u8>> {
        let all = evaluations(place).into_iter();
        all.filter(|(path, _)| names.iter().any(|it| path.ends_with(it)))
            .map(|(_, it)| it)
            .collect()
    };
    let continued = results(&place);
    assert_eq!(continued.len(), 4);
    for run in place.runs("store") {
        fs::remove_dir_all(run.join("evaluations")).unwrap();
    }
    place.succeed(&evaluate);
    assert!(results(&place) == continued, "the bytes differ");
}

#[test]
fn what_a_run_cannot_do_is_refused_before_anything_is_computed() {
    let place = trained();
    let refused = |arguments: &[&str], fragment: &str| {
        let output = place.run(arguments);
        assert_eq!(output.code, Some(2), "{}", output.stderr);
        check_contains(&output.stderr, &[fragment]);
    };
    refused(&["evaluate", "tiny", "--set", "horizon=9"], "need 11 frames");
    refused(&["evaluate", "tiny", "--set", "sample=2"], "unknown key `sample`");
    refused(&["evaluate", "tiny", "--protocol", "documents"], "did you mean `document`?");
    refused(&["evaluate", "missing"], "missing");
    assert!(evaluations(&place).is_empty());

    let sweep = fs::read_to_string(place.path("experiments/tiny.toml")).unwrap();
    place.write("experiments/tiny.toml", &sweep.replace("samples = 3", "horizon = 5"));
    refused(&["sweep", "tiny"], "evaluation `sampled` does not fit arm `fixed`");
    place.write("experiments/tiny.toml", &sweep.replace("name = \"sampled\"", ""));
    refused(&["sweep", "tiny"], "two evaluations are named `document`");
}

/// Copies the small feature networks to a place.
fn networks(place: &Place) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/feature_networks");
    for name in ["lpips.pt", "fvd.pt"] {
        fs::copy(format!("{folder}/{name}"), place.path(name)).unwrap();
    }
}

#[test]
fn lpips_and_fvd_are_computed_with_networks_whose_digest_is_part_of_their_names() {
    let place = Place::new();
    networks(&place);
    let sweep = fs::read_to_string(place.path("experiments/tiny.toml")).unwrap();
    let evaluation = r#"
[[evaluation]]
name = "perceptual"
samples = 2
split = "train"
sequences = 4
feature_network = { lpips.file = "lpips.pt", fvd.file = "fvd.pt" }
"#;
    place.write("experiments/tiny.toml", &format!("{sweep}{evaluation}"));
    place.succeed(&["sweep", "tiny"]);
    let page = fs::read_to_string(place.path("reports/tiny/report.md")).unwrap();
    check_contains(&page, &["| best of 2 by LPIPS |", "LPIPS (", "FVD (", "FVD of network"]);
    check_contains(&place.succeed(&["sweep", "tiny"]).stderr, &["all finished already"]);
    place.succeed(&["report", "tiny", "--check"]);
    let swept = evaluations(&place);

    let by_hand = [
        "evaluate",
        "tiny",
        "--set",
        "samples=2",
        "--set",
        "split=train",
        "--set",
        "sequences=4",
        "--format",
        "json",
        "--feature-network",
        "lpips=lpips.pt",
        "--feature-network",
        "fvd=fvd.pt",
    ];
    let json = place.succeed(&by_hand).stdout;
    assert_eq!(evaluations(&place), swept, "it is the same evaluation");
    let shown: serde_json::Value = serde_json::from_str(&json).unwrap();
    let digest = shown[0]["protocol"]["feature_network"]["lpips"].as_str().unwrap();
    let name = format!("lpips_{}", &digest[..12]);
    assert!(shown[0]["scores"]["best_by_lpips"][&name]["mean"].is_f64(), "{json}");

    // Another network is another metric; a file that is not the named one is refused.
    fs::copy(place.path("fvd.pt"), place.path("lpips.pt")).unwrap();
    let plan = place.run(&["sweep", "tiny", "--dry-run"]);
    check_contains(&plan.stdout, &["1 evaluation left"]);
    place.write(
        "experiments/tiny.toml",
        &format!(
            "{sweep}{}",
            evaluation.replace(
                "lpips.file = \"lpips.pt\"",
                &format!("lpips = {{ file = \"lpips.pt\", sha256 = \"{digest}\" }}"),
            )
        ),
    );
    let refused = place.run(&["sweep", "tiny", "--dry-run"]);
    assert_ne!(refused.code, Some(0));
    check_contains(&refused.stderr, &["feature network `lpips.pt` has SHA-256", digest]);
}

#[test]
fn a_file_that_is_no_feature_network_is_refused_with_a_remedy() {
    let place = trained();
    networks(&place);
    place.write("text.pt", "no network");
    for (network, fragments) in [
        ("lpips=text.pt", ["failed to read `text.pt` as TorchScript", "feature-networks.md"]),
        ("fvd=lpips.pt", ["rejects an input of shape", "feature-networks.md"]),
        ("fvd=none.pt", ["none.pt", "feature-networks.md"]),
        ("fid=lpips.pt", ["expected `lpips=FILE` or `fvd=FILE`", "--feature-network"]),
    ] {
        let sets = ["--set", "split=train", "--set", "sequences=2"];
        let output =
            place.run(&[&["evaluate", "tiny", "--feature-network", network], &sets[..]].concat());
        assert_ne!(output.code, Some(0), "{network}");
        check_contains(&output.stderr, &fragments);
    }
}

#[test]
fn a_damaged_evaluation_is_named_and_left_out_of_the_report() {
    let place = trained();
    place.succeed(&["sweep", "tiny"]);
    let files = evaluations(&place);
    for name in ["evaluation.json", "rollouts.safetensors"] {
        let (path, bytes) = files.iter().find(|(path, _)| path.ends_with(name)).unwrap();
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(path, damaged).unwrap();
        let verified = place.run(&["store", "verify"]);
        assert_eq!(verified.code, Some(1));
        check_contains(&verified.stdout, &[name, "remove the folder of the evaluation"]);
        assert_eq!(place.run(&["report", "tiny"]).code, Some(1));
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let status = place.succeed(&["status"]).stdout;
        assert_eq!(status.matches("finished, 1 evaluation left").count(), 1, "{status}");
        place.succeed(&["sweep", "tiny"]);
        assert!(fs::read(path).is_ok_and(|again| name == "evaluation.json" || again == *bytes));
        place.succeed(&["store", "verify"]);
        assert!(!place.succeed(&["status"]).stdout.contains("left"));
    }
}

/// The runs of a store whose own test has this many sequences.
fn runs_tested_on(place: &Place, store: &str, sequences: u64) -> Vec<PathBuf> {
    let mut runs = place.runs(store);
    runs.retain(|run| {
        let spec = fs::read(run.join("spec.json")).unwrap();
        let spec: serde_json::Value = serde_json::from_slice(&spec).unwrap();
        spec["evaluation"]["test_sequences"] == sequences
    });
    runs
}

#[test]
fn another_number_of_test_sequences_trains_nothing() {
    let place = Place::new();
    place.write("experiments/systems.toml", include_str!("../fixtures/systems.toml"));
    let keep = ["--set", "training.keep={ every_epochs = 1, state = \"full\" }"];
    let average = ["--set", "training.weight_average.decay=0.5"];
    let sweep = [&["sweep", "systems"][..], &keep, &average].concat();
    place.succeed(&sweep);
    let other = [&sweep[..], &["--set", "evaluation.test_sequences=1"]].concat();
    let plan = place.succeed(&[&other[..], &["--dry-run"]].concat()).stdout;
    check_contains(&plan, &["resume from step 4", "time: nothing is left to train"]);
    let swept = place.succeed(&other).stderr;
    check_contains(&swept, &["only its test is left", "rcn · seed 1: resumed from step 4 of 4"]);
    assert!(!swept.contains("started, "), "{swept}");

    place.succeed(&[&other[..], &["--store", "fresh"]].concat());
    let [copied, fresh] = ["store", "fresh"].map(|store| runs_tested_on(&place, store, 1));
    assert_eq!((copied.len(), fresh.len()), (5, 5));
    for (copied, fresh) in copied.iter().zip(&fresh) {
        assert_eq!(copied.file_name(), fresh.file_name());
        let [copied, fresh] = [copied, fresh].map(|run| {
            let record = fs::read(run.join("record.json")).unwrap();
            let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
            (record["artefacts"].clone(), record["test"].clone(), record["final_state"].clone())
        });
        assert_eq!(copied, fresh);
    }
    place.succeed(&["store", "verify"]);
}

#[test]
fn a_finished_run_with_a_damaged_file_is_no_training_of_another() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny"]);
    for run in place.runs("store") {
        let path = run.join("best.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let other = ["sweep", "tiny", "--set", "evaluation.test_sequences=2"];
    let swept = place.succeed(&other).stderr;
    check_contains(&swept, &["trained again, since run", "best.safetensors", "started, 4 steps"]);
    assert_eq!(runs_tested_on(&place, "store", 2).len(), 2);
}
