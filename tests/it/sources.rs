//! Reads the sources of all crates: the modules, what each defines and what it imports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, File, Item, UseTree, Visibility,
    visit::{self, Visit},
};

/// Returns the root of the project.
pub(super) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns all Rust files below a folder.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|it| it == "rs")).collect()
}

/// A path as segments; the first is the name of a crate.
type Segments = Vec<String>;

/// A file that is a module.
pub(super) struct Module {
    pub(super) path: Segments,
    pub(super) file: PathBuf,
    /// Names of structs, enums, traits, unions and type aliases.
    pub(super) types: Vec<String>,
    /// Public types and functions without a doc comment.
    pub(super) undocumented: Vec<String>,
    items: BTreeSet<String>,
    exports: Vec<Import>,
    imports: Vec<Import>,
    /// Paths of two or more segments in bodies and signatures.
    paths: Vec<Segments>,
}

/// A leaf of a `use` tree.
struct Import {
    path: Segments,
    /// The name in this module; `*` for a glob.
    name: String,
}

/// All modules but those of tests.
pub(super) struct Sources {
    pub(super) modules: Vec<Module>,
    by_path: BTreeMap<Segments, usize>,
}

impl Sources {
    /// Returns the `src` folders of the project.
    pub(super) fn folders() -> Vec<PathBuf> {
        let mut folders = vec![project().join("src")];
        if let Ok(crates) = fs::read_dir(project().join("crates")) {
            folders.extend(crates.map(|entry| entry.unwrap().path().join("src")));
        }
        folders.sort();
        folders
    }

    pub(super) fn read() -> Self {
        let mut modules = Vec::new();
        for folder in Self::folders() {
            let krate = match folder.parent().unwrap() {
                root if root == project() => "reprise".to_owned(),
                member => format!("reprise_{}", member.file_name().unwrap().to_str().unwrap()),
            };
            for file in files(&folder) {
                let below = file.strip_prefix(&folder).unwrap().with_extension("");
                let mut path: Segments =
                    below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                let is_test = |part: &String| {
                    part.ends_with("tests") || part.starts_with("hostile_") || part == "main"
                };
                if path.iter().any(is_test) {
                    continue;
                }
                path.retain(|part| part != "mod" && part != "lib");
                path.insert(0, krate.clone());
                let parsed = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
                modules.push(Module::parse(path, file, &parsed));
            }
        }
        Self::new(modules)
    }

    pub(super) fn new(modules: Vec<Module>) -> Self {
        let by_path =
            modules.iter().enumerate().map(|(index, it)| (it.path.clone(), index)).collect();
        Self { modules, by_path }
    }

    /// Returns the modules that define what a module uses, without what it only re-exports.
    pub(super) fn targets<'a>(&'a self, module: &'a Module) -> impl Iterator<Item = &'a Module> {
        let imported = module.imports.iter().map(|import| import.path.clone());
        let used = module.paths.iter().filter_map(|path| self.written_out(module, path));
        let targets: BTreeSet<usize> =
            imported.chain(used).filter_map(|path| self.defining(&path, 0)).collect();
        targets.into_iter().map(|index| &self.modules[index]).filter(|it| it.path != module.path)
    }

    /// Returns a path in a body with its first segment resolved, if that is an import or a child.
    fn written_out(&self, module: &Module, path: &Segments) -> Option<Segments> {
        let rest = &path[1..];
        let named = module.imports.iter().chain(&module.exports).find(|it| it.name == path[0]);
        let child = || [module.path.clone(), path.clone()].concat();
        match named {
            Some(import) => Some([&import.path, rest].concat()),
            None if self.index(&child()[..=module.path.len()]).is_some() => Some(child()),
            None => absolute(&module.path, path),
        }
    }

    fn index(&self, path: &[String]) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Returns the module that defines the item at a path; nothing for a module or a foreign crate.
    fn defining(&self, path: &[String], depth: usize) -> Option<usize> {
        let length = (1..=path.len()).rev().find(|&end| self.index(&path[..end]).is_some())?;
        let index = self.index(&path[..length])?;
        let module = &self.modules[index];
        let name = path.get(length)?;
        if module.items.contains(name) || depth > 8 {
            return Some(index);
        }
        module.exports.iter().chain(&module.imports).find_map(|import| {
            let target = match import.name.as_str() {
                "*" => [&import.path, &path[length..]].concat(),
                own if own == name => [&import.path[..], &path[length + 1..]].concat(),
                _ => return None,
            };
            self.defining(&target, depth + 1)
        })
    }
}

impl Module {
    pub(super) fn name(&self) -> String {
        self.path.join("::")
    }

    pub(super) fn parse(path: Segments, file: PathBuf, parsed: &File) -> Self {
        let mut module = Self {
            path,
            file,
            types: Vec::new(),
            undocumented: Vec::new(),
            items: BTreeSet::new(),
            exports: Vec::new(),
            imports: Vec::new(),
            paths: Vec::new(),
        };
        for item in &parsed.items {
            module.item(item);
        }
        module
    }

    fn item(&mut self, item: &Item) {
        let (name, attributes, visibility, is_type) = match item {
            Item::Struct(it) => (&it.ident, &it.attrs, &it.vis, true),
            Item::Enum(it) => (&it.ident, &it.attrs, &it.vis, true),
            Item::Trait(it) => (&it.ident, &it.attrs, &it.vis, true),
            Item::Union(it) => (&it.ident, &it.attrs, &it.vis, true),
            Item::Type(it) => (&it.ident, &it.attrs, &it.vis, true),
            Item::Fn(it) => (&it.sig.ident, &it.attrs, &it.vis, false),
            Item::Const(it) => (&it.ident, &it.attrs, &it.vis, false),
            Item::Static(it) => (&it.ident, &it.attrs, &it.vis, false),
            Item::Use(it) => {
                let mut leaves = Vec::new();
                leaf(&it.tree, &mut Vec::new(), &mut leaves);
                for Import { path, name } in leaves {
                    let Some(path) = absolute(&self.path, &path) else { continue };
                    let is_export = !matches!(it.vis, Visibility::Inherited);
                    let list = if is_export { &mut self.exports } else { &mut self.imports };
                    list.push(Import { path, name });
                }
                return;
            }
            Item::Mod(it) if it.content.is_some() && is_test(&it.attrs) => return,
            other => {
                if let Item::Impl(it) = other {
                    self.methods(it);
                }
                return Paths(&mut self.paths).visit_item(other);
            }
        };
        if is_test(attributes) {
            return;
        }
        if matches!(visibility, Visibility::Public(_)) && !is_documented(attributes) {
            self.undocumented.push(name.to_string());
        }
        if is_type {
            self.types.push(name.to_string());
        }
        self.items.insert(name.to_string());
        Paths(&mut self.paths).visit_item(item);
    }

    fn methods(&mut self, block: &syn::ItemImpl) {
        for item in &block.items {
            if let syn::ImplItem::Fn(it) = item
                && matches!(it.vis, Visibility::Public(_))
                && !is_documented(&it.attrs)
            {
                self.undocumented.push(it.sig.ident.to_string());
            }
        }
    }
}

fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("doc"))
}

fn is_test(attributes: &[Attribute]) -> bool {
    let test = |it: &Attribute| {
        it.path().is_ident("cfg")
            && it.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    };
    attributes.iter().any(test)
}

/// Returns a path from the name of its crate on, if it begins with a keyword or a crate of ours.
fn absolute(module: &[String], path: &[String]) -> Option<Segments> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => Some([&module[..1], &path[1..]].concat()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => Some([&module[..module.len().checked_sub(supers)?], &path[supers..]].concat()),
        first if first.starts_with("reprise_") => Some(path.to_vec()),
        _ => Some([module, path].concat()),
    }
}

/// Collects the leaves of a `use` tree.
fn leaf(tree: &UseTree, path: &mut Segments, leaves: &mut Vec<Import>) {
    match tree {
        UseTree::Path(it) => {
            path.push(it.ident.to_string());
            leaf(&it.tree, path, leaves);
            path.pop();
        }
        UseTree::Group(it) => it.items.iter().for_each(|tree| leaf(tree, path, leaves)),
        UseTree::Name(it) if it.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            leaves.push(Import { path: path.clone(), name });
        }
        UseTree::Name(it) => {
            let name = it.ident.to_string();
            leaves.push(Import { path: [&path[..], std::slice::from_ref(&name)].concat(), name });
        }
        UseTree::Rename(it) => {
            let path = match it.ident.to_string().as_str() {
                "self" => path.clone(),
                name => [&path[..], &[name.to_owned()]].concat(),
            };
            leaves.push(Import { path, name: it.rename.to_string() });
        }
        UseTree::Glob(_) => leaves.push(Import { path: path.clone(), name: "*".to_owned() }),
    }
}

/// Collects the paths of two or more segments, those in macro calls included.
struct Paths<'a>(&'a mut Vec<Segments>);

impl<'a> Visit<'a> for Paths<'_> {
    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.segments.len() > 1 && path.leading_colon.is_none() {
            self.0.push(path.segments.iter().map(|part| part.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        for word in text.split(|c| !is_part(c)) {
            let path: Segments = word.split("::").map(str::to_owned).collect();
            if path.len() > 1 && path.iter().all(|part| !part.is_empty() && !part.contains(':')) {
                self.0.push(path);
            }
        }
        visit::visit_macro(self, call);
    }
}
