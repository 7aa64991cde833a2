//! Patterns with `*` and `?` for names of systems, cases and outputs.

/// Returns whether `name` matches `pattern`, in which `*` stands for any characters (also `/`) and
/// `?` for one.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on if the characters after the last star do not fit: the star may take one more.
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
        assert_eq!(matches(pattern, name), expected, "{pattern} against {name}");
    }

    #[test]
    fn a_star_stands_for_anything_and_nothing() {
        check("*", "", true);
        check("train_*", "train_step", true);
        check("*_step*", "train_step", true);
        check("grad/*.bias", "grad/encoder.c1.0.main.0.bias", true);
        check("a*b*c", "a1b2b3c", true);
        check("a*b*c", "a1b2b3", false);
    }

    #[test]
    fn a_question_mark_stands_for_one_character() {
        check("kl_?", "kl_1", true);
        check("kl_?", "kl_", false);
        check("kl_?", "kl_10", false);
    }

    #[test]
    fn a_name_without_wildcards_matches_itself_only() {
        check("tfr_half", "tfr_half", true);
        check("tfr_half", "tfr_half2", false);
        check("", "x", false);
    }
}
