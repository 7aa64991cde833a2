//! How the images of a data set are stored.

use std::collections::BTreeMap;

use super::{findings::Findings, image_file::ImageKind};

/// Image files counted by kind.
#[derive(Clone, Debug, Default)]
pub(super) struct ImageKinds(BTreeMap<ImageKind, u64>);

impl ImageKinds {
    pub(super) fn add(&mut self, kind: ImageKind) {
        *self.0.entry(kind).or_default() += 1;
    }

    /// States the kinds, and warns if they are mixed.
    pub(super) fn describe(&self, findings: &mut Findings) {
        let kinds = self.0.iter().map(|(kind, number)| format!("{number} {}", kind.in_words()));
        let kinds = kinds.collect::<Vec<_>>().join("; ");
        if self.0.len() > 1 {
            findings.warn(format!("images are stored in different ways: {kinds}"));
        }
        findings.fact("image files", kinds);
    }
}
