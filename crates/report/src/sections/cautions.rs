//! What a reader of the scores has to be careful about.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    document::{PageBlock, RichText},
    sweep_results::{ArmResults, SweepResults},
};
use reprise_base::config::{RunSpec, caution::cautions};
use reprise_store::store::record::{EngineRecord, Record};

/// A fact of the environment that computed a run.
type EnvironmentFact = fn(&Record) -> String;

/// Returns the section; empty if nothing limits what the runs show.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let seeds = results.arms.iter().map(ArmResults::completed).min().unwrap_or(0);
    let specs: Vec<&RunSpec> = results.records().map(|record| &record.spec).collect();
    let mut sentences = cautions(&specs, seeds);
    sentences.extend(environments(results));
    sentences.extend(equal_arms(results));
    if sentences.is_empty() {
        return Vec::new();
    }
    let sentences = sentences.into_iter().map(RichText::from).collect();
    vec![PageBlock::Heading("Cautions".to_owned()), PageBlock::List(sentences)]
}

/// Says in what the environments of the runs differ.
fn environments(results: &SweepResults<'_>) -> Option<String> {
    let facts: [(&str, EnvironmentFact); 6] = [
        ("device", |record| record.engine.device_name.clone()),
        ("instruction set", |record| record.engine.cpu_capability.clone()),
        ("threads", |record| record.engine.threads.to_string()),
        ("arithmetic", |record| record.engine.arithmetic.to_string()),
        ("libtorch", |record| record.engine.libtorch.clone()),
        ("CUDA", |record| cuda(&record.engine)),
    ];
    let differing: Vec<String> = facts
        .into_iter()
        .filter_map(|(name, of)| {
            let values: BTreeSet<String> = results.records().map(of).collect();
            let values: Vec<String> = values.into_iter().collect();
            (values.len() > 1).then(|| format!("{name} ({})", values.join("; ")))
        })
        .collect();
    (!differing.is_empty()).then(|| {
        format!(
            "Runs were computed in different environments, whose effect is part of every difference: {}.",
            differing.join(", ")
        )
    })
}

fn cuda(engine: &EngineRecord) -> String {
    let versions = engine.cuda.as_ref();
    versions.map_or_else(
        || "none".to_owned(),
        |cuda| format!("runtime {}, driver {}, cuDNN {}", cuda.runtime, cuda.driver, cuda.cudnn),
    )
}

/// Names arms that ended with the same bits.
fn equal_arms(results: &SweepResults<'_>) -> Vec<String> {
    let mut arms: BTreeMap<(&str, u64), Vec<&str>> = BTreeMap::new();
    for arm in &results.arms {
        for run in &arm.runs {
            let Some(record) = run.completed() else { continue };
            arms.entry((&record.final_state, run.entry.seed.0)).or_default().push(arm.label);
        }
    }
    // Each group of arms once, although it has several seeds.
    let groups: BTreeSet<Vec<&str>> = arms.into_values().filter(|arms| arms.len() > 1).collect();
    let sentence = |arms: Vec<&str>| {
        format!(
            "These arms ended with the same bits, so what they differ in had no effect on training: {}.",
            arms.join("; ")
        )
    };
    groups.into_iter().map(sentence).collect()
}
