//! The commands of `reprise data`.

use crate::support::Place;

#[track_caller]
fn check(arguments: &[&str], code: i32, fragment: &str) {
    let output = Place::new().run(arguments);
    assert_eq!(output.code, Some(code), "{}{}", output.stdout, output.stderr);
    let all = output.stdout + &output.stderr;
    assert!(all.contains(fragment), "`{fragment}` is not in\n{all}");
}

#[test]
fn the_list_has_the_embedded_data_set() {
    check(&["data", "list"], 0, "sawyer_push");
}

#[test]
fn the_embedded_data_sets_have_no_problems() {
    check(&["data", "check", "sawyer_push"], 0, "no problems found");
    check(&["data", "check", "moving_mnist"], 0, "no problems found");
}

#[test]
fn a_missing_folder_is_named() {
    check(&["data", "check", "nowhere"], 2, "nowhere");
}

#[test]
fn a_missing_folder_cannot_be_packed() {
    check(&["data", "pack", "nowhere", "out.pack"], 2, "nowhere");
}
