//! Broken files: each is refused with a position, quickly and without exhausting the stack.

use super::*;

/// Checks line, column and part of the message for a file of arbitrary bytes.
#[track_caller]
fn check(bytes: &[u8], position: (usize, usize), message: &str) {
    let path = Path::new("experiments/small.toml");
    let error = SweepSource::from_bytes(path, bytes.to_vec())
        .and_then(|source| parse(&source, None, &[]))
        .expect_err("the file is refused");
    assert!(error.message().contains(message), "`{}` lacks `{message}`", error.message());
    assert_eq!((error.line(), error.column()), position, "position of `{}`", error.message());
    assert!(error.render().len() < 1000, "the rendering is bounded");
}

/// Checks a case of `tests/fixtures/toml`.
macro_rules! fixtures {
    ($($test:ident: $file:literal, $position:expr, $message:literal;)*) => {$(
        #[test]
        fn $test() {
            check(
                include_bytes!(concat!("../../../../../../tests/fixtures/toml/", $file)),
                $position,
                $message,
            );
        }
    )*};
}

fixtures! {
    an_unclosed_table_is_refused: "unclosed_table.toml", (1, 8), "unclosed table";
    an_unclosed_string_is_refused: "unclosed_string.toml", (1, 14), "invalid basic string";
    an_unclosed_array_is_refused: "unclosed_array.toml", (4, 14), "unclosed array";
    a_key_given_twice_is_refused: "duplicate_key.toml", (4, 1), "duplicate key";
    a_table_given_twice_is_refused: "duplicate_table.toml", (5, 2), "duplicate key";
    a_key_without_a_value_is_refused: "missing_value.toml", (3, 11), "key without a value";
    an_integer_beyond_64_bits_is_refused: "huge_integer.toml", (4, 10), "more than 64 bits";
    a_learning_rate_of_nan_is_refused: "nan_lr.toml", (15, 11), "NaN is outside (0, inf)";
    text_instead_of_a_count_is_refused: "wrong_type.toml", (11, 9), "must be a whole number, not";
    an_axis_without_values_is_refused: "empty_list.toml", (13, 10), "neither arms nor values";
    a_misspelt_key_is_refused: "unknown_key.toml", (12, 16), "unknown key `learning_raet`";
    bytes_that_are_not_utf_8_are_refused: "not_utf8.toml", (1, 9), "not UTF-8";
    a_nul_byte_is_refused: "nul.toml", (1, 10), "NUL byte";
    utf_16_is_refused_by_name: "utf16.toml", (1, 1), "UTF-16";
    an_empty_file_is_refused: "empty.toml", (1, 1), "the file is empty";
    merge_markers_are_refused: "merge_conflict.toml", (4, 1), "unresolved merge";
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_parsed() {
    let bytes = vec![b'['; SOURCE_BYTES_MAX + 1];
    check(&bytes, (1, 1), "has 1048577 bytes");
    let error = parse(&source(&" ".repeat(SOURCE_BYTES_MAX + 1)), None, &[]).unwrap_err();
    assert!(error.message().contains("has 1048577 bytes"));
}

#[test]
fn nested_arrays_are_refused_without_recursion() {
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    check(format!("x = {open}{close}\n").as_bytes(), (1, 85), "nested too deeply");
}

#[test]
fn arrays_that_never_close_are_refused_without_recursion() {
    let open = "[".repeat(SOURCE_BYTES_MAX - 8);
    check(format!("x = {open}").as_bytes(), (1, 85), "nested too deeply");
}

#[test]
fn nested_inline_tables_are_refused_without_recursion() {
    let (open, close) = ("{ a = ".repeat(50_000), "}".repeat(50_000));
    check(format!("x = {open}1{close}\n").as_bytes(), (1, 485), "nested too deeply");
}

#[test]
fn a_deep_table_header_is_refused_without_recursion() {
    let header = vec!["a"; 50_000].join(".");
    check(format!("y = 1\n[{header}]\nx = 1\n").as_bytes(), (2, 1), "nested too deeply");
}

#[test]
fn a_deep_key_of_an_axis_is_refused_without_recursion() {
    let key = vec!["a"; 50_000].join(".");
    let axis = format!("[[axis]]\nname = \"deep\"\nkey = \"{key}\"\nvalues = [1]\n[preset.tiny]");
    check(changed("[preset.tiny]", &axis).as_bytes(), (22, 8), "nested too deeply");
}

#[test]
fn a_deep_override_is_refused_without_recursion() {
    let key = vec!["a"; 50_000].join(".");
    for value in ["1", "word"] {
        let error = parse(&source(VALID), None, &[format!("{key}={value}")]).unwrap_err();
        assert!(error.message().contains("nested too deeply"), "{}", error.message());
    }
}

#[test]
fn a_grid_explosion_is_counted_but_not_expanded() {
    let values: Vec<String> = (0..1000).map(|value| value.to_string()).collect();
    let axis =
        |i| format!("[[axis]]\nname = \"a{i}\"\nkey = \"k\"\nvalues = [{}]\n", values.join(","));
    let axes: String = (0..12).map(axis).collect();
    let text = changed("[preset.tiny]", &format!("{axes}[preset.tiny]"));
    check(
        text.as_bytes(),
        (25, 8),
        "more than 10000 runs, counted before `when` excludes any: 2 seeds x 2 x 1000 x 1000",
    );
}
