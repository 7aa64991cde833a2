//! Patterns with `*` and `?` for the names of systems, cases and outputs.

/// Returns whether `name` matches `pattern`, in which `*` matches any characters, also `/`, and `?`
/// matches one.
pub fn matches_glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to continue if the characters after the last star do not match: the star takes one more.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(matches_glob(pattern, name), expected, "{pattern} against {name}");
    }

    #[test]
    fn a_star_matches_any_characters_and_none() {
        check("*", "", true);
        check("train_*", "train_step", true);
        check("*_step*", "train_step", true);
        check("grad/*.bias", "grad/encoder.c1.0.main.0.bias", true);
        check("a*b*c", "a1b2b3c", true);
        check("a*b*c", "a1b2b3", false);
    }

    #[test]
    fn a_question_mark_matches_one_character() {
        check("kl_?", "kl_1", true);
        check("kl_?", "kl_", false);
        check("kl_?", "kl_10", false);
    }

    #[test]
    fn a_pattern_without_wildcards_matches_only_itself() {
        check("tfr_half", "tfr_half", true);
        check("tfr_half", "tfr_half2", false);
        check("", "x", false);
    }
}
