//! Splits that share nobody: clips that show the same person, the same pixels, or the same pixels
//! mirrored stay together.

use std::collections::BTreeMap;

use super::Clips;
use crate::{data::Split, fs, scalar::Fraction};

/// How many of the groups go into validation and test; the rest is for training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Share of the groups in validation.
    pub validate: Fraction,
    /// Share of the groups in test.
    pub test: Fraction,
}

/// Returns the split of every clip.
///
/// Groups are ordered by the SHA-256 of their first clip's name, so that the names alone decide. A
/// share above 0 takes at least one group, but training keeps one, too.
pub fn split(clips: &Clips, shares: Shares) -> Vec<Split> {
    let group_of = groups(clips);
    let mut order: Vec<usize> = group_of.clone();
    order.sort_unstable();
    order.dedup();
    let count = order.len();
    order.sort_by_key(|&group| fs::sha256_hex(clips.clips[group].name.as_bytes()));

    let test = wanted(shares.test, count).min(count - 1);
    let validate = wanted(shares.validate, count).min(count - 1 - test);
    let split_of: BTreeMap<usize, Split> = order
        .into_iter()
        .enumerate()
        .map(|(place, group)| {
            let split = if place < test {
                Split::Test
            } else if place < test + validate {
                Split::Validate
            } else {
                Split::Train
            };
            (group, split)
        })
        .collect();
    group_of.iter().map(|group| split_of[group]).collect()
}

/// Returns the number of groups that a share asks for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn wanted(share: Fraction, count: usize) -> usize {
    let least = usize::from(share.get() > 0.0);
    ((share.get() * count as f64).round() as usize).max(least)
}

/// Returns for every clip the first clip of its group.
fn groups(clips: &Clips) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..clips.clips.len()).collect();
    let mut persons = BTreeMap::new();
    let mut contents = BTreeMap::new();
    for (index, clip) in clips.clips.iter().enumerate() {
        join(&mut parents, index, *persons.entry(clip.person()).or_insert(index));
        join(&mut parents, index, *contents.entry(clip.digest()).or_insert(index));
    }
    for (index, clip) in clips.clips.iter().enumerate() {
        if let Some(&twin) = contents.get(&clip.mirrored_digest(clips.side)) {
            join(&mut parents, index, twin);
        }
    }
    (0..parents.len()).map(|index| first(&parents, index)).collect()
}

/// Returns the first clip of the group of `index`.
fn first(parents: &[usize], mut index: usize) -> usize {
    while parents[index] != index {
        index = parents[index];
    }
    index
}

fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (first(parents, a), first(parents, b));
    parents[a.max(b)] = a.min(b);
}
