//! Sets the run path, so that tests find libtorch without `LD_LIBRARY_PATH`.
#![expect(clippy::disallowed_methods, reason = "a build script has no cli")]

use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", env::var("DEP_TCH_LIBTORCH_LIB")?);
    Ok(())
}
