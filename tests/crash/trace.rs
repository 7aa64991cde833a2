//! What a program did to the files below a folder: its operations, in the order of the kernel.

use std::{fs, path::Path, rc::Rc};

/// One operation. Paths are relative to the recorded folder, which is `.` itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create {
        path: String,
    },
    MakeFolder {
        path: String,
    },
    Write {
        path: String,
        offset: usize,
        bytes: Rc<Vec<u8>>,
    },
    Truncate {
        path: String,
        length: usize,
    },
    /// Of a file or a folder.
    Sync {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Link {
        from: String,
        to: String,
    },
    Remove {
        path: String,
    },
    RemoveFolder {
        path: String,
    },
}

/// Reads the log of the recorder; operations that it failed on request are left out.
pub(crate) fn read(log: &Path) -> Vec<Operation> {
    let bytes = fs::read(log).expect("the recorder has written its log");
    let mut rest = &bytes[..];
    let mut operations = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').expect("a head is a line");
        let head = std::str::from_utf8(&rest[..end]).expect("a head is text");
        let [kind, number, first, second] = head.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let [number, first, second] = [number, first, second].map(|it| it.parse().unwrap());
        let (a, after) = rest[end + 1..].split_at(first);
        let (b, after) = after.split_at(second);
        rest = after;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("paths are text");
        let path = text(a);
        operations.push(match kind {
            "C" => Operation::Create { path },
            "M" => Operation::MakeFolder { path },
            "W" => Operation::Write { path, offset: number, bytes: Rc::new(b.to_vec()) },
            "T" => Operation::Truncate { path, length: number },
            "S" => Operation::Sync { path },
            "R" => Operation::Rename { from: path, to: text(b) },
            "L" => Operation::Link { from: path, to: text(b) },
            "U" => Operation::Remove { path },
            "X" => Operation::RemoveFolder { path },
            "!" => continue,
            other => panic!("the recorder has no operation `{other}`"),
        });
    }
    operations
}
