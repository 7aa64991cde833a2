//! Builds the C++ shim and sets the run path, so that tests find libtorch without
//! `LD_LIBRARY_PATH`.
#![expect(clippy::disallowed_methods, reason = "a build script has no cli")]

use std::{env, error::Error, path::PathBuf};

/// The C++ part of `libtorch`.
const SHIM: &str = "src/libtorch/shim.cpp";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SHIM}");
    let lib = PathBuf::from(env::var("DEP_TCH_LIBTORCH_LIB")?);
    let include = lib.parent().ok_or("libtorch's lib folder has no parent")?.join("include");
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .pic(true)
        .warnings(false)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .file(SHIM)
        .compile("reprise_shim");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    Ok(())
}
