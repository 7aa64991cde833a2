//! The sweep file as written, without the settings of runs (`run`, `set`): those are merged before
//! they are read.
#![expect(clippy::zero_sized_map_values, reason = "settings are read after merging")]

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    draw::WireDraw,
    layered,
    problem::ConfigProblem,
    tree::{LocatedProblem, Node, Place},
};
use crate::{
    config::{
        claim::{Claim, ClaimNames, check_metric},
        data::Split,
        protocol::EvaluationRequest,
        reference,
        schema::settings_reference,
    },
    scalar::Seed,
};

/// Any value, in a schema.
type Anything = serde_json::Value;

/// Labels by axis name.
pub(super) type When = BTreeMap<String, Vec<String>>;

/// A table whose content is not read here.
type UnreadSettings = BTreeMap<String, IgnoredAny>;

/// A whole sweep file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSweep {
    /// Name of the sweep: the stem of its file. ASCII letters, digits, `_` and `-`.
    pub(super) name: String,
    /// Title of the report: one line of text.
    pub(super) title: String,
    /// The question that the sweep asks, in Markdown. The report starts with this text.
    pub(super) description: String,
    /// How the arms of several axes are combined. The default is `grid`.
    #[serde(default)]
    pub(super) combine: Combine,
    /// Seeds that every arm runs with. Runs of one seed are compared in pairs.
    pub(super) seeds: Vec<Seed>,
    /// Preset that is used without `--preset`.
    pub(super) default_preset: String,
    /// Settings that all arms share. `reprise settings` lists all of them.
    #[serde(default, rename = "run")]
    #[schemars(schema_with = "settings_reference")]
    _run: UnreadSettings,
    /// The axes of the sweep. The arms of each axis differ in some settings.
    #[serde(default)]
    pub(super) axis: Vec<WireAxis>,
    /// Named scales of the sweep, for example `smoke`, `cpu` and `paper`.
    pub(super) preset: BTreeMap<String, WirePreset>,
    /// Evaluations of every finished run, besides the test that ends its training. They change no run: one that is
    /// added later trains nothing.
    #[serde(default)]
    pub(super) evaluation: Vec<EvaluationRequest>,
    /// Published results that the report prints next to its own.
    #[serde(default)]
    pub(super) published: Vec<Published>,
    /// Claims of the source, each with the test that decides it.
    #[serde(default)]
    pub(super) claim: Vec<Claim>,
}

/// How the arms of several axes are combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Combine {
    /// Every arm of one axis with every arm of the others.
    #[default]
    Grid,
    /// The first arms of all axes, the second arms of all axes, and so on.
    Zip,
}

/// One `[[axis]]`: either `arm` tables, or the shorthand `key` and `values`, or `key` and `draw`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAxis {
    /// Name of the axis.
    pub(super) name: String,
    /// Arms with a label and settings. An axis has either these or `key` and `values`.
    #[serde(default)]
    pub(super) arm: Vec<WireArm>,
    /// Key of the setting whose `values`, or whose drawn values, become arms.
    pub(super) key: Option<String>,
    /// Values of the setting `key`; each becomes an arm.
    #[schemars(with = "Option<Vec<Anything>>")]
    pub(super) values: Option<Vec<IgnoredAny>>,
    /// How values of the setting `key` are drawn at random; each becomes an arm. With `combine = "zip"`,
    /// several drawn axes are a random search.
    pub(super) draw: Option<WireDraw>,
}

/// One `[[axis.arm]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireArm {
    /// Label of the arm in tables and plots.
    pub(super) label: String,
    /// Labels by axis name: the arm is only combined with these arms of other axes.
    #[serde(default)]
    pub(super) when: When,
    /// Settings of the arm.
    #[serde(default, rename = "set")]
    #[schemars(schema_with = "settings_reference")]
    _set: UnreadSettings,
}

/// One `[preset.NAME]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePreset {
    /// What the preset can and cannot show: one line of text, printed in the report.
    pub(super) scale: String,
    /// Seeds of this preset, instead of those of the sweep.
    pub(super) seeds: Option<Vec<Seed>>,
    /// Settings of the preset. They take precedence over those of `run`; settings of arms take
    /// precedence over both.
    #[serde(default, rename = "set")]
    #[schemars(schema_with = "settings_reference")]
    _set: UnreadSettings,
    /// Settings that the preset changes in some arms only.
    #[serde(default)]
    pub(super) adjust: Vec<WireAdjust>,
    /// Evaluations of this preset, instead of those of the sweep.
    pub(super) evaluation: Option<Vec<EvaluationRequest>>,
}

/// One `[[preset.NAME.adjust]]`: what a preset changes in some arms only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAdjust {
    /// Labels by axis name: the arms whose settings are changed.
    pub(super) when: When,
    /// Settings that take precedence over those of these arms.
    #[serde(default, rename = "set")]
    #[schemars(schema_with = "settings_reference")]
    _set: UnreadSettings,
}

/// A published result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Arm that the number belongs to; labels of several axes are joined with ` · `.
    pub arm: String,
    /// Split on which the value was measured.
    pub split: Split,
    /// Name of the metric, e.g. `psnr`.
    pub metric: String,
    /// Value in the metric's unit.
    pub value: f64,
    /// Where the value is published: paper and table, or document and section.
    pub source: String,
    /// How the value was obtained: data set, epochs, batch size.
    pub scale: String,
}

impl WireSweep {
    /// Reads a file's root table and checks names, title, scales and seeds; `stem` is the file's.
    pub(super) fn read(root: Node<'_>, stem: &str) -> Result<Self, LocatedProblem> {
        let wire: Self = layered::read(vec![root], "")?;
        check_name(&wire.name, root.place_of("name"))?;
        if stem != wire.name {
            let (name, stem) = (wire.name, stem.to_owned());
            return Err(LocatedProblem::new(
                root.place_of("name"),
                ConfigProblem::NameIsNotStem { name, stem },
            ));
        }
        check_line("title", &wire.title, &root.place_of("title"))?;
        let presets = root.get("preset").unwrap_or(root);
        for (name, preset) in &wire.preset {
            check_name(name, presets.key_place(name).unwrap_or_else(|| presets.place()))?;
            let place = presets.get(name).unwrap_or(presets).place_of("scale");
            check_line(&format!("preset.{name}.scale"), &preset.scale, &place)?;
        }
        sorted_seeds(&wire.seeds, root.get("seeds").unwrap_or(root))?;
        Ok(wire)
    }

    /// Returns the preset to use; the default must exist even if another is asked for.
    pub(super) fn chosen_preset(
        &self,
        root: Node<'_>,
        asked: Option<&str>,
        known: &[String],
    ) -> Result<String, LocatedProblem> {
        let unknown = |preset: &str, place| {
            let (preset, known) = (preset.to_owned(), known.to_vec());
            LocatedProblem::new(place, ConfigProblem::UnknownPreset { preset, known })
        };
        if !self.preset.contains_key(&self.default_preset) {
            return Err(unknown(&self.default_preset, root.place_of("default_preset")));
        }
        match asked {
            Some(preset) if !self.preset.contains_key(preset) => {
                Err(unknown(preset, root.key_place("preset").unwrap_or_else(|| root.place())))
            }
            _ => Ok(asked.unwrap_or(&self.default_preset).to_owned()),
        }
    }

    /// Checks that published results belong to arms of the sweep, are of known metrics, and are finite.
    pub(super) fn check_published(
        &self,
        root: Node<'_>,
        arms: &[String],
    ) -> Result<(), LocatedProblem> {
        let nodes = root.get("published").into_iter().flat_map(Node::elements);
        for (number, node) in self.published.iter().zip(nodes) {
            if !arms.contains(&number.arm) {
                let (arm, known) = (number.arm.clone(), arms.to_vec());
                return Err(LocatedProblem::new(
                    node.place_of("arm"),
                    ConfigProblem::UnknownArm { arm, known },
                ));
            }
            check_metric(&number.metric)
                .map_err(|problem| LocatedProblem::new(node.place_of("metric"), problem))?;
            if !number.value.is_finite() {
                let problem = format!("must be finite, not {}", number.value);
                let problem = ConfigProblem::Value { key: "published.value".to_owned(), problem };
                return Err(LocatedProblem::new(node.place_of("value"), problem));
            }
        }
        Ok(())
    }

    /// Checks that claims have different names and name what the sweep has.
    pub(super) fn check_claims(
        &self,
        root: Node<'_>,
        arms: &[String],
    ) -> Result<(), LocatedProblem> {
        let of_presets = self.preset.values().flat_map(|preset| &preset.evaluation);
        let evaluations = self.evaluation.iter().chain(of_presets.flatten());
        let evaluations: Vec<&str> = evaluations.map(EvaluationRequest::name).collect();
        let settings = if self.claim.is_empty() { Vec::new() } else { reference::keys() };
        let names = ClaimNames { arms, evaluations: &evaluations, settings: &settings };
        let nodes = root.get("claim").into_iter().flat_map(Node::elements);
        let mut ids = BTreeSet::new();
        for (claim, node) in self.claim.iter().zip(nodes) {
            claim
                .check(names)
                .map_err(|(key, problem)| LocatedProblem::new(node.place_of(key), problem))?;
            if !ids.insert(&claim.id) {
                let problem = ConfigProblem::DuplicateClaim { id: claim.id.clone() };
                return Err(LocatedProblem::new(node.place_of("id"), problem));
            }
        }
        Ok(())
    }
}

/// Checks the names of evaluations, which reports and `reprise evaluate` use.
pub(super) fn check_evaluations(
    evaluations: &[EvaluationRequest],
    nodes: &[Node<'_>],
) -> Result<(), LocatedProblem> {
    let mut names = BTreeSet::new();
    for (evaluation, node) in evaluations.iter().zip(nodes) {
        let name = evaluation.name();
        check_name(name, node.place_of("name"))?;
        if !names.insert(name) {
            let problem = ConfigProblem::DuplicateEvaluation { name: name.to_owned() };
            return Err(LocatedProblem::new(node.place_of("name"), problem));
        }
    }
    Ok(())
}

/// Returns the presets' names in file order.
pub(super) fn preset_names(root: Node<'_>) -> Vec<String> {
    let table = root.get("preset").and_then(Node::table);
    let mut names: Vec<_> = table.into_iter().flat_map(toml::map::Map::keys).collect();
    names.sort_by_key(|name| name.span().start);
    names.into_iter().map(|name| name.get_ref().to_string()).collect()
}

/// Sorts seeds; refuses an empty list and a seed that is listed twice.
pub(super) fn sorted_seeds(seeds: &[Seed], node: Node<'_>) -> Result<Vec<Seed>, LocatedProblem> {
    let mut sorted = BTreeSet::new();
    for (seed, node) in seeds.iter().zip(node.elements()) {
        if !sorted.insert(*seed) {
            return Err(LocatedProblem::new(
                node.place(),
                ConfigProblem::DuplicateSeed { seed: seed.0 },
            ));
        }
    }
    if sorted.is_empty() {
        return Err(LocatedProblem::new(node.place(), ConfigProblem::NoSeeds));
    }
    Ok(sorted.into_iter().collect())
}

/// Checks the name of a sweep, a preset or an evaluation: part of a file name, without a full stop.
fn check_name(name: &str, place: Place) -> Result<(), LocatedProblem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(allowed) {
        Ok(())
    } else {
        Err(LocatedProblem::new(place, ConfigProblem::InvalidName { name: name.to_owned() }))
    }
}

/// Checks that a text fits on one line.
pub(super) fn check_line(key: &str, text: &str, place: &Place) -> Result<(), LocatedProblem> {
    let problem = if text.trim().is_empty() {
        "is empty"
    } else if text.contains(char::is_control) {
        "must be one line without control characters"
    } else {
        return Ok(());
    };
    let problem = ConfigProblem::Value { key: key.to_owned(), problem: problem.to_owned() };
    Err(LocatedProblem::new(place.clone(), problem))
}
