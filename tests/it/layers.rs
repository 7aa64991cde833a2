//! The structure of the sources: layers, import circles, unique names, documentation.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::sources::{Module, Sources, files, project};

/// What the doc of a `lib.rs` says if its modules are layers.
const LAYERED: &str = "layer order";

/// Returns the paragraph of every module that a `lib.rs` declares, counted from the top.
fn paragraphs(lib: &str) -> BTreeMap<String, usize> {
    let mut modules = BTreeMap::new();
    for (number, paragraph) in lib.split("\n\n").enumerate() {
        for line in paragraph.lines() {
            let declared = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ");
            if let Some(name) = declared.and_then(|it| it.strip_suffix(';')) {
                modules.insert(name.to_owned(), number);
            }
        }
    }
    modules
}

#[test]
fn modules_import_only_from_paragraphs_above_their_own() {
    let sources = Sources::read();
    let (mut layered, mut wrong) = (0, Vec::new());
    for lib in sources.modules.iter().filter(|module| module.path.len() == 1) {
        let text = std::fs::read_to_string(&lib.file).unwrap();
        if !text.contains(LAYERED) {
            continue;
        }
        layered += 1;
        let paragraphs = paragraphs(&text);
        for module in sources.modules.iter().filter(|module| module.path.len() > 1) {
            if module.path[0] != lib.path[0] {
                continue;
            }
            let Some(own) = paragraphs.get(&module.path[1]) else { continue };
            for target in sources.targets(module) {
                let other = target.path.get(1).filter(|_| target.path[0] == lib.path[0]);
                let Some(other) = other.filter(|&other| *other != module.path[1]) else { continue };
                if paragraphs.get(other).is_some_and(|paragraph| paragraph >= own) {
                    wrong.push(format!("{} imports {}", module.name(), target.name()));
                }
            }
        }
    }
    assert!(layered >= 4, "only {layered} crates have layers");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Repeatedly removes modules that nothing imports or that import nothing; circles remain.
#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = Sources::read();
    let mut edges: BTreeSet<(String, String)> = BTreeSet::new();
    for module in &sources.modules {
        edges.extend(sources.targets(module).map(|target| (module.name(), target.name())));
    }
    assert!(edges.len() > 300, "only {} imports were found", edges.len());
    loop {
        let from: BTreeSet<String> = edges.iter().map(|edge| edge.0.clone()).collect();
        let to: BTreeSet<String> = edges.iter().map(|edge| edge.1.clone()).collect();
        let before = edges.len();
        edges.retain(|(importer, imported)| to.contains(importer) && from.contains(imported));
        if edges.len() == before {
            break;
        }
    }
    let lines: Vec<String> = edges.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    assert!(lines.is_empty(), "circles:\n{}", lines.join("\n"));
}

#[test]
fn type_names_are_defined_once() {
    let sources = Sources::read();
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for module in &sources.modules {
        for name in &module.types {
            places.entry(name).or_default().push(module.name());
        }
    }
    assert!(places.len() > 300, "only {} types were found", places.len());
    places.retain(|_, modules| modules.len() > 1);
    let lines: Vec<String> =
        places.iter().map(|(name, modules)| format!("{name}: {}", modules.join(", "))).collect();
    assert!(lines.is_empty(), "defined more than once:\n{}", lines.join("\n"));
}

/// Fields and variants whose names say everything may stay without a doc; types and functions not.
#[test]
fn public_items_are_documented() {
    let sources = Sources::read();
    let missing: Vec<String> = sources
        .modules
        .iter()
        .flat_map(|module| {
            module.undocumented.iter().map(|item| format!("{}::{item}", module.name()))
        })
        .collect();
    assert!(missing.is_empty(), "without a doc comment:\n{}", missing.join("\n"));
}

#[test]
fn every_file_is_compiled() {
    let tests = project().join("tests").join("it");
    let files: Vec<PathBuf> =
        Sources::folders().iter().chain([&tests]).flat_map(|folder| files(folder)).collect();
    let texts: Vec<String> =
        files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for path in &files {
        let module = match path.file_stem().unwrap().to_str().unwrap() {
            "main" | "lib" => continue,
            "mod" => path.parent().unwrap().file_name().unwrap().to_str().unwrap(),
            stem => stem,
        };
        let declared = |text: &String| {
            text.contains(&format!("mod {module};")) || text.contains(&format!("{module}.rs\""))
        };
        assert!(texts.iter().any(declared), "no module declares `{}`", path.display());
    }
}

/// Builds a small crate from `(path, text)` pairs and checks what its first module imports.
#[track_caller]
fn check(modules: &[(&str, &str)], targets: &[&str]) {
    let modules = modules
        .iter()
        .map(|(path, text)| {
            let path = path.split("::").map(str::to_owned).collect();
            Module::parse(path, PathBuf::new(), &syn::parse_file(text).unwrap())
        })
        .collect();
    let sources = Sources::new(modules);
    let found: Vec<String> = sources.targets(&sources.modules[0]).map(Module::name).collect();
    assert_eq!(found, targets);
}

#[test]
fn an_import_is_resolved_to_the_file_that_defines_the_item() {
    let a = ("k::a", "pub use b::B; mod b;");
    let b = ("k::a::b", "pub struct B;");
    check(&[("k::c", "use crate::a::B;"), a, b], &["k::a::b"]);
    check(&[("k::c", "use crate::a::{self, b::B};"), a, b], &["k::a::b"]);
    check(&[("k::c", "fn f() { crate::a::B::new() }"), a, b], &["k::a::b"]);
    check(&[("k::c", "use crate::a; fn f() { println!(\"{}\", a::B) }"), a, b], &["k::a::b"]);
    check(&[("k::a::c", "use super::{b::B as Renamed, *};"), a, b], &["k::a::b"]);
    check(&[("k::c", "#[cfg(test)] mod tests { use crate::a::B; }"), a, b], &[]);
    check(&[("k::c", "pub use crate::a::B;"), a, b], &[]);
}
