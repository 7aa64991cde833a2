//! Natural order of names: numbers by value, everything else by bytes.
//!
//! `traj_2_to_9` comes before `traj_10_to_17`. Numbers may have any length: they are compared as
//! digits, never converted.

/// A part of a name; a number sorts before any text.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamePart<'a> {
    /// Digits without leading zeros, compared by length first.
    Number { length: usize, digits: &'a str },
    /// No ASCII digits.
    Text(&'a str),
}

/// Returns a sort key for natural order; names that differ only in leading zeros share a key.
pub(super) fn key(name: &str) -> Vec<NamePart<'_>> {
    name.as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .scan(0, |start, chunk| {
            let part = &name[*start..*start + chunk.len()];
            *start += chunk.len();
            Some(part)
        })
        .map(|part| match part.trim_start_matches('0') {
            digits if part.starts_with(|c: char| c.is_ascii_digit()) => {
                NamePart::Number { length: digits.len(), digits }
            }
            _ => NamePart::Text(part),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        let mut sorted = names.to_vec();
        sorted.sort_by(|a, b| key(a).cmp(&key(b)));
        assert_eq!(sorted, expected);
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        check(&["10", "9", "1", "100"], &["1", "9", "10", "100"]);
        check(&["traj_10_to_17", "traj_2_to_9"], &["traj_2_to_9", "traj_10_to_17"]);
    }

    #[test]
    fn numbers_beyond_64_bits_keep_their_order() {
        check(&["t_99999999999999999999999", "t_9"], &["t_9", "t_99999999999999999999999"]);
    }

    #[test]
    fn numbers_sort_before_text_and_prefixes_before_longer_names() {
        check(&["b", "a1", "a", "7"], &["7", "a", "a1", "b"]);
    }

    #[test]
    fn leading_zeros_do_not_distinguish_names() {
        assert_eq!(key("traj_0_to_0"), key("traj_00_to_00"));
        assert_ne!(key("1"), key("10"));
    }

    proptest! {
        #[test]
        fn any_two_plain_numbers_are_ordered_as_numbers(a: u64, b: u64) {
            prop_assert_eq!(key(&a.to_string()).cmp(&key(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn no_name_makes_it_panic(name in any::<String>()) {
            let length: usize = key(&name).len();
            prop_assert!(length <= name.len());
        }
    }
}
