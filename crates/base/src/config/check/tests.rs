//! Which runs are refused, and with which messages.

use super::*;
use crate::config::model::RcnSpec;

/// Checks the message for a run with these model and training settings (JSON).
#[track_caller]
fn check(model: &str, training: &str, message: Option<&str>) {
    check_run(
        &format!(r#""model": {{ "cvae": {{ {model} }} }}, "training": {{ {training} }}"#),
        message,
    );
}

#[track_caller]
fn check_run(settings: &str, message: Option<&str>) {
    let json = format!(r#"{{ "seed": 1, {settings} }}"#);
    let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
    let found = spec.check().err().map(|contradiction| contradiction.to_string());
    assert_eq!(found.as_deref(), message);
}

#[test]
fn the_default_configuration_has_no_contradiction() {
    check("", "", None);
}

#[test]
fn the_original_schedule_needs_an_epoch_after_its_start() {
    let start = r#""teacher_forcing": { "original": { "start_epoch": 4 } }"#;
    check(start, r#""epochs": 5"#, None);
    let message = "teacher forcing decays from epoch 4, but the last epoch is 3";
    check(start, r#""epochs": 4"#, Some(message));
}

#[test]
fn a_straight_line_needs_two_different_ends() {
    let start = r#""teacher_forcing": { "linear": { "start_epoch": 4 } }"#;
    check(start, r#""epochs": 6"#, None);
    let message = "teacher forcing decays from epoch 4, but the last epoch is 4";
    check(start, r#""epochs": 5"#, Some(message));
}

#[test]
fn a_ramp_of_no_length_is_refused() {
    let ratio = r#""kl_weight": { "monotonic": { "ratio": 0 } }"#;
    check(ratio, "", Some("the ratio of a KL ramp must be above 0"));
}

#[test]
fn a_cycle_has_at_least_one_epoch() {
    let cycles = r#""teacher_forcing": "always", "kl_weight": { "cyclical": { "cycles": 4 } }"#;
    check(cycles, r#""epochs": 4"#, None);
    let message = "4 cycles of the KL weight do not fit in 3 epochs";
    check(cycles, r#""epochs": 3"#, Some(message));
}

#[test]
fn at_most_all_frames_of_a_sequence_are_used() {
    check(r#""horizon": 28"#, "", None);
    let message = "2 context frames and a horizon of 29 need 31 frames, \
                   but sequences of `sawyer_push` have 30";
    check(r#""horizon": 29"#, "", Some(message));
}

/// Checks the message for a port with an optimizer (JSON).
#[track_caller]
fn check_optimizer(port: &str, optimizer: &str, message: Option<&str>) {
    let model = format!(r#"{{ "physical_interaction": {{ "port": "{port}" }} }}"#);
    let json = format!(r#"{{ "seed": 1, "model": {model}, "optimizer": {optimizer} }}"#);
    let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
    let found = spec.check().err();
    assert_eq!(found.as_ref().map(ToString::to_string).as_deref(), message);
    let keys = ["optimizer.adam.form", "model.physical_interaction.port"];
    assert!(found.is_none_or(|found| found.keys() == keys && found.hint().is_some()));
}

#[test]
fn a_port_accepts_adam_in_its_own_form_only() {
    let adam = |form: &str| format!(r#"{{ "adam": {{ "form": "{form}" }} }}"#);
    for port in ["tensorflow", "tensorflow-fixed", "tensorflow-fixed-linear"] {
        check_optimizer(port, &adam("tensorflow"), None);
    }
    for port in ["chainer", "chainer-stateless"] {
        check_optimizer(port, &adam("chainer"), None);
    }
    let message = "the port `tensorflow` requires Adam in the form `tensorflow`, not `pytorch`";
    check_optimizer("tensorflow", r#"{ "adam": {} }"#, Some(message));
    let message =
        "the port `chainer-stateless` requires Adam in the form `chainer`, not `tensorflow`";
    check_optimizer("chainer-stateless", &adam("tensorflow"), Some(message));
}

#[test]
fn an_optimizer_that_no_port_used_is_accepted() {
    check_optimizer("chainer", r#"{ "gradient_descent": {} }"#, None);
}

#[test]
fn frames_of_any_colour_are_accepted_but_no_more_than_a_sequence_has() {
    #[track_caller]
    fn check(model: &str, dataset: &str, found: Option<&str>) {
        let json =
            format!(r#"{{ "seed": 1, "model": {model}, "data": {{ "dataset": "{dataset}" }} }}"#);
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        let contradiction = spec.check().err().map(|contradiction| contradiction.to_string());
        assert_eq!(contradiction.as_deref(), found);
    }
    let convlstm = r#"{ "convlstm": {} }"#;
    check(convlstm, "moving_mnist", None);
    check(convlstm, "sawyer_push", None);
    check(r#"{ "cvae": {} }"#, "moving_mnist", None);
    let message = "10 context frames and a horizon of 11 need 21 frames, \
                   but sequences of `moving_mnist` have 20";
    check(r#"{ "convlstm": { "horizon": 11 } }"#, "moving_mnist", Some(message));
}

#[test]
fn mocogan_needs_adam_and_settings_without_conflict() {
    check_run(r#""model": { "mocogan": {} }"#, None);
    check_run(
        r#""model": { "mocogan": {} }, "optimizer": { "adagrad": {} }"#,
        Some("`mocogan` requires Adam, not `adagrad`"),
    );
    check_run(
        r#""model": { "mocogan": { "side": 32 } }"#,
        Some(
            "frames of side 32 are too small for a discriminator of whole frames, which needs at \
             least 64",
        ),
    );
}

#[test]
fn the_horizon_of_evaluation_fits_the_data_and_needs_a_system_that_predicts_frames() {
    #[track_caller]
    fn check(model: &str, dataset: &str, found: Option<(&str, &str)>) {
        let json = format!(
            r#"{{ "seed": 1, "model": {{ {model} }}, "data": {{ "dataset": {dataset} }},
                  "evaluation": {{ "horizon": 4 }} }}"#
        );
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        let refused = spec.check().err().map(|it| (it.to_string(), it.keys()[0].clone()));
        let refused = refused.as_ref().map(|(message, key)| (message.as_str(), key.as_str()));
        assert_eq!(refused, found);
    }
    let convlstm = r#""convlstm": { "context_frames": 2, "horizon": 2 }"#;
    let square =
        |frames| format!(r#"{{ "moving_square": {{ "sequences": 1, "frames": {frames} }} }}"#);
    let cvae = r#""cvae": { "context_frames": 2, "horizon": 2 }"#;
    check(convlstm, r#""moving_mnist""#, None);
    check(cvae, &square(6), None);
    let short = "2 context frames and a horizon of 4 need 6 frames, but sequences of \
                 `moving_square` have 5";
    check(cvae, &square(5), Some((short, "evaluation.horizon")));
    check(
        r#""rcn": {}"#,
        r#""facial_keypoints""#,
        Some((
            "`rcn` does not predict frames, so `evaluation.horizon` does not apply",
            "evaluation.horizon",
        )),
    );
}

#[test]
fn several_devices_split_a_batch_that_is_large_enough() {
    #[track_caller]
    fn check(model: &str, engine: &str, found: Option<&str>) {
        let json = format!(
            r#"{{ "seed": 1, "model": {{ {model} }}, "data": {{ "dataset": "moving_mnist" }},
                  "training": {{ "batch_size": 3 }}, "engine": {{ {engine} }} }}"#
        );
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        let contradiction = spec.check().err().map(|contradiction| contradiction.to_string());
        assert_eq!(contradiction.as_deref(), found);
    }
    let (convlstm, two) = (r#""convlstm": {}"#, r#""devices": ["cuda:1", "cuda:3"]"#);
    check(convlstm, two, None);
    check(convlstm, &format!(r#"{two}, "device": "cuda:1""#), None);
    check(
        convlstm,
        &format!(r#"{two}, "device": "cuda:3""#),
        Some("`engine.device` is `cuda:3`, but the first of `engine.devices` is `cuda:1`"),
    );
    check(
        convlstm,
        r#""devices": ["cpu", "auto"]"#,
        Some("`engine.devices` cannot contain `auto`"),
    );
    check(
        convlstm,
        r#""devices": ["cpu", "cpu", "cpu", "cpu"]"#,
        Some("a batch of 3 cannot be split between 4 devices"),
    );
    check(r#""cvae": {}"#, two, Some("`cvae` can be trained on one device only, not on 2"));
}

/// Checks message and first key for a run of this system on this data (JSON).
#[track_caller]
fn check_data(system: &str, data: &str, expected: Option<(&str, &str)>) {
    let json = format!(r#"{{ "seed": 1, "model": {{ "{system}": {{}} }}, "data": {data} }}"#);
    let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
    let found = spec.check().err().map(|it| (it.to_string(), it.keys().swap_remove(0)));
    let expected = expected.map(|(message, key)| (message.to_owned(), key.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn keypoints_are_learned_from_keypoints_and_frames_from_frames() {
    check_data("rcn", r#"{ "dataset": "facial_keypoints" }"#, None);
    check_data("rcn", r#"{ "dataset": { "kaggle": { "root": "x" } } }"#, None);
    let message = "`rcn` learns from keypoints, but `sawyer_push` has none";
    check_data("rcn", r#"{ "dataset": "sawyer_push" }"#, Some((message, "data.dataset")));
    let message = "`cvae` learns from sequences of frames, but `facial_keypoints` has none";
    check_data("cvae", r#"{ "dataset": "facial_keypoints" }"#, Some((message, "data.dataset")));
}

#[test]
fn the_sampler_of_an_original_needs_its_system() {
    let faces = r#""dataset": "facial_keypoints""#;
    check_data("rcn", &format!(r#"{{ {faces}, "sampler": "minibatches" }}"#), None);
    let message = "`rcn` does not support the sampler `original`";
    let original = format!(r#"{{ {faces}, "sampler": {{ "original": {{ "workers": 0 }} }} }}"#);
    check_data("rcn", &original, Some((message, "data.sampler")));
    let message = "`cvae` does not support the sampler `minibatches`";
    check_data("cvae", r#"{ "sampler": "minibatches" }"#, Some((message, "data.sampler")));
}

#[test]
fn fresh_sequences_need_digits_and_a_system_that_predicts_frames() {
    let fresh = |dataset: &str| format!(r#"{{ "dataset": "{dataset}", "sampler": "fresh" }}"#);
    for system in ["cvae", "convlstm"] {
        check_data(system, &fresh("moving_mnist"), None);
    }
    let message = "the sampler `fresh` draws sequences from digits, and `sawyer_push` has none";
    check_data("cvae", &fresh("sawyer_push"), Some((message, "data.sampler")));
    let message = "`rcn` does not support the sampler `fresh`";
    check_data("rcn", &fresh("facial_keypoints"), Some((message, "data.sampler")));
}

#[test]
fn the_sampler_of_an_original_takes_seeds_of_its_generator() {
    let check = |seed: u64, sampler: &str, expected: Option<&str>| {
        let json = format!(
            r#"{{ "seed": {seed}, "model": {{ "cvae": {{}} }}, "data": {{ "sampler": {sampler} }} }}"#
        );
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        assert_eq!(spec.check().err().map(|it| it.to_string()).as_deref(), expected);
    };
    let original = r#"{ "original": { "workers": 0 } }"#;
    check((1 << 32) - 1, original, None);
    let message = "the sampler `original` takes seeds from 0 to 4294967295, not 4294967296";
    check(1 << 32, original, Some(message));
    check((1 << 63) - 1, r#""epoch_permutation""#, None);
}

#[test]
fn a_system_is_trained_only_in_arithmetics_that_it_supports() {
    let rcn = RcnSpec::default();
    assert_eq!(check_arithmetic(&rcn, Arithmetic::Exact), Ok(()));
    let refused = check_arithmetic(&rcn, Arithmetic::Bf16).unwrap_err();
    assert_eq!(refused.to_string(), "`rcn` does not support `bf16` arithmetic");
    assert_eq!(refused.keys(), ["engine.arithmetic".to_owned()]);
}

#[test]
fn what_only_pytorch_has_needs_its_form() {
    let check = |optimizer: &str, message: Option<&str>| {
        check_run(
            &format!(
                r#""model": {{ "rcn": {{}} }}, "data": {{ "dataset": "facial_keypoints" }},
            "optimizer": {{ {optimizer} }}"#
            ),
            message,
        );
    };
    let momentum = r#""gradient_descent": { "momentum": 0.9"#;
    check(&format!(r#"{momentum}, "form": "pytorch" }}"#), None);
    let message = "`optimizer.gradient_descent.momentum` needs the form `pytorch`";
    check(&format!("{momentum} }}"), Some(message));
    check(
        r#""gradient_descent": { "form": "pytorch", "momentum_kind": "nesterov" }"#,
        Some("Nesterov's momentum needs a momentum above 0"),
    );
    check(
        r#""gradient_descent": { "weight_decay": 0.1 }"#,
        Some("`optimizer.gradient_descent.weight_decay` needs the form `pytorch`"),
    );
    check(
        r#""adam": { "decay": "decoupled", "form": "chainer" }"#,
        Some("`optimizer.adam.decay` needs the form `pytorch`"),
    );
}

#[test]
fn a_warm_up_ends_before_the_run() {
    let warm_up =
        r#""epochs": 3, "learning_rate_schedule": { "warm_up": { "epochs": 2 } }, "batch_size": 2"#;
    let start = r#""teacher_forcing": "always""#;
    check(start, warm_up, None);
    let message = "the learning rate rises for 3 epochs, but the run has 3";
    check(start, &warm_up.replace(r#""epochs": 2"#, r#""epochs": 3"#), Some(message));
}
