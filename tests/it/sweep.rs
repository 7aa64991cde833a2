//! A sweep from its file to its report.

use std::fs;

use reprise_store::store::canonical_json;
use rustix::process::{Pid, test_kill_process};

use crate::support::{Place, check_contains};

#[test]
fn a_sweep_trains_records_reports_and_then_has_nothing_to_do() {
    let place = Place::new();
    let first = place.succeed(&["sweep", "tiny"]);
    assert_eq!(first.stdout, "", "progress goes to stderr");
    check_contains(
        &first.stderr,
        &[
            "tiny: 2 runs\n",
            "fixed · seed 1: started, 4 steps",
            "learned · seed 1: finished in ",
            "report: `reports/tiny/report.html`",
        ],
    );
    let page = fs::read_to_string(place.path("reports/tiny/report.md")).unwrap();
    check_contains(&page, &["# A tiny sweep", "./just sweep tiny --preset toy"]);

    let records = || {
        let modified = |run: &std::path::PathBuf| {
            fs::metadata(run.join("record.json")).unwrap().modified().unwrap()
        };
        place.runs("store").iter().map(modified).collect::<Vec<_>>()
    };
    let before = records();
    let second = place.succeed(&["sweep", "tiny"]);
    check_contains(&second.stderr, &["tiny: 2 runs, all finished already", "report: `"]);
    assert_eq!(records(), before, "nothing is written again");

    place.succeed(&["report", "tiny", "--check"]);
    fs::write(place.path("reports/tiny/report.md"), "edited").unwrap();
    let stale = place.run(&["report", "tiny", "--check"]);
    assert_eq!((stale.code, stale.stdout.lines().count()), (Some(1), 1), "{}", stale.stdout);
    place.succeed(&["sweep", "tiny"]);
    place.succeed(&["report", "tiny", "--check"]);

    let status = place.succeed(&["status"]).stdout;
    check_contains(&status, &["tiny (toy): 2 finished\n"]);
    let list = place.succeed(&["runs", "list", "--format", "json"]).stdout;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    let id = list[0]["run"].as_str().unwrap();
    check_contains(&place.succeed(&["runs", "show", id]).stdout, &["completed", "copy_last_frame"]);
    check_contains(&place.succeed(&["runs", "diff", id, id]).stdout, &["bit-equal"]);
    let other = list[1]["run"].as_str().unwrap();
    assert_eq!(place.run(&["runs", "diff", id, other]).code, Some(1));
}

#[test]
fn some_arms_are_trained_and_the_report_shows_all() {
    let place = Place::new();
    let plan = place.succeed(&["sweep", "tiny", "--arm", "lea*", "--dry-run"]).stdout;
    check_contains(&plan, &["1 run\n", "learned"]);
    assert!(!plan.contains("fixed"), "{plan}");
    let first = place.succeed(&["sweep", "tiny", "--arm", "lea*"]).stderr;
    check_contains(&first, &["learned · seed 1: finished in "]);
    assert!(!first.contains("fixed · seed 1"), "{first}");
    let page = fs::read_to_string(place.path("reports/tiny/report.md")).unwrap();
    check_contains(&page, &["| fixed | 0 of 1, 1 unfinished |", "| learned | 1 of 1 |"]);
    let rest = place.succeed(&["sweep", "tiny"]).stderr;
    check_contains(&rest, &["fixed · seed 1: finished in "]);
    let none = place.run(&["sweep", "tiny", "--arm", "learned", "--arm", "large"]);
    assert_eq!(none.code, Some(2), "{}", none.stderr);
    check_contains(&none.stderr, &["no arm matches `large`; the arms are `fixed`, `learned`"]);
}

#[test]
fn another_preset_has_a_manifest_and_a_report_of_its_own() {
    let place = Place::new();
    let tiny = fs::read_to_string(place.path("experiments/tiny.toml")).unwrap();
    let start = tiny.find("[preset.toy]").unwrap();
    let larger = tiny[start..].replace("[preset.toy]", "[preset.larger]");
    place.write("experiments/tiny.toml", &format!("{tiny}{larger}seeds = [2]\n"));
    place.succeed(&["sweep", "tiny"]);
    let page = fs::read(place.path("reports/tiny/report.html")).unwrap();
    let output = place.succeed(&["sweep", "tiny", "--preset", "larger"]).stderr;
    check_contains(&output, &["report: `reports/tiny.larger/report.html`"]);
    assert_eq!(fs::read(place.path("reports/tiny/report.html")).unwrap(), page);
    for name in ["tiny", "tiny.larger"] {
        place.succeed(&["report", name, "--check"]);
    }
    place.succeed(&["sweep", "tiny", "--preset", "larger", "--store", "another"]);
    place.succeed(&["report", "tiny", "--check", "--store", "another"]); // there is no other preset
    let status = place.succeed(&["status"]).stdout;
    check_contains(&status, &["tiny (toy): 2 finished\n", "tiny.larger (larger): 2 finished\n"]);
    let page = fs::read_to_string(place.path("reports/tiny.larger/report.md")).unwrap();
    check_contains(&page, &["./just sweep tiny --preset larger", "./just report tiny.larger"]);

    let output = place.succeed(&["sweep", "tiny", "--set", "seeds=[2]"]).stderr;
    check_contains(
        &output,
        &["will show other runs than before; the earlier runs are kept, and `./just sweep tiny"],
    );
}

#[test]
fn a_report_is_that_of_the_last_sweep_and_its_store() {
    let place = Place::new();
    let page = || fs::read_to_string(place.path("reports/tiny/report.md")).unwrap();
    let sweep = |store: &str, epochs: &str| {
        place.succeed(&["sweep", "tiny", "--store", store, "--set", epochs]);
    };
    sweep("a", "training.epochs=2");
    let of_a = page();
    sweep("b", "training.epochs=3");
    assert_ne!(page(), of_a);
    sweep("a", "training.epochs=2");
    assert_eq!(page(), of_a, "nothing was trained, but the report was of another store");
    // As if it had been killed while it wrote the report.
    fs::write(place.path("reports/tiny/metrics.csv"), "").unwrap();
    sweep("a", "training.epochs=2");
    place.succeed(&["report", "tiny", "--check", "--store", "a"]);
}

#[test]
fn equal_sweeps_in_two_stores_are_bit_equal() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny", "--store", "a"]);
    place.succeed(&["sweep", "tiny", "--store", "b", "--jobs", "2"]);
    let diff = place.succeed(&["runs", "diff", "--store", "a", "--store", "b"]).stdout;
    check_contains(&diff, &["2 of 2 runs are bit-equal"]);
}

#[test]
fn other_code_with_equal_numbers_keeps_its_runs() {
    let place = Place::new();
    place.succeed(&["sweep", "tiny"]);
    let [first, second] = place.runs("store").try_into().unwrap();
    change(&first, |record| record["code"]["sources_sha256"] = "0".repeat(64).into());
    change(&second, |record| {
        record["code"]["sources_sha256"] = "0".repeat(64).into();
        record["canary"] = "0".repeat(64).into();
    });
    let output = place.succeed(&["sweep", "tiny"]).stderr;
    check_contains(
        &output,
        &[
            "the code has changed since 2 runs finished",
            "restart: the code has changed and gives different results",
            "2 runs, 1 finished already (1 with different code but the same results)",
        ],
    );
    assert!(second.join("superseded/1/record.json").exists());
    assert!(!first.join("superseded").exists());
}

/// Changes a record, and its digest with it.
fn change(run: &std::path::Path, change: impl FnOnce(&mut serde_json::Value)) {
    let path = run.join("record.json");
    let mut record = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut record);
    record.as_object_mut().unwrap().remove("sha256");
    let digest = reprise_base::fs::sha256_hex(canonical_json(&record).as_bytes());
    record["sha256"] = digest.into();
    fs::write(path, record.to_string()).unwrap();
}

#[test]
fn a_dry_run_plans_and_writes_nothing() {
    let place = Place::new();
    let plan = place.succeed(&["sweep", "tiny", "--dry-run"]).stdout;
    check_contains(
        &plan,
        &[
            "tiny, preset toy of toy: 2 runs",
            "fixed    1     4      start",
            "time: unknown",
            "KL weight by epoch: fixed, learned\n",
        ],
    );
    assert!(!place.path("store").exists());
    place.succeed(&["sweep", "tiny"]);
    let plan = place.succeed(&["sweep", "tiny", "--dry-run", "--set", "seeds=[1, 2]"]).stdout;
    check_contains(&plan, &["0      skip: finished", "4      start", "time: about"]);
}

#[test]
fn a_run_that_fails_is_tried_again_and_reported() {
    let place = Place::new();
    let plan = place.succeed(&["sweep", "tiny", "--dry-run", "--format", "json"]).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let run = plan[0]["run"].as_str().unwrap();
    place.write("store/format", "reprise store 2\n");
    place.write(&format!("store/runs/{run}/code.patch/in_the_way"), "");
    let output = place.run(&["sweep", "tiny"]);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    check_contains(
        &output.stderr,
        &[
            "fixed · seed 1: failed; starting a second attempt\n  | error: failed to replace",
            "fixed · seed 1: failed\n  | error: failed to replace",
            "learned · seed 1: finished",
            "error: 1 of 2 runs failed",
        ],
    );
    assert!(place.path(format!("store/runs/{run}/stderr.log")).exists());
}

#[test]
fn a_run_whose_folder_cannot_be_used_fails_alone() {
    let place = Place::new();
    let plan = place.succeed(&["sweep", "tiny", "--dry-run", "--format", "json"]).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let run = plan[0]["run"].as_str().unwrap();
    place.write("store/format", "reprise store 1\n");
    place.write(&format!("store/runs/{run}/lease/in_the_way"), "");
    let output = place.run(&["sweep", "tiny"]);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    check_contains(&output.stderr, &["fixed · seed 1: failed\n", "learned · seed 1: finished"]);
}

#[test]
fn the_doctor_knows_the_machine() {
    let output = Place::new().succeed(&["doctor"]).stdout;
    check_contains(&output, &["libtorch", "deterministic_algorithms true", "free", "instructions"]);
}

#[test]
fn claims_are_registered_before_runs_judged_and_compared_with_the_ledger() {
    let place = Place::new();
    let tiny = fs::read_to_string(place.path("experiments/tiny.toml")).unwrap();
    let claim = |region: &str| {
        format!(
            "{tiny}\n[[claim]]\nid = \"t-1\"\nsays = \"The prior has parameters.\"\nsource = \"a paper\"\n\
             test.difference = {{ of.cost = \"parameters\", arms = [\"learned\", \"fixed\"], is = {{ {region} }} }}\n"
        )
    };
    place.write("experiments/tiny.toml", &claim("above = 0"));
    let listed = place.succeed(&["claims"]).stdout;
    check_contains(&listed, &["t-1      not run", "1 claim: 0 confirmed, 0 refuted"]);
    place.succeed(&["sweep", "tiny"]);
    let listed = place.succeed(&["claims", "tiny", "--write"]).stdout;
    check_contains(
        &listed,
        &["t-1      confirmed: The prior has parameters.", "1 claim: 1 confirmed"],
    );
    assert!(!listed.contains("entered after"), "{listed}");
    let page = fs::read_to_string(place.path("reports/tiny/report.md")).unwrap();
    check_contains(&page, &["## Claims", "trained parameters: learned \u{2212} fixed above 0"]);
    check_contains(&fs::read_to_string(place.path("reports/claims.md")).unwrap(), &["confirmed"]);

    // A claim that is changed after its runs shows both tests, and is lost from the ledger.
    place.write("experiments/tiny.toml", &claim("below = 0"));
    let lost = place.run(&["claims"]);
    assert_eq!(lost.code, Some(1), "{}", lost.stderr);
    check_contains(
        &lost.stderr,
        &["claim t-1 of tiny, preset toy, was confirmed and is refuted now"],
    );
    check_contains(
        &lost.stdout,
        &["changed after runs had begun; at first: ", "above 0: confirmed"],
    );
    place.succeed(&["sweep", "tiny"]);
    let page = fs::read_to_string(place.path("reports/tiny/report.md")).unwrap();
    check_contains(&page, &["Its test was changed after runs had begun."]);
    // Elsewhere nothing has been run, which is no failure; a written ledger keeps its verdicts.
    let elsewhere = ["claims", "--store", "empty"];
    place.succeed(&elsewhere);
    place.write("experiments/tiny.toml", &claim("above = 0"));
    place.succeed(&[&elsewhere[..], &["--write"]].concat());
    check_contains(&fs::read_to_string(place.path("reports/claims.md")).unwrap(), &["| confirmed"]);

    place.write(
        "experiments/tiny.toml",
        &claim("above = 0").replace("learned\", \"fixed", "x\", \"fixed"),
    );
    let wrong = place.run(&["claims"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    check_contains(
        &wrong.stderr,
        &["there is no arm `x`", "expected one of", "experiments/tiny.toml:"],
    );
}

#[test]
fn tensorboard_is_shown_while_a_sweep_is_trained() {
    let mut place = Place::new();
    // A stand-in that says how it was started and then waits, as the real one does.
    let script = "#!/bin/sh\necho \"$$ $*\" > started\nexec sleep 1000\n";
    place.write("bin/tensorboard", script);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(place.path("bin/tensorboard"), executable).unwrap();
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap());
    let arguments = ["sweep", "tiny", "--tensorboard", "events", "--viewer"];
    place.set("PATH", path);
    place.succeed(&arguments);
    let started = fs::read_to_string(place.path("started")).unwrap();
    let (process, rest) = started.trim().split_once(' ').unwrap();
    assert_eq!(rest, "--logdir events");
    let process = Pid::from_raw(process.parse().unwrap()).unwrap();
    assert!(test_kill_process(process).is_err(), "it has ended with the sweep");

    place.set("PATH", "/nowhere");
    let without = place.succeed(&arguments).stderr;
    check_contains(&without, &["it is not installed; after `pip install tensorboard`"]);
    let shown = place.succeed(&arguments[..4]).stderr;
    check_contains(&shown, &["`tensorboard --logdir events` shows the runs"]);
}

#[test]
fn a_store_written_by_10f9dbc_is_shown_and_reported() {
    let place = Place::new();
    let store = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stores/10f9dbc");
    let status = place.succeed(&["status", "--store", store]).stdout;
    check_contains(&status, &["first (toy): 1 finished", "9e0c4da223ac53e6"]);
    let run = place.succeed(&["runs", "show", "9e0c", "--store", store]).stdout;
    check_contains(&run, &["completed", "13.06915 dB"]);
    place.succeed(&["report", "first", "--store", store]);
    place.succeed(&["report", "first", "--store", store, "--check"]);
    let page = fs::read_to_string(place.path("reports/first/report.md")).unwrap();
    check_contains(&page, &["# One run of a small model"]);
}
