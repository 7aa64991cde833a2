//! Category and person of a video, by its path.
//!
//! ```text
//! CATEGORY/PERSON_anything.avi          the layout that MoCoGAN reads
//! CATEGORY/v_CATEGORY_gGROUP_cCLIP.avi  UCF-101; a group shows the same person and place
//! PERSON_CATEGORY.avi                   the Weizmann actions
//! PERSON_CATEGORY2.avi                  the second time that a person does it
//! ```
//! The digit of a repetition is dropped where one person has a category only with several digits and another one
//! has it without: Weizmann's `lena_walk2` is `walk`, but its `wave1` and `wave2` are two actions.

use std::collections::BTreeSet;

use super::file::VideoFile;
use crate::{findings::Findings, video_set::person};
use reprise_base::{config::video_names::NamePattern, text::count};

/// The names of UCF-101.
const UCF: &str = "{category}/v_{category}_g{person}_c{clip}";

/// Category and person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VideoName {
    pub(super) category: String,
    pub(super) person: String,
}

/// Why a file has no category.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoName {
    /// It does not match the given pattern.
    Pattern,
    /// It is in no folder, and has no underscore.
    Underscore,
}

/// Returns the name of each file, or the place of the first one that has none.
pub(super) fn names(
    files: &[VideoFile],
    pattern: Option<&NamePattern>,
    findings: &mut Findings,
) -> Result<Vec<VideoName>, (usize, NoName)> {
    let ucf = NamePattern::try_from(UCF.to_owned()).expect("the literal is a pattern");
    let other = files.iter().find(|file| ucf.find(&file.name()).is_none());
    let like_ucf = files.iter().filter(|file| ucf.find(&file.name()).is_some()).count();
    let is_ucf = other.is_none() && !files.is_empty();
    if let (None, Some(other)) = (pattern, other.filter(|_| like_ucf > 0)) {
        let (like_ucf, other) = (count(like_ucf, "video"), other.path.display());
        findings.warn(format!(
            "{like_ucf} are named as in UCF-101, but not `{other}`: the names of all are read as in other              folders, unless `data.dataset.videos.names` is set"
        ));
    }
    let pattern = pattern.or(is_ucf.then_some(&ucf));
    let mut has_repeats = pattern.is_none_or(NamePattern::has_repeats);
    let mut names: Vec<VideoName> = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let path = file.name();
        let name = match (pattern, &file.folder) {
            (Some(pattern), _) => {
                let found = pattern.find(&path).ok_or((place, NoName::Pattern))?;
                let person = found.person.map_or_else(|| file.stem.clone(), str::to_owned);
                VideoName { category: found.category.to_owned(), person }
            }
            (None, Some(folder)) => {
                VideoName { category: folder.clone(), person: person(&file.stem) }
            }
            (None, None) => match file.stem.split_once('_') {
                Some((person, category)) => {
                    VideoName { category: category.to_owned(), person: person.to_owned() }
                }
                None => return Err((place, NoName::Underscore)),
            },
        };
        names.push(name);
    }
    has_repeats &= pattern.is_some() || files.iter().all(|file| file.folder.is_none());
    if has_repeats {
        drop_repeats(&mut names);
    }
    let in_folders = files.iter().any(|file| file.folder.is_some());
    let rule = match pattern {
        Some(pattern) => format!("`{pattern}`"),
        None if in_folders => "`{category}/{person}_...`".to_owned(),
        None => "`{person}_{category}{repeat?}`".to_owned(),
    };
    findings.fact("names", rule);
    Ok(names)
}

/// Drops the digits at the end of a category where one person has it only with several digits, and another
/// one has it without.
fn drop_repeats(names: &mut [VideoName]) {
    let all: BTreeSet<VideoName> = names.iter().cloned().collect();
    for name in names {
        let plain = without_digits(&name.category);
        let own = all.iter().filter(|it| it.person == name.person);
        let numbered = own.filter(|it| without_digits(&it.category) == plain);
        let categories: Vec<&str> = numbered.map(|it| it.category.as_str()).collect();
        let is_repeat = categories.len() > 1
            && !categories.contains(&plain)
            && all.iter().any(|it| it.category == plain);
        if is_repeat {
            name.category = plain.to_owned();
        }
    }
}

fn without_digits(category: &str) -> &str {
    category.trim_end_matches(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Category and person of each file, named by the rule that was used.
    fn found(paths: &[&str], pattern: Option<&str>) -> (Vec<(String, String)>, String) {
        let files: Vec<VideoFile> = paths.iter().map(|path| VideoFile::at(path)).collect();
        let pattern = pattern.map(|text| NamePattern::try_from(text.to_owned()).unwrap());
        let mut findings = Findings::default();
        let names = names(&files, pattern.as_ref(), &mut findings).unwrap();
        let rule = findings.notes.facts[0].text.clone();
        (names.into_iter().map(|it| (it.category, it.person)).collect(), rule)
    }

    #[track_caller]
    fn check(paths: &[&str], pattern: Option<&str>, expected: &[(&str, &str)], rule: &str) {
        let expected: Vec<_> =
            expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found(paths, pattern), (expected, rule.to_owned()));
    }

    #[test]
    fn weizmanns_repetitions_are_one_category_and_its_two_waves_are_not() {
        check(
            &["lena_walk1", "lena_walk2", "eli_walk", "eli_wave1", "lena_wave2"],
            None,
            &[
                ("walk", "lena"),
                ("walk", "lena"),
                ("walk", "eli"),
                ("wave1", "eli"),
                ("wave2", "lena"),
            ],
            "`{person}_{category}{repeat?}`",
        );
    }

    #[test]
    fn levels_that_every_person_has_are_categories() {
        let names = ["eli_level", "eli_level2", "ida_level", "ida_level2"];
        let expected = [("level", "eli"), ("level2", "eli"), ("level", "ida"), ("level2", "ida")];
        check(&names, None, &expected, "`{person}_{category}{repeat?}`");
    }

    #[test]
    fn folders_are_categories() {
        check(
            &["walk/anna_1", "run2/anna_1"],
            None,
            &[("walk", "anna"), ("run2", "anna")],
            "`{category}/{person}_...`",
        );
        check(
            &["Swing/v_Swing_g01_c01", "Swing/v_Swing_g02_c01"],
            None,
            &[("Swing", "01"), ("Swing", "02")],
            "`{category}/v_{category}_g{person}_c{clip}`",
        );
    }

    #[test]
    fn a_pattern_decides() {
        check(
            &["walk-anna", "run-boris"],
            Some("{category}-{person}"),
            &[("walk", "anna"), ("run", "boris")],
            "`{category}-{person}`",
        );
        let file = [VideoFile::at("walk")];
        let pattern = NamePattern::try_from("{category}-{person}".to_owned()).unwrap();
        let refused = |pattern| names(&file, pattern, &mut Findings::default()).unwrap_err();
        assert_eq!(refused(Some(&pattern)), (0, NoName::Pattern));
        assert_eq!(refused(None), (0, NoName::Underscore));
    }
}
