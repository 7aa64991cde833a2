//! A disk that may lose power: what is durable, what is pending, and every state that a crash may leave.
//!
//! The rules are those of a file system that promises no more than POSIX: the content of a file is durable once the
//! file is synced, an entry of a folder once the folder is. Until then a crash keeps any first part of the changes of
//! each file and of each folder, independently of all others; the last write may be torn at a sector, or its bytes
//! may be zero. A rename is one change, of the folder that gets the new name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    rc::Rc,
};

use reprise_base::fs::sha256_hex;

use super::trace::Operation;

/// Writes may be torn at multiples of this.
const SECTOR: usize = 512;

/// How many states are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Torn places of one write; evenly spaced if there are more.
    pub(crate) tears: usize,
    /// Combinations of pending changes that are all tried. Of more, each change is varied while none or all of the
    /// others are kept.
    pub(crate) combinations: usize,
}

/// Names a file or folder whatever its path is.
type Inode = usize;

/// The root folder.
const ROOT: Inode = 0;

/// What is stored below a folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// Entries of each folder.
    folders: BTreeMap<Inode, BTreeMap<String, Inode>>,
    files: BTreeMap<Inode, Rc<Vec<u8>>>,
}

/// A change of one file or folder.
#[derive(Clone, Debug)]
enum Change {
    Write {
        offset: usize,
        bytes: Rc<Vec<u8>>,
    },
    Truncate {
        length: usize,
    },
    Add {
        name: String,
        inode: Inode,
    },
    Drop {
        name: String,
    },
    /// Removes `name` from the folder `from`, and adds it here as `to`.
    Move {
        from: Inode,
        name: String,
        to: String,
        inode: Inode,
    },
}

/// A tree with the changes that are not durable yet.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    durable: Tree,
    /// With all changes.
    current: Tree,
    /// By the file or folder that must be synced for them, oldest first.
    pending: BTreeMap<Inode, Vec<Change>>,
    inodes: Inode,
}

impl Tree {
    fn root() -> Self {
        Self { folders: BTreeMap::from([(ROOT, BTreeMap::new())]), files: BTreeMap::new() }
    }

    fn find(&self, path: &str) -> Option<Inode> {
        path.split('/')
            .filter(|part| *part != ".")
            .try_fold(ROOT, |folder, part| self.folders.get(&folder)?.get(part).copied())
    }

    /// Returns the folder of a path and the last part.
    fn parent<'a>(&self, path: &'a str) -> (Inode, &'a str) {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        (self.find(folder).unwrap_or_else(|| panic!("`{folder}` exists")), name)
    }

    fn apply(&mut self, target: Inode, change: &Change) {
        match change {
            Change::Write { offset, bytes } => {
                let file = Rc::make_mut(self.files.entry(target).or_default());
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
            Change::Truncate { length } => {
                Rc::make_mut(self.files.entry(target).or_default()).resize(*length, 0);
            }
            Change::Add { name, inode } => {
                self.folders.entry(target).or_default().insert(name.clone(), *inode);
            }
            Change::Drop { name } => {
                self.folders.entry(target).or_default().remove(name);
            }
            Change::Move { from, name, to, inode } => {
                let source = self.folders.entry(*from).or_default();
                if source.get(name) == Some(inode) {
                    source.remove(name);
                }
                self.folders.entry(target).or_default().insert(to.clone(), *inode);
            }
        }
    }

    /// Returns all files by path, and all folders.
    pub(crate) fn list(&self) -> Listing {
        let mut listing = Listing::default();
        self.add_to(ROOT, "", &mut listing);
        listing
    }

    fn add_to(&self, folder: Inode, prefix: &str, listing: &mut Listing) {
        for (name, inode) in &self.folders[&folder] {
            let path = format!("{prefix}{name}");
            if self.folders.contains_key(inode) {
                self.add_to(*inode, &format!("{path}/"), listing);
                listing.folders.insert(path);
            } else {
                listing.files.insert(path, self.files.get(inode).cloned().unwrap_or_default());
            }
        }
    }
}

/// The files and folders of a tree by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) files: BTreeMap<String, Rc<Vec<u8>>>,
    pub(crate) folders: BTreeSet<String>,
}

impl Listing {
    /// Returns a digest; `known` remembers those of files.
    pub(crate) fn digest(&self, known: &mut BTreeMap<*const u8, (Rc<Vec<u8>>, String)>) -> String {
        let mut text = String::new();
        for (path, bytes) in &self.files {
            // The entry keeps the bytes, so that no other file gets their address.
            let digest = || (Rc::clone(bytes), sha256_hex(bytes));
            let (_, digest) = known.entry(bytes.as_ptr()).or_insert_with(digest);
            writeln!(text, "{path} {} {digest}", bytes.len()).unwrap();
        }
        write!(text, "{:?}", self.folders).unwrap();
        sha256_hex(text.as_bytes())
    }
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self {
            durable: Tree::root(),
            current: Tree::root(),
            pending: BTreeMap::new(),
            inodes: ROOT,
        }
    }

    /// A disk that holds a listing, all durable.
    pub(crate) fn holding(listing: &Listing) -> Self {
        let mut disk = Self::new();
        for path in &listing.folders {
            disk.carry_out(&Operation::MakeFolder { path: path.clone() });
        }
        for (path, bytes) in &listing.files {
            let (path, bytes) = (path.clone(), Rc::clone(bytes));
            disk.carry_out(&Operation::Create { path: path.clone() });
            disk.carry_out(&Operation::Write { path, offset: 0, bytes });
        }
        Self { durable: disk.current.clone(), pending: BTreeMap::new(), ..disk }
    }

    /// Returns what is there as long as the power is on.
    pub(crate) const fn current(&self) -> &Tree {
        &self.current
    }

    /// Returns what a crash cannot take away.
    pub(crate) const fn durable(&self) -> &Tree {
        &self.durable
    }

    pub(crate) fn carry_out(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { path } => {
                let inode = self.add(path);
                self.current.files.insert(inode, Rc::default());
            }
            Operation::MakeFolder { path } => {
                let inode = self.add(path);
                self.current.folders.insert(inode, BTreeMap::new());
                self.durable.folders.insert(inode, BTreeMap::new());
            }
            Operation::Write { path, offset, bytes } => {
                self.change_file(path, Change::Write { offset: *offset, bytes: Rc::clone(bytes) });
            }
            Operation::Truncate { path, length } => {
                self.change_file(path, Change::Truncate { length: *length });
            }
            Operation::Sync { path } => {
                let Some(inode) = self.current.find(path) else { return };
                for change in self.pending.remove(&inode).unwrap_or_default() {
                    self.durable.apply(inode, &change);
                }
            }
            Operation::Rename { from, to } => {
                let ((source, name), (target, to)) =
                    (self.current.parent(from), self.current.parent(to));
                let inode = self.current.folders[&source][name];
                let (name, to) = (name.to_owned(), to.to_owned());
                self.change(target, Change::Move { from: source, name, to, inode });
            }
            Operation::Link { from, to } => {
                let (inode, (target, name)) = (self.current.find(from), self.current.parent(to));
                let inode = inode.unwrap_or_else(|| panic!("`{from}` exists"));
                self.change(target, Change::Add { name: name.to_owned(), inode });
            }
            Operation::Remove { path } | Operation::RemoveFolder { path } => {
                let (folder, name) = self.current.parent(path);
                self.change(folder, Change::Drop { name: name.to_owned() });
            }
        }
    }

    fn add(&mut self, path: &str) -> Inode {
        self.inodes += 1;
        let (folder, name) = self.current.parent(path);
        let inode = self.inodes;
        self.change(folder, Change::Add { name: name.to_owned(), inode });
        inode
    }

    fn change_file(&mut self, path: &str, change: Change) {
        let inode = self.current.find(path).unwrap_or_else(|| panic!("`{path}` exists"));
        self.change(inode, change);
    }

    fn change(&mut self, target: Inode, change: Change) {
        self.current.apply(target, &change);
        self.pending.entry(target).or_default().push(change);
    }

    /// Calls `visit` with every state that a crash may leave now.
    pub(crate) fn crash_states(&self, depth: Depth, visit: &mut dyn FnMut(&Tree)) {
        let targets: Vec<_> = self.pending.iter().collect();
        let all: Vec<usize> = targets.iter().map(|(_, changes)| changes.len()).collect();
        let none = vec![0; all.len()];
        let product = all.iter().try_fold(1_usize, |product, n| product.checked_mul(n + 1));
        let mut kept = BTreeSet::from([all.clone(), none.clone()]);
        if product.is_some_and(|product| product <= depth.combinations) {
            let mut at = none;
            while let Some(place) = (0..at.len()).find(|&place| at[place] < all[place]) {
                at[..place].fill(0);
                at[place] += 1;
                kept.insert(at.clone());
            }
        } else {
            for place in 0..all.len() {
                for n in 0..=all[place] {
                    for mut at in [all.clone(), none.clone()] {
                        at[place] = n;
                        kept.insert(at);
                    }
                }
            }
        }
        for at in kept {
            let mut tree = self.durable.clone();
            for ((inode, changes), n) in targets.iter().zip(&at) {
                changes[..*n].iter().for_each(|change| tree.apply(**inode, change));
            }
            visit(&tree);
        }
        for inode in self.pending.keys() {
            for others in [true, false] {
                self.tear(*inode, others, depth, visit);
            }
        }
    }

    /// Calls `visit` with the states in which the last write of a file is torn, and all or no changes of others are
    /// kept.
    fn tear(&self, inode: Inode, others: bool, depth: Depth, visit: &mut dyn FnMut(&Tree)) {
        let Some(Change::Write { offset, bytes }) = self.pending[&inode].last() else { return };
        let places: Vec<usize> = (offset + 1..offset + bytes.len())
            .filter(|place| place.is_multiple_of(SECTOR))
            .map(|place| place - offset)
            .collect();
        let step = places.len().div_ceil(depth.tears).max(1);
        let torn = places.iter().step_by(step).map(|&place| Rc::new(bytes[..place].to_vec()));
        // The length reached the disk, and the content did not.
        let zeros = Rc::new(vec![0; bytes.len()]);
        for bytes in torn.chain([zeros]) {
            let mut tree = self.durable.clone();
            for (other, changes) in &self.pending {
                let whole = match *other == inode {
                    true => changes.len() - 1,
                    false if others => changes.len(),
                    false => 0,
                };
                changes[..whole].iter().for_each(|change| tree.apply(*other, change));
            }
            tree.apply(inode, &Change::Write { offset: *offset, bytes });
            visit(&tree);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &str) -> Operation {
        Operation::Create { path: path.to_owned() }
    }

    fn write(path: &str, text: &str) -> Operation {
        let bytes = Rc::new(text.as_bytes().to_vec());
        Operation::Write { path: path.to_owned(), offset: 0, bytes }
    }

    fn sync(path: &str) -> Operation {
        Operation::Sync { path: path.to_owned() }
    }

    fn rename(from: &str, to: &str) -> Operation {
        Operation::Rename { from: from.to_owned(), to: to.to_owned() }
    }

    /// Returns the states after operations, each as its files with their content.
    fn states(operations: &[Operation]) -> BTreeSet<String> {
        let mut disk = Disk::new();
        for operation in operations {
            disk.carry_out(operation);
        }
        let mut found = BTreeSet::new();
        disk.crash_states(Depth { tears: 8, combinations: 64 }, &mut |tree| {
            let file = |(path, bytes): (&String, &Rc<Vec<u8>>)| {
                format!("{path}={}", String::from_utf8_lossy(bytes).replace('\0', "0"))
            };
            let listing = tree.list();
            found.insert(listing.files.iter().map(file).collect::<Vec<_>>().join(" "));
        });
        found
    }

    #[track_caller]
    fn check(operations: &[Operation], expected: &[&str]) {
        let expected = expected.iter().map(|&state| state.to_owned()).collect();
        assert_eq!(states(operations), expected);
    }

    #[test]
    fn nothing_is_durable_without_a_sync() {
        check(&[create("a"), write("a", "xy")], &["", "a=", "a=xy", "a=00"]);
    }

    #[test]
    fn a_synced_file_may_lose_its_name() {
        check(&[create("a"), write("a", "xy"), sync("a")], &["", "a=xy"]);
        check(&[create("a"), write("a", "xy"), sync("a"), sync(".")], &["a=xy"]);
    }

    #[test]
    fn a_rename_before_the_sync_can_leave_an_empty_file() {
        let old = [create("a"), write("a", "old"), sync("a"), sync(".")];
        let new = [create("b"), write("b", "new"), sync("b"), rename("b", "a")];
        check(&[&old[..], &new].concat(), &["a=old", "a=old b=new", "a=new"]);
        let early = [create("b"), write("b", "new"), rename("b", "a")];
        let found = states(&[&old[..], &early].concat());
        assert!(found.contains("a="), "{found:?}");
    }
}
