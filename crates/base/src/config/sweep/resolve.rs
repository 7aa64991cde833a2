//! Merges the layers of every arm and reads each stack as a [`RunSpec`].

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    axes::{self, AxisArms, LABEL_SEPARATOR},
    layered,
    problem::ConfigProblem,
    source,
    tree::{LocatedProblem, Node, Place, Tree},
    wire::{self, WirePreset, WireSweep, sorted_seeds},
};
use crate::{
    config::{Contradiction, RunSpec, protocol::EvaluationRequest},
    scalar::Seed,
};

/// What all presets of a sweep file share.
#[derive(Debug)]
pub(super) struct Base<'t> {
    pub(super) root: Node<'t>,
    pub(super) wire: &'t WireSweep,
    pub(super) axes: Vec<AxisArms<'t>>,
}

/// What the command line adds to a preset.
#[derive(Debug, Default)]
pub(super) struct Overrides<'t> {
    settings: Vec<Tree<'t>>,
    seeds: Option<Vec<Seed>>,
}

/// A sweep at one preset.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) seeds: Vec<Seed>,
    pub(super) arms: Vec<ResolvedArm>,
    pub(super) evaluations: Vec<EvaluationRequest>,
}

/// One arm with all its settings except the seed.
#[derive(Debug)]
pub(super) struct ResolvedArm {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) spec: RunSpec,
}

impl<'t> Overrides<'t> {
    /// Parses overrides; `seeds` is the only one that is not a setting of a run.
    pub(super) fn read(texts: &'t [String]) -> Result<Self, LocatedProblem> {
        let mut overrides = Self::default();
        for (index, text) in texts.iter().enumerate() {
            let tree = source::parse_override(index, text)?;
            let node = tree.node();
            if let Some(place) = node.key_place("seed") {
                return Err(LocatedProblem::new(place, ConfigProblem::SeedInOverlay));
            }
            if let Some(seeds) = node.get("seeds") {
                let list: Vec<Seed> = layered::read(vec![seeds], "seeds")?;
                overrides.seeds = Some(sorted_seeds(&list, seeds)?);
            } else {
                overrides.settings.push(tree);
            }
        }
        Ok(overrides)
    }
}

impl Base<'_> {
    /// Resolves all arms at one preset.
    pub(super) fn resolve(
        &self,
        preset: &str,
        overrides: &Overrides<'_>,
    ) -> Result<Resolved, LocatedProblem> {
        let wire = &self.wire.preset[preset];
        let node = self.root.get("preset").and_then(|presets| presets.get(preset));
        let node = node.expect("the preset was read from this table");
        let seeds = seeds(self, wire, node, overrides)?;
        let seed_layer = seed_layer();
        let mut arms = Vec::new();
        let mut seen = BTreeMap::new();
        for chosen in axes::combinations(&self.axes, self.wire.combine, seeds.len())? {
            let mut layers = vec![seed_layer.node()];
            layers.extend(overlays(self, wire, node, &chosen)?);
            layers.extend(overrides.settings.iter().map(Tree::node));
            let (name, labels, place) = label(&self.axes, &chosen);
            let spec: RunSpec = layered::read(layers.clone(), "")?;
            // Only the largest seed can be too large.
            let largest = RunSpec { seed: seeds[seeds.len() - 1], ..spec.clone() };
            largest.check().map_err(|problem| contradiction(problem, &layers, &place))?;
            let settings = serde_json::to_string(&spec).expect("a spec has a JSON form");
            if let Some(first) = seen.insert(settings, name.clone()) {
                return Err(LocatedProblem::new(
                    place,
                    ConfigProblem::SameSettings { first, second: name },
                ));
            }
            arms.push(ResolvedArm { name, labels, spec });
        }
        let evaluations = self.evaluations(wire, node, &arms)?;
        Ok(Resolved { seeds, arms, evaluations })
    }

    /// Returns the evaluations of a preset: its own or the file's. Each fits every arm.
    fn evaluations(
        &self,
        wire: &WirePreset,
        preset: Node<'_>,
        arms: &[ResolvedArm],
    ) -> Result<Vec<EvaluationRequest>, LocatedProblem> {
        let (evaluations, table) = match &wire.evaluation {
            Some(evaluations) => (evaluations, preset),
            None => (&self.wire.evaluation, self.root),
        };
        let nodes = table.get("evaluation").into_iter().flat_map(Node::elements);
        let nodes: Vec<Node<'_>> = nodes.collect();
        wire::check_evaluations(evaluations, &nodes)?;
        for (evaluation, node) in evaluations.iter().zip(nodes) {
            for arm in arms {
                if let Err(problem) = evaluation.resolve(&arm.spec) {
                    let place = node.place_of(problem.key());
                    let (name, arm) = (evaluation.name().to_owned(), arm.name.clone());
                    let problem = Box::new(problem);
                    let problem = ConfigProblem::Evaluation { name, arm, problem };
                    return Err(LocatedProblem::new(place, problem));
                }
            }
        }
        Ok(evaluations.clone())
    }
}

/// Returns the tables of settings of one arm, lowest first.
fn overlays<'t>(
    base: &'t Base<'_>,
    wire: &WirePreset,
    preset: Node<'t>,
    chosen: &[usize],
) -> Result<Vec<Node<'t>>, LocatedProblem> {
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
        Some(place) => Err(LocatedProblem::new(place, ConfigProblem::SeedInOverlay)),
        None => Ok(overlays),
    }
}

/// Returns a placeholder for the seed, which is set after the arm was read.
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
) -> Result<Vec<Seed>, LocatedProblem> {
    if let Some(seeds) = &overrides.seeds {
        return Ok(seeds.clone());
    }
    match (&wire.seeds, preset.get("seeds")) {
        (Some(seeds), Some(node)) => sorted_seeds(seeds, node),
        _ => sorted_seeds(&base.wire.seeds, base.root.get("seeds").unwrap_or(base.root)),
    }
}

/// Returns an arm's name, its labels by axis, and the place of its label on the last axis.
fn label(axes: &[AxisArms<'_>], chosen: &[usize]) -> (String, BTreeMap<String, String>, Place) {
    let arms = || axes.iter().zip(chosen).map(|(axis, &arm)| (axis, &axis.arms[arm]));
    let name = arms().map(|(_, arm)| arm.label.as_str()).collect::<Vec<_>>().join(LABEL_SEPARATOR);
    let labels = arms().map(|(axis, arm)| (axis.name.clone(), arm.label.clone())).collect();
    let place = arms().next_back().expect("a sweep has an axis").1.place.clone();
    (name, labels, place)
}

/// Locates a contradiction at the involved key that was written in the highest layer.
fn contradiction(problem: Contradiction, layers: &[Node<'_>], arm: &Place) -> LocatedProblem {
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
    LocatedProblem::new(last.map_or_else(|| arm.clone(), |(_, place)| place), problem)
}
