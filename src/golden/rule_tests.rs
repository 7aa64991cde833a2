//! The rules on every case of the project: tight enough to fail wrong ports, wide enough for the
//! original itself.

use std::path::Path;

use super::{
    Case, Filter, OutputSpec, Precision, Rule,
    compare::Profile,
    discover,
    judge::{Judgement, judge_profile},
    references::References,
};

/// Judges the values that `port` returns for every output of every case of the project.
fn judge_all(precision: Precision, port: impl Fn(&Case, &OutputSpec) -> Profile) -> Vec<Judged> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut judged = Vec::new();
    for dir in discover(&root, &Filter::all()).expect("the folder is part of the project") {
        let case = Case::load(&dir.path).expect("another test reports why not");
        let references = References::of(&case);
        for output in case.outputs() {
            let judgement = judge_profile(&references, output, &port(&case, output), precision);
            judged.push(Judged { id: format!("{} {}", case.id(), output.name), judgement });
        }
    }
    judged
}

struct Judged {
    id: String,
    judgement: Judgement,
}

fn stored(case: &Case, output: &OutputSpec, precision: Precision) -> Profile {
    let expected = case
        .expected(output, precision)
        .or_else(|| case.expected(output, Precision::F32))
        .expect("loading required it");
    Profile::expected(&expected, output.len())
}

#[test]
fn the_original_s_f64_run_would_pass_as_an_f32_port() {
    for Judged { id, judgement } in
        judge_all(Precision::F32, |case, output| stored(case, output, Precision::F64))
    {
        assert!(!judgement.diverges(), "{id}: {} {:?}", judgement.ratio, judgement.rule);
    }
}

#[test]
fn a_port_that_returns_zeros_never_passes() {
    for precision in [Precision::F32, Precision::F64] {
        let zeros = |case: &Case, output: &OutputSpec| {
            let Profile { n, elements, .. } = stored(case, output, precision);
            Profile { n, elements: vec![0.0; elements.len()], statistics: [0.0; 4] }
        };
        for Judged { id, judgement } in judge_all(precision, zeros) {
            let zero = judgement.comparison.scale == 0.0;
            let about_zero = matches!(judgement.rule, Rule::ZeroGradient { .. });
            // A parameter that starts within reach of zero may end there.
            let near_start = match judgement.rule {
                Rule::Drift { .. } => true,
                Rule::Updates { reach, .. } => judgement.comparison.scale < reach,
                _ => false,
            };
            let passes = zero || about_zero || near_start;
            assert!(judgement.diverges() || passes, "{id}: {:?}", judgement.rule);
        }
    }
}

#[test]
fn a_value_that_is_not_a_number_never_passes() {
    let broken = |case: &Case, output: &OutputSpec| {
        let mut profile = stored(case, output, Precision::F32);
        if let Some(last) = profile.elements.last_mut() {
            *last = f64::NAN;
        }
        profile.statistics = [f64::NAN; 4];
        profile
    };
    for Judged { id, judgement } in judge_all(Precision::F32, broken) {
        assert!(judgement.diverges(), "{id}: {:?}", judgement.rule);
    }
}

#[test]
fn the_f32_run_fails_as_an_f64_port() {
    let single = |case: &Case, output: &OutputSpec| stored(case, output, Precision::F32);
    let judged = judge_all(Precision::F64, single);
    let within = |j: &&Judged| matches!(j.judgement.rule, Rule::Within { .. });
    let far = judged.iter().filter(within).filter(|j| {
        let Judgement { rule, comparison, .. } = &j.judgement;
        let noisy = comparison.relative_error() > 1e-8;
        noisy && matches!(rule, Rule::Within { tolerance, .. } if *tolerance < 1e-9)
    });
    let far: Vec<&Judged> = far.collect();
    assert!(far.len() > 500, "only {} outputs distinguish the runs", far.len());
    for Judged { id, judgement } in far {
        assert!(judgement.diverges(), "{id}: {:?}", judgement.rule);
    }
}
