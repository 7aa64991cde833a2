//! The verbs of `reprise data`.

use crate::support::Place;

#[track_caller]
fn check(arguments: &[&str], code: i32, fragment: &str) {
    let said = Place::new().run(arguments);
    assert_eq!(said.code, Some(code), "{}{}", said.stdout, said.stderr);
    let all = said.stdout + &said.stderr;
    assert!(all.contains(fragment), "`{fragment}` is not in\n{all}");
}

#[test]
fn the_list_has_the_embedded_data_set() {
    check(&["data", "list"], 0, "sawyer_push");
}

#[test]
fn the_embedded_data_sets_are_whole() {
    check(&["data", "check", "sawyer_push"], 0, "is whole");
    check(&["data", "check", "moving_mnist"], 0, "is whole");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    check(&["data", "check", "nowhere"], 2, "nowhere");
}

#[test]
fn a_folder_that_is_not_there_cannot_be_packed() {
    check(&["data", "pack", "nowhere", "out.pack"], 2, "nowhere");
}
