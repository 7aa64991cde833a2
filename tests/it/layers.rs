//! Every `crate::` path in the sources points to a paragraph of `src/lib.rs` above its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns the paragraph of every top-level module, counted from the top.
fn paragraphs() -> BTreeMap<String, usize> {
    let lib = fs::read_to_string(sources().join("lib.rs")).unwrap();
    let mut modules = BTreeMap::new();
    for (number, paragraph) in lib.split("\n\n").enumerate() {
        for line in paragraph.lines() {
            if let Some(name) = line.strip_prefix("pub mod ").and_then(|it| it.strip_suffix(';')) {
                modules.insert(name.to_owned(), number);
            }
        }
    }
    modules
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|it| it == "rs")).collect()
}

/// Returns the first segment of every path that begins with `crate::`, groups in braces included.
fn imported(text: &str) -> Vec<String> {
    text.match_indices("crate::")
        .flat_map(|(at, start)| first_segments(&text[at + start.len()..]))
        .collect()
}

fn first_segments(text: &str) -> Vec<String> {
    let Some(group) = text.strip_prefix('{') else { return vec![segment(text)] };
    let mut depth = 0;
    let mut segments = vec![segment(group)];
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => segments.push(segment(&group[at + 1..])),
            _ => {}
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

fn segment(text: &str) -> String {
    text.trim_start().chars().take_while(|&c| c.is_ascii_alphanumeric() || c == '_').collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(imported(text), expected);
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    check("use crate::fs;", &["fs"]);
    check("use crate::{\n    config::{RunSpec, run::X},\n    fs,\n};", &["config", "fs"]);
    check("let x = crate::store::Store::open(root);", &["store"]);
}

#[test]
fn modules_import_only_what_stands_above_them() {
    let paragraphs = paragraphs();
    assert!(paragraphs.len() > 10, "the modules of lib.rs are read: {paragraphs:?}");
    let mut wrong = Vec::new();
    for file in files(&sources()) {
        let below = file.strip_prefix(sources()).unwrap();
        let top = below.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = top.trim_end_matches(".rs");
        let Some(own) = paragraphs.get(module) else { continue };
        for import in imported(&fs::read_to_string(&file).unwrap()) {
            let allowed =
                import == module || paragraphs.get(&import).is_none_or(|paragraph| paragraph < own);
            if !allowed {
                wrong.push(format!("{} imports crate::{import}", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_a_module_of_its_program() {
    let tests = sources().with_file_name("tests").join("it");
    let files = [files(&sources()), files(&tests)].concat();
    let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for path in &files {
        let module = match path.file_stem().unwrap().to_str().unwrap() {
            "main" | "lib" => continue,
            "mod" => path.parent().unwrap().file_name().unwrap().to_str().unwrap(),
            stem => stem,
        };
        let declared = |text: &String| {
            text.contains(&format!("mod {module};")) || text.contains(&format!("{module}.rs\""))
        };
        assert!(texts.iter().any(declared), "nobody compiles `{}`", path.display());
    }
}
