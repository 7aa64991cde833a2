//! How this binary was built; the build script supplies the values.

use reprise_store::provenance::BuildIdentity;

/// Version, sources and compiler of this binary.
pub const BUILD: BuildIdentity = BuildIdentity {
    version: env!("CARGO_PKG_VERSION"),
    sources_sha256: env!("REPRISE_SOURCES_SHA256"),
    rustc: env!("REPRISE_RUSTC"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_knows_its_sources_and_compiler() {
        assert_eq!(BUILD.sources_sha256.len(), 64);
        assert!(BUILD.rustc.starts_with("rustc 1."), "{}", BUILD.rustc);
    }
}
