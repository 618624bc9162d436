//! The results of checks, and the grade.

use super::{case::Case, judgement::Judgement, runner::Outcome};
use crate::{
    redact::Secrets,
    schema::check::{CheckGrade, CheckGroup, CheckLevel, CheckResult, CheckVerdict},
};
use std::{borrow::Cow, time::Duration};

/// Returns the result of a check.
pub(crate) fn result<'a>(
    case: &'a Case,
    outcome: &Outcome,
    strict: bool,
    secrets: Secrets,
) -> CheckResult<'a> {
    let result = match (&outcome.judgement, case.level) {
        (Judgement::Holds(_), _) => CheckVerdict::Pass,
        (Judgement::Unknown(_), _) => CheckVerdict::Skip,
        (Judgement::Broken(_) | Judgement::Proven(_), CheckLevel::Must | CheckLevel::Security) => {
            CheckVerdict::Fail
        }
        (_, CheckLevel::Should) | (Judgement::Weak(_), _) if strict => CheckVerdict::Fail,
        (Judgement::Broken(_) | Judgement::Proven(_) | Judgement::Weak(_), _) => CheckVerdict::Warn,
    };
    let is_finding = matches!(result, CheckVerdict::Fail | CheckVerdict::Warn);
    let words = |words: &'static str| is_finding.then_some(Cow::Borrowed(words));
    CheckResult {
        id: case.id.as_str().into(),
        group: case.group,
        section: case.section.into(),
        level: case.level,
        result,
        title: case.title.as_str().into(),
        evidence: secrets.text(outcome.judgement.evidence()).into_owned().into(),
        consequence: words(case.consequence),
        fix: words(case.fix),
        ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The circumstances of a run, which a grade depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    /// The URL, without secrets.
    pub(crate) url: &'a str,
    /// All checks of the table were to be made.
    pub(crate) is_whole: bool,
    /// The run was not interrupted.
    pub(crate) is_complete: bool,
    /// Why requests of HTTP/1.1 do not matter, if they do not.
    pub(crate) no_request: Option<&'a str>,
    /// The time of the run.
    pub(crate) took: Duration,
}

/// Grades a server. Each reason caps the grade.
pub(crate) fn grade<'a>(results: &[CheckResult<'_>], of: Circumstances<'a>) -> CheckGrade<'a> {
    let count = |verdict| results.iter().filter(|result| result.result == verdict).count();
    let (pass, fail) = (count(CheckVerdict::Pass), count(CheckVerdict::Fail));
    let (warn, skip) = (count(CheckVerdict::Warn), count(CheckVerdict::Skip));
    let broken = |level| {
        let is = |result: &&CheckResult<'_>| {
            result.level == level
                && matches!(result.result, CheckVerdict::Fail | CheckVerdict::Warn)
        };
        results.iter().filter(is).count()
    };
    let (musts, shoulds) = (broken(CheckLevel::Must), broken(CheckLevel::Should));
    let is_broken = |id: &str| {
        results.iter().any(|result| result.id == id && result.result == CheckVerdict::Fail)
    };
    let mut caps: Vec<(char, String)> = Vec::new();
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    if is_broken(SURVIVAL) {
        caps.push(('F', "the server does not survive the checks".to_owned()));
    }
    if is_broken(UNMASKED) {
        caps.push(('D', "frames without a mask are accepted".to_owned()));
    }
    let dangers = results
        .iter()
        .filter(|result| result.level == CheckLevel::Security)
        .filter(|result| result.result == CheckVerdict::Fail)
        .count();
    if dangers > 0 {
        caps.push(('D', format!("{dangers} danger{} to users", plural(dangers))));
    }
    let warned = results
        .iter()
        .filter(|result| result.level == CheckLevel::Security)
        .filter(|result| result.result == CheckVerdict::Warn)
        .count();
    if warned > 0 {
        caps.push((
            'B',
            format!("{warned} weakness{} in security", if warned == 1 { "" } else { "es" }),
        ));
    }
    if musts > 0 {
        let cap = match musts {
            1..=2 => 'C',
            3..=9 => 'D',
            _ => 'F',
        };
        caps.push((cap, format!("{musts} requirement{} not met", plural(musts))));
    }
    if shoulds > 0 {
        let cap = if shoulds < 10 { 'B' } else { 'C' };
        caps.push((cap, format!("{shoulds} recommendation{} not followed", plural(shoulds))));
    }
    let values = broken(CheckLevel::Info);
    if values > 0 {
        caps.push(('B', format!("{values} measured value{} to improve", plural(values))));
    }
    let is_excused = |result: &&CheckResult<'_>| of.no_request == Some(&*result.evidence);
    let unknown = results.iter().filter(|it| is_unknown(it) && !is_excused(it)).count();
    let all = results.len();
    if unknown * MANY > all {
        caps.push(('B', format!("{unknown} of {all} checks could not be made")));
    }
    let mut grade = caps.iter().map(|(cap, _)| *cap).max().or(Some('A'));
    let mut reasons: Vec<_> = caps.into_iter().map(|(_, reason)| reason).collect();
    let missing = if !of.is_whole {
        Some("not all checks were chosen")
    } else if !of.is_complete {
        Some("not all checks were made")
    } else if unknown * 2 > all {
        Some("most checks could not be made")
    } else {
        None
    };
    if let Some(missing) = missing {
        grade = None;
        reasons.push(format!("no grade: {missing}"));
    }
    let ms = u64::try_from(of.took.as_millis()).unwrap_or(u64::MAX);
    let (url, complete) = (of.url.into(), of.is_complete);
    CheckGrade { grade, reasons, url, pass, fail, warn, skip, complete, ms }
}

/// Reports whether a check could not be made or judged. Compression that is not offered, and what is
/// only worth knowing, leaves nothing open.
fn is_unknown(result: &CheckResult<'_>) -> bool {
    result.result == CheckVerdict::Skip
        && result.level != CheckLevel::Info
        && result.group != CheckGroup::Deflate
}

/// One in so many checks that could not be made is too much for the best grade.
const MANY: usize = 10;
/// The check that decides about crashes.
const SURVIVAL: &str = "7.1.7-survives";
/// The check of masks whose failure alone makes a server dangerous.
const UNMASKED: &str = "5.1-unmasked-text";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::check::cases;

    /// Grades a server that breaks these checks and passes all others.
    fn graded(broken: &[&str], strict: bool) -> CheckGrade<'static> {
        let judge = |_, id: &str| {
            if broken.contains(&id) {
                Judgement::Broken(String::new())
            } else {
                Judgement::Holds(String::new())
            }
        };
        judged(judge, strict)
    }

    fn judged(judge: impl Fn(usize, &str) -> Judgement, strict: bool) -> CheckGrade<'static> {
        let table = cases::all();
        let results: Vec<_> = table
            .iter()
            .enumerate()
            .map(|(number, case)| {
                let judgement = judge(number, &case.id);
                let outcome = Outcome { number, judgement, took: Duration::ZERO };
                result(case, &outcome, strict, Secrets::Hidden)
            })
            .collect();
        let (is_whole, is_complete, took) = (true, true, Duration::ZERO);
        let no_request = None;
        grade(&results, Circumstances { url: "ws://h/", is_whole, is_complete, no_request, took })
    }

    #[test]
    fn a_server_of_which_little_is_known_has_no_good_grade() {
        let with_skips = |one_in: usize| {
            let judge = |number: usize, _: &str| match number % one_in {
                0 => Judgement::Unknown(String::new()),
                _ => Judgement::Holds(String::new()),
            };
            judged(judge, false)
        };
        assert_eq!(with_skips(20).grade, Some('A'));
        let many = with_skips(4);
        assert_eq!(many.grade, Some('B'));
        assert!(many.reasons[0].ends_with("checks could not be made"), "{:?}", many.reasons);
        assert_eq!(with_skips(1).grade, None);
    }

    #[test]
    fn each_reason_caps_the_grade() {
        for (broken, expected) in [
            (&[][..], 'A'),
            (&["5.5.1-same-code"], 'B'),
            (&["limit-message"], 'B'),
            (&["5.2-rsv1-text"], 'C'),
            (&["5.1-unmasked-text"], 'D'),
            (&["5.2-rsv1-text", "5.2-rsv2-text", "5.2-rsv3-text"], 'D'),
            (&["7.1.7-survives"], 'F'),
        ] {
            assert_eq!(graded(broken, false).grade, Some(expected), "{broken:?}");
        }
        let one = graded(&["5.5.1-same-code", "5.2-rsv1-text"], false);
        assert_eq!(one.reasons, ["1 requirement not met", "1 recommendation not followed"]);
        assert_eq!((one.fail, one.warn), (1, 1));
        let strict = graded(&["5.5.1-same-code"], true);
        assert_eq!((strict.fail, strict.warn, strict.grade), (1, 0, Some('B')));
    }
}
