use super::*;
use crate::fixture;
use reprise_base::{
    config::claim::Claim,
    rng::streams::{Draws, Stream},
    scalar::Seed,
    stats::{student, summary::summarize},
};
use reprise_store::store::manifest::RegisteredClaim;

/// The fixture's arms have these test PSNRs with seeds 1 and 2.
const FIRST: &str = fixture::ARMS[0];
const SECOND: &str = fixture::ARMS[1];

fn registered(test: &str, settings: &str) -> RegisteredClaim {
    let claim = format!(
        r#"{{ "id": "a", "says": "It is so.", "source": "paper", "test": {test}, "settings": {settings} }}"#
    );
    let claim: Claim = serde_json::from_str(&claim).expect("the claim is valid");
    RegisteredClaim { claim, entered: ClaimEntry::BeforeRuns, first_test: None }
}

fn judged(claims: Vec<RegisteredClaim>) -> Vec<JudgedClaim> {
    let mut input = fixture::sweep();
    input.manifest.claims = claims;
    judge(&input)
}

#[track_caller]
fn check(test: &str, verdict: Verdict) -> JudgedClaim {
    let [claim] = judged(vec![registered(test, "{}")]).try_into().expect("one claim");
    assert_eq!(claim.verdict, verdict, "{claim:?}");
    claim
}

fn difference(region: &str) -> String {
    format!(
        r#"{{ "difference": {{ "of": {{ "score": {{ "metric": "psnr" }} }}, "arms": ["{FIRST}", "{SECOND}"],
           "is": {region} }} }}"#
    )
}

#[test]
fn a_difference_is_judged_by_where_its_interval_lies() {
    let claim = check(&difference(r#"{ "above": -1e6 }"#), Verdict::Confirmed);
    let [comparison] = claim.comparisons[..] else { panic!("{claim:?}") };
    let [low, high] = comparison.interval.expect("several seeds");
    assert!(low < comparison.mean && comparison.mean < high);
    let region = |from: f64, to: f64| format!(r#"{{ "above": {from}, "below": {to} }}"#);
    check(&difference(&region(low - 1.0, high + 1.0)), Verdict::Confirmed);
    check(&difference(&region(high + 1.0, high + 2.0)), Verdict::Refuted);
    check(&difference(&region(low - 2.0, low - 1.0)), Verdict::Refuted);
    let open = check(&difference(&region(comparison.mean, high + 1.0)), Verdict::Inconclusive);
    assert_eq!(open.comparisons[0].seeds_needed, None, "the mean is the end of the region");
    let edge = comparison.mean - 0.9 * (comparison.mean - low);
    let open = check(&difference(&region(edge, high + 1e6)), Verdict::Inconclusive);
    assert!(open.comparisons[0].seeds_needed.expect("it can be decided") > comparison.n);
}

#[test]
fn more_claims_make_longer_intervals() {
    let length = |count: usize| {
        let test = difference(r#"{ "above": 0 }"#);
        let claims = (0..count).map(|_| registered(&test, "{}")).collect();
        let [low, high] = judged(claims)[0].comparisons[0].interval.expect("several seeds");
        high - low
    };
    assert!(length(2) > length(1));
    let of_order = format!(
        r#"{{ "order": {{ "of": {{ "cost": "parameters" }}, "arms": ["{FIRST}", "{SECOND}"], "by": 0 }} }}"#
    );
    let not_run = registered(r#"{ "not_run": "no data" }"#, "{}");
    assert_eq!(registered(&of_order, "{}").claim.test.comparisons(), 1);
    assert_eq!(not_run.claim.test.comparisons(), 0);
}

#[test]
fn a_value_needs_the_settings_of_the_source_and_a_difference_says_its_scale() {
    let value = format!(
        r#"{{ "value": {{ "of": {{ "score": {{ "metric": "psnr" }} }}, "arm": "{FIRST}", "is": {{ "above": 0 }} }} }}"#
    );
    let settings = r#"{ "training.epochs": 12345 }"#;
    let [of_value, of_difference] = judged(vec![
        registered(&value, settings),
        registered(&difference(r#"{ "above": -1e6 }"#), settings),
    ])
    .try_into()
    .expect("two claims");
    assert_eq!(of_value.verdict, Verdict::ProtocolDiffers);
    assert_eq!(of_value.differing[0].key, "training.epochs");
    assert_eq!(of_value.differing[0].source, "12345");
    assert_eq!(of_difference.verdict_in_words(), "confirmed at this scale");
    check(&value, Verdict::Confirmed);
}

#[test]
fn equal_arms_are_not_better_than_each_other() {
    let same = format!(
        r#"{{ "difference": {{ "of": {{ "score": {{ "metric": "psnr" }} }}, "arms": ["{FIRST}", "{FIRST}"],
           "is": {{ "above": 0 }} }} }}"#
    );
    check(&same, Verdict::Refuted);
    let ratio = same.replace("difference", "ratio").replace("\"above\": 0", "\"below\": 1.01");
    let claim = check(&ratio, Verdict::Confirmed);
    assert!((claim.comparisons[0].mean - 1.0).abs() < 1e-12);
}

#[test]
fn what_was_not_run_says_why() {
    let claim = check(r#"{ "not_run": "needs 300W" }"#, Verdict::NotRun);
    assert_eq!(claim.reason.as_deref(), Some("needs 300W"));
    let mut input = fixture::sweep();
    input.manifest.claims = vec![registered(&difference(r#"{ "above": 0 }"#), "{}")];
    input.runs.retain(|run| run.entry.arm != SECOND);
    let reason = judge(&input).remove(0).reason.expect("there is a reason");
    assert!(reason.contains(SECOND), "{reason}");
}

#[test]
fn a_changed_test_shows_what_it_was() {
    let mut claim = registered(&difference(r#"{ "above": -1e6 }"#), "{}");
    claim.first_test = Some(registered(&difference(r#"{ "above": 1e6 }"#), "{}").claim.test);
    claim.entered = ClaimEntry::AfterRuns;
    let [claim] = judged(vec![claim]).try_into().expect("one claim");
    assert_eq!(claim.verdict, Verdict::Confirmed);
    assert!(claim.entered_after_runs);
    let first = claim.first.expect("it was changed");
    assert_eq!((first.verdict, first.tested.contains("above 1e6")), (Verdict::Refuted, true));
}

#[test]
fn trends_and_series_follow_the_journal() {
    let trend = |over: &str, of: &str, region: &str| {
        format!(
            r#"{{ "trend": {{ "of": {of}, "over": "{over}", "arm": "{FIRST}", "is": {region} }} }}"#
        )
    };
    let loss = r#"{ "series": { "name": "loss" } }"#;
    let claim = check(&trend("epochs", loss, r#"{ "below": 1e6 }"#), Verdict::Confirmed);
    assert!(claim.comparisons[0].mean < 0.0, "the fixture's loss falls: {claim:?}");
    let psnr = r#"{ "score": { "metric": "psnr" } }"#;
    check(&trend("frames", psnr, r#"{ "below": 1e6 }"#), Verdict::Confirmed);
}

/// A distribution with mean 0.
type Distribution = fn(&mut Draws) -> f64;

/// Student's t with 3 degrees of freedom: a normal over the root of a mean of three squares.
fn heavy(draws: &mut Draws) -> f64 {
    let normals: Vec<f64> = draws.normal(4).into_iter().map(f64::from).collect();
    let squares: f64 = normals[1..].iter().map(|normal| normal * normal).sum();
    normals[0] / (squares / 3.0).sqrt()
}

/// The share of sweeps with at least one wrong verdict, in which every claim is about a true difference of 0.
fn wrong_sweeps(distribution: Distribution, seeds: usize, claims: usize) -> f64 {
    const SWEEPS: u64 = 10_000;
    let level = confidence(claims);
    let stream = Stream::new(Seed(17), "simulation");
    let is_wrong = |sweep: u64| {
        let mut draws = stream.at(sweep);
        let intervals: Vec<[f64; 2]> = (0..claims)
            .map(|_| {
                let values: Vec<f64> = (0..seeds).map(|_| distribution(&mut draws)).collect();
                student::interval(&summarize(&values).unwrap(), level).unwrap()
            })
            .collect();
        intervals.iter().any(|[low, high]| *low > 0.0 || *high < 0.0)
    };
    (0..SWEEPS).filter(|&sweep| is_wrong(sweep)).count() as f64 / SWEEPS as f64
}

/// The table of docs/claims.md: 10,000 sweeps of 4 claims each.
#[test]
fn error_rates_are_those_of_the_documents() {
    let distributions: [(&str, Distribution); 3] = [
        ("normal", |draws| f64::from(draws.normal(1)[0])),
        ("skewed", |draws| -(1.0 - draws.next_unit()).ln() - 1.0),
        ("heavy tails", heavy),
    ];
    let documents = include_str!("../../../../docs/claims.md");
    let mut missing = Vec::new();
    for (name, distribution) in distributions {
        let rates = [3, 6, 10].map(|seeds| wrong_sweeps(distribution, seeds, 4));
        let row = rates.map(|rate| format!("{:.1}%", 100.0 * rate)).join(" | ");
        let row = format!("| {name} | {row} |");
        if !documents.contains(&row) {
            missing.push(row);
        }
        if name == "normal" {
            assert!(rates.iter().all(|rate| *rate < FAMILY_ERROR + 0.005), "{rates:?}");
        }
    }
    assert!(missing.is_empty(), "docs/claims.md lacks\n{}", missing.join("\n"));
}
