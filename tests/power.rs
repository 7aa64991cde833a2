//! The power of the reference cases: each fault in `tests/power/faults.toml` is injected into a copy of
//! the sources; its case must fail in f32 and in f64, and `golden explain` must report the right first
//! divergent output in f64.
//!
//! Every fault is a separate test. They share one copy of the project below `target/power`, protected
//! by a lock. The copy is built without the report and without optimization, so that a rebuild takes
//! seconds.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test harness that edits a copy of the sources and prints what it found"
)]

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output},
};

use libtest_mimic::{Arguments, Failed, Trial};
use reprise_golden::matches_glob;
use serde::Deserialize;

/// A mistake in our sources.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    what: String,
    file: PathBuf,
    from: String,
    to: String,
    case: String,
    /// Pattern of the first divergent output.
    first: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    fault: Vec<Fault>,
}

/// Everything that a build of the copy reads besides [`COPIED`]; these are linked.
const LINKED: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "rust-toolchain.toml",
    "data",
    "experiments",
    "golden",
    "tests",
];

/// The sources, which are copied.
const COPIED: [&str; 2] = ["crates", "src"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let text = include_str!("power/faults.toml");
    let Faults { fault: faults } = toml::from_str(text).expect("the list of faults is valid");
    let mut cases: Vec<String> = faults.iter().map(|fault| fault.case.clone()).collect();
    cases.sort();
    cases.dedup();
    let mut trials = vec![Trial::test("the_cases_pass_without_a_fault", move || all_pass(&cases))];
    trials.extend(
        faults
            .into_iter()
            .map(|fault| Trial::test(format!("caught::{}", fault.name), move || caught(&fault))),
    );
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn all_pass(cases: &[String]) -> Result<(), Failed> {
    let copy = Copy::open()?;
    copy.build()?;
    for case in cases {
        for precision in [Precision::F32, Precision::F64] {
            let explained = copy.explain(case, precision)?;
            if !explained.status.success() {
                return Err(Failed::from(format!("{case} does not pass\n{}", text(&explained))));
            }
        }
    }
    Ok(())
}

fn caught(fault: &Fault) -> Result<(), Failed> {
    let copy = Copy::open()?;
    copy.inject(fault)?;
    let explained = copy.build().and_then(|()| {
        Ok((copy.explain(&fault.case, Precision::F64)?, copy.explain(&fault.case, Precision::F32)?))
    });
    copy.restore(&fault.file)?;
    let (explained, in_f32) = explained?;
    let found = text(&explained);
    let Some(first) = first_divergent(&found) else {
        return Err(Failed::from(format!("no output diverges although {}\n{found}", fault.what)));
    };
    if explained.status.code() != Some(1) {
        return Err(Failed::from(format!("expected exit code 1\n{found}")));
    }
    if !matches_glob(&fault.first, first) {
        let expected = &fault.first;
        return Err(Failed::from(format!(
            "first divergent output `{first}`, expected `{expected}`\n{found}"
        )));
    }
    if in_f32.status.code() != Some(1) {
        return Err(Failed::from(format!("not caught in f32\n{}", text(&in_f32))));
    }
    println!("{:32} {:40} first divergent: {first}", fault.name, fault.case);
    Ok(())
}

/// The arithmetic of a check; f64 is the stronger one.
#[derive(Clone, Copy)]
enum Precision {
    F32,
    F64,
}

/// Returns the output named below the heading.
fn first_divergent(explained: &str) -> Option<&str> {
    let below = explained.split_once("first divergent output\n")?.1;
    Some(below.split(": ").next()?.trim())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat())
        .into_owned()
}

/// The copy of the project into which faults are injected, locked by one process at a time.
struct Copy {
    root: PathBuf,
    _lock: File,
}

impl Copy {
    fn open() -> io::Result<Self> {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = target_dir()?;
        let root = target.join("power");
        fs::create_dir_all(&root)?;
        let lock = File::create(root.join("lock"))?;
        lock.lock()?;
        for name in LINKED {
            let link = root.join(name);
            if !link.exists() {
                std::os::unix::fs::symlink(project.join(name), link)?;
            }
        }
        for folder in COPIED {
            mirror(&project.join(folder), &root.join(folder))?;
        }
        share_dependencies(&target.join("release"), &root.join("target/release"))?;
        Ok(Self { root, _lock: lock })
    }

    fn inject(&self, fault: &Fault) -> Result<(), Failed> {
        let path = self.root.join(&fault.file);
        let intact = fs::read_to_string(&path)?;
        if intact.matches(&fault.from).count() != 1 {
            let file = fault.file.display();
            return Err(Failed::from(format!(
                "`{}` must occur exactly once in {file}",
                fault.from
            )));
        }
        Ok(fs::write(&path, intact.replacen(&fault.from, &fault.to, 1))?)
    }

    fn restore(&self, file: &Path) -> io::Result<()> {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(file), self.root.join(file)).map(drop)
    }

    fn build(&self) -> Result<(), Failed> {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--release", "--locked", "--offline", "--quiet", "--bin", "reprise"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .output()?;
        if output.status.success() { Ok(()) } else { Err(Failed::from(text(&output))) }
    }

    /// Runs `golden explain`.
    fn explain(&self, case: &str, precision: Precision) -> Result<Output, Failed> {
        let program = self.root.join("target/release/reprise");
        let options: &[&str] = match precision {
            Precision::F32 => &[],
            Precision::F64 => &["--f64"],
        };
        Ok(Command::new(program)
            .args(["golden", "explain", case])
            .args(options)
            .current_dir(&self.root)
            .output()?)
    }
}

/// Returns the target folder of this build, above `release/deps`.
fn target_dir() -> io::Result<PathBuf> {
    let itself = std::env::current_exe()?;
    let target = itself.ancestors().nth(3);
    target
        .map(Path::to_owned)
        .ok_or_else(|| io::Error::other("this test is not in a target folder"))
}

/// Makes `to` equal to `from`; equal files are not touched, so that they are not built again.
fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !from.join(entry.file_name()).exists() {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            mirror(&source, &copy)?;
        } else if fs::read(&source)? != fs::read(&copy).unwrap_or_default() {
            fs::copy(&source, &copy)?;
        }
    }
    Ok(())
}

/// Links the built dependencies of the project; only its own crate must be built for the copy.
fn share_dependencies(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        return Ok(());
    }
    for folder in ["deps", "build", ".fingerprint"] {
        link_tree(&from.join(folder), &to.join(folder))?;
    }
    Ok(())
}

fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let own = ["reprise", "libreprise", "golden-", "it-", "power-"];
        if own.iter().any(|own| name.to_string_lossy().starts_with(own)) {
            continue;
        }
        let (source, link) = (entry.path(), to.join(&name));
        if entry.file_type()?.is_dir() {
            link_tree(&source, &link)?;
        } else {
            fs::hard_link(&source, &link)?;
        }
    }
    Ok(())
}
