//! A fabricated sweep: two arms, three seeds, 240 steps, small roll-outs.

use std::collections::BTreeMap;

use super::{ReportInput, ReportRun, Rollouts, RunState};
use crate::{
    config::{
        RunSpec,
        data::DataSpec,
        engine::{Device, EngineSpec},
        model::{CvaeSpec, ModelSpec},
        optim::OptimizerSpec,
        run::{EvaluationSpec, TrainingSpec},
    },
    data::Split,
    scalar::{Count, Epoch, Fraction, NonNegative, Seed, Step},
    schedule::KlWeight,
    store::{
        event::{EvaluationEvent, Event, Score, Scores, StepEvent},
        manifest::{Axis, ManifestRun, Published, SweepManifest},
        record::{
            Artefact, BestCheckpoint, CodeRecord, DataRecord, EngineRecord, GitRecord, HostRecord,
            MetricDefinition, Outcome, Record, SeriesDefinition, TimingRecord,
        },
        tensors::StoredTensor,
    },
};

/// Labels of the arms.
pub(super) const ARMS: [&str; 2] = ["monotonic", "cyclical"];
/// Seeds of every arm.
pub(super) const SEEDS: [u32; 3] = [1, 2, 3];
/// Test PSNR by arm and seed; tests compute the table's entries from these by hand.
pub(super) const PSNR: [[f64; 3]; 2] = [[20.10, 20.40, 20.70], [20.00, 20.25, 20.35]];
/// Test PSNR of copying the last frame.
pub(super) const BASELINE_PSNR: f64 = 19.70;

const EPOCHS: u64 = 8;
const STEPS_PER_EPOCH: u64 = 30;
const HORIZON: u32 = 10;
const CONTEXT: u32 = 2;
const SIDE: usize = 64;

/// Returns the sweep with all runs completed.
pub(super) fn sweep() -> ReportInput {
    let mut runs = Vec::new();
    for (arm, label) in ARMS.iter().enumerate() {
        for (index, seed) in SEEDS.iter().enumerate() {
            runs.push(run(arm, label, index, *seed));
        }
    }
    ReportInput { manifest: manifest(&runs), runs }
}

/// Lets a run diverge at step 132: its journal ends there and it was never tested.
pub(super) fn diverge(run: &mut ReportRun) {
    let RunState::Finished { record, events } = &mut run.state else {
        panic!("the run is finished");
    };
    record.outcome =
        Outcome::Diverged { step: Step(132), quantity: "loss".to_owned(), value: "NaN".to_owned() };
    record.test = None;
    record.validation = None;
    record.best = None;
    run.rollouts = None;
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
        published: vec![
            published("monotonic", Split::Validate, 26.31),
            published("monotonic", Split::Test, 25.63),
            published("cyclical", Split::Validate, 25.72),
            published("cyclical", Split::Test, 25.21),
        ],
    }
}

fn run(arm: usize, label: &str, index: usize, seed: u32) -> ReportRun {
    let id = format!("{:016x}", 0x5eed_0000_0000_a000_u64 + (arm as u64) * 256 + u64::from(seed));
    let entry = ManifestRun {
        run: id.parse().expect("a run id"),
        arm: label.to_owned(),
        labels: [("kl_weight".to_owned(), label.to_owned())].into(),
        seed: Seed(seed),
    };
    let psnr = PSNR[arm][index];
    let record = record(&entry, arm, psnr);
    let state = RunState::Finished { record: Box::new(record), events: events(arm, seed, psnr) };
    ReportRun { entry, state, rollouts: Some(rollouts(arm)) }
}

/// A number in [−0.5, 0.5) that looks like noise.
fn jitter(arm: usize, seed: u32, step: u64) -> f64 {
    let mixed = (step + 1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(u64::from(seed).wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add((arm as u64).wrapping_mul(0x94D0_49BB_1331_11EB));
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / f64::from(1_u32 << 24) - 0.5
}

fn kl_weight(arm: usize, epoch: u64) -> f64 {
    let share = epoch as f64 / EPOCHS as f64;
    if arm == 0 { (share / 0.25).min(1.0) } else { (2.0 * (share * 4.0).fract()).min(1.0) }
}

fn events(arm: usize, seed: u32, psnr: f64) -> Vec<Event> {
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

/// Scores whose mean PSNR is exactly `model` and `baseline`.
fn scores(model: f64, baseline: f64) -> Scores {
    let of = |psnr: f64| -> BTreeMap<String, Score> {
        let frames = (0..HORIZON).map(f64::from);
        let score = |mean: f64, slope: f64| Score {
            mean,
            by_frame: frames.clone().map(|frame| mean + slope * (4.5 - frame)).collect(),
            by_sequence: vec![mean - 1.0, mean + 1.0],
        };
        [
            ("psnr".to_owned(), score(psnr, 0.45)),
            ("ssim".to_owned(), score(0.70 + (psnr - 19.0) / 20.0, 0.01)),
            ("mse".to_owned(), score(10_f64.powf(-psnr / 10.0), -0.0004)),
        ]
        .into()
    };
    [("model".to_owned(), of(model)), ("copy_last_frame".to_owned(), of(baseline))].into()
}

fn spec(entry: &ManifestRun, arm: usize) -> RunSpec {
    let beta = NonNegative::try_from(1.0).expect("a weight");
    let kl_weight = if arm == 0 {
        KlWeight::Monotonic { beta, ratio: Fraction::try_from(0.25).expect("a fraction") }
    } else {
        KlWeight::Cyclical {
            beta,
            cycles: Count::literal(4),
            ratio: Fraction::try_from(0.5).expect("a fraction"),
        }
    };
    RunSpec {
        seed: entry.seed,
        data: DataSpec::default(),
        model: ModelSpec::Cvae(CvaeSpec {
            width: Count::literal(8),
            kl_weight,
            ..CvaeSpec::default()
        }),
        optimizer: OptimizerSpec::default(),
        training: TrainingSpec {
            epochs: Count::literal(8),
            steps_per_epoch: Count::literal(30),
            batch_size: Count::literal(8),
        },
        evaluation: EvaluationSpec::default(),
        engine: EngineSpec { device: Device::Cpu, threads: Count::literal(1) },
    }
}

fn digest(text: &str) -> String {
    // Not a hash of anything: 64 hexadecimal digits that depend on the text.
    let bytes = text.bytes().cycle().take(32);
    bytes
        .enumerate()
        .map(|(index, byte)| format!("{:02x}", byte.wrapping_mul(31) ^ index as u8))
        .collect()
}

fn record(entry: &ManifestRun, arm: usize, psnr: f64) -> Record {
    let metric = |label: &str, unit: &str, higher_is_better, definition: &str| MetricDefinition {
        label: label.to_owned(),
        unit: unit.to_owned(),
        higher_is_better,
        definition: definition.to_owned(),
        source: "the document's evaluation script".to_owned(),
    };
    let series = |label: &str, unit: &str, definition: &str| SeriesDefinition {
        label: label.to_owned(),
        unit: unit.to_owned(),
        definition: definition.to_owned(),
    };
    let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    Record {
        format: 1,
        run: entry.run.clone(),
        outcome: Outcome::Completed,
        spec: spec(entry, arm),
        data: DataRecord {
            name: "sawyer_push".to_owned(),
            pack_sha256: digest("pack"),
            sources_sha256: digest("sources"),
            source_files: 4096,
            sequences: [("train", 96), ("validate", 16), ("test", 16)]
                .map(|(split, count)| (split.to_owned(), count))
                .into(),
            frames: 30,
            frame_shape: [64, 64, 3],
            origin: "Simulated Sawyer pushing, embedded subset".to_owned(),
        },
        engine: EngineRecord {
            libtorch: "2.13.0".to_owned(),
            device: "cpu".to_owned(),
            device_name: "Example CPU".to_owned(),
            cuda: None,
            cpu_capability: "AVX512".to_owned(),
            threads: 1,
            switches: texts(&[("deterministic_algorithms", "on"), ("tf32", "off")]),
        },
        code: CodeRecord {
            version: "0.1.0".to_owned(),
            sources_sha256: digest("code"),
            rustc: "rustc 1.95.0".to_owned(),
            git: Some(GitRecord {
                commit: Some(digest("commit")),
                branch: Some("main".to_owned()),
                tree: digest("tree"),
                reference: "refs/reprise/runs/0123".to_owned(),
                changed: vec!["experiments/kl_annealing.toml".to_owned()],
                left_out: Vec::new(),
            }),
        },
        host: HostRecord {
            os: "Linux 6.1".to_owned(),
            cpu: "Example CPU".to_owned(),
            cpu_features: vec!["avx2".to_owned(), "avx512f".to_owned(), "fma".to_owned()],
            cores: 2,
        },
        streams: texts(&[
            ("batches", "order of the training sequences"),
            ("init", "initial weights"),
            ("posterior", "noise of z during training"),
            ("teacher_forcing", "one coin a step"),
        ]),
        parameters: 1_234_567,
        canary: Some(digest("canary")),
        final_state: digest(entry.run.as_str()),
        best: Some(BestCheckpoint {
            epoch: Epoch(EPOCHS - 1),
            metric: "psnr".to_owned(),
            value: psnr + 0.3,
        }),
        validation: Some(scores(psnr + 0.3, BASELINE_PSNR + 0.4)),
        test: Some(scores(psnr, BASELINE_PSNR)),
        metrics: [
            ("psnr", metric("PSNR", "dB", true, "\u{2212}10 log10 of the squared error of each \
                channel with data range 1, mean over channels, then predicted frames, then sequences")),
            ("ssim", metric("SSIM", "", true, "11\u{d7}11 Gaussian window, \u{3c3} 1.5, valid part, \
                mean over channels, then predicted frames, then sequences")),
            ("mse", metric("MSE", "", false, "Mean squared error of pixels in [0, 1]")),
        ]
        .map(|(name, definition)| (name.to_owned(), definition))
        .into(),
        series: [
            ("loss", series("Loss", "", "Reconstruction plus weighted KL term, as differentiated")),
            ("reconstruction", series("Reconstruction", "", "Mean squared error of the predicted \
                frames of a batch")),
            ("kl", series("KL divergence", "nats", "Posterior against prior, summed over z, mean \
                over the batch")),
            ("kl_weight", series("KL weight", "", "\u{3b2} of the step's epoch")),
            ("teacher_forcing_ratio", series("Teacher-forcing ratio", "", "Probability of feeding \
                the true frame back")),
            ("learning_rate", series("Learning rate", "", "Adam's step size")),
        ]
        .map(|(name, definition)| (name.to_owned(), definition))
        .into(),
        artefacts: [("final.safetensors".to_owned(), Artefact { bytes: 9, sha256: digest("f") })]
            .into(),
        timing: TimingRecord {
            started: "2026-01-01T00:00:00Z".to_owned(),
            finished: "2026-01-01T00:02:03Z".to_owned(),
            active_seconds: 123.4,
            attempts: 1,
            peak_memory_bytes: 1 << 30,
        },
    }
}

/// Three sequences of a disc that crosses a gradient; predictions blur and lag the more, the later.
pub(super) fn rollouts(arm: usize) -> Rollouts {
    let frames = (CONTEXT + HORIZON) as usize;
    let mut truth = Vec::new();
    let mut prediction = Vec::new();
    for sequence in 0..3 {
        for t in 0..frames {
            let predicted = t.saturating_sub(CONTEXT as usize - 1) as f64;
            let lag = predicted * (0.3 + 0.3 * arm as f64);
            truth.extend(picture(sequence, t as f64, 1.0));
            prediction.extend(picture(sequence, t as f64 - lag, 1.0 + 0.8 * predicted));
        }
    }
    let names = r#"["traj_0/3", "traj_1/0", "traj_2/7"]"#;
    built(truth, prediction, &[3, frames, SIDE, SIDE, 3], names)
}

/// Returns three sequences of noise.
pub(super) fn noise() -> Rollouts {
    let frames = (CONTEXT + HORIZON) as usize;
    let bytes = |seed| -> Vec<u8> {
        let values = (0..3 * frames * SIDE * SIDE * 3).map(|index| jitter(0, seed, index as u64));
        values.map(|value| ((value + 0.5) * 256.0) as u8).collect()
    };
    let shape = [3, frames, SIDE, SIDE, 3];
    built(bytes(1), bytes(2), &shape, r#"["a", "b", "c"]"#)
}

/// A table with a texture and a disc whose edge is `softness` pixels wide.
fn picture(sequence: usize, t: f64, softness: f64) -> Vec<u8> {
    let (centre_x, centre_y) = (10.0 + 3.5 * t, 20.0 + 8.0 * sequence as f64 + t);
    let mut pixels = Vec::with_capacity(SIDE * SIDE * 3);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (fx, fy) = (x as f64, y as f64);
            let distance = ((fx - centre_x).powi(2) + (fy - centre_y).powi(2)).sqrt() - 8.0;
            let inside = 1.0 / (1.0 + (distance / softness).exp());
            let table = 130.0 + fy + 6.0 * jitter(sequence, 7, (y * SIDE + x) as u64);
            for (channel, colour) in [205.0, 70.0, 60.0].into_iter().enumerate() {
                let value = table - 12.0 * channel as f64;
                pixels.push((value + (colour - value) * inside).round() as u8);
            }
        }
    }
    pixels
}

fn built(truth: Vec<u8>, prediction: Vec<u8>, shape: &[usize], names: &str) -> Rollouts {
    let tensor = |name: &str, data| StoredTensor {
        name: name.to_owned(),
        dtype: safetensors::Dtype::U8,
        shape: shape.to_vec(),
        data,
    };
    let metadata = [
        ("sequences".to_owned(), names.to_owned()),
        ("context_frames".to_owned(), CONTEXT.to_string()),
    ];
    let tensors = [tensor("truth", truth), tensor("prediction", prediction)];
    Rollouts::new(&tensors, &metadata.into()).expect("the roll-outs are valid")
}
