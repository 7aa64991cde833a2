//! Sweep files: what is compared with what, how often and at which scale.
//!
//! ```toml
//! name = "kl_annealing"            # the file's stem, also the name of the report
//! title = "One line for headings"
//! description = "What is asked, in Markdown"
//! combine = "grid"                 # or "zip", which pairs the arms of the axes in order
//! seeds = [1, 2, 3]                # the same for all arms: arms are compared in pairs
//! default_preset = "cpu"
//!
//! [run.model.cvae]                 # the base: any setting of a run but its seed
//! horizon = 10
//!
//! [[axis]]
//! name = "kl_weight"
//! [[axis.arm]]
//! label = "monotonic"
//! set.model.cvae.kl_weight.monotonic = { ratio = 0.25 }
//! when = { other_axis = ["its label"] }   # optional: only combined with these
//!
//! [[axis]]                         # shorthand: an arm for each value of one setting
//! name = "learning_rate"
//! key = "optimizer.adam.learning_rate"
//! values = [1e-3, 2e-3]
//!
//! [preset.cpu]
//! scale = "What this scale can and cannot show"
//! seeds = [1, 2]                   # optional
//! set.model.cvae.width = 8
//! [[preset.cpu.adjust]]            # optional: what the preset changes in some arms only
//! when = { kl_weight = ["monotonic"] }
//! set.model.cvae.kl_weight.monotonic = { ratio = 0.5 }
//!
//! [[published]]
//! arm = "monotonic"                # labels of several axes are joined with ` · `
//! split = "test"
//! metric = "psnr"
//! value = 25.63
//! source = "where it is printed"
//! scale = "at which scale it was obtained"
//! ```
//!
//! Settings are merged in the order defaults, `[run]`, preset, arm, adjustment, `--set`: tables key by
//! key, a choice (`kl_weight`, `data.dataset`, …) as a whole unless it chooses the same variant. All
//! presets are checked, whichever is asked for.
//!
//! Start from [`parse`]. Nothing here reads a file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    mistake::Mistake,
    resolve::{Base, Overrides},
    source::Texts,
    tree::{Fault, Node},
    wire::WireSweep,
};
use super::{RunSpec, data::Split};
use crate::scalar::Seed;

mod axes;
mod error;
mod layered;
mod mistake;
mod resolve;
mod schema;
mod source;
mod tree;
mod wire;

pub use error::ConfigError;
pub use schema::file_schema;
pub use source::SweepSource;

#[cfg(test)]
mod tests;

/// A sweep file has at most this many bytes.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// A sweep has at most this many runs, counted before conditions.
pub const RUNS_MAX: usize = 10_000;

/// A validated sweep at one preset, expanded into its runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// Name of the sweep: the stem of its file.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// What the sweep asks, in Markdown paragraphs.
    pub description: String,
    /// The preset in force.
    pub preset: String,
    /// The preset that is in force where none is asked for.
    pub default_preset: String,
    /// The preset's own remark on what its scale can show.
    pub scale: String,
    /// All presets in file order.
    pub presets: Vec<String>,
    /// The axes in file order.
    pub axes: Vec<Axis>,
    /// All runs: arm by arm with the first axis slowest, seeds ascending within an arm.
    pub runs: Vec<SweepRun>,
    /// Numbers that a source document reports for arms of this sweep.
    pub published: Vec<Published>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRun {
    /// The arm: the axes' labels joined with ` · `.
    pub arm: String,
    /// Label by axis name.
    pub labels: BTreeMap<String, String>,
    /// The whole configuration, seed included.
    pub spec: RunSpec,
}

/// An axis of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// The axis' name.
    pub name: String,
    /// Labels of its arms in file order.
    pub labels: Vec<String>,
}

/// A number that a source document reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Arm that the number belongs to; labels of several axes are joined with ` · `.
    pub arm: String,
    /// Split that it was measured on.
    pub split: Split,
    /// Name of the metric, e.g. `psnr`.
    pub metric: String,
    /// Value in the metric's unit.
    pub value: f64,
    /// Where it is published: paper and table, or document and section.
    pub source: String,
    /// Scale at which it was obtained: data set, epochs, batch size.
    pub scale: String,
}

/// Returns the sweep that is kept under a name of [`Sweep::kept_as`], at whatever preset.
pub fn kept_sweep(kept_as: &str) -> &str {
    kept_as.split_once('.').map_or(kept_as, |(name, _)| name)
}

impl Sweep {
    /// Returns the name under which the sweep at this preset is kept: its own at the default preset,
    /// `<name>.<preset>` at another, so that no preset replaces the manifest and the report of another.
    ///
    /// Names of sweeps and presets have no full stop, so no two of them meet.
    pub fn kept_as(&self) -> String {
        if self.preset == self.default_preset {
            self.name.clone()
        } else {
            format!("{}.{}", self.name, self.preset)
        }
    }

    /// Returns the first run of every arm, which stands for its schedules, in file order.
    pub fn arms(&self) -> Vec<&SweepRun> {
        let mut arms: Vec<&SweepRun> = Vec::new();
        for run in &self.runs {
            if arms.last().is_none_or(|last| last.arm != run.arm) {
                arms.push(run);
            }
        }
        arms
    }
}

/// Parses a sweep file, at its default preset if none is named, with `KEY=VALUE` overrides that win
/// over everything in the file.
///
/// An override is any setting of a run, or `seeds`.
///
/// # Errors
/// Returns the first mistake, with file (or override), line and column.
pub fn parse(
    source: &SweepSource,
    preset: Option<&str>,
    overrides: &[String],
) -> Result<Sweep, ConfigError> {
    let texts = Texts { source, overrides };
    parse_texts(&texts, preset).map_err(|fault| texts.locate(fault))
}

fn parse_texts(texts: &Texts<'_>, preset: Option<&str>) -> Result<Sweep, Fault> {
    let file = source::parse_file(texts.source)?;
    let root = file.node();
    let wire: WireSweep = layered::read(vec![root], "")?;
    check_head(&wire, root, texts)?;
    let presets = preset_names(root);
    let preset = chosen_preset(&wire, root, preset, &presets)?;
    let axis_nodes: Vec<Node<'_>> = root.get("axis").into_iter().flat_map(Node::elements).collect();
    let axes = axes::axes(&wire.axis, &axis_nodes, wire.combine)?;
    let base = Base { root, wire: &wire, axes, combine: wire.combine };

    let resolved = resolve::resolve(&base, &preset, &read_overrides(texts)?)?;
    for other in presets.iter().filter(|other| **other != preset) {
        resolve::resolve(&base, other, &Overrides::default())?;
    }

    let arms: Vec<String> = resolved.arms.iter().map(|arm| arm.name.clone()).collect();
    check_published(&wire.published, root, &arms)?;
    let seeds = &resolved.seeds;
    let seeded = |arm: &resolve::ResolvedArm, seed| SweepRun {
        arm: arm.name.clone(),
        labels: arm.labels.clone(),
        spec: RunSpec { seed, ..arm.spec.clone() },
    };
    let runs = resolved
        .arms
        .iter()
        .flat_map(|arm| seeds.iter().map(move |&seed| seeded(arm, seed)))
        .collect();
    Ok(Sweep {
        scale: wire.preset[&preset].scale.clone(),
        axes: base.axes.iter().map(axes::AxisArms::axis).collect(),
        name: wire.name,
        title: wire.title,
        description: wire.description,
        preset,
        default_preset: wire.default_preset,
        presets,
        runs,
        published: wire.published,
    })
}

/// Checks what stands above the axes.
fn check_head(wire: &WireSweep, root: Node<'_>, texts: &Texts<'_>) -> Result<(), Fault> {
    let name = wire.name.clone();
    if !is_name(&name) {
        return Err(Fault::new(root.place_of("name"), Mistake::InvalidName { name }));
    }
    let stem = texts.source.path.file_stem().unwrap_or_default().to_string_lossy();
    if stem != name.as_str() {
        let stem = stem.into_owned();
        return Err(Fault::new(root.place_of("name"), Mistake::NameIsNotStem { name, stem }));
    }
    check_line("title", &wire.title, root.get("title"))?;
    for (name, preset) in &wire.preset {
        if !is_name(name) {
            let presets = root.get("preset").unwrap_or(root);
            let place = presets.key_place(name).unwrap_or_else(|| presets.place());
            return Err(Fault::new(place, Mistake::InvalidName { name: name.clone() }));
        }
        let node = root.get("preset").and_then(|presets| presets.get(name)?.get("scale"));
        check_line(&format!("preset.{name}.scale"), &preset.scale, node)?;
    }
    let seeds = root.get("seeds").unwrap_or(root);
    resolve::sorted_seeds(&wire.seeds, seeds).map(drop)
}

/// Returns whether a file can be named so, and a full stop parted from it.
fn is_name(name: &str) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(in_name)
}

fn check_line(key: &str, text: &str, node: Option<Node<'_>>) -> Result<(), Fault> {
    match node {
        Some(node) if text.trim().is_empty() || text.contains(char::is_control) => {
            Err(Fault::new(node.place(), Mistake::NotOneLine { key: key.to_owned() }))
        }
        _ => Ok(()),
    }
}

/// Returns the presets' names in file order.
fn preset_names(root: Node<'_>) -> Vec<String> {
    let table = root.get("preset").and_then(Node::table);
    let mut names: Vec<_> = table.into_iter().flat_map(toml::map::Map::keys).collect();
    names.sort_by_key(|name| name.span().start);
    names.into_iter().map(|name| name.get_ref().to_string()).collect()
}

/// Returns the preset to use; the default is checked even where another is asked for.
fn chosen_preset(
    wire: &WireSweep,
    root: Node<'_>,
    asked: Option<&str>,
    known: &[String],
) -> Result<String, Fault> {
    let missing = |preset: &str, place| {
        let (preset, known) = (preset.to_owned(), known.to_vec());
        Fault::new(place, Mistake::UnknownPreset { preset, known })
    };
    if !wire.preset.contains_key(&wire.default_preset) {
        return Err(missing(&wire.default_preset, root.place_of("default_preset")));
    }
    match asked {
        Some(preset) if !wire.preset.contains_key(preset) => {
            Err(missing(preset, root.key_place("preset").unwrap_or_else(|| root.place())))
        }
        _ => Ok(asked.unwrap_or(&wire.default_preset).to_owned()),
    }
}

/// Parses the overrides; `seeds` is the one that is not a setting of a run.
fn read_overrides<'t>(texts: &Texts<'t>) -> Result<Overrides<'t>, Fault> {
    let mut overrides = Overrides::default();
    for (index, text) in texts.overrides.iter().enumerate() {
        let tree = source::parse_override(index, text)?;
        let node = tree.node();
        if let Some(place) = node.key_place("seed") {
            return Err(Fault::new(place, Mistake::SeedInOverlay));
        }
        if let Some(seeds) = node.get("seeds") {
            let list: Vec<Seed> = layered::read(vec![seeds], "seeds")?;
            overrides.seeds = Some(resolve::sorted_seeds(&list, seeds)?);
        } else {
            overrides.sets.push(tree);
        }
    }
    Ok(overrides)
}

fn check_published(published: &[Published], root: Node<'_>, arms: &[String]) -> Result<(), Fault> {
    let nodes = root.get("published").into_iter().flat_map(Node::elements);
    for (number, node) in published.iter().zip(nodes) {
        if !arms.contains(&number.arm) {
            let (arm, known) = (number.arm.clone(), arms.to_vec());
            return Err(Fault::new(node.place_of("arm"), Mistake::UnknownArm { arm, known }));
        }
        if !number.value.is_finite() {
            let problem = format!("is not a finite number: {}", number.value);
            let mistake = Mistake::Value { key: "published.value".to_owned(), problem };
            return Err(Fault::new(node.place_of("value"), mistake));
        }
    }
    Ok(())
}
