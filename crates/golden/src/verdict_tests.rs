use super::{
    Case, CaseDir, CasePort, CaseVerdict, Check, ElementType, Exceptions, Outputs, Precision,
    Report, Tensor, TensorData, explain, table,
    testing::{CASE, Fixed, values, write},
};

fn toy() -> (tempfile::TempDir, Case) {
    let (root, dir) = write(CASE, &values());
    let case = Case::load(&dir).expect("the case is valid");
    (root, case)
}

fn run(port: Fixed, exceptions: &str) -> Report {
    let (_root, dir) = write(CASE, &values());
    let dirs = [CaseDir { system: "toy".to_owned(), case: "step".to_owned(), path: dir }];
    let exceptions = Exceptions::parse(exceptions).expect("the list is valid");
    check_all(&dirs, &[Box::new(port)], &exceptions)
}

fn check_all(dirs: &[CaseDir], ports: &[Box<dyn CasePort>], exceptions: &Exceptions) -> Report {
    Check { ports, precision: Precision::F32, exceptions }.all(dirs, 2, &|_| ())
}

fn wrong() -> Fixed {
    Fixed::right()
        .with("y", Tensor::vector(TensorData::F32(vec![1.0, -2.001])))
        .with("loss", Tensor { shape: Vec::new(), data: TensorData::F32(vec![0.5]) })
}

#[track_caller]
fn check_verdict(port: Fixed, verdict: CaseVerdict, reason: &str) {
    let report = run(port, "");
    assert_eq!(report.cases[0].verdict, verdict);
    let found = report.cases[0].reason.as_deref().unwrap_or_default();
    assert!(found.contains(reason), "`{found}` does not contain `{reason}`");
}

#[test]
fn the_original_s_values_pass() {
    check_verdict(Fixed::right(), CaseVerdict::Pass, "");
    assert!(run(Fixed::right(), "").holds());
}

#[test]
fn an_error_within_the_tolerance_passes_and_gives_its_ratio() {
    let nearly = Tensor::vector(TensorData::F32(vec![1.0, -2.000_032]));
    let report = run(Fixed::right().with("y", nearly), "");
    let worst = report.cases[0].worst.as_ref().expect("outputs were judged");
    assert_eq!(worst.output, "y");
    assert!((worst.ratio - 0.5).abs() < 0.01, "{}", worst.ratio);
}

#[test]
fn the_first_divergent_output_is_the_first_reached_and_not_the_first_declared() {
    let report = run(wrong(), "");
    assert_eq!(report.cases[0].first_divergent.as_deref(), Some("y"));
    assert_eq!(report.cases[0].worst.as_ref().map(|worst| worst.output.as_str()), Some("loss"));
}

#[test]
fn a_missing_output_is_invalid() {
    let mut port = Fixed::right();
    port.0.remove("y");
    check_verdict(port, CaseVerdict::Invalid, "output `y` is missing");
}

#[test]
fn another_shape_is_invalid() {
    let tensor = Tensor { shape: vec![1, 2], data: TensorData::F32(vec![1.0, -2.0]) };
    check_verdict(Fixed::right().with("y", tensor), CaseVerdict::Invalid, "has shape [1, 2]");
    let tensor = Tensor { shape: vec![2], data: TensorData::F32(vec![1.0]) };
    check_verdict(Fixed::right().with("y", tensor), CaseVerdict::Invalid, "but 1 elements");
}

#[test]
fn another_type_is_invalid() {
    let tensor = Tensor::vector(TensorData::F64(vec![1.0, -2.0]));
    assert_eq!(tensor.data.dtype(), ElementType::F64);
    check_verdict(
        Fixed::right().with("y", tensor),
        CaseVerdict::Invalid,
        "has type f64, expected f32 in this precision",
    );
}

#[test]
fn a_wrong_integer_fails() {
    let tensor = Tensor::vector(TensorData::I64(vec![8]));
    check_verdict(Fixed::right().with("count", tensor), CaseVerdict::Fail, "first `count`");
}

#[test]
fn an_unreadable_case_and_a_system_without_port_are_invalid() {
    let (root, _dir) = write("format = 1", &values());
    let dirs = [CaseDir {
        system: "toy".to_owned(),
        case: "step".to_owned(),
        path: root.path().join("toy/step"),
    }];
    let report = check_all(&dirs, &[], &Exceptions::default());
    assert_eq!(report.cases[0].verdict, CaseVerdict::Invalid);
    let (_root, case) = toy();
    let dirs = [CaseDir { system: "toy".to_owned(), case: "step".to_owned(), path: case.dir }];
    let report = check_all(&dirs, &[], &Exceptions::default());
    assert_eq!(report.cases[0].reason.as_deref(), Some("no port for system `toy`"));
}

const KNOWN: &str = r#"
[[exception]]
system = "toy"
case = "*"
output = "y"
precision = "f32"
reason = "the toy rounds"
size = 100.0
"#;

#[test]
fn a_known_difference_is_accepted_up_to_its_size() {
    let tensor = |y| Tensor::vector(TensorData::F32(vec![1.0, y]));
    let report = run(Fixed::right().with("y", tensor(-2.001)), KNOWN);
    assert!(report.holds(), "{}", table(&report));
    assert_eq!(report.cases[0].reason.as_deref(), Some("1 known differences"));
    assert!(!run(Fixed::right().with("y", tensor(-2.01)), KNOWN).holds());
}

#[test]
fn a_stale_known_difference_fails_the_check() {
    let report = run(Fixed::right(), KNOWN);
    assert_eq!(report.cases[0].verdict, CaseVerdict::Pass);
    assert!(!report.holds());
    assert_eq!(report.stale_exceptions, ["toy/* y"]);
}

#[test]
fn a_known_difference_needs_a_reason_and_a_size() {
    assert!(Exceptions::parse(&KNOWN.replace("the toy rounds", " ")).is_err());
    assert!(Exceptions::parse(&KNOWN.replace("100.0", "inf")).is_err());
    assert!(Exceptions::parse(&KNOWN.replace("size", "sice")).is_err());
}

#[test]
fn the_json_report_holds_what_a_script_needs() {
    insta::assert_snapshot!(run(wrong(), "").to_json(), @r#"
    {
      "precision": "f32",
      "cases": [
        {
          "system": "toy",
          "case": "step",
          "verdict": "fail",
          "worst": {
            "output": "loss",
            "ratio": 31250.0
          },
          "reason": "2 of 3 outputs exceed their tolerance, first `y`"
        }
      ],
      "systems": [
        {
          "system": "toy",
          "pass": 0,
          "fail": 1,
          "invalid": 0,
          "worst_ratio": 31250.0
        }
      ]
    }
    "#);
}

#[test]
fn the_table_names_the_worst_output_of_every_case() {
    insta::assert_snapshot!(table(&run(wrong(), "")), @r"
    FAIL     toy/step  31250.000  loss
             2 of 3 outputs exceed their tolerance, first `y`
    toy: 0 pass, 1 fail, 0 invalid; largest error / tolerance: 31250.000
    ");
}

#[test]
fn the_explanation_begins_with_the_first_divergent_output() {
    let (_root, case) = toy();
    let exceptions = Exceptions::default();
    let check = Check { ports: &[], precision: Precision::F32, exceptions: &exceptions };
    let report = check.case(&case, &wrong());
    let isolated: Outputs =
        [("loss".to_owned(), Tensor { shape: Vec::new(), data: TensorData::F32(vec![0.25]) })]
            .into();
    insta::assert_snapshot!(explain(&case, &report, &isolated, Precision::F32), @r"
    toy/step: FAIL (f32)
    one step of a toy
    2 of 3 outputs exceed their tolerance, first `y`
    note: a note

    first divergent output
      y: 15.624 times its tolerance, check `element`
      rule: largest error / largest value at most 3.2e-5: a multiple of the original's noise
      element 1: -2.000999927520752e0, original -2e0
      mean: -5.00499963760376e-1, original -5e-1
      deviation: 1.500499963760376e0, original 1.5e0
      norm: 2.2369623845603783e0, original 2.23606797749979e0
      largest: 2.000999927520752e0, original 2e0

             output     ratio     error   rel. L2  contributed  ulps
    FAIL     y         15.624    5.0e-4    4.5e-4            -  0:1 4097-8192:1
    pass     count      0.000         0         0            -  0:1
    FAIL     loss    31250.000     1.0e0     1.0e0            0  >2^22:1
    ");
}
