//! Reports of the fixture, compared with numbers computed by hand.

use std::{path::Path, sync::LazyLock};

use super::{
    ReportFiles, build,
    fixture::{self, diverge},
    input::{ReportEvaluation, ReportInput, ReportRun, RunState},
    samples::Samples,
};
use reprise_base::{
    config::{
        model::{
            ModelSpec, PhysicalInteractionSpec,
            physical_interaction::{Port, Topic, Version},
        },
        protocol::{EvaluationRequest, Latent, RolloutFeedback},
    },
    scalar::Count,
};
use reprise_data::Split;
use reprise_store::store::{
    evaluation::{EVALUATION_FORMAT, EvaluationRecord},
    event::{Event, Scores},
    manifest::Published,
};

/// The report of the fixture as it is.
static REPORT: LazyLock<ReportFiles> =
    LazyLock::new(|| build(&fixture::sweep()).expect("the report is built"));

/// Returns one of the report's texts.
#[track_caller]
fn text(report: &ReportFiles, file: &str) -> String {
    let bytes = report.files.get(Path::new(file)).expect("the file is part of the report");
    String::from_utf8(bytes.clone()).expect("the file is text")
}

/// Returns the report of the fixture after a change, without roll-outs since these take time.
#[track_caller]
fn changed(change: impl FnOnce(&mut ReportInput)) -> ReportFiles {
    let mut input = fixture::sweep();
    for run in &mut input.runs {
        run.samples = Samples::default();
    }
    change(&mut input);
    build(&input).expect("the report is built")
}

/// Checks that the Markdown contains a text.
#[track_caller]
fn check(report: &ReportFiles, expected: &str) {
    let markdown = text(report, "report.md");
    assert!(markdown.contains(expected), "no `{expected}` in\n{markdown}");
}

#[test]
fn equal_records_give_equal_bytes() {
    assert_eq!(*REPORT, build(&fixture::sweep()).expect("the report is built"));
}

#[test]
fn pictures_of_one_run_per_arm_are_enough() {
    let mut input = fixture::sweep();
    let mut pictured = std::collections::BTreeSet::new();
    for run in &mut input.runs {
        if !pictured.insert(run.entry.arm.clone()) {
            run.samples = std::mem::take(&mut run.samples).without_pictures();
            assert!(!run.samples.has_pictures());
        }
    }
    assert_eq!(pictured.len(), fixture::ARMS.len());
    assert_eq!(*REPORT, build(&input).expect("the report is built"));
}

#[test]
fn differences_between_ports_are_listed() {
    let report = changed(|input| {
        for run in &mut input.runs {
            let RunState::Finished { record, .. } = &mut run.state else { continue };
            let port = if run.entry.arm == fixture::ARMS[0] {
                Port::Chainer
            } else {
                Port::Tensorflow(Version::V1)
            };
            let model = PhysicalInteractionSpec { port, ..PhysicalInteractionSpec::default() };
            record.spec.model = ModelSpec::PhysicalInteraction(model);
        }
    });
    check(&report, "| 13 | gates of a cell (order of weights) | j, i, f, o | i, j, f, o |");
    // Differences by seed: -0.10, -0.15, -0.35.
    check(&report, "| cyclical | monotonic | all | \u{2212}0.200 |");
    let markdown = text(&report, "report.md");
    assert!(!markdown.contains("shifts of DNA"), "CDNA is not concerned");
    assert!(!text(&REPORT, "report.md").contains("Differences between the ports"));
}

#[test]
fn a_difference_of_its_own_has_its_own_cost() {
    let report = changed(|input| {
        for run in &mut input.runs {
            let RunState::Finished { record, .. } = &mut run.state else { continue };
            let mut model = PhysicalInteractionSpec::default();
            if run.entry.arm != fixture::ARMS[0] {
                model.differences.set(Topic::MaskSoftmax, Port::Chainer);
            }
            record.spec.model = ModelSpec::PhysicalInteraction(model);
        }
    });
    check(&report, "| cyclical | monotonic | 3: softmax of the masks | \u{2212}0.200 |");
    check(&report, "| 12 | zero padding of strided convolutions |");
}

#[test]
fn the_markdown_is_as_reviewed() {
    insta::assert_snapshot!("report", text(&REPORT, "report.md"));
}

#[test]
fn means_and_spreads_are_those_worked_out_by_hand() {
    // monotonic: mean (20.10 + 20.40 + 20.70) / 3 = 20.40, std 0.30;
    // cyclical: mean 20.20, deviations -0.20, 0.05, 0.15, std sqrt(0.065 / 2) = 0.1803.
    check(&REPORT, "| monotonic | 3 of 3 | **20.40 ± 0.30** |");
    check(&REPORT, "| cyclical | 3 of 3 | 20.20 ± 0.18 |");
    check(&REPORT, "| *baseline: copy last frame* | – | 19.70 |");
}

#[test]
fn paired_differences_are_those_worked_out_by_hand() {
    // Differences 0.10, 0.15, 0.35: mean 0.2, std sqrt(0.035 / 2) = 0.13229, standard error
    // 0.07638; times t(0.975, 2) = 4.30265 is 0.32863, times that plus t(0.8, 2) = 1.06066 is 0.40963.
    // t = 2.6186, p = 0.120; that of the MSE is 0.106, so Holm gives 3 x 0.106 for all three metrics.
    check(
        &REPORT,
        "| monotonic − cyclical | PSNR (dB) | 3 | +0.200 | [−0.129, +0.529] | 0.410 | 0.318 | +0.42 | \
         undecided |\n",
    );
    check(
        &REPORT,
        "The difference, paired by seed, is +0.200\u{a0}dB, 95% interval [−0.129, +0.529].",
    );
}

#[test]
fn arms_are_compared_with_the_baseline() {
    // 20.00, 20.25 and 20.35 against 19.70: mean 0.5, standard error 0.1803 / sqrt(3) = 0.10408,
    // half width 0.44784.
    check(&REPORT, "**cyclical** is clearly better (+0.500\u{a0}dB, [+0.052, +0.948])");
    check(&REPORT, "**monotonic** shows no clear difference (+0.700\u{a0}dB, [−0.045, +1.445])");
    let worse = changed(|input| {
        for scores in input.runs.iter_mut().filter_map(test_scores) {
            scores
                .get_mut("copy_last_frame")
                .expect("a baseline")
                .get_mut("psnr")
                .expect("a score")
                .mean = 30.0;
        }
    });
    check(&worse, "**monotonic** is clearly worse (−9.600\u{a0}dB");
    check(&worse, "| *baseline: copy last frame* | – | **30.00** |");
}

#[test]
fn published_numbers_are_beside_ours() {
    check(&REPORT, "| cyclical | Test PSNR (dB) | 25.21 | 20.20 ± 0.18 (n = 3) | −5.01 |");
    check(&REPORT, "8 epochs × 30 steps = 240 steps, batch 8, width 8");
}

#[test]
fn a_diverged_run_is_counted_and_listed() {
    let report = changed(|input| diverge(&mut input.runs[4]));
    check(&report, "| cyclical | 2 of 3, 1 diverged |");
    check(&report, "**5 of 6 runs completed**; 1 diverged");
    check(&report, "**diverged** at step 132: loss = NaN");
}

#[test]
fn an_unfinished_run_is_counted_and_listed() {
    let report = changed(|input| unfinish(&mut input.runs[0]));
    check(&report, "| monotonic | 2 of 3, 1 unfinished |");
    check(&report, "**unfinished**: stopped after step 120");
}

#[test]
fn a_sweep_without_any_record_still_has_a_report() {
    let report = changed(|input| input.runs.iter_mut().for_each(unfinish));
    check(&report, "No completed run has test scores yet");
    check(&report, "| monotonic | 0 of 3, 3 unfinished |");
}

#[test]
fn one_seed_has_no_spread_and_no_interval() {
    let report = changed(|input| input.runs.retain(|run| run.entry.seed.0 == 1));
    check(&report, "| monotonic | 1 of 1 | **20.10** |");
    check(&report, "| Difference | Metric | n | Mean | Published | Better |\n");
    check(&report, "| monotonic − cyclical | PSNR (dB) | 1 | +0.100 | +0.42 | no interval |");
    check(&report, "(one seed, no interval): **monotonic** +0.400\u{a0}dB; ");
    check(&report, "With one seed the spread is unknown, so there is no interval");
}

#[test]
fn a_column_without_a_number_is_left_out() {
    let report = changed(|input| input.manifest.published.clear());
    check(
        &report,
        "| Difference | Metric | n | Mean | 95% interval | Detectable | p (Holm) | Better |\n",
    );
}

#[test]
fn a_small_difference_shows_its_digits() {
    let report = changed(|input| {
        for (index, run) in input.runs.iter_mut().enumerate() {
            let scores = test_scores(run).expect("the run is finished");
            let model = scores.get_mut("model").expect("there is a model");
            model.get_mut("ssim").expect("a score").mean = if index < 3 { 0.7 } else { 0.699_98 };
        }
    });
    check(&report, "| monotonic − cyclical | SSIM | 3 | +0.000020 | [+0.000020, +0.000020] |");
}

#[test]
fn arms_whose_baseline_scores_the_same_share_its_row() {
    let report = changed(|input| {
        for run in &mut input.runs {
            run.entry.arm += if run.entry.seed.0 == 1 { "" } else { ", long" };
        }
        for scores in input.runs.iter_mut().filter(|it| it.entry.seed.0 > 1).filter_map(test_scores)
        {
            let baseline = scores.get_mut("copy_last_frame").expect("a baseline");
            baseline.get_mut("psnr").expect("a score").mean = 18.0;
        }
    });
    check(&report, "| *baseline: copy last frame (for monotonic; cyclical)* | – | 19.70 |");
    check(
        &report,
        "| *baseline: copy last frame (for monotonic, long; cyclical, long)* | – | 18.00 |",
    );
}

#[test]
fn real_videos_are_an_upper_bound_and_not_a_competitor() {
    let report = changed(|input| {
        for scores in input.runs.iter_mut().filter_map(test_scores) {
            let mut baseline = scores.remove("copy_last_frame").expect("a baseline");
            baseline.get_mut("psnr").expect("a score").mean = 30.0;
            scores.insert("real_videos".to_owned(), baseline);
        }
    });
    check(&report, "| monotonic | 3 of 3 | **20.40 ± 0.30** |");
    check(&report, "| *baseline: real videos* | – | 30.00 |");
    check(&report, "the upper bound \u{201c}real videos\u{201d}: **monotonic** is clearly worse");
}

#[test]
fn a_published_training_error_is_beside_that_of_the_last_epoch() {
    let report = changed(|input| {
        let published = input.manifest.published[0].clone();
        let (split, metric) = (Split::Train, "rmse".to_owned());
        input.manifest.published = vec![Published { split, metric, value: 0.04, ..published }];
        for run in &mut input.runs {
            let RunState::Finished { record, events } = &mut run.state else { continue };
            let definition = reprise_base::metrics::definitions()["rmse"].clone();
            record.metrics.insert("rmse".to_owned(), definition);
            for event in events {
                if let Event::Step(step) = event {
                    // The root of the mean square of 3, 1 and 1 a third each is the root of 11 / 3.
                    let value = if step.step.0 % 3 == 0 { 3.0 } else { 1.0 };
                    let value = if step.epoch.0 == 7 { value } else { 100.0 };
                    step.scalars.insert("rmse".to_owned(), value);
                }
            }
        }
    });
    check(
        &report,
        "| monotonic | Training RMSE | 0.04000 | 1.91485 ± 0.00000 (n = 3) | +1.87485 |",
    );
}

#[test]
fn values_that_are_not_finite_show_as_an_en_dash() {
    let report = changed(|input| {
        let model = |scores: &mut Scores| scores.get_mut("model").and_then(|m| m.remove("ssim"));
        for scores in input.runs[..3].iter_mut().filter_map(test_scores) {
            model(scores).expect("a score");
        }
        let last = test_scores(&mut input.runs[5]).expect("the run is finished");
        last.get_mut("model").and_then(|m| m.get_mut("ssim")).expect("a score").mean = f64::NAN;
    });
    check(&report, "| monotonic | 3 of 3 | **20.40 ± 0.30** | – |");
    check(&report, "± 0.0088 (n = 2)**");
    assert!(!text(&report, "report.md").contains("NaN"));
}

#[test]
fn labels_are_escaped_in_both_pages() {
    let report = changed(|input| {
        for run in &mut input.runs {
            run.entry.arm = run.entry.arm.replace("monotonic", "<b>|mono*");
        }
    });
    let html = text(&report, "report.html");
    assert!(html.contains("&lt;b&gt;|mono*") && !html.contains("<b>"));
    check(&report, "| \\<b\\>\\|mono\\* | 3 of 3 |");
}

#[test]
fn the_page_refers_to_nothing_outside_itself() {
    let html = text(&REPORT, "report.html").replace("http://www.w3.org/2000/svg", "");
    for reference in ["http://", "https://", "<link", "<script", "@import", "url("] {
        assert!(!html.contains(reference), "the page contains `{reference}`");
    }
}

#[test]
fn every_figure_of_the_markdown_is_a_file() {
    let markdown = text(&REPORT, "report.md");
    let mut figures = 0;
    for line in markdown.lines().filter(|line| line.starts_with("![")) {
        let path = line.rsplit_once("](").expect("a link").1.trim_end_matches(')');
        assert!(REPORT.files.contains_key(Path::new(path)), "`{path}` is missing");
        figures += 1;
    }
    // The course of training, six series, three metrics by epoch and by frame, three sequences still and moving.
    assert_eq!(figures, 1 + 6 + 3 + 3 + 3 + 3);
}

#[test]
fn a_report_stays_below_five_megabytes() {
    // Noise does not compress: the worst case for the pictures.
    let report = changed(|input| input.runs[0].samples = fixture::noise());
    assert!(report.bytes() < 5_000_000, "{} bytes", report.bytes());
    assert!(REPORT.bytes() < 3_000_000, "{} bytes", REPORT.bytes());
}

#[test]
fn all_scores_are_in_the_csv() {
    let csv = text(&REPORT, "metrics.csv");
    // 6 runs, 2 splits, 2 predictors, 3 metrics.
    assert_eq!(csv.lines().count(), 1 + 6 * 2 * 2 * 3);
    assert!(csv.contains("monotonic,1,5eed00000000a001,completed,model,test,psnr,20.1\n"), "{csv}");
}

/// Returns the test scores of a finished run.
fn test_scores(run: &mut ReportRun) -> Option<&mut Scores> {
    match &mut run.state {
        RunState::Finished { record, events: _ } => record.test.as_mut(),
        RunState::Unfinished { what: _ } => None,
    }
}

/// Lets a run stop without a record.
fn unfinish(run: &mut ReportRun) {
    run.state = RunState::Unfinished { what: "stopped after step 120".to_owned() };
}

/// Adds an evaluation to every run of the fixture; its scores are those of the test plus `gain` dB.
fn evaluate(input: &mut ReportInput, request: &EvaluationRequest, gain: f64) {
    for (index, run) in input.runs.iter_mut().enumerate() {
        let psnr = fixture::PSNR[index / 3][index % 3] + gain;
        let RunState::Finished { record, .. } = &run.state else { panic!("it is finished") };
        let protocol = request.resolve(&record.spec).expect("a cvae allows it");
        let mut scores = fixture::scores(psnr, 19.0);
        if protocol.rollout.is_some_and(|rollout| rollout.samples.get() > 1) {
            let best = fixture::scores(psnr + 1.0, 19.0)["model"].clone();
            scores.insert("best_by_psnr".to_owned(), best);
        }
        let record = EvaluationRecord {
            format: EVALUATION_FORMAT,
            run: record.run.clone(),
            evaluation: "0123456789abcdef".parse().expect("it has 16 digits"),
            protocol,
            weights: "0".repeat(64),
            epoch: None,
            data: record.data.clone(),
            engine: record.engine.clone(),
            code: record.code.clone(),
            host: record.host.clone(),
            scores,
            metrics: record.metrics.clone(),
            artefacts: std::collections::BTreeMap::new(),
            timing: record.timing.clone(),
        };
        run.evaluations.push(ReportEvaluation { record, samples: Samples::default() });
    }
}

#[test]
fn every_protocol_has_a_table_of_its_own() {
    let report = changed(|input| {
        let sampled = EvaluationRequest {
            name: Some("sampled".to_owned()),
            samples: Some(Count::literal(20)),
            ..EvaluationRequest::default()
        };
        let forced = EvaluationRequest {
            feedback: Some(RolloutFeedback::TeacherForced),
            ..EvaluationRequest::default()
        };
        // The sweep file lists only the second.
        evaluate(input, &forced, 2.0);
        evaluate(input, &sampled, 0.5);
        input.manifest.evaluations = vec![sampled];
    });
    // Means of the fixture: 20.40 and 20.20.
    check(&report, "| mean of 20 samples | monotonic | 20.90 \u{b1} 0.30 |");
    check(&report, "| best of 20 by PSNR | cyclical | 21.70 \u{b1} 0.18 |");
    check(&report, "| model | monotonic | 22.40 \u{b1} 0.30 |");
    check(&report, "The test split was used in up to 3 evaluations of each run");
    // Every sequence differs by the mean difference of 0.2.
    check(
        &report,
        "| monotonic \u{2212} cyclical | mean of 20 samples | PSNR (dB) | 3 | +0.200 | [\u{2212}0.129, +0.529] | \
         [+0.200, +0.200] |",
    );
    // The test is the free-running twin of the teacher-forced evaluation.
    check(&report, "| monotonic | PSNR (dB) | 3 | +2.000 | [+2.000, +2.000] |");
    let markdown = text(&report, "report.md");
    let place = |part: &str| markdown.find(part).expect("it is in the report");
    assert!(
        place("mean of 20 samples") < place("| model | monotonic"),
        "the sweep file comes first"
    );
    assert!(text(&report, "evaluations/1_sampled_by_sequence.csv").lines().count() > 1);
    assert!(!text(&REPORT, "report.md").contains("## Evaluations"));
}

#[test]
fn the_gap_is_positive_where_validation_looks_better() {
    // The fixture's validation PSNR is 0.3 dB above the test PSNR, that of the baseline 0.4 dB. Its MSE is lower by
    // 10^(-2.01) (1 - 10^(-0.03)) = 0.000653 for seed 1 and accordingly for the others.
    check(&REPORT, "| monotonic | PSNR (dB) | 3 | +0.300 | [+0.300, +0.300] |");
    check(&REPORT, "| *baseline: copy last frame* | PSNR (dB) | – | +0.400 | – |");
    let markdown = text(&REPORT, "report.md");
    let gap = markdown.split("## Validation and test").nth(1).expect("the section is there");
    let mse = gap.lines().find(|line| line.starts_with("| monotonic | MSE")).expect("a row");
    assert!(mse.contains("| +0.0006"), "{mse}");
}

#[test]
fn a_score_is_reached_after_some_epochs() {
    // Run 1 of `cyclical` reaches least. Its curve rises with every epoch, so it reaches its own best at the end.
    check(&REPORT, "reached least (cyclical, seed 1)");
    let alone = changed(|input| input.runs.retain(|run| run.entry.arm == fixture::ARMS[0]));
    assert!(!text(&alone, "report.md").contains("Epochs until"));
    // The other arm has one run, which is better than that score from the second epoch on.
    let quick = changed(|input| {
        input.runs.truncate(4);
        for run in &mut input.runs[..3] {
            let RunState::Finished { events, .. } = &mut run.state else {
                panic!("it is finished")
            };
            for event in events {
                let Event::Evaluation(evaluation) = event else { continue };
                if evaluation.epoch.0 > 0 {
                    evaluation.scores = fixture::scores(30.0, 19.0);
                }
            }
        }
    });
    check(&quick, "| monotonic | 3 | 2.0 ± 0.0 | 2 | 2 |");
    check(&quick, "| cyclical | 1 | 8.0 | 8 | 8 |");
}

#[test]
fn the_posterior_is_beside_the_prior() {
    let posterior =
        EvaluationRequest { latent: Some(Latent::Posterior), ..EvaluationRequest::default() };
    let with_pictures = |input: &mut ReportInput| {
        for run in &mut input.runs {
            let arm = usize::from(run.entry.arm == fixture::ARMS[1]);
            run.samples = fixture::samples(arm);
            for evaluation in &mut run.evaluations {
                evaluation.samples = fixture::samples(arm);
            }
        }
    };
    let report = changed(|input| {
        evaluate(input, &posterior, 1.5);
        with_pictures(input);
    });
    // The test at the end of the training used the prior.
    check(
        &report,
        "Score with the posterior minus score with the prior: what the latent variable adds.",
    );
    check(&report, "| monotonic | PSNR (dB) | 3 | +1.500 | [+1.500, +1.500] |");
    let path = Path::new("evaluations/1_by_hand_000_monotonic--posterior-and-prior.svg");
    let figure = String::from_utf8(report.files[path].clone()).expect("a drawing is text");
    let labels: Vec<&str> = ["truth", "posterior", "prior"].to_vec();
    let drawn: Vec<usize> = labels
        .iter()
        .map(|label| figure.find(&format!(">{label}</text>")).expect("the row is there"))
        .collect();
    assert!(drawn.is_sorted(), "{drawn:?}");
    // Samples of the prior may be more than those of the posterior.
    let sampled = EvaluationRequest {
        samples: Some(Count::literal(20)),
        split: Some(Split::Validate),
        ..EvaluationRequest::default()
    };
    let posterior = EvaluationRequest { split: Some(Split::Validate), ..posterior };
    let report = changed(|input| {
        evaluate(input, &posterior, 1.5);
        evaluate(input, &sampled, 0.5);
        with_pictures(input);
    });
    check(&report, "cyclical, posterior and prior: the truth, then predictions.");
}

#[test]
fn a_collapsed_posterior_is_the_first_finding() {
    assert!(!text(&REPORT, "report.md").contains("Posterior collapse"));
    let collapsed = |runs: usize| {
        changed(|input| {
            for run in &mut input.runs[..runs] {
                let RunState::Finished { events, .. } = &mut run.state else { panic!("finished") };
                for event in events {
                    let Event::Step(step) = event else { continue };
                    // Only the end of the training counts.
                    let last = step.epoch.0 == 7;
                    step.scalars.insert("kl".to_owned(), if last { 2e-7 } else { 5.0 });
                }
            }
        })
    };
    check(
        &collapsed(6),
        "> - **Posterior collapse** in all arms: in the last epoch, the KL divergence is at most 2.0e−7 nats per frame \
         (collapsed: below 0.001), so the latent variable carries no information. These runs cannot",
    );
    check(&collapsed(3), "| monotonic | 3 | 2.0e−7 | 2.0e−7 | 2.0e−7 | collapsed |");
    check(&collapsed(3), "> - **Posterior collapse** in monotonic: ");
    // One run of the arm has a posterior that differs from its prior.
    assert!(!text(&collapsed(2), "report.md").contains("Posterior collapse"));
}

#[test]
fn cautions_name_mixed_environments_and_arms_with_equal_bits() {
    assert!(!text(&REPORT, "report.md").contains("## Cautions"));
    let report = changed(|input| {
        for run in &mut input.runs {
            let seed = run.entry.seed.0;
            let arm = run.entry.arm.clone();
            let RunState::Finished { record, .. } = &mut run.state else { continue };
            record.final_state = seed.to_string();
            if arm == "monotonic" {
                record.engine.threads = 7;
            }
        }
    });
    check(&report, "## Cautions");
    check(&report, "different environments, whose effect is part of every difference: threads (");
    check(&report, "had no effect on training: monotonic; cyclical.");
}
