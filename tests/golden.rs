//! Every reference case is a test with its own name, in f32 and in f64.
//!
//! The tests are listed at run time: adding a folder adds its tests, and a case without a port fails.

use std::{path::Path, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use reprise_golden::{
    Case, CaseDir, CaseVerdict, Check, Exceptions, Filter, Outputs, Precision, Report, discover,
    explain, table,
};
use reprise_ports as ports;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let dirs = discover(&root, &Filter::all()).expect("the folder is part of the project");
    let mut trials = vec![Trial::test("there_are_cases", {
        let found = dirs.len();
        move || if found > 0 { Ok(()) } else { Err(Failed::from("no cases found")) }
    })];
    for (name, precision) in [("f32", Precision::F32), ("f64", Precision::F64)] {
        for dir in &dirs {
            let test = format!("{name}::{}::{}", dir.system, dir.case);
            let dir = dir.clone();
            trials.push(Trial::test(test, move || passes(&dir, precision)));
        }
        let dirs = dirs.clone();
        let test = format!("{name}::no_known_difference_is_stale");
        trials
            .push(Trial::test(test, move || none_is_stale(&root_exceptions()?, &dirs, precision)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn root_exceptions() -> Result<Exceptions, Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/exceptions.toml");
    Exceptions::load(&path).map_err(Failed::from)
}

fn passes(dir: &CaseDir, precision: Precision) -> Result<(), Failed> {
    let report =
        Check { ports: &ports::all(tch::Device::Cpu), precision, exceptions: &root_exceptions()? }
            .dir(dir);
    match (report.verdict, Case::load(&dir.path)) {
        (CaseVerdict::Pass, _) => Ok(()),
        (CaseVerdict::Fail, Ok(case)) => {
            Err(Failed::from(explain(&case, &report, &Outputs::new(), precision)))
        }
        _ => Err(Failed::from(table(&Report::new(precision, vec![report], Vec::new())))),
    }
}

/// Runs only the cases that known differences cover.
fn none_is_stale(
    exceptions: &Exceptions,
    dirs: &[CaseDir],
    precision: Precision,
) -> Result<(), Failed> {
    let covered: Vec<CaseDir> = dirs
        .iter()
        .filter(|dir| {
            exceptions.list.iter().any(|e| e.covers_case(&dir.system, &dir.case, precision))
        })
        .cloned()
        .collect();
    let report = Check { ports: &ports::all(tch::Device::Cpu), precision, exceptions }.all(
        &covered,
        1,
        &|_| (),
    );
    if report.stale_exceptions.is_empty() { Ok(()) } else { Err(Failed::from(table(&report))) }
}
