//! Results for tests of their formats.

use super::results::CheckPage;
use crate::schema::check::{CheckGrade, CheckGroup, CheckLevel, CheckResult, CheckVerdict};

/// Returns a result.
pub(super) fn result(
    id: &'static str,
    verdict: CheckVerdict,
    evidence: &'static str,
) -> CheckResult<'static> {
    CheckResult {
        id: id.into(),
        group: CheckGroup::Utf8,
        section: "RFC 6455, 8.1".into(),
        level: CheckLevel::Must,
        result: verdict,
        title: "Fails the connection on a word that is long enough to be wrapped".into(),
        evidence: evidence.into(),
        consequence: (verdict == CheckVerdict::Fail).then(|| "It goes on.".into()),
        fix: (verdict == CheckVerdict::Fail).then(|| "Stop it.".into()),
        ms: 12,
    }
}

/// Calls a function with a page of four results.
pub(super) fn with_page<T>(write: impl FnOnce(&CheckPage<'_>) -> T) -> T {
    let results = [
        result("a-1", CheckVerdict::Pass, "received Pong"),
        result("a-2", CheckVerdict::Fail, "received '<&\"\u{1b}'"),
        result("a-3", CheckVerdict::Skip, "no echo"),
        result("a-4", CheckVerdict::Skip, "no echo"),
    ];
    let grade = CheckGrade {
        grade: Some('C'),
        reasons: vec!["1 requirement not met".to_owned()],
        url: "ws://h/".into(),
        pass: 1,
        fail: 1,
        warn: 0,
        skip: 2,
        complete: true,
        ms: 1500,
    };
    write(&CheckPage { results: &results, grade: &grade })
}

/// Returns a failure of a family.
pub(super) fn finding(number: usize) -> CheckResult<'static> {
    let failed = result("a-2", CheckVerdict::Fail, "received Pong");
    CheckResult { id: format!("a-{number}").into(), ..failed }
}
