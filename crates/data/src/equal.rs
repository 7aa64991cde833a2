//! Sequences with the same content.

use std::collections::{BTreeMap, btree_map::Entry};

use sha2::{Digest, Sha256};

use super::{findings::Findings, sequence::SequenceBuffer};
use reprise_base::{config::data::Split, text::count};

/// Most pairs that are named.
const NAMED: usize = 3;

/// Sequences by the digest of their frames, actions and positions.
#[derive(Debug, Default)]
pub(super) struct EqualSequences {
    seen: BTreeMap<[u8; 32], (Split, String)>,
    within: Pairs,
    across: Pairs,
}

/// Pairs of equal sequences: all counted, the first ones named.
#[derive(Debug, Default)]
struct Pairs {
    count: u64,
    named: Vec<String>,
}

impl Pairs {
    fn add(&mut self, pair: String) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(pair);
        }
    }
}

impl EqualSequences {
    pub(super) fn add(&mut self, split: Split, name: &str, content: &SequenceBuffer) {
        let mut hasher = Sha256::new();
        hasher.update(&content.frames);
        for value in content.actions.iter().chain(&content.positions) {
            hasher.update(value.to_le_bytes());
        }
        match self.seen.entry(hasher.finalize().into()) {
            Entry::Vacant(entry) => {
                entry.insert((split, name.to_owned()));
            }
            Entry::Occupied(entry) => {
                let (first_split, first) = entry.get();
                let pair = format!("`{first_split}/{first}` and `{split}/{name}`");
                let pairs = if *first_split == split { &mut self.within } else { &mut self.across };
                pairs.add(pair);
            }
        }
    }

    /// Warns of equal sequences; returns the first pairs that are in two splits.
    pub(super) fn finish(self, findings: &mut Findings) -> Vec<String> {
        let Pairs { count: within, named } = self.within;
        if within > 0 {
            let copies = count(within, "sequence");
            let named = named.join(", ");
            findings.warn(format!("{copies} repeated in the same split: {named}"));
        }
        let Pairs { count: across, mut named } = self.across;
        let more = across - named.len() as u64;
        if more > 0 {
            named.push(format!("{more} more"));
        }
        if across > 0 {
            findings.warn(format!("equal sequences in two splits: {}", named.join(", ")));
        }
        named
    }
}
