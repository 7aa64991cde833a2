//! Roll-outs, videos and keypoints from trained weights.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use crate::{
    support::{Place, check_contains},
    sweeps::one_system,
};

/// A store with a run of one system; returns its id.
fn trained(place: &Place, system: &str) -> String {
    place.write("experiments/systems.toml", &one_system(system, ""));
    place.succeed(&["sweep", "systems"]);
    place.runs("store")[0].file_name().unwrap().to_str().unwrap().to_owned()
}

/// Returns all files below a folder by path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let below = self::files(&path);
            files.extend(below.into_iter().map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            files.insert(name, fs::read(path).unwrap());
        }
    }
    files
}

fn record(files: &BTreeMap<String, Vec<u8>>) -> serde_json::Value {
    serde_json::from_slice(&files["generated.json"]).unwrap()
}

/// Generates twice from a system; returns the files.
#[track_caller]
fn check_repeats(system: &str, options: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let place = Place::new();
    let run = trained(&place, system);
    let [first, second] = ["a", "b"].map(|folder| {
        let arguments = ["generate", &run[..5], "--out", folder];
        place.succeed(&[&arguments, options].concat());
        files(&place.path(folder))
    });
    assert!(first == second, "{system} gives other bytes");
    let record = record(&first);
    assert_eq!(record["run"], run.as_str());
    let command = record["command"].as_str().unwrap();
    assert!(command.starts_with(&format!("reprise generate {run}")), "{command}");
    assert_eq!(record["files"].as_object().unwrap().len() + 1, first.len());
    first
}

#[test]
fn systems_that_predict_frames_make_roll_outs() {
    for system in ["convlstm", "physical_interaction"] {
        let files = check_repeats(system, &["--sequences", "1,0", "--write", "sheet,npy"]);
        let names: Vec<&String> = files.keys().collect();
        let expected = ["arrays/prediction.npy", "arrays/truth.npy", "generated.json", "sheet.png"];
        assert_eq!(names, expected);
        assert_eq!(record(&files)["columns"], serde_json::json!(["truth", "prediction"]));
    }
}

#[test]
fn a_model_with_a_latent_variable_shows_truth_posterior_and_samples_of_the_prior() {
    let files = check_repeats("cvae", &["--samples", "2"]);
    let record = record(&files);
    let columns = serde_json::json!(["truth", "posterior", "prior 1", "prior 2"]);
    assert_eq!(record["columns"], columns);
    assert_eq!(record["arrays"]["prior"], serde_json::json!([1, 2, 5, 3, 64, 64]));
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(names, ["arrays.npz", "generated.json", "strips/000.png", "videos.gif"]);
}

#[test]
fn mocogan_makes_videos_of_any_length_and_category() {
    let options = ["--categories", "walk,bend", "--motions", "2", "--contents", "3"];
    let further = ["--length", "21", "--write", "apng,png,npz"];
    let files = check_repeats("mocogan", &[&options[..], &further].concat());
    let record = record(&files);
    let columns = ["walk, motion 1", "bend, motion 1", "walk, motion 2", "bend, motion 2"];
    assert_eq!(record["columns"], serde_json::json!(columns));
    assert_eq!(record["arrays"]["videos"], serde_json::json!([3, 4, 21, 3, 64, 64]));
    assert_eq!(files.keys().filter(|name| name.starts_with("frames/")).count(), 3 * 4 * 21);
}

#[test]
fn rcn_predicts_keypoints_as_a_table_and_as_images() {
    let files = check_repeats("rcn", &["--sequences", "0-2", "--set", "split=validate"]);
    let table = String::from_utf8(files["keypoints.csv"].clone()).unwrap();
    assert_eq!(table.lines().count(), 1 + 3);
    assert!(table.starts_with("image,left_eye_center_x,left_eye_center_y,"), "{table}");
    assert!(files.contains_key("sheet.png"));
}

#[test]
fn a_later_call_replaces_the_files_of_an_earlier_one_and_no_others() {
    let place = Place::new();
    let run = trained(&place, "convlstm");
    place.succeed(&["generate", &run]);
    let folder = place.path("generated").join(&run);
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    fs::write(folder.join("strips/000.png"), "changed by hand").unwrap();
    place.succeed(&["generate", &run, "--write", "gif"]);
    let names: Vec<String> = files(&folder).into_keys().collect();
    assert_eq!(names, ["generated.json", "notes.txt", "strips/000.png", "videos.gif"]);

    // A record that names a file outside its folder reaches nothing there.
    let record = fs::read_to_string(folder.join("generated.json")).unwrap();
    fs::rename(folder.join("videos.gif"), place.path("generated/videos.gif")).unwrap();
    let elsewhere = record.replace("videos.gif", "../videos.gif");
    fs::write(folder.join("generated.json"), elsewhere).unwrap();
    place.succeed(&["generate", &run, "--write", "gif"]);
    assert!(place.path("generated/videos.gif").is_file());
}

#[test]
fn imported_weights_generate_what_their_run_does() {
    let place = Place::new();
    let run = trained(&place, "cvae");
    place.succeed(&["export", &run, "weights.safetensors", "--names", "own"]);
    let id = place.succeed(&["import", "weights.safetensors"]).stdout.trim().to_owned();
    place.succeed(&["generate", &run, "--out", "a"]);
    place.succeed(&["generate", &id, "--sweep", "systems", "--out", "b"]);
    let [of_run, imported] = ["a", "b"].map(|folder| files(&place.path(folder)));
    assert!(of_run["arrays.npz"] == imported["arrays.npz"]);
    assert_eq!(record(&imported)["weights"], id.as_str());
    assert!(record(&imported)["run"].is_null());

    let no_settings = place.run(&["generate", &id]);
    assert_eq!(no_settings.code, Some(2));
    check_contains(&no_settings.stderr, &["which model they are of", "`--sweep NAME`"]);
    let no_arm = place.run(&["generate", &id, "--sweep", "systems", "--arm", "x"]);
    check_contains(&no_arm.stderr, &["has no such arm; it has `cvae`"]);
}

#[test]
fn a_submission_has_a_row_for_every_row_of_the_lookup_table() {
    let place = Place::new();
    let run = trained(&place, "rcn");
    let grey = vec!["128"; 96 * 96].join(" ");
    place.write("kaggle/test.csv", &format!("ImageId,Image\n1,{grey}\n2,{grey}\n"));
    let mut lookup = "RowId,ImageId,FeatureName,Location\n".to_owned();
    for (row, (image, feature)) in
        [(2, "nose_tip_x"), (1, "nose_tip_y"), (2, "nose_tip_y")].into_iter().enumerate()
    {
        writeln!(lookup, "{},{image},{feature},", row + 1).unwrap();
    }
    place.write("kaggle/IdLookupTable.csv", &lookup);
    place.succeed(&["generate", &run, "--kaggle", "kaggle", "--out", "out"]);
    let files = files(&place.path("out"));
    let text = String::from_utf8(files["submission.csv"].clone()).unwrap();
    let rows: Vec<&str> = text.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(rows, ["RowId", "1", "2", "3"]);
    let refused = place.run(&["generate", &run, "--kaggle", "kaggle", "--write", "npz"]);
    check_contains(&refused.stderr, &["writes a submission for all its images"]);
}

#[test]
fn what_a_system_cannot_make_is_refused() {
    let place = Place::new();
    let run = trained(&place, "cvae");
    let check = |options: &[&str], fragments: &[&str]| {
        let refused = place.run(&[&["generate", &run], options].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        check_contains(&refused.stderr, fragments);
    };
    check(&["--contents", "3"], &["`--contents` does not apply to `cvae`"]);
    check(&["--sequences", "7"], &["test split of `moving_square` has 1 sequence"]);
    check(&["--sequences", "7-"], &["`7-` is neither a number nor a range like 7-9"]);
    check(&["--set", "samples=3"], &["`--samples N`"]);
    check(&["--set", "horizon=50"], &["need 52 frames"]);
    check(&["--write", "csv"], &["failed to write `csv`"]);
    check(&["--write", "mp4"], &["possible values: gif, apng"]);
}
