//! Passes the digest of the sources and the compiler version to the binary, and links libtorch.
#![expect(clippy::disallowed_methods, reason = "a build script has no crate::fs and no cli")]

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
const SOURCES: [&str; 3] = ["Cargo.lock", "build.rs", "src"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    println!("cargo::rustc-env=REPRISE_SOURCES_SHA256={}", sources_sha256(&root)?);
    println!("cargo::rustc-env=REPRISE_RUSTC={}", rustc_version()?);
    #[cfg(feature = "torch")]
    libtorch::link()?;
    Ok(())
}

/// Builds the C++ shim and sets the run path, so that the binary finds libtorch without
/// `LD_LIBRARY_PATH`.
#[cfg(feature = "torch")]
mod libtorch {
    use std::{
        env,
        error::Error,
        fs,
        path::{Path, PathBuf},
    };

    /// The C++ part of `crate::libtorch`.
    const SHIM: &str = "src/libtorch/shim.cpp";

    pub(super) fn link() -> Result<(), Box<dyn Error>> {
        let lib = PathBuf::from(env::var("DEP_TCH_LIBTORCH_LIB")?);
        let out = PathBuf::from(env::var("OUT_DIR")?);
        compile(&lib, &out)?;
        println!("cargo::rustc-link-search=native={}", out.display());
        println!("cargo::rustc-link-lib=static=reprise_shim");
        println!("cargo::rustc-link-lib=stdc++");
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
        Ok(())
    }

    /// Compiles the shim unless the last archive was built from the same text and the same
    /// libtorch: this script runs whenever a source changes, and parsing libtorch's headers is
    /// slow.
    fn compile(lib: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
        let made_from = format!("{}\n{}", lib.display(), fs::read_to_string(SHIM)?);
        let key = out.join("shim.key");
        let archive = out.join("libreprise_shim.a");
        if archive.is_file() && fs::read_to_string(&key).is_ok_and(|last| last == made_from) {
            return Ok(());
        }
        let include = lib.parent().ok_or("libtorch's lib folder has no parent")?.join("include");
        cc::Build::new()
            .cpp(true)
            .std("c++20")
            .pic(true)
            .warnings(false)
            .cargo_metadata(false)
            .include(&include)
            .include(include.join("torch/csrc/api/include"))
            .file(SHIM)
            .compile("reprise_shim");
        fs::write(&key, made_from)?;
        Ok(())
    }
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
