//! Passes the digest of the sources and the compiler version to the binary, which finds libtorch by
//! its run path.
#![expect(clippy::disallowed_methods, reason = "a build script has no fs module and no cli")]

use std::{
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

/// The sources of the binary.
const SOURCES: [&str; 4] = ["Cargo.lock", "build.rs", "crates", "src"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    println!("cargo::rustc-env=REPRISE_SOURCES_SHA256={}", sources_sha256(&root)?);
    println!("cargo::rustc-env=REPRISE_RUSTC={}", rustc_version()?);
    let libtorch = env::var("DEP_TCH_LIBTORCH_LIB")?;
    println!("cargo::rustc-link-arg=-Wl,-rpath,{libtorch}");
    // For tests, which compile a device against it.
    println!("cargo::rustc-env=REPRISE_LIBTORCH_LIB={libtorch}");
    Ok(())
}

/// Returns the digest of path, length and content of every source file, in the order of their
/// paths.
fn sources_sha256(root: &Path) -> Result<String, Box<dyn Error>> {
    let mut paths = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), &mut paths)?;
    }
    paths.sort();
    let mut hasher = Sha256::new();
    for path in paths {
        let content = fs::read(&path)?;
        let name = path.strip_prefix(root)?.to_str().ok_or("a source path is not UTF-8")?;
        for part in [name.as_bytes(), &content] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    let mut text = String::new();
    for byte in hasher.finalize() {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), paths)?;
        }
    } else {
        paths.push(path.to_owned());
    }
    Ok(())
}

fn rustc_version() -> Result<String, Box<dyn Error>> {
    let output = Command::new(env::var("RUSTC")?).arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
