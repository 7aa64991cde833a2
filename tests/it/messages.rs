//! The messages for common user errors.

use crate::support::Place;

#[track_caller]
fn check(place: &Place, arguments: &[&str], code: i32) -> String {
    let said = place.run(arguments);
    assert_eq!(said.code, Some(code), "{}{}", said.stdout, said.stderr);
    assert_eq!(said.stdout, "", "messages go to stderr");
    said.stderr
}

#[test]
fn a_misspelt_sweep_is_guessed() {
    let said = check(&Place::new(), &["sweep", "tinny"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to find a sweep named `tinny`
    hint: did you mean `tiny`?
    ");
}

#[test]
fn a_missing_sweep_file_is_named() {
    let said = check(&Place::new(), &["sweep", "my/own.toml"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to read the sweep file
      caused by: failed to open `my/own.toml`
      caused by: No such file or directory (os error 2)
    ");
}

#[test]
fn an_unknown_preset_is_answered_with_those_there_are() {
    let said = check(&Place::new(), &["sweep", "tiny", "--preset", "large"], 2);
    insta::assert_snapshot!(said, @r"
    error: unknown preset `large`
      --> experiments/tiny.toml:21:2
       |
    21 | [preset.toy]
       |  ^^^^^^
       |
       = hint: expected `toy`
    ");
}

#[test]
fn a_misspelt_override_is_pointed_at() {
    let said = check(&Place::new(), &["sweep", "tiny", "--set", "training.epoch=3"], 2);
    insta::assert_snapshot!(said, @r"
    error: unknown key `epoch` in `training`
     --> --set training.epoch=3:1:10
      |
    1 | training.epoch=3
      |          ^^^^^
      |
      = hint: did you mean `epochs`?
    ");
}

#[test]
fn a_misspelt_key_in_the_file_is_pointed_at() {
    let place = Place::new();
    let text = std::fs::read_to_string(place.path("experiments/tiny.toml")).unwrap();
    place.write("experiments/tiny.toml", &text.replace("batch_size = 2 }", "batchsize = 2 }"));
    let said = check(&place, &["sweep", "tiny"], 2);
    insta::assert_snapshot!(said, @r"
    error: unknown key `batchsize` in `training`
      --> experiments/tiny.toml:23:51
       |
    23 | set.training = { epochs = 2, steps_per_epoch = 2, batchsize = 2 }
       |                                                   ^^^^^^^^^
       |
       = hint: did you mean `batch_size`?
    ");
}

#[test]
fn nothing_is_started_after_a_mistake() {
    let place = Place::new();
    check(&place, &["sweep", "tiny", "--set", "model.cvae.horizon=40"], 2);
    assert!(!place.path("store").exists());
}

#[test]
fn an_unknown_device_is_a_mistake_in_the_arguments() {
    let said = check(&Place::new(), &["sweep", "tiny", "--device", "gpu"], 2);
    insta::assert_snapshot!(said, @r"
    error: invalid value 'gpu' for '--device <DEVICE>': unknown device `gpu`, expected `auto`, `cpu`, `cuda` or `cuda:N`

    For more information, try '--help'.
    ");
}

#[test]
fn a_store_that_is_not_there_is_explained() {
    let said = check(&Place::new(), &["runs", "list"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to open store `store`: it is not a reprise store
    hint: choose another folder with `--store DIR`; `reprise sweep` creates a store
    ");
}

#[test]
fn a_sweep_that_was_never_started_is_explained() {
    let place = Place::new();
    place.write("store/format", "reprise store 1\n");
    let said = check(&place, &["status", "tiny"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to find sweep `tiny` in store `store`
    hint: the store has no sweep yet; run `reprise sweep tiny` to start this one
    ");
}

#[test]
fn a_run_that_is_not_there_is_explained() {
    let place = Place::new();
    place.write("store/format", "reprise store 1\n");
    let said = check(&place, &["runs", "show", "3f2a"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to find a run whose id begins with `3f2a`
    hint: see `reprise runs list` for all runs
    ");
}

#[test]
fn a_newer_store_is_refused() {
    let place = Place::new();
    place.write("store/format", "reprise store 9\n");
    let said = check(&place, &["runs", "list"], 4);
    insta::assert_snapshot!(said, @r"
    error: failed to read `store/format`: it has format 9, but this version of reprise supports only formats up to 2
    hint: update reprise, or choose another store with `--store DIR`
    ");
}

#[test]
fn a_damaged_record_is_named() {
    let place = Place::new();
    place.write("store/format", "reprise store 1\n");
    place.write("store/runs/0123456789abcdef/record.json", "{\"format\": 1, \"run\"");
    let said = check(&place, &["runs", "show", "0123"], 4);
    insta::assert_snapshot!(said, @r"
    error: failed to parse `store/runs/0123456789abcdef/record.json`
      caused by: EOF while parsing an object at line 1 column 19
    hint: see `reprise store verify` for everything that is damaged, and what to do about it
    ");
}

#[test]
fn one_run_cannot_be_compared() {
    let place = Place::new();
    place.write("store/format", "reprise store 1\n");
    let said = check(&place, &["runs", "diff", "3f2a"], 2);
    insta::assert_snapshot!(said, @r"
    error: nothing to compare: give exactly two runs or two stores
    hint: use `reprise runs diff RUN RUN` or `reprise runs diff --store A --store B`
    ");
}

#[test]
fn a_store_that_cannot_be_made_is_answered_with_the_option() {
    let place = Place::new();
    place.write("in_the_way", "");
    let said = check(&place, &["sweep", "tiny", "--store", "in_the_way/store"], 4);
    insta::assert_snapshot!(said, @r"
    data set `moving_square`
      train     4 sequences of 6 frames
      validate  1 sequence of 6 frames
      test      1 sequence of 6 frames
      frames    64x64 RGB, values 12 to 252
    error: failed to create folder `in_the_way/store`
      caused by: Not a directory (os error 20)
    hint: choose a writable folder with `--store DIR`
    ");
}

#[test]
fn a_missing_data_root_is_named() {
    let set = "data.dataset.bair.root=data/mine";
    let said = check(&Place::new(), &["sweep", "tiny", "--set", set], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to find the folder `data/mine`
    hint: copy or link the data there, or give another folder; `reprise data list` lists the data sets that need no folder
    ");
}

#[test]
fn a_data_set_that_is_not_there_is_explained() {
    let said = check(&Place::new(), &["data", "check", "sawyer"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to find a data set or folder `sawyer`
    hint: give the path of a folder, or the name of an embedded data set from `reprise data list`
    ");
}

#[test]
fn a_system_without_cases_is_answered_with_those_that_have_some() {
    let place = Place::new();
    place.write("golden/cells/lstm/case.toml", "");
    let said = check(&place, &["golden", "check", "--system", "lstm"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to find a case that matches `lstm/*` in `golden`
    hint: the systems are `cells`; a case is named SYSTEM/CASE
    ");
    let said = check(&place, &["golden", "check", "--cases", "mine"], 2);
    insta::assert_snapshot!(said, @r"
    error: failed to find a case that matches `*/*` in `mine`
    hint: the folder has no SYSTEM/CASE folders; run the command in the root of the repository, or give another folder with `--cases DIR`
    ");
}
