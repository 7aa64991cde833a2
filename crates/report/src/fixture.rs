//! A fabricated sweep: two arms, three seeds, 240 steps, small roll-outs.

use std::collections::BTreeMap;

use super::{
    input::{ReportInput, ReportRun, RunState},
    samples::Samples,
};
use reprise_base::scalar::{Epoch, Seed, Step};
use reprise_data::Split;
use reprise_store::store::{
    event::{EvaluationEvent, Event, StepEvent},
    manifest::{Axis, ManifestRun, Published, SweepManifest},
    record::Outcome,
};

mod pictures;
mod record;
mod values;

pub(super) use pictures::{noise, samples};
pub(super) use values::scores;
use values::{BASELINE_PSNR, EPOCHS, jitter};

/// Labels of the arms.
pub(super) const ARMS: [&str; 2] = ["monotonic", "cyclical"];
/// Seeds of every arm.
pub(super) const SEEDS: [u64; 3] = [1, 2, 3];
/// Test PSNR by arm and seed; the tests' expected entries are computed from these by hand.
pub(super) const PSNR: [[f64; 3]; 2] = [[20.10, 20.40, 20.70], [20.00, 20.25, 20.35]];

const STEPS_PER_EPOCH: u64 = 30;

/// Returns the sweep with all runs completed.
pub(super) fn sweep() -> ReportInput {
    let mut runs = Vec::new();
    for (arm, label) in ARMS.iter().enumerate() {
        for (index, seed) in SEEDS.iter().enumerate() {
            runs.push(run(arm, label, index, *seed));
        }
    }
    ReportInput { manifest: manifest(&runs), runs, sheets: BTreeMap::new() }
}

/// Makes a run diverge at step 132: its journal ends there, without a test.
pub(super) fn diverge(run: &mut ReportRun) {
    let RunState::Finished { record, events } = &mut run.state else {
        panic!("the run is finished");
    };
    record.outcome =
        Outcome::Diverged { step: Step(132), quantity: "loss".to_owned(), value: "NaN".to_owned() };
    record.test = None;
    record.validation = None;
    record.best = None;
    run.samples = Samples::default();
    events.retain(|event| match event {
        Event::Step(step) => step.step.0 < 132,
        Event::Evaluation(evaluation) => evaluation.epoch.0 < 4,
    });
}

fn manifest(runs: &[ReportRun]) -> SweepManifest {
    let published = |arm: &str, split, value| Published {
        arm: arm.to_owned(),
        split,
        metric: "psnr".to_owned(),
        value,
        source: "the document's results table".to_owned(),
        scale: "200 epochs of 600 steps, batch 24, width 64, the whole BAIR data set".to_owned(),
    };
    SweepManifest {
        format: 1,
        name: "kl_annealing".to_owned(),
        title: "KL annealing: monotonic against cyclical".to_owned(),
        description: "Does it matter *how* the weight of the KL term rises? The document ramps it \
                      once (`monotonic`) or four times (`cyclical`) and reports a slightly better \
                      PSNR for the single ramp.\n\nBoth arms train the same conditional VAE on the \
                      same sequences in the same order with the same noise; only the weight differs."
            .to_owned(),
        preset: "cpu".to_owned(),
        scale: "240 updates of a narrow model show whether training works and whether the arms part \
                early, not what the document's budget reaches."
            .to_owned(),
        command: "./just sweep kl_annealing --preset cpu".to_owned(),
        axes: vec![Axis {
            name: "kl_weight".to_owned(),
            labels: ARMS.map(str::to_owned).to_vec(),
        }],
        runs: runs.iter().map(|run| run.entry.clone()).collect(),
        evaluations: vec![],
        claims: Vec::new(),
        published: vec![
            published("monotonic", Split::Validate, 26.31),
            published("monotonic", Split::Test, 25.63),
            published("cyclical", Split::Validate, 25.72),
            published("cyclical", Split::Test, 25.21),
        ],
    }
}

fn run(arm: usize, label: &str, index: usize, seed: u64) -> ReportRun {
    let id = format!("{:016x}", 0x5eed_0000_0000_a000_u64 + (arm as u64) * 256 + seed);
    let entry = ManifestRun {
        run: id.parse().expect("a run id"),
        arm: label.to_owned(),
        labels: [("kl_weight".to_owned(), label.to_owned())].into(),
        seed: Seed(seed),
    };
    let psnr = PSNR[arm][index];
    let record = record::record(&entry, arm, psnr);
    let state = RunState::Finished { record: Box::new(record), events: events(arm, seed, psnr) };
    ReportRun { entry, state, samples: samples(arm), evaluations: Vec::new() }
}

fn kl_weight(arm: usize, epoch: u64) -> f64 {
    let share = epoch as f64 / EPOCHS as f64;
    if arm == 0 { (share / 0.25).min(1.0) } else { (2.0 * (share * 4.0).fract()).min(1.0) }
}

fn events(arm: usize, seed: u64, psnr: f64) -> Vec<Event> {
    let mut events = Vec::new();
    for step in 0..EPOCHS * STEPS_PER_EPOCH {
        let epoch = step / STEPS_PER_EPOCH;
        let noise = |stream: u64| jitter(arm, seed, step + stream * 10_000);
        let reconstruction =
            (0.12 * (-(step as f64) / 25.0).exp() + 0.011) * (1.0 + 0.25 * noise(0));
        let kl = (40.0 * (-(step as f64) / 30.0).exp() + 0.05) * (1.0 + 0.3 * noise(1));
        let beta = kl_weight(arm, epoch);
        let ratio = (1.0 - step as f64 / 200.0).max(0.0);
        let scalars = [
            ("loss", reconstruction + 1e-3 * beta * kl),
            ("reconstruction", reconstruction),
            ("kl", kl),
            ("kl_weight", beta),
            ("teacher_forcing_ratio", ratio),
            ("learning_rate", 0.002),
        ];
        events.push(Event::Step(StepEvent {
            step: Step(step),
            epoch: Epoch(epoch),
            scalars: scalars.map(|(name, value)| (name.to_owned(), value)).into(),
        }));
        if (step + 1) % STEPS_PER_EPOCH == 0 {
            let reached = psnr + 0.3 - 4.0 * (-(epoch as f64) / 2.0).exp();
            events.push(Event::Evaluation(EvaluationEvent {
                epoch: Epoch(epoch),
                split: Split::Validate,
                scores: scores(reached + 0.2 * jitter(arm, seed, epoch), BASELINE_PSNR + 0.4),
            }));
        }
    }
    events
}
