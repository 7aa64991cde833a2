//! Claims of the source with their verdicts.

use std::collections::BTreeSet;

use crate::{
    claims::{
        DifferingSetting, FAMILY_ERROR, JudgedClaim, RegionComparison, Verdict, confidence, judge,
    },
    document::{Column, PageBlock, PageTable, RichText, Row},
    number::{ABSENT, decimals, fixed, tick},
    sweep_results::SweepResults,
};
use reprise_base::{
    stats::permutation::{fewest_for, smallest_p},
    text::count,
};

/// Returns the section; empty if the sweep has no claims.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let claims = judge(results.input);
    if claims.is_empty() {
        return Vec::new();
    }
    let registered = results.input.manifest.claims.iter();
    let comparisons: usize = registered.map(|it| it.claim.test.comparisons()).sum();
    let columns = ["Claim", "The source says", "Verdict", "Tested", "n", "Result"];
    // No column of numbers: its table would not wrap sentences.
    let columns = columns.map(Column::words).to_vec();
    let level = confidence(comparisons);
    let caption = format!(
        "Claims of the source and what these runs say of them: mean with its interval at {}, which covers with \
         all other intervals of this table at {}.",
        percent(level),
        percent(1.0 - FAMILY_ERROR),
    );
    let rows = claims.iter().map(row).collect();
    let mut blocks = vec![
        PageBlock::Heading("Claims".to_owned()),
        PageBlock::Table(PageTable { caption: caption.into(), columns, rows }),
    ];
    let remarks = remarks(&claims);
    if !remarks.is_empty() {
        blocks.push(PageBlock::List(remarks));
    }
    blocks.extend(exact_test(&claims, comparisons));
    blocks
}

fn row(claim: &JudgedClaim) -> Row {
    let n: BTreeSet<usize> = claim.comparisons.iter().map(|comparison| comparison.n).collect();
    let n: Vec<String> = n.into_iter().map(|n| n.to_string()).collect();
    let or_absent = |text: String| if text.is_empty() { ABSENT.to_owned() } else { text };
    Row::new(vec![
        claim.id.as_str().into(),
        format!("{} ({})", claim.says, claim.source).into(),
        RichText::default().strong(claim.verdict_in_words()),
        claim.tested.as_str().into(),
        or_absent(n.join(", ")).into(),
        or_absent(claim.results()).into(),
    ])
}

/// Says what has to be known about the verdicts; what holds for several claims is said once.
fn remarks(claims: &[JudgedClaim]) -> Vec<RichText> {
    let mut remarks: Vec<RichText> = claims.iter().filter_map(remark).collect();
    let mut groups: Vec<(&[DifferingSetting], Vec<&str>)> = Vec::new();
    for claim in claims.iter().filter(|claim| !claim.differing.is_empty()) {
        match groups.iter_mut().find(|(differing, _)| *differing == claim.differing) {
            Some((_, ids)) => ids.push(&claim.id),
            None => groups.push((&claim.differing, vec![&claim.id])),
        }
    }
    remarks.extend(groups.into_iter().map(|(differing, ids)| {
        let settings: Vec<String> = differing
            .iter()
            .map(|it| format!("{} is {}, not {}", it.key, it.runs, it.source))
            .collect();
        RichText::default()
            .strong(ids.join(", "))
            .plain(format!(": not the source\u{2019}s experiment: {}.", settings.join("; ")))
    }));
    let late = claims.iter().filter(|it| it.entered_after_runs && it.verdict != Verdict::NotRun);
    let late: Vec<&str> = late.map(|claim| claim.id.as_str()).collect();
    if !late.is_empty() {
        let text = ": entered after runs had begun, so results may have been known.";
        remarks.push(RichText::default().strong(late.join(", ")).plain(text));
    }
    remarks
}

/// Says why a claim was not run, what would decide it, and how its test was changed.
fn remark(claim: &JudgedClaim) -> Option<RichText> {
    let mut sentences: Vec<String> = Vec::new();
    sentences.extend(claim.reason.as_ref().map(|reason| format!("not run: {reason}.")));
    if claim.verdict == Verdict::Inconclusive {
        sentences.extend(claim.comparisons.iter().map(what_would_decide));
    }
    sentences.extend(claim.first.as_ref().map(|first| {
        format!(
            "Its test was changed after runs had begun. At first: {}; verdict: {}.",
            first.tested,
            first.verdict.in_words()
        )
    }));
    let text = || format!(": {}", sentences.join(" "));
    (!sentences.is_empty()).then(|| RichText::default().strong(claim.id.as_str()).plain(text()))
}

fn what_would_decide(comparison: &RegionComparison) -> String {
    let RegionComparison { n, smallest_detectable, seeds_needed, .. } = comparison;
    let Some(detectable) = smallest_detectable else {
        return format!("With {} the spread is unknown.", count(*n, "seed"));
    };
    let needed = match seeds_needed {
        Some(needed) if needed > n => {
            format!("{needed} seeds with this mean and spread would decide")
        }
        Some(_) => "it lies on the end of its region".to_owned(),
        None => "more than 10,000 seeds with this mean and spread would be needed".to_owned(),
    };
    format!(
        "{} show a distance of {} from the end of the region with a probability of 80%; {needed}.",
        count(*n, "seed"),
        fixed(*detectable, decimals([*detectable])),
    )
}

/// Says whether an exact test, which assumes nothing of the form of the differences, could decide as well.
fn exact_test(claims: &[JudgedClaim], comparisons: usize) -> Option<PageBlock> {
    let fewest = claims.iter().flat_map(|it| &it.comparisons).map(|it| it.n).min()?;
    let level = FAMILY_ERROR / comparisons as f64;
    let needed = fewest_for(level);
    if fewest >= needed {
        return None;
    }
    Some(PageBlock::Note(
        format!(
            "These intervals assume roughly normal differences. An exact test, which assumes only symmetric ones, \
             reaches no p-value below {} with {} and would need {needed} for this table.",
            tick(smallest_p(fewest)),
            count(fewest, "seed"),
        )
        .into(),
    ))
}

fn percent(level: f64) -> String {
    format!("{}%", tick((level * 1e4).round() / 1e2))
}
