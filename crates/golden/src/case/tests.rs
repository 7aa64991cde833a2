use super::*;
use crate::{
    Filter, discover,
    testing::{CASE, values, write},
};
use reprise_base::text::error_chain;

/// Loads the test case with `from` replaced by `to` and returns the error.
#[track_caller]
fn refusal(from: &str, to: &str) -> String {
    assert!(CASE.contains(from), "the test replaces nothing");
    refusal_of(&CASE.replacen(from, to, 1), &values())
}

#[track_caller]
fn refusal_of(case: &str, values: &[(&str, Tensor)]) -> String {
    let (_root, dir) = write(case, values);
    error_chain(&Case::load(&dir).expect_err("the case is rejected").problem)
}

#[track_caller]
fn check(from: &str, to: &str, reason: &str) {
    let found = refusal(from, to);
    assert!(found.contains(reason), "`{found}` does not contain `{reason}`");
}

#[test]
fn every_case_of_the_project_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join("golden");
    let dirs = discover(&root, &Filter::all()).expect("the folder is part of the project");
    assert!(dirs.len() >= 93, "only {} cases", dirs.len());
    for dir in dirs {
        if let Err(error) = Case::load(&dir.path) {
            panic!("{}", error_chain(&error));
        }
    }
}

#[test]
fn tensors_are_filled_under_the_case_s_prefix() {
    let (_root, dir) = write(CASE, &values());
    let case = Case::load(&dir).expect("the case is valid");
    let w = case.tensor("w").expect("the case has it");
    assert_eq!(w.data, TensorData::F32(fill::uniform("toy/step/w", 2, -1.0, 1.0)));
    let order = case.tensor("order").expect("the case has it");
    assert_eq!(order.data, TensorData::I64(vec![2, 0, 1]));
    assert_eq!(case.config.f64("lr"), Ok(0.5));
    assert!(case.tensor("v").is_err());
}

#[test]
fn an_output_without_an_f64_run_has_no_f64_values() {
    let (_root, dir) = write(CASE, &values());
    let case = Case::load(&dir).expect("the case is valid");
    let count = case.output_spec("count").expect("the case has it");
    assert_eq!(case.expected(count, Precision::F64), None);
    assert_eq!(
        case.expected(count, Precision::F32),
        Some(Expected::Full(&TensorData::I64(vec![7])))
    );
}

#[test]
fn misspelt_keys_are_rejected_with_their_line() {
    let message = refusal("summary", "sumary");
    assert!(message.contains("unknown field `sumary`") && message.contains("line 5"), "{message}");
    check("noise = 1.0e-6", "nois = 1.0e-6", "unknown field `nois`");
    check("lo = -1", "low = -1", "unknown field `low`");
    check("python", "pyhton", "unknown field `pyhton`");
}

#[test]
fn another_recipe_is_the_first_error() {
    insta::assert_snapshot!(
        refusal("0.7890307903289795", "0.5"),
        @r#"the self-test failed: unit("selftest/x", 0) is 0.7890307903289795, expected 0.5"#
    );
}

#[test]
fn a_newer_format_is_named_even_if_its_keys_are_unknown() {
    check("format = 1", "format = 2\nsomething = 3", "has format 2; this program reads format 1");
}

#[test]
fn the_folders_must_have_the_names_in_the_file() {
    check("case = \"step\"", "case = \"stop\"", "but the folder is called `step`");
    check("system = \"toy\"", "system = \"toys\"", "but the folder is called `toy`");
}

#[test]
fn names_are_unique() {
    check("name = \"order\"", "name = \"w\"", "tensor `w` is listed twice");
    check("name = \"y\"", "name = \"loss\"", "output `loss` is listed twice");
}

#[test]
fn huge_shapes_are_rejected_before_anything_is_allocated() {
    check("shape = [2]", "shape = [1000000, 1000000]", "at most 268435456 elements");
    check("shape = [2]", "shape = [4294967296, 4294967296, 4]", "at most 268435456 elements");
    check("shape = [2]\nnoise", "shape = [5000]\nnoise", "at most 4096 elements");
    check("shape = [2]", "shape = [-2]", "is not valid in version 1");
}

#[test]
fn a_fill_has_the_keys_of_its_kind_and_produces_the_stated_type() {
    check("lo = -1, hi = 1", "lo = -1", "`uniform` needs exactly `lo` and `hi`");
    check("lo = -1, hi = 1", "lo = -1, hi = 1, c = 0", "`uniform` needs exactly `lo` and `hi`");
    check("lo = -1, hi = 1", "lo = -1, hi = inf", "must be finite");
    check("\"stored\"", "\"stored\", c = 0", "take no other key");
    check("\"stored\"", "\"bytes\"", "cannot produce the stated dtype");
    check("\"stored\"", "\"constant\", c = 0.5", "cannot produce the stated dtype");
}

#[test]
fn noise_is_a_finite_number_of_at_least_zero() {
    check("noise = 1.0e-6", "noise = -1.0", "the noise of output `loss`");
    check("noise = 1.0e-6", "noise = nan", "the noise of output `loss`");
}

#[test]
fn the_file_of_a_variant_must_exist() {
    let variant = "[[variant]]\nfile = \"data/x\"\nwhat = \"\"\nrecords_read = 0\nstage = \"none\"\n\
                   error = \"\"\nmessage = \"\"\n";
    let found = refusal_of(&format!("{CASE}\n{variant}"), &values());
    assert_eq!(found, "variant file `data/x` is not in the case's folder");
}

#[test]
fn stored_values_must_match_the_case() {
    let stored = |change: fn(&mut Vec<(&'static str, Tensor)>)| {
        let mut values = values();
        change(&mut values);
        refusal_of(CASE, &values)
    };
    insta::assert_snapshot!(
        stored(|values| drop(values.remove(0))),
        @"`values.safetensors` has no entry `in/order`"
    );
    insta::assert_snapshot!(
        stored(|values| values.push(("out/z", Tensor::vector(TensorData::U8(vec![1]))))),
        @"`values.safetensors` has an entry `out/z`, but the case has no such tensor or output"
    );
    insta::assert_snapshot!(
        stored(|values| values[3].1.shape = vec![2, 1]),
        @"entry `out/y` has shape [2, 1], expected [2]"
    );
    insta::assert_snapshot!(
        stored(|values| values[4].1.data = TensorData::F32(vec![0.0; 2])),
        @"entry `out64/y` holds f32, expected f64"
    );
}

#[test]
fn a_damaged_container_is_rejected() {
    let (_root, dir) = write(CASE, &values());
    fs::write_atomic(&dir.join("values.safetensors"), b"not safetensors").expect("ours");
    let error = Case::load(&dir).expect_err("the container is damaged");
    assert!(error_chain(&error).contains("invalid safetensors file"), "{}", error_chain(&error));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _outcome = parse(&text).is_ok();
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        let _outcome = Values::decode(&bytes).is_ok();
    }
}
