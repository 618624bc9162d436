//! The checks that `--only` and `--skip` choose.

use super::case::Case;
use crate::{
    error::Error, escape::Escaped, job::check::CheckSelection, schema::check::CheckGroup,
    wording::nearest,
};

/// Returns the chosen checks.
pub(crate) fn choose(cases: Vec<Case>, selection: &CheckSelection) -> Result<Vec<Case>, Error> {
    for word in selection.only.iter().chain(&selection.skip) {
        let mut names: Vec<_> = CheckGroup::ALL.iter().map(|group| group.name()).collect();
        names.extend(cases.iter().map(|case| case.id.as_str()));
        if !names.contains(&word.as_str()) {
            let near = nearest(word, names);
            return Err(Error::Usage {
                fault: format!("no check or group '{}'", Escaped(word)),
                hint: Some(near.map_or_else(
                    || "'sockeye check --list' lists them".to_owned(),
                    |near| format!("did you mean '{near}'?"),
                )),
            });
        }
    }
    let is_named = |case: &Case, words: &[String]| {
        words.iter().any(|word| *word == case.id || *word == case.group.name())
    };
    let is_chosen = |case: &Case| {
        (selection.only.is_empty() || is_named(case, &selection.only))
            && !is_named(case, &selection.skip)
    };
    let chosen: Vec<_> = cases.into_iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        return Err(Error::Usage {
            fault: "--skip leaves no check to make".to_owned(),
            hint: Some("'sockeye check --list' lists them".to_owned()),
        });
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::check::cases;

    fn chosen(only: &[&str], skip: &[&str]) -> Result<Vec<String>, Error> {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let selection = CheckSelection { only: words(only), skip: words(skip) };
        let chosen = choose(cases::all(), &selection)?;
        Ok(chosen.into_iter().map(|case| case.id).collect())
    }

    #[test]
    fn checks_are_chosen_by_id_and_group() {
        let all = chosen(&[], &[]).unwrap().len();
        let utf8 = chosen(&["utf8"], &[]).unwrap();
        assert!(utf8.iter().any(|id| id == "8.1-invalid-ff") && utf8.len() > 30);
        assert_eq!(chosen(&[], &["utf8"]).unwrap().len(), all - utf8.len());
        let one = chosen(&["utf8", "4.2.2-accept"], &["utf8"]).unwrap();
        assert_eq!(one, ["4.2.2-accept"]);
    }

    #[test]
    fn a_run_without_checks_is_a_mistake() {
        assert!(matches!(chosen(&["utf8"], &["utf8"]), Err(Error::Usage { .. })));
    }

    #[test]
    fn an_unknown_name_is_corrected() {
        for (word, hint) in [("utf-8", "did you mean 'utf8'?"), ("zzz", "--list' lists them")] {
            let Err(Error::Usage { hint: Some(found), .. }) = chosen(&[word], &[]) else {
                panic!("{word} is accepted");
            };
            assert!(found.contains(hint), "{found}");
        }
    }
}
