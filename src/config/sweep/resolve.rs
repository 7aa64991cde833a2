//! Merges the layers of every arm and reads them into a [`RunSpec`].

use std::collections::{BTreeMap, BTreeSet};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    axes::{self, AxisArms, LABEL_SEPARATOR},
    layered,
    mistake::Mistake,
    tree::{Fault, Node, Place, Tree},
    wire::{Combine, WirePreset, WireSweep},
};
use crate::{
    config::{Contradiction, RunSpec},
    scalar::Seed,
};

/// Everything that all presets of a sweep file share.
#[derive(Debug)]
pub(super) struct Base<'t> {
    pub(super) root: Node<'t>,
    pub(super) wire: &'t WireSweep,
    pub(super) axes: Vec<AxisArms<'t>>,
    pub(super) combine: Combine,
}

/// What the command line adds to a preset.
#[derive(Debug, Default)]
pub(super) struct Overrides<'t> {
    pub(super) sets: Vec<Tree<'t>>,
    pub(super) seeds: Option<Vec<Seed>>,
}

/// A sweep at one preset: the seeds, and the arms with a spec whose seed is yet to be set.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) seeds: Vec<Seed>,
    pub(super) arms: Vec<ResolvedArm>,
}

/// One arm with all its settings.
#[derive(Debug)]
pub(super) struct ResolvedArm {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) spec: RunSpec,
}

/// Resolves all arms at one preset.
pub(super) fn resolve(
    base: &Base<'_>,
    preset: &str,
    overrides: &Overrides<'_>,
) -> Result<Resolved, Fault> {
    let wire = &base.wire.preset[preset];
    let node =
        base.root.get("preset").and_then(|presets| presets.get(preset)).expect("it was read");
    let seeds = seeds(base, wire, node, overrides)?;
    let seed_layer = seed_layer();
    let mut arms = Vec::new();
    let mut seen = BTreeMap::new();
    for chosen in axes::combinations(&base.axes, base.combine, seeds.len())? {
        let mut layers = vec![seed_layer.node()];
        layers.extend(overlays(base, wire, node, &chosen)?);
        layers.extend(overrides.sets.iter().map(Tree::node));
        let (name, labels, place) = label(&base.axes, &chosen);
        let spec: RunSpec = layered::read(layers.clone(), "")?;
        spec.check().map_err(|problem| contradiction(problem, &layers, &place))?;
        let settings = serde_json::to_string(&spec).expect("a spec read from TOML has a JSON form");
        if let Some(first) = seen.insert(settings, name.clone()) {
            return Err(Fault::new(place, Mistake::SameSettings { first, second: name }));
        }
        arms.push(ResolvedArm { name, labels, spec });
    }
    Ok(Resolved { seeds, arms })
}

/// Returns the tables of settings of one arm, lowest first.
fn overlays<'t>(
    base: &'t Base<'_>,
    wire: &WirePreset,
    preset: Node<'t>,
    chosen: &[usize],
) -> Result<Vec<Node<'t>>, Fault> {
    let mut overlays: Vec<Node<'t>> = Vec::new();
    overlays.extend(base.root.get("run"));
    overlays.extend(preset.get("set"));
    overlays.extend(base.axes.iter().zip(chosen).map(|(axis, &arm)| axis.arms[arm].set.node()));
    let adjust = preset.get("adjust").into_iter().flat_map(Node::elements);
    for (wire, node) in wire.adjust.iter().zip(adjust) {
        axes::check_when(&wire.when, node.get("when").unwrap_or(node), &base.axes)?;
        if axes::holds(&wire.when, &base.axes, chosen) {
            overlays.extend(node.get("set"));
        }
    }
    match overlays.iter().find_map(|overlay| overlay.key_place("seed")) {
        Some(place) => Err(Fault::new(place, Mistake::SeedInOverlay)),
        None => Ok(overlays),
    }
}

/// Stands in for the seed, which a run gets only after its arm was read.
fn seed_layer() -> Tree<'static> {
    let mut table = DeTable::new();
    let zero = DeValue::Integer(toml::de::DeInteger::default());
    table.insert(Spanned::new(0..0, "seed".into()), Spanned::new(0..0, zero));
    Tree { text: 0, value: Spanned::new(0..0, DeValue::Table(table)) }
}

/// Returns the seeds in ascending order: the override's, the preset's or the file's.
fn seeds(
    base: &Base<'_>,
    wire: &WirePreset,
    preset: Node<'_>,
    overrides: &Overrides<'_>,
) -> Result<Vec<Seed>, Fault> {
    if let Some(seeds) = &overrides.seeds {
        return Ok(seeds.clone());
    }
    match (&wire.seeds, preset.get("seeds")) {
        (Some(seeds), Some(node)) => sorted_seeds(seeds, node),
        _ => sorted_seeds(&base.wire.seeds, base.root.get("seeds").unwrap_or(base.root)),
    }
}

/// Sorts seeds; refuses an empty list and a seed that is listed twice.
pub(super) fn sorted_seeds(seeds: &[Seed], node: Node<'_>) -> Result<Vec<Seed>, Fault> {
    let mut sorted = BTreeSet::new();
    for (seed, node) in seeds.iter().zip(node.elements()) {
        if !sorted.insert(*seed) {
            return Err(Fault::new(node.place(), Mistake::DuplicateSeed { seed: seed.0 }));
        }
    }
    if sorted.is_empty() {
        return Err(Fault::new(node.place(), Mistake::NoSeeds));
    }
    Ok(sorted.into_iter().collect())
}

/// Names an arm; its place is that of the label of the last axis.
fn label(axes: &[AxisArms<'_>], chosen: &[usize]) -> (String, BTreeMap<String, String>, Place) {
    let arms = || axes.iter().zip(chosen).map(|(axis, &arm)| (axis, &axis.arms[arm]));
    let name = arms().map(|(_, arm)| arm.label.as_str()).collect::<Vec<_>>().join(LABEL_SEPARATOR);
    let labels = arms().map(|(axis, arm)| (axis.name.clone(), arm.label.clone())).collect();
    let place = arms().next_back().expect("a sweep has an axis").1.place.clone();
    (name, labels, place)
}

/// Puts a contradiction where the key involved was written last, as that is what upset the rest.
fn contradiction(problem: Contradiction, layers: &[Node<'_>], arm: &Place) -> Fault {
    let written = |key: &str| {
        let at = |(height, layer): (usize, &Node<'_>)| Some((height, layer.at(key)?.place()));
        layers.iter().enumerate().rev().find_map(at)
    };
    let mut last: Option<(usize, Place)> = None;
    for (height, place) in problem.keys().iter().filter_map(|key| written(key)) {
        if last.as_ref().is_none_or(|(highest, _)| height > *highest) {
            last = Some((height, place));
        }
    }
    Fault::new(last.map_or_else(|| arm.clone(), |(_, place)| place), problem)
}
