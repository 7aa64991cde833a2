//! Why bytes are not a usable pack.

/// Why bytes are not a usable pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("it is not a pack, or it is truncated")]
    NotAPack,
    #[error("it has format version {found}, expected {expected}")]
    Version { found: u32, expected: u32 },
    /// The index differs from its digest.
    #[error("its index is damaged")]
    Index,
    /// The index has the right digest, but not the fields of an index.
    #[error("its index is invalid")]
    IndexJson(#[source] serde_json::Error),
    #[error("its length is not the one that its index states")]
    Length,
    /// The payload differs from its digest.
    #[error("its frames or values are damaged")]
    Payload,
    /// The source records differ from their digest.
    #[error("its list of source files is damaged")]
    Sources,
    /// The pack is not the known one.
    #[error("its digest is {found}, expected {expected}")]
    Digest { found: String, expected: &'static str },
}
