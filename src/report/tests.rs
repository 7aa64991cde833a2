//! What a report says, held against numbers worked out by hand.

use std::path::Path;

use super::{
    ReportInput, ReportRun, RunState, build,
    fixture::{self, diverge},
};

/// Builds the report and returns one of its texts.
#[track_caller]
fn text(input: &ReportInput, file: &str) -> String {
    let report = build(input).expect("the report is built");
    let bytes = report.files.get(Path::new(file)).expect("the file is part of the report");
    String::from_utf8(bytes.clone()).expect("the file is text")
}

/// Checks that the Markdown has a line.
#[track_caller]
fn check(input: &ReportInput, line: &str) {
    let markdown = text(input, "report.md");
    assert!(markdown.lines().any(|candidate| candidate == line), "no line `{line}` in\n{markdown}");
}

#[test]
fn equal_records_give_equal_bytes() {
    let (first, second) = (build(&fixture::sweep()), build(&fixture::sweep()));
    assert_eq!(first.expect("the report is built"), second.expect("the report is built"));
}

#[test]
fn write_the_fixture_report() {
    let report = build(&fixture::sweep()).expect("the report is built");
    for (path, bytes) in &report.files {
        let path = Path::new("/tmp/report_fixture").join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("dir");
        std::fs::write(path, bytes).expect("write");
    }
}

#[test]
fn means_and_spreads_are_those_worked_out_by_hand() {
    // monotonic: mean (20.10 + 20.40 + 20.70) / 3 = 20.40, std 0.30;
    // cyclical: mean 20.20, deviations -0.20, 0.05, 0.15, std sqrt(0.065 / 2) = 0.1803.
    let markdown = text(&fixture::sweep(), "report.md");
    assert!(markdown.contains("| monotonic | 3 of 3 | **20.40 \u{b1} 0.30** |"), "{markdown}");
    assert!(markdown.contains("| cyclical | 3 of 3 | 20.20 \u{b1} 0.18 |"), "{markdown}");
    assert!(markdown.contains("| *baseline: copy last frame* | \u{2013} | 19.70 |"), "{markdown}");
}

#[test]
fn paired_differences_are_those_worked_out_by_hand() {
    // Differences 0.10, 0.15, 0.35: mean 0.2, std sqrt(0.035 / 2) = 0.13229, half width
    // 4.30265 * 0.13229 / sqrt(3) = 0.32862.
    check(
        &fixture::sweep(),
        "| monotonic \u{2212} cyclical | PSNR (dB) | 3 | +0.200 | [\u{2212}0.129, +0.529] | 0.132 | \
         +0.42 | not settled |",
    );
}

#[test]
fn a_diverged_run_is_counted_and_listed() {
    let mut input = fixture::sweep();
    diverge(&mut input.runs[4]);
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("| cyclical | 2 of 3, 1 diverged |"), "{markdown}");
    assert!(markdown.contains("**5 of 6 runs completed**; 1 diverged"), "{markdown}");
    assert!(markdown.contains("**diverged** at step 132: loss = NaN"), "{markdown}");
}

#[test]
fn an_unfinished_run_is_counted_and_listed() {
    let mut input = fixture::sweep();
    unfinish(&mut input.runs[0]);
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("| monotonic | 2 of 3, 1 unfinished |"), "{markdown}");
    assert!(markdown.contains("**unfinished**: stopped after step 120"), "{markdown}");
}

fn unfinish(run: &mut ReportRun) {
    run.state = RunState::Unfinished { what: "stopped after step 120".to_owned() };
    run.rollouts = None;
}

#[test]
fn a_sweep_without_any_record_still_has_a_report() {
    let mut input = fixture::sweep();
    input.runs.iter_mut().for_each(unfinish);
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("No completed run has test scores yet"), "{markdown}");
    assert!(markdown.contains("| monotonic | 0 of 3, 3 unfinished |"), "{markdown}");
}

#[test]
fn one_seed_has_no_spread_and_no_interval() {
    let mut input = fixture::sweep();
    input.runs.retain(|run| run.entry.seed.0 == 1);
    check(
        &input,
        "| monotonic \u{2212} cyclical | PSNR (dB) | 1 | +0.100 | \u{2013} | \u{2013} | +0.42 | no \
         interval |",
    );
}

#[test]
fn values_that_are_no_numbers_show_as_an_en_dash() {
    let mut input = fixture::sweep();
    for run in &mut input.runs {
        let RunState::Finished { record, events: _ } = &mut run.state else { continue };
        let scores = record.test.iter_mut().flat_map(|scores| scores.values_mut());
        for score in scores.filter_map(|metrics| metrics.get_mut("ssim")) {
            score.mean = f64::NAN;
        }
    }
    let markdown = text(&input, "report.md");
    assert!(!markdown.contains("NaN"), "{markdown}");
    assert!(!markdown.contains("Test SSIM |"), "a metric without a value has no column");
}

#[test]
fn labels_are_escaped_in_both_pages() {
    let mut input = fixture::sweep();
    for run in &mut input.runs {
        run.entry.arm = run.entry.arm.replace("monotonic", "<b>|mono*");
    }
    assert!(text(&input, "report.html").contains("&lt;b&gt;|mono*"));
    assert!(!text(&input, "report.html").contains("<b>"));
    assert!(text(&input, "report.md").contains("\\<b\\>\\|mono\\*"));
}

#[test]
fn the_page_refers_to_nothing_outside_itself() {
    let html = text(&fixture::sweep(), "report.html");
    let outside = html.replace("http://www.w3.org/2000/svg", "");
    for reference in ["http://", "https://", "<link", "<script", "@import", "url("] {
        assert!(!outside.contains(reference), "the page contains `{reference}`");
    }
}

#[test]
fn every_figure_of_the_markdown_is_a_file() {
    let report = build(&fixture::sweep()).expect("the report is built");
    let markdown = text(&fixture::sweep(), "report.md");
    let mut figures = 0;
    for line in markdown.lines().filter(|line| line.starts_with("![")) {
        let path = line.rsplit_once("](").expect("a link").1.trim_end_matches(')');
        assert!(report.files.contains_key(Path::new(path)), "`{path}` is missing");
        figures += 1;
    }
    assert_eq!(figures, 6 + 3 + 3 + 3 + 3);
}

#[test]
fn a_report_stays_small() {
    let report = build(&fixture::sweep()).expect("the report is built");
    assert!(report.bytes() < 5_000_000, "{} bytes", report.bytes());
}

#[test]
fn all_scores_are_in_the_csv() {
    let csv = text(&fixture::sweep(), "metrics.csv");
    // 6 runs, 2 splits, 2 predictors, 3 metrics.
    assert_eq!(csv.lines().count(), 1 + 6 * 2 * 2 * 3);
    assert!(csv.contains("monotonic,1,5eed00000000a001,completed,model,test,psnr,20.1\n"), "{csv}");
}
