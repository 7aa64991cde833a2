//! The sweep files in `experiments/` at every preset.

use super::*;
use crate::config::model::{
    RcnSpec,
    physical_interaction::{DIFFERENCES, Port, Version},
};

#[track_caller]
fn check(name: &str, text: &str, arms: &[&str], seeds: [usize; 3]) {
    let path = PathBuf::from(format!("experiments/{name}.toml"));
    let source = SweepSource { path, text: text.to_owned() };
    for (preset, seeds) in ["smoke", "cpu", "paper"].into_iter().zip(seeds) {
        let sweep = parse(&source, Some(preset), &[])
            .unwrap_or_else(|error| panic!("preset {preset}:\n{}", error.render()));
        let found: Vec<&str> = sweep.arms().iter().map(|run| run.arm.as_str()).collect();
        assert_eq!(found, arms);
        assert_eq!(sweep.runs.len(), arms.len() * seeds, "runs at preset {preset}");
    }
    let default = parse(&source, None, &[]).expect("the default preset is one of them");
    assert_eq!(default.preset, "cpu");
}

#[test]
fn kl_annealing_compares_two_schedules() {
    let text = include_str!("../../../../../../experiments/kl_annealing.toml");
    check("kl_annealing", text, &["monotonic", "cyclical (4)"], [2, 3, 3]);
}

#[test]
fn teacher_forcing_compares_four_rules() {
    let text = include_str!("../../../../../../experiments/teacher_forcing.toml");
    let arms = ["original's schedule", "corrected line", "always", "never"];
    check("teacher_forcing", text, &arms, [2, 3, 3]);
}

#[test]
fn learned_prior_compares_two_priors() {
    let text = include_str!("../../../../../../experiments/learned_prior.toml");
    check("learned_prior", text, &["fixed", "learned"], [2, 3, 3]);
}

#[test]
fn skip_connections_compares_two_rules_and_none() {
    let text = include_str!("../../../../../../experiments/skip_connections.toml");
    check("skip_connections", text, &["last ground truth", "last frame", "none"], [2, 3, 3]);
}

#[test]
fn ablations_has_the_documents_two_one_more_and_a_control() {
    let text = include_str!("../../../../../../experiments/ablations.toml");
    let arms = [
        "no teacher forcing, no KL",
        "no teacher forcing, KL weight 1",
        "full recipe",
        "no recurrence",
    ];
    check("ablations", text, &arms, [2, 3, 3]);
}

#[test]
fn transformations_compares_three_ways_to_move_a_frame() {
    let text = include_str!("../../../../../../experiments/transformations.toml");
    check("transformations", text, &["CDNA", "DNA", "STP"], [2, 3, 3]);
}

#[test]
fn scheduled_sampling_compares_two_paces_and_none() {
    let text = include_str!("../../../../../../experiments/scheduled_sampling.toml");
    check("scheduled_sampling", text, &["original's pace", "late", "never"], [2, 3, 3]);
}

#[test]
fn ports_compares_four_programs_and_one_as_printed() {
    let text = include_str!("../../../../../../experiments/ports.toml");
    let arms = [
        "tensorflow",
        "tensorflow-fixed",
        "chainer",
        "chainer-stateless",
        "chainer-stateless, redrawn",
    ];
    check("ports", text, &arms, [2, 3, 3]);
}

#[test]
fn keypoints_compares_the_originals_recipes_with_an_adapted_one() {
    let text = include_str!("../../../../../../experiments/keypoints.toml");
    let arms = [
        "article",
        "article, shorter",
        "repository",
        "adapted",
        "adapted, dropout",
        "adapted, sum",
        "adapted, ReLU",
        "adapted, no concatenation",
    ];
    check("keypoints", text, &arms, [2, 3, 3]);
}

#[test]
fn convlstm_changes_width_learning_rate_and_horizon_in_turn() {
    let text = include_str!("../../../../../../experiments/convlstm.toml");
    let arms = ["base", "half the channels", "rate x 10", "half the horizon"];
    check("convlstm", text, &arms, [2, 3, 3]);
}

#[test]
fn convlstm_architecture_changes_one_part_in_turn() {
    let text = include_str!("../../../../../../experiments/convlstm_architecture.toml");
    let arms = [
        "original",
        "kernel 1",
        "kernel 5",
        "no bias",
        "peepholes",
        "one layer",
        "three layers",
        "skip connection",
        "all at once",
        "FC-LSTM",
    ];
    check("convlstm_architecture", text, &arms, [1, 3, 3]);
}

#[test]
fn digit_scenes_crosses_two_models_with_four_scenes() {
    let text = include_str!("../../../../../../experiments/digit_scenes.toml");
    let scenes = ["one digit", "two digits", "three digits", "two digits, redrawn"];
    let arms: Vec<String> = ["convlstm", "cvae"]
        .iter()
        .flat_map(|model| scenes.map(|scene| format!("{model} · {scene}")))
        .collect();
    let arms: Vec<&str> = arms.iter().map(String::as_str).collect();
    check("digit_scenes", text, &arms, [1, 1, 3]);
}

#[test]
fn pushing_parts_changes_one_part_in_turn() {
    let text = include_str!("../../../../../../experiments/pushing_parts.toml");
    let arms =
        ["CDNA", "direct", "frame only", "3 masks", "20 masks", "state weight 0", "state weight 1"];
    check("pushing_parts", text, &arms, [1, 3, 3]);
}

#[test]
fn motion_cells_crosses_two_cells_with_three_lengths() {
    let text = include_str!("../../../../../../experiments/motion_cells.toml");
    let lengths = ["13 frames", "24 frames", "32 frames"];
    let arms: Vec<String> = ["GRU", "LSTM"]
        .iter()
        .flat_map(|cell| lengths.map(|length| format!("{cell} · {length}")))
        .collect();
    let arms: Vec<&str> = arms.iter().map(String::as_str).collect();
    check("motion_cells", text, &arms, [1, 2, 3]);
}

#[test]
fn stochastic_digits_crosses_two_bounces_with_three_latents() {
    let text = include_str!("../../../../../../experiments/stochastic_digits.toml");
    let latents = ["β 1", "small β, fixed prior", "small β, learned prior"];
    let arms: Vec<String> = ["mirrored", "redrawn"]
        .iter()
        .flat_map(|bounce| latents.map(|latent| format!("{bounce} · {latent}")))
        .collect();
    let arms: Vec<&str> = arms.iter().map(String::as_str).collect();
    check("stochastic_digits", text, &arms, [1, 1, 3]);
}

/// Every difference that concerns a transformation, and is one between the two ports, has an arm.
#[test]
fn port_differences_has_an_arm_for_every_difference() {
    let text = include_str!("../../../../../../experiments/port_differences.toml").to_owned();
    let path = PathBuf::from("experiments/port_differences.toml");
    let sweep = parse(&SweepSource { path, text }, None, &[]).expect("it is valid");
    let (from, to) = (Port::Tensorflow(Version::V1), Port::Chainer);
    let mut alone = Vec::new();
    for run in sweep.arms() {
        let model = run.spec.model.physical_interaction().expect("all arms are of this system");
        assert_eq!(model.port, from);
        if let [(topic, port)] = model.differences.named().collect::<Vec<_>>()[..] {
            assert_eq!(port, to);
            alone.push(topic.key());
        }
    }
    let differing = DIFFERENCES.iter().filter(|it| it.of(from) != it.of(to));
    let mut expected: Vec<&str> = differing.map(|it| it.topic().key()).collect();
    alone.sort_unstable();
    expected.sort_unstable();
    assert_eq!(alone, expected);
}

#[test]
fn mocogan_compares_motion_noise_and_length() {
    let text = include_str!("../../../../../../experiments/mocogan.toml");
    let arms = ["GRU", "LSTM", "GRU, noise 0.1", "GRU, 13 frames"];
    check("mocogan", text, &arms, [1, 2, 3]);
}

#[test]
fn the_documents_recipe_of_keypoints_is_the_default_of_its_model() {
    let path = PathBuf::from("experiments/keypoints.toml");
    let text = include_str!("../../../../../../experiments/keypoints.toml").to_owned();
    let sweep = parse(&SweepSource { path, text }, Some("paper"), &[]).expect("it is valid");
    let article = sweep.runs.iter().find(|run| run.arm == "article").expect("an arm");
    assert_eq!(article.spec.model, ModelSpec::Rcn(RcnSpec::default()));
}

#[test]
fn the_paper_preset_is_the_documents_configuration() {
    let path = PathBuf::from("experiments/kl_annealing.toml");
    let text = include_str!("../../../../../../experiments/kl_annealing.toml").to_owned();
    let sweep = parse(&SweepSource { path, text }, Some("paper"), &[]).expect("it is valid");
    let document = r#"{
        "seed": 1,
        "data": { "dataset": { "bair": { "root": "data/bair" } } },
        "model": { "cvae": {} }
    }"#;
    let document: RunSpec = serde_json::from_str(document).expect("the rest is left to defaults");
    assert_eq!(sweep.runs[0].spec, document);
}
