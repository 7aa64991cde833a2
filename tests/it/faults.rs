//! The faults of `./just power` still fit the sources; whether each is caught takes a build apiece.

use std::fs;

use crate::sources::project;

#[test]
fn every_fault_can_be_put_into_the_sources() {
    let project = project();
    let list: toml::Table =
        toml::from_str(include_str!("../power/faults.toml")).expect("the list is valid");
    for fault in list["fault"].as_array().expect("a list of faults") {
        let of = |key: &str| fault[key].as_str().expect("every key is a string");
        let source = fs::read_to_string(project.join(of("file"))).expect("the file exists");
        let places = source.matches(of("from")).count();
        assert_eq!(places, 1, "{}: `{}` in {}", of("name"), of("from"), of("file"));
        assert!(project.join("golden").join(of("case")).is_dir(), "{}: {}", of("name"), of("case"));
    }
}
