//! Sweep files: what is compared with what, how often and at which scale.
//!
//! ```toml
//! name = "kl_annealing"            # the file's stem, also the name of the report
//! title = "One line for headings"
//! description = "The question, in Markdown"
//! combine = "grid"                 # or "zip", which pairs the arms of the axes in order
//! seeds = [1, 2, 3]                # the same for all arms: arms are compared in pairs
//! default_preset = "cpu"
//!
//! [run.model.cvae]                 # the base: any setting of a run except its seed
//! horizon = 10
//!
//! [[axis]]
//! name = "kl_weight"
//! [[axis.arm]]
//! label = "monotonic"
//! set.model.cvae.kl_weight.monotonic = { ratio = 0.25 }
//! when = { other_axis = ["its label"] }   # optional: only combined with these
//!
//! [[axis]]                         # shorthand: one arm per value of one setting
//! name = "learning_rate"
//! key = "optimizer.adam.learning_rate"
//! values = [1e-3, 2e-3]            # or draw.log_uniform = { low = 1e-4, high = 1e-2, count = 8 }
//!
//! [preset.cpu]
//! scale = "What this scale can and cannot show"
//! seeds = [1, 2]                   # optional
//! set.model.cvae.width = 8
//! [[preset.cpu.adjust]]            # optional: what the preset changes in some arms only
//! when = { kl_weight = ["monotonic"] }
//! set.model.cvae.kl_weight.monotonic = { ratio = 0.5 }
//!
//! [[evaluation]]                   # optional: how finished runs are scored besides their test
//! protocol = "svg_best_of_100"
//! samples = 20                     # a key of the protocol that is changed
//!
//! [[published]]
//! arm = "monotonic"                # labels of several axes are joined with ` · `
//! split = "test"
//! metric = "psnr"
//! value = 25.63
//! source = "where it is printed"
//! scale = "the scale at which it was obtained"
//! ```
//!
//! Settings are merged in the order defaults, `[run]`, preset, arm, adjustment, `--set`: tables key by
//! key, a choice (`kl_weight`, `data.dataset`, …) as a whole unless it chooses the same variant. All
//! presets are checked, even if only one is used.
//!
//! Start from [`parse`]. It works in five steps, a module each, and each imports only earlier ones:
//! `source` turns text into trees with positions, `layered` reads a value from merged trees, `wire` is
//! the file as written (`draw` its random axes), `axes` combines arms, `resolve` makes each combination
//! a [`RunSpec`]. Below them, `problem` lists what can be wrong and `error` locates it. Nothing here opens a file.

use std::collections::BTreeMap;

use self::{
    resolve::{Base, Overrides, ResolvedArm},
    source::Texts,
    tree::LocatedProblem,
    wire::WireSweep,
};
use super::{RunSpec, claim::Claim, protocol::EvaluationRequest};

mod axes;
mod draw;
mod error;
mod layered;
mod problem;
mod resolve;
mod schema;
mod source;
mod tree;
mod wire;

pub use axes::Axis;
pub use error::ConfigError;
pub use problem::{RUNS_MAX, SOURCE_BYTES_MAX};
pub use schema::file_schema;
pub use source::SweepSource;
pub use wire::Published;

#[cfg(test)]
mod tests;

/// A validated sweep at one preset, expanded into its runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The stem of the file's name.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// The question, in Markdown paragraphs.
    pub description: String,
    pub preset: String,
    pub default_preset: String,
    /// What the preset's scale can and cannot show.
    pub scale: String,
    /// All presets in file order.
    pub presets: Vec<String>,
    /// The axes in file order.
    pub axes: Vec<Axis>,
    /// All runs: arm by arm with the first axis slowest, seeds ascending within an arm.
    pub runs: Vec<SweepRun>,
    /// Evaluations of every finished run, besides the test that ends its training.
    pub evaluations: Vec<EvaluationRequest>,
    /// Published results for arms of this sweep.
    pub published: Vec<Published>,
    /// Claims of the source, with the tests that decide them.
    pub claims: Vec<Claim>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRun {
    /// The arm: the axes' labels joined with ` · `.
    pub arm: String,
    /// Label by axis name.
    pub labels: BTreeMap<String, String>,
    pub spec: RunSpec,
}

/// Returns the sweep's name from a name that [`Sweep::storage_name`] returned.
pub fn name_without_preset(storage_name: &str) -> &str {
    storage_name.split_once('.').map_or(storage_name, |(name, _)| name)
}

impl Sweep {
    /// Returns the name of the manifest and of the report: the sweep's own at the default preset,
    /// `<name>.<preset>` at any other, so that presets do not overwrite each other.
    ///
    /// Sweeps and presets have no full stop in their names, so the result is unique.
    pub fn storage_name(&self) -> String {
        if self.preset == self.default_preset {
            self.name.clone()
        } else {
            format!("{}.{}", self.name, self.preset)
        }
    }

    /// Returns the first run of every arm, in file order.
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

/// Parses a sweep file at one preset, the default one if none is given, with `KEY=VALUE` overrides
/// that take precedence over everything in the file.
///
/// An override sets any setting of a run, or `seeds`.
///
/// # Errors
/// Returns the first problem, with file (or override), line and column.
pub fn parse(
    source: &SweepSource,
    preset: Option<&str>,
    overrides: &[String],
) -> Result<Sweep, ConfigError> {
    let texts = Texts { source, overrides };
    parse_texts(&texts, preset).map_err(|problem| texts.locate(problem))
}

/// Returns a request with `KEY=VALUE` changes.
///
/// # Errors
/// Returns the first problem, with its change.
pub fn change_request(
    request: &EvaluationRequest,
    changes: &[String],
) -> Result<EvaluationRequest, ConfigError> {
    let text = toml::to_string(request).expect("a request has a TOML form");
    let source = SweepSource { path: request.name().into(), text };
    let texts = Texts { source: &source, overrides: changes };
    let changed = || {
        let file = source::parse_file(&source)?;
        let changes: Vec<_> = changes
            .iter()
            .enumerate()
            .map(|(index, text)| source::parse_override(index, text))
            .collect::<Result<_, _>>()?;
        let layers = std::iter::once(file.node()).chain(changes.iter().map(tree::Tree::node));
        layered::read(layers.collect(), "")
    };
    changed().map_err(|problem| texts.locate(problem))
}

fn parse_texts(texts: &Texts<'_>, preset: Option<&str>) -> Result<Sweep, LocatedProblem> {
    let file = source::parse_file(texts.source)?;
    let root = file.node();
    let wire = WireSweep::read(root, &texts.source.stem())?;
    let presets = wire::preset_names(root);
    let preset = wire.chosen_preset(root, preset, &presets)?;
    let drawn = axes::drawn(&wire, root)?;
    let axes = axes::read(&wire, root, &drawn)?;
    let base = Base { root, wire: &wire, axes };

    let resolved = base.resolve(&preset, &Overrides::read(texts.overrides)?)?;
    for other in presets.iter().filter(|other| **other != preset) {
        base.resolve(other, &Overrides::default())?;
    }

    let arms: Vec<String> = resolved.arms.iter().map(|arm| arm.name.clone()).collect();
    wire.check_published(root, &arms)?;
    wire.check_claims(root, &arms)?;
    let seeds = &resolved.seeds;
    let seeded = |arm: &ResolvedArm, seed| SweepRun {
        arm: arm.name.clone(),
        labels: arm.labels.clone(),
        spec: RunSpec { seed, ..arm.spec.clone() },
    };
    let runs = resolved
        .arms
        .iter()
        .flat_map(|arm| seeds.iter().map(move |&seed| seeded(arm, seed)))
        .collect();
    let axes = base.axes.iter().map(axes::AxisArms::axis).collect();
    Ok(Sweep {
        scale: wire.preset[&preset].scale.clone(),
        axes,
        name: wire.name,
        title: wire.title,
        description: wire.description,
        preset,
        default_preset: wire.default_preset,
        presets,
        runs,
        evaluations: resolved.evaluations,
        published: wire.published,
        claims: wire.claim,
    })
}
