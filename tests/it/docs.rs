//! The documentation: links, commands, and the example sweep.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{sources::project, support::Place};

/// Folders with Markdown pages; only the first level of each is read.
const FOLDERS: [&str; 9] = [
    ".",
    "docs",
    "data/facial_keypoints",
    "data/moving_mnist",
    "data/sawyer_push",
    "data/weizmann_like",
    "golden",
    "golden/generate",
    "reports/kl_annealing",
];

/// Largest number of lines of README.md.
const README_LINES_MAX: usize = 150;

/// Returns the Markdown pages with their text.
fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(project().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                pages.push((path, text));
            }
        }
    }
    pages.sort();
    pages
}

/// Returns the pages written by hand.
fn authored() -> impl Iterator<Item = (PathBuf, String)> {
    pages().into_iter().filter(|(path, _)| !path.starts_with(project().join("reports")))
}

/// Returns the lines outside of code blocks, and the code blocks with their language.
fn without_blocks(text: &str) -> (String, Vec<(String, String)>) {
    let (mut prose, mut blocks) = (String::new(), Vec::new());
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (None, block) => {
                let text = block.map_or(&mut prose, |(_, code)| code);
                text.extend([line, "\n"]);
            }
        }
    }
    (prose, blocks)
}

/// Returns the targets of all links in prose.
fn links(prose: &str) -> Vec<String> {
    let target = |rest: &str| rest.split_once(')').map(|(target, _)| target.to_owned());
    prose.split("](").skip(1).filter_map(target).collect()
}

/// Returns the anchors of a page, as GitHub derives them from headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let anchor = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(kept)
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_source_file_that_a_page_names_exists() {
    let mut missing = Vec::new();
    for (page, text) in authored() {
        let is_source = |name: &&str| {
            name.starts_with("crates/") && Path::new(name).extension().is_some_and(|it| it == "rs")
        };
        for name in text.split('`').filter(is_source) {
            if !project().join(name).exists() {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "no such file:\n{}", missing.join("\n"));
}

#[test]
fn every_relative_link_has_a_target() {
    let mut broken = Vec::new();
    for (page, text) in pages() {
        for link in links(&without_blocks(&text).0) {
            if link.contains("://") || link.starts_with("data:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let found = target.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&target).unwrap()).contains(anchor));
            if !found {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links without a target:\n{}", broken.join("\n"));
}

#[test]
fn the_readme_is_short() {
    let lines = fs::read_to_string(project().join("README.md")).unwrap().lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines");
}

/// Returns the commands that a help lists.
fn commands(place: &Place, arguments: &[&str]) -> BTreeSet<String> {
    let help = place.succeed(arguments).stdout;
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    list.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

/// Returns the names of the recipes of the justfile.
fn recipes() -> BTreeSet<String> {
    let justfile = fs::read_to_string(project().join("justfile")).unwrap();
    let name = |line: &str| -> Option<String> {
        let head = line.split_once(':')?.0.split_whitespace().next()?.to_owned();
        let is_name = head.starts_with(|c: char| c.is_ascii_lowercase())
            && head.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        is_name.then_some(head)
    };
    justfile.lines().filter(|line| !line.contains(":=")).filter_map(name).collect()
}

/// Returns the lines of shell code and the inline code of a page.
fn code(text: &str) -> Vec<String> {
    let (prose, blocks) = without_blocks(text);
    let shell = blocks.iter().filter(|(language, _)| language == "sh");
    let mut code: Vec<String> =
        shell.flat_map(|(_, block)| block.lines().map(str::to_owned)).collect();
    // Inline code may continue on the next line.
    code.extend(prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")));
    code
}

#[test]
fn every_command_in_the_documentation_exists() {
    let place = Place::new();
    let (program, recipes) = (commands(&place, &["--help"]), recipes());
    let groups: Vec<(&str, BTreeSet<String>)> = ["runs", "data", "golden"]
        .map(|group| (group, commands(&place, &[group, "--help"])))
        .into();
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let (mut unknown, mut seen) = (Vec::new(), 0);
    for (page, text) in authored() {
        for line in code(&text) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for pair in words.windows(2) {
                let known = match pair[0] {
                    "./just" => &recipes,
                    "reprise" => &program,
                    _ => continue,
                };
                if is_name(&pair[1]) && !pair[1].starts_with('-') {
                    seen += 1;
                    if !known.contains(pair[1]) {
                        unknown.push(format!("{}: {line}", page.display()));
                    }
                }
            }
            for triple in words.windows(3) {
                let by_recipe = triple[0] == "./just" && triple[1] != "golden";
                let Some((_, known)) = groups.iter().find(|(group, _)| *group == triple[1]) else {
                    continue;
                };
                let is_called = by_recipe || triple[0] == "reprise";
                if is_called && is_name(&triple[2]) && !known.contains(triple[2]) {
                    unknown.push(format!("{}: {line}", page.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "commands that do not exist:\n{}", unknown.join("\n"));
    assert!(seen > 50, "only {seen} commands were found");
}

#[test]
fn the_example_sweep_is_valid_at_every_preset() {
    let page = fs::read_to_string(project().join("docs/sweeps.md")).unwrap();
    let blocks = without_blocks(&page).1;
    let (_, example) = blocks
        .iter()
        .find(|(language, code)| language == "toml" && code.starts_with("name = "))
        .unwrap();
    let place = Place::new();
    place.write("my/learning_rate.toml", example);
    for (preset, runs) in [("smoke", 3), ("cpu", 9)] {
        let arguments = ["sweep", "my/learning_rate.toml", "--preset", preset, "--dry-run"];
        let plan = place.succeed(&arguments).stdout;
        assert_eq!(plan.matches(" start\n").count(), runs, "{plan}");
    }
}
