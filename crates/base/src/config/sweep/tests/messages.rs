//! Typical problems with the whole message that is printed.

use insta::assert_snapshot;

use super::*;

#[track_caller]
fn rendered(text: &str, preset: Option<&str>, overrides: &[&str]) -> String {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    parse(&source(text), preset, &overrides).expect_err("the problem is found").render()
}

#[test]
fn a_misspelt_key() {
    assert_snapshot!(rendered(&changed("width = 8", "widht = 8"), None, &[]), @r#"
    error: unknown key `widht` in `model.cvae`
     --> experiments/small.toml:9:16
      |
    9 | model.cvae = { widht = 8, teacher_forcing = "always" }
      |                ^^^^^
      |
      = hint: did you mean `width`?
    "#);
}

#[test]
fn a_misspelt_key_in_an_override() {
    assert_snapshot!(rendered(VALID, None, &["model.cvae.widht=8"]), @r"
    error: unknown key `widht` in `model.cvae`
     --> --set model.cvae.widht=8:1:12
      |
    1 | model.cvae.widht=8
      |            ^^^^^
      |
      = hint: did you mean `width`?
    ");
}

#[test]
fn a_misspelt_choice() {
    assert_snapshot!(rendered(&changed("kl_weight.monotonic", "kl_weight.monotone"), None, &[]), @r"
    error: unknown choice `monotone` for `model.cvae.kl_weight`
      --> experiments/small.toml:15:26
       |
    15 | set.model.cvae.kl_weight.monotone = { ratio = 0.5 }
       |                          ^^^^^^^^
       |
       = hint: did you mean `monotonic`?
    ");
}

#[test]
fn a_misspelt_preset_key_of_a_preset_that_is_not_asked_for() {
    assert_snapshot!(rendered(&changed("seeds = [7]", "seed = [7]"), None, &[]), @r"
    error: unknown key `seed` in `preset.large`
      --> experiments/small.toml:25:1
       |
    25 | seed = [7]
       | ^^^^
       |
       = hint: did you mean `seeds`?
    ");
}

#[test]
fn a_value_out_of_range() {
    assert_snapshot!(rendered(&changed("epochs = 10", "epochs = 0"), None, &[]), @r"
    error: `training.epochs` is invalid: 0 is outside [1, 2147483647]
     --> experiments/small.toml:8:19
      |
    8 | training.epochs = 0
      |                   ^
    ");
}

#[test]
fn a_value_of_the_wrong_type() {
    let text = changed("ratio = 0.5", "ratio = \"half\"");
    assert_snapshot!(rendered(&text, None, &[]), @r#"
    error: `model.cvae.kl_weight.monotonic.ratio` must be a number, not the string "half"
      --> experiments/small.toml:15:48
       |
    15 | set.model.cvae.kl_weight.monotonic = { ratio = "half" }
       |                                                ^^^^^^
    "#);
}

#[test]
fn a_device_that_does_not_exist() {
    assert_snapshot!(rendered(VALID, None, &["engine.device=gpu"]), @r"
    error: `engine.device` is invalid: unknown device `gpu`, expected `auto`, `cpu`, `cuda` or `cuda:N`
     --> --set engine.device=gpu:1:15
      |
    1 | engine.device=gpu
      |               ^^^
    ");
}

#[test]
fn two_choices_instead_of_one() {
    let two =
        "[run.model.cvae.kl_weight]\nmonotonic = { ratio = 0.5 }\ncyclical = { cycles = 4 }\n";
    let text = changed("model.cvae = { width = 8, teacher_forcing = \"always\" }", two);
    assert_snapshot!(rendered(&text, None, &[]), @r"
    error: `model.cvae.kl_weight` takes exactly one choice, but `monotonic`, `cyclical` are given
      --> experiments/small.toml:11:1
       |
    11 | cyclical = { cycles = 4 }
       | ^^^^^^^^
    ");
}

#[test]
fn a_choice_without_its_settings() {
    let text = changed("kl_weight.monotonic = { ratio = 0.5 }", "kl_weight = \"monotonic\"");
    assert_snapshot!(rendered(&text, None, &[]), @r#"
    error: the choice `monotonic` of `model.cvae.kl_weight` needs settings
      --> experiments/small.toml:15:28
       |
    15 | set.model.cvae.kl_weight = "monotonic"
       |                            ^^^^^^^^^^^
       |
       = hint: write `monotonic = { ratio = …, beta = … }`
    "#);
}

#[test]
fn a_rollout_longer_than_the_datasets_sequences() {
    assert_snapshot!(rendered(&changed("width = 8", "horizon = 40"), None, &[]), @r#"
    error: 2 context frames and a horizon of 40 need 42 frames, but sequences of `sawyer_push` have 30
     --> experiments/small.toml:9:26
      |
    9 | model.cvae = { horizon = 40, teacher_forcing = "always" }
      |                          ^^
    "#);
}

#[test]
fn a_decay_that_starts_after_the_last_epoch() {
    let original = "teacher_forcing.original = { start_epoch = 10 }";
    let text = changed("teacher_forcing = \"always\"", original);
    assert_snapshot!(rendered(&text, None, &[]), @r"
    error: teacher forcing decays from epoch 10, but the last epoch is 9
     --> experiments/small.toml:9:70
      |
    9 | model.cvae = { width = 8, teacher_forcing.original = { start_epoch = 10 } }
      |                                                                      ^^
      |
      = hint: start the decay earlier, train for more epochs, or choose `always`
    ");
}

#[test]
fn a_contradiction_that_an_override_brings_about() {
    assert_snapshot!(rendered(VALID, None, &["training.batch_size = 1"]), @r"
    error: a batch of 1 cannot be trained: BatchNorm over 1x1 maps needs at least two sequences
     --> --set training.batch_size = 1:1:23
      |
    1 | training.batch_size = 1
      |                       ^
      |
      = hint: set `training.batch_size` to at least 2
    ");
}

#[test]
fn two_arms_of_one_label() {
    assert_snapshot!(rendered(&changed("label = \"none\"", "label = \"rising\""), None, &[]), @r#"
    error: axis `kl_weight` has two arms labelled `rising`
      --> experiments/small.toml:17:9
       |
    17 | label = "rising"
       |         ^^^^^^^^
    "#);
}

#[test]
fn an_arm_that_sets_nothing() {
    assert_snapshot!(rendered(&changed("set.model.cvae.kl_weight = \"none\"", ""), None, &[]), @r#"
    error: arm `none` changes no setting
      --> experiments/small.toml:17:9
       |
    17 | label = "none"
       |         ^^^^^^
       |
       = hint: add a setting to `set`, even with the same value as in `[run]`
    "#);
}

#[test]
fn an_override_that_undoes_an_axis() {
    assert_snapshot!(rendered(VALID, None, &["model.cvae.kl_weight=none"]), @r#"
    error: arms `rising` and `none` have the same settings
      --> experiments/small.toml:17:9
       |
    17 | label = "none"
       |         ^^^^^^
       |
       = hint: check whether a `--set` or a preset overrides the setting that these arms compare
    "#);
}

#[test]
fn a_seed_listed_twice() {
    assert_snapshot!(rendered(&changed("seeds = [2, 1]", "seeds = [2, 1, 2]"), None, &[]), @r"
    error: seed 2 is listed twice
     --> experiments/small.toml:4:16
      |
    4 | seeds = [2, 1, 2]
      |                ^
    ");
}

#[test]
fn a_seed_in_the_base() {
    assert_snapshot!(rendered(&changed("[run]", "[run]\nseed = 1"), None, &[]), @r"
    error: `seed` cannot be set directly
     --> experiments/small.toml:8:1
      |
    8 | seed = 1
      | ^^^^
      |
      = hint: list it in `seeds`: every arm is run with every seed
    ");
}

#[test]
fn a_preset_that_does_not_exist() {
    assert_snapshot!(rendered(VALID, Some("huge"), &[]), @r"
    error: unknown preset `huge`
      --> experiments/small.toml:20:2
       |
    20 | [preset.tiny]
       |  ^^^^^^
       |
       = hint: expected one of `tiny`, `large`
    ");
}

#[test]
fn a_published_number_of_no_arm() {
    assert_snapshot!(rendered(&changed("arm = \"none\"", "arm = \"nones\""), None, &[]), @r#"
    error: unknown arm `nones`
      --> experiments/small.toml:28:7
       |
    28 | arm = "nones"
       |       ^^^^^^^
       |
       = hint: did you mean `none`?
    "#);
}

#[test]
fn a_condition_on_a_label_that_does_not_exist() {
    let text = two_axes("grid", "when = { kl_weight = [\"rising\", \"falling\"] }");
    assert_snapshot!(rendered(&text, None, &[]), @r#"
    error: axis `kl_weight` has no arm `falling`
      --> experiments/small.toml:28:33
       |
    28 | when = { kl_weight = ["rising", "falling"] }
       |                                 ^^^^^^^^^
       |
       = hint: expected one of `rising`, `none`
    "#);
}

#[test]
fn a_condition_under_zip() {
    let text = two_axes("zip", "when = { kl_weight = [\"rising\"] }");
    assert_snapshot!(rendered(&text, None, &[]), @r#"
    error: `when` cannot be used with `combine = "zip"`
      --> experiments/small.toml:28:8
       |
    28 | when = { kl_weight = ["rising"] }
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn an_arm_that_no_run_uses() {
    assert_snapshot!(rendered(&two_axes("grid", "when = { kl_weight = [] }"), None, &[]), @r#"
    error: `when` excludes arm `learned` of axis `prior` from every run
      --> experiments/small.toml:27:9
       |
    27 | label = "learned"
       |         ^^^^^^^^^
    "#);
}

#[test]
fn a_zip_of_unequal_lengths() {
    let third = "[[axis.arm]]\nlabel = \"two layers\"\n\
                 set.model.cvae.prior.learned = { layers = 2 }\n[preset.tiny]";
    let text = two_axes("zip", "").replace("[preset.tiny]", third);
    assert_snapshot!(rendered(&text, None, &[]), @r#"
    error: axis `prior` has 3 arms, but axis `kl_weight` has 2: `combine = "zip"` needs equal numbers
      --> experiments/small.toml:22:8
       |
    22 | name = "prior"
       |        ^^^^^^^
    "#);
}

#[test]
fn a_name_that_is_not_the_files() {
    assert_snapshot!(rendered(&changed("name = \"small\"", "name = \"smaller\""), None, &[]), @r#"
    error: the sweep is named `smaller`, but its file is `small.toml`
     --> experiments/small.toml:1:8
      |
    1 | name = "smaller"
      |        ^^^^^^^^^
      |
      = hint: write `name = "small"`, or rename the file
    "#);
}

#[test]
fn a_missing_key() {
    assert_snapshot!(rendered(&changed("title = \"A small sweep\"", ""), None, &[]), @r#"
    error: missing key `title`
     --> experiments/small.toml:1:1
      |
    1 | name = "small"
      | ^
    "#);
}

#[test]
fn a_missing_quote() {
    assert_snapshot!(rendered(&changed("\"A small sweep\"", "\"A small sweep"), None, &[]), @r#"
    error: invalid basic string, expected `"`
     --> experiments/small.toml:2:23
      |
    2 | title = "A small sweep
      |                       ^
    "#);
}

#[test]
fn an_override_without_a_value() {
    assert_snapshot!(rendered(VALID, None, &["training.epochs"]), @r"
    error: an override must have the form KEY=VALUE
     --> --set training.epochs:1:1
      |
    1 | training.epochs
      | ^^^^^^^^^^^^^^^
      |
      = hint: for example `--set training.epochs=5`
    ");
}

/// Renders the problem of a claim with this test and these settings of its source.
fn claim(test: &str, settings: &str) -> String {
    let claim = format!(
        "[[claim]]\nid = \"a\"\nsays = \"It is so.\"\nsource = \"a paper\"\ntest.{test}\nsettings = {{ {settings} }}\n"
    );
    rendered(&format!("{VALID}\n{claim}"), None, &[])
}

#[test]
fn a_claim_about_what_the_sweep_does_not_have() {
    let difference = |of: &str, arms: &str, is: &str| {
        claim(&format!("difference = {{ of.{of}, arms = [{arms}], is = {{ {is} }} }}"), "")
    };
    let arms = r#""none", "rising""#;
    let psnr = r#"score.metric = "psnr""#;
    let check = |found: String, fragments: [&str; 2]| {
        for fragment in fragments {
            assert!(found.contains(fragment), "{fragment} is not in\n{found}");
        }
    };
    check(
        difference(psnr, r#""none", "risng""#, "above = 0"),
        ["there is no arm `risng`", "did you mean `rising`?"],
    );
    check(
        difference(r#"score.metric = "psrn""#, arms, "above = 0"),
        ["there is no metric `psrn`", "did you mean `psnr`?"],
    );
    check(
        difference(r#"series.name = "los""#, arms, "above = 0"),
        ["there is no training series `los`", "did you mean `loss`?"],
    );
    check(
        difference(r#"score = { metric = "psnr", evaluation = "x" }"#, arms, "above = 0"),
        ["there is no evaluation `x`", "experiments/small.toml:"],
    );
    check(
        difference(psnr, arms, "above = 1, below = 0"),
        ["needs `above` or `below`", "test.diff"],
    );
    check(difference(psnr, arms, ""), ["needs `above` or `below`", "test.diff"]);
    let trend =
        r#"trend = { of.cost = "parameters", over = "epochs", arm = "none", is.above = 0 }"#;
    check(claim(trend, ""), ["a trend has values of its own", "test.trend"]);
    check(
        claim(r#"not_run = "no data""#, "\"training.epoch\" = 3"),
        ["there is no setting `training.epoch`", "did you mean `training.epochs`?"],
    );
}
