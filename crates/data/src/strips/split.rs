//! Splits without a person in common: videos that show the same person, the same pixels, or the same
//! pixels mirrored stay together.

use std::collections::BTreeMap;

use crate::video_set::VideoSet;
use reprise_base::{config::data::Split, fs, scalar::Fraction};

/// Shares of the groups for validation and test; the rest is for training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupShares {
    pub validate: Fraction,
    pub test: Fraction,
}

/// Returns the split of every video.
///
/// Groups are ordered by the SHA-256 of the name of their first video, so that only names decide. A
/// share above 0 takes at least one group, as long as one group is left for training.
pub fn split(videos: &VideoSet, shares: GroupShares) -> Vec<Split> {
    let group_of = groups(videos);
    let mut order: Vec<usize> = group_of.clone();
    order.sort_unstable();
    order.dedup();
    let count = order.len();
    order.sort_by_key(|&group| fs::sha256_hex(videos.videos[group].name.as_bytes()));

    let test = groups_for(shares.test, count).min(count - 1);
    let validate = groups_for(shares.validate, count).min(count - 1 - test);
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

/// Returns the number of groups for a share.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn groups_for(share: Fraction, count: usize) -> usize {
    let least = usize::from(share.get() > 0.0);
    ((share.get() * count as f64).round() as usize).max(least)
}

/// Returns for every video the first video of its group.
fn groups(videos: &VideoSet) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..videos.videos.len()).collect();
    let mut persons = BTreeMap::new();
    let mut contents = BTreeMap::new();
    for (index, video) in videos.videos.iter().enumerate() {
        join(&mut parents, index, *persons.entry(video.person.as_str()).or_insert(index));
        join(&mut parents, index, *contents.entry(video.digest()).or_insert(index));
    }
    for (index, video) in videos.videos.iter().enumerate() {
        if let Some(&twin) = contents.get(&video.mirrored_digest(videos.side)) {
            join(&mut parents, index, twin);
        }
    }
    (0..parents.len()).map(|index| first(&parents, index)).collect()
}

/// Returns the first video of the group of `index`.
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
