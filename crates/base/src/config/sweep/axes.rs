//! Axes, and how their arms combine into the arms of the sweep.

use serde::{Deserialize, Serialize};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    problem::{ConfigProblem, RUNS_MAX},
    tree::{LocatedProblem, Node, Place, Tree, place},
    wire::{Combine, When, WireArm, WireAxis, WireSweep, check_line},
};

/// Joins the labels of an arm that is combined from several axes.
pub(super) const LABEL_SEPARATOR: &str = " · ";

/// An axis of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    pub name: String,
    /// Labels of its arms in file order.
    pub labels: Vec<String>,
}

/// An axis with the settings of its arms.
#[derive(Debug)]
pub(super) struct AxisArms<'t> {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) arms: Vec<Arm<'t>>,
}

/// One value of an axis.
#[derive(Debug)]
pub(super) struct Arm<'t> {
    pub(super) label: String,
    pub(super) place: Place,
    pub(super) when: When,
    pub(super) set: Tree<'t>,
}

impl AxisArms<'_> {
    /// Returns the labels in file order.
    pub(super) fn labels(&self) -> Vec<String> {
        self.arms.iter().map(|arm| arm.label.clone()).collect()
    }

    /// Returns the axis without settings.
    pub(super) fn axis(&self) -> Axis {
        Axis { name: self.name.clone(), labels: self.labels() }
    }
}

/// Draws the values of the axes that are drawn; `root` is the whole table of the sweep. Each value is the
/// text `v = VALUE`.
///
/// # Errors
/// If a range is empty or too small.
pub(super) fn drawn(sweep: &WireSweep, root: Node<'_>) -> Result<Vec<Vec<String>>, LocatedProblem> {
    let nodes = root.get("axis").into_iter().flat_map(Node::elements);
    let of_axis = |(wire, node): (&WireAxis, Node<'_>)| {
        let Some(draw) = wire.draw else { return Ok(Vec::new()) };
        let values = draw.values(&wire.name).map_err(|problem| {
            let problem = ConfigProblem::Value { key: "axis.draw".to_owned(), problem };
            LocatedProblem::new(node.get("draw").unwrap_or(node).place(), problem)
        })?;
        Ok(values.iter().map(|value| format!("v = {value}")).collect())
    };
    sweep.axis.iter().zip(nodes).map(of_axis).collect()
}

/// Reads the axes of a sweep; `root` is its whole table, `drawn` what [`drawn`] returned.
pub(super) fn read<'t>(
    sweep: &WireSweep,
    root: Node<'t>,
    drawn: &'t [Vec<String>],
) -> Result<Vec<AxisArms<'t>>, LocatedProblem> {
    let nodes: Vec<Node<'t>> = root.get("axis").into_iter().flat_map(Node::elements).collect();
    let mut axes: Vec<AxisArms<'t>> = Vec::new();
    for ((wire, node), drawn) in sweep.axis.iter().zip(&nodes).zip(drawn) {
        let name_place = node.place_of("name");
        check_label("axis.name", &wire.name, &name_place)?;
        if axes.iter().any(|axis| axis.name == wire.name) {
            let axis = wire.name.clone();
            return Err(LocatedProblem::new(name_place, ConfigProblem::DuplicateAxis { axis }));
        }
        axes.push(AxisArms {
            name: wire.name.clone(),
            place: name_place,
            arms: arms(wire, *node, drawn)?,
        });
    }
    for (wire, node) in sweep.axis.iter().zip(&nodes) {
        for (arm, node) in wire.arm.iter().zip(node.get("arm").into_iter().flat_map(Node::elements))
        {
            let Some(when) = node.get("when") else { continue };
            if sweep.combine == Combine::Zip {
                return Err(LocatedProblem::new(when.place(), ConfigProblem::WhenInZip));
            }
            check_when(&arm.when, when, &axes)?;
        }
    }
    Ok(axes)
}

/// Reads the arms of one axis, written in one of three forms.
fn arms<'t>(
    wire: &WireAxis,
    node: Node<'t>,
    drawn: &'t [String],
) -> Result<Vec<Arm<'t>>, LocatedProblem> {
    let axis = || wire.name.clone();
    let form = |given| {
        LocatedProblem::new(node.place_of("name"), ConfigProblem::AxisForm { axis: axis(), given })
    };
    let arms: Vec<Arm<'t>> = match (wire.arm.as_slice(), &wire.key, &wire.values, wire.draw) {
        (arms, None, None, None) => {
            let nodes = node.get("arm").into_iter().flat_map(Node::elements);
            arms.iter()
                .zip(nodes)
                .map(|(arm, node)| labelled(arm, node))
                .collect::<Result<_, _>>()?
        }
        ([], Some(_), Some(_), None) => {
            let values = node.get("values").into_iter().flat_map(Node::elements);
            shorthand(node, values.map(|value| value.value.clone()))?
        }
        ([], Some(_), None, Some(_)) => {
            let span = node.get("draw").unwrap_or(node).value.span();
            let values = drawn.iter().filter_map(|text| {
                let mut table = DeTable::parse(text).ok()?.into_inner();
                Some(Spanned::new(span.clone(), table.remove("v")?.into_inner()))
            });
            shorthand(node, values)?
        }
        ([], Some(_), None, None) => return Err(form("a `key` without `values`")),
        ([], Some(_), Some(_), Some(_)) => return Err(form("both `values` and `draw`")),
        ([], None, Some(_), _) => return Err(form("`values` without a `key`")),
        ([], None, None, Some(_)) => return Err(form("`draw` without a `key`")),
        _ => return Err(form("both arms and a `key` with `values`")),
    };
    if arms.is_empty() {
        let at = node.get("values").unwrap_or(node).place();
        return Err(LocatedProblem::new(at, ConfigProblem::EmptyAxis { axis: axis() }));
    }
    let mut labels: Vec<(&str, &Place)> =
        arms.iter().map(|arm| (arm.label.as_str(), &arm.place)).collect();
    labels.sort_unstable();
    if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let (label, place) = pair[1];
        let problem = ConfigProblem::DuplicateLabel { axis: axis(), label: label.to_owned() };
        return Err(LocatedProblem::new(place.clone(), problem));
    }
    Ok(arms)
}

/// Reads an `[[axis.arm]]`.
fn labelled<'t>(wire: &WireArm, node: Node<'t>) -> Result<Arm<'t>, LocatedProblem> {
    let place = node.place_of("label");
    check_label("label", &wire.label, &place)?;
    let set = node.get("set").filter(|set| set.table().is_some_and(|table| !table.is_empty()));
    let Some(set) = set else {
        return Err(LocatedProblem::new(
            place,
            ConfigProblem::EmptyArm { label: wire.label.clone() },
        ));
    };
    Ok(Arm { label: wire.label.clone(), place, when: wire.when.clone(), set: set.to_tree() })
}

/// Returns an arm for each of the values of `key`, labelled as the value is written.
fn shorthand<'t>(
    node: Node<'t>,
    values: impl Iterator<Item = Spanned<DeValue<'t>>>,
) -> Result<Vec<Arm<'t>>, LocatedProblem> {
    let key_node = node.get("key").expect("the shorthand has a key");
    let DeValue::String(key) = key_node.value.get_ref() else { return Ok(Vec::new()) };
    values
        .map(|value| {
            let place = place(node.text, &value.span());
            let label = plain_text(value.get_ref()).ok_or_else(|| {
                let problem =
                    "must hold numbers, strings or booleans; write other values as `[[axis.arm]]`";
                let key = "axis.values".to_owned();
                LocatedProblem::new(
                    place.clone(),
                    ConfigProblem::Value { key, problem: problem.to_owned() },
                )
            })?;
            check_label("axis.values", &label, &place)?;
            // The span begins with the quote.
            let start = key_node.value.span().start + 1;
            let set = Tree::nested(node.text, key, start, value)?;
            Ok(Arm { label, place, when: When::new(), set })
        })
        .collect()
}

/// Returns a scalar as text, `None` for a table, an array or a date.
fn plain_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(digits) => Some(digits.to_string()),
        DeValue::Float(digits) => Some(digits.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// Checks that a label fits into a table cell and leaves joined labels unambiguous.
fn check_label(key: &str, label: &str, place: &Place) -> Result<(), LocatedProblem> {
    check_line(key, label, place)?;
    if label.contains(LABEL_SEPARATOR) {
        let problem = "must not contain ` · `, which joins the labels of several axes".to_owned();
        return Err(LocatedProblem::new(
            place.clone(),
            ConfigProblem::Value { key: key.to_owned(), problem },
        ));
    }
    Ok(())
}

/// Checks that the axes and labels of a condition exist; `node` is the condition's table.
pub(super) fn check_when(
    when: &When,
    node: Node<'_>,
    axes: &[AxisArms<'_>],
) -> Result<(), LocatedProblem> {
    for (axis, labels) in when {
        let Some(known) = axes.iter().find(|other| &other.name == axis) else {
            let known = axes.iter().map(|axis| axis.name.clone()).collect();
            let at = node.key_place(axis).unwrap_or_else(|| node.place());
            return Err(LocatedProblem::new(
                at,
                ConfigProblem::UnknownAxis { axis: axis.clone(), known },
            ));
        };
        let nodes = node.get(axis).into_iter().flat_map(Node::elements);
        for (label, node) in labels.iter().zip(nodes) {
            if known.arms.iter().all(|arm| &arm.label != label) {
                let (label, axis, known) = (label.clone(), axis.clone(), known.labels());
                let problem = ConfigProblem::UnknownLabel { label, axis, known };
                return Err(LocatedProblem::new(node.place(), problem));
            }
        }
    }
    Ok(())
}

/// Returns whether a condition holds for one arm of each axis.
pub(super) fn holds(when: &When, axes: &[AxisArms<'_>], chosen: &[usize]) -> bool {
    axes.iter().zip(chosen).all(|(axis, &arm)| {
        when.get(&axis.name).is_none_or(|labels| labels.contains(&axis.arms[arm].label))
    })
}

/// Returns the index of an arm in each axis for every combination, the first axis slowest.
///
/// The number of runs is checked before anything is combined.
pub(super) fn combinations(
    axes: &[AxisArms<'_>],
    combine: Combine,
    seeds: usize,
) -> Result<Vec<Vec<usize>>, LocatedProblem> {
    let Some((first, others)) = axes.split_first() else {
        return Err(LocatedProblem::new(place(0, &(0..0)), ConfigProblem::NoAxis));
    };
    if combine == Combine::Zip {
        if let Some(axis) = others.iter().find(|axis| axis.arms.len() != first.arms.len()) {
            return Err(LocatedProblem::new(
                axis.place.clone(),
                ConfigProblem::ZipLengths {
                    axis: axis.name.clone(),
                    arms: axis.arms.len(),
                    first: first.name.clone(),
                    expected: first.arms.len(),
                },
            ));
        }
        check_count(&axes[..1], seeds)?;
        return Ok((0..first.arms.len()).map(|arm| vec![arm; axes.len()]).collect());
    }
    check_count(axes, seeds)?;
    let mut combinations = vec![Vec::new()];
    for axis in axes {
        combinations = combinations
            .iter()
            .flat_map(|chosen| {
                (0..axis.arms.len()).map(move |arm| [chosen.as_slice(), &[arm]].concat())
            })
            .collect();
    }
    combinations.retain(|chosen: &Vec<usize>| {
        axes.iter().zip(chosen).all(|(axis, &arm)| holds(&axis.arms[arm].when, axes, chosen))
    });
    for (index, axis) in axes.iter().enumerate() {
        for (number, arm) in axis.arms.iter().enumerate() {
            if combinations.iter().all(|chosen| chosen[index] != number) {
                let (axis, label) = (axis.name.clone(), arm.label.clone());
                return Err(LocatedProblem::new(
                    arm.place.clone(),
                    ConfigProblem::UnusedArm { axis, label },
                ));
            }
        }
    }
    Ok(combinations)
}

/// Refuses a grid of more than [`RUNS_MAX`] runs, at the axis that exceeds the limit.
fn check_count(axes: &[AxisArms<'_>], seeds: usize) -> Result<(), LocatedProblem> {
    let mut count = seeds;
    let mut factors = vec![format!("{seeds} seeds")];
    for axis in axes {
        count = count.saturating_mul(axis.arms.len());
        factors.push(axis.arms.len().to_string());
        if count > RUNS_MAX {
            let count = factors.join(" x ");
            return Err(LocatedProblem::new(
                axis.place.clone(),
                ConfigProblem::TooManyRuns { count },
            ));
        }
    }
    Ok(())
}
