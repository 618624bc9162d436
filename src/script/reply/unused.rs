//! Rules of a reply script that are never used.

use super::{
    path::PathPattern,
    rule::{FIRST_STATE, ReplyWarning, Rule, RuleTable, Trigger},
};
use std::collections::BTreeMap;

/// Returns the rules that are never used.
pub(super) fn warnings(tables: &[RuleTable]) -> Vec<ReplyWarning> {
    let mut paths = BTreeMap::new();
    let mut all = Vec::new();
    for table in tables {
        let path = table.path.as_ref().map(PathPattern::text);
        // The first table with a path is used.
        if let (Some(earlier), Some(first)) = (paths.get(&path), table.rules.first()) {
            let path = path.unwrap_or_default();
            let words =
                format!("an earlier table, with a rule in line {earlier}, has the path {path}");
            all.push(ReplyWarning { line: first.line, words: format!("{UNUSED}: {words}") });
            continue;
        }
        paths.insert(path, table.rules.first().map_or(0, |rule| rule.line));
        for (index, rule) in table.rules.iter().enumerate() {
            all.extend(reason(table, index, rule).map(|reason| ReplyWarning {
                line: rule.line,
                words: format!("{UNUSED}: {reason}"),
            }));
        }
    }
    all
}

/// Returns the reason why a rule is never used, if there is one.
fn reason(table: &RuleTable, index: usize, rule: &Rule) -> Option<String> {
    let before = table.rules.get(..index).unwrap_or_default();
    if let Some(earlier) = before.iter().find(|earlier| takes_all(earlier, rule)) {
        let event = if matches!(rule.trigger, Trigger::Open) { "connections" } else { "messages" };
        return Some(format!("the rule in line {} has the same {event}", earlier.line));
    }
    let state = rule.state.as_deref().filter(|state| *state != FIRST_STATE)?;
    let sets = |other: &Rule| other.set.as_deref() == Some(state);
    (!table.rules.iter().any(sets)).then(|| format!("no rule sets the state '{state}'"))
}

/// Reports whether each event of a rule is one of an earlier rule, which is always used for it.
fn takes_all(earlier: &Rule, rule: &Rule) -> bool {
    let is_always_used = earlier.nth.is_none() && earlier.chance.is_none();
    let has_state = earlier.state.is_none() || earlier.state == rule.state;
    let has_event = match (&earlier.trigger, &rule.trigger) {
        (Trigger::Open, Trigger::Open) => true,
        (Trigger::Open, _) | (_, Trigger::Open) => false,
        (Trigger::Otherwise, _) => true,
        (Trigger::Text(one), Trigger::Text(other)) => one == other,
        (Trigger::Match(one), Trigger::Match(other)) => one == other,
        (Trigger::Match(one), Trigger::Text(text)) => one.is_match(text.as_bytes()),
        (Trigger::Json(one), Trigger::Json(other)) => one == other,
        (Trigger::Json(one), Trigger::Text(text)) => one.is_match(text.as_bytes()),
        _ => false,
    };
    is_always_used && has_state && has_event
}

const UNUSED: &str = "this rule is never used";

#[cfg(test)]
mod tests {
    use crate::script::reply::parse::{Surroundings, parse};

    fn warned(text: &str) -> Vec<(usize, String)> {
        let around = Surroundings {
            variable: &|_| Err(std::env::VarError::NotPresent),
            file: &|_| Ok(Vec::new()),
        };
        let script = parse(text, &around).unwrap();
        let reason = |words: &str| words.strip_prefix("this rule is never used: ").map(Into::into);
        script.warnings.iter().map(|it| (it.line, reason(&it.words).unwrap())).collect()
    }

    #[test]
    fn rules_after_one_with_their_events_are_never_used() {
        for (rules, reason) in [
            ("otherwise = true\n[[on]]\ntext = 'a'", "the rule in line 1 has the same messages"),
            ("text = 'a'\n[[on]]\ntext = 'a'", "the rule in line 1 has the same messages"),
            ("match = '^a'\n[[on]]\ntext = 'ab'", "the rule in line 1 has the same messages"),
            ("match = 'a'\n[[on]]\nmatch = 'a'", "the rule in line 1 has the same messages"),
            ("open = true\n[[on]]\nopen = true", "the rule in line 1 has the same connections"),
            (
                "json = { a = 1 }\n[[on]]\njson = { a = 1 }",
                "the rule in line 1 has the same messages",
            ),
            ("open = true\n[[on]]\ntext = 'a'\nstate = 'in'", "no rule sets the state 'in'"),
        ] {
            assert_eq!(warned(&format!("[[on]]\n{rules}")), [(3, reason.to_owned())], "{rules}");
        }
    }

    #[test]
    fn rules_that_may_be_used_are_not_warned_about() {
        for rules in [
            "otherwise = true\nnth = 1\n[[on]]\ntext = 'a'",
            "otherwise = true\nchance = 0.5\n[[on]]\ntext = 'a'",
            "otherwise = true\nstate = 'start'\nset = 'in'\n[[on]]\ntext = 'a'",
            "otherwise = true\n[[on]]\nopen = true",
            "text = 'a'\n[[on]]\nmatch = 'a'\n[[on]]\notherwise = true",
            "text = 'a'\nset = 'in'\n[[on]]\ntext = 'b'\nstate = 'in'",
            "json = { a = 1 }\n[[on]]\njson = { a = 2 }",
        ] {
            assert_eq!(warned(&format!("[[on]]\n{rules}")), [], "{rules}");
        }
    }

    #[test]
    fn of_two_tables_with_a_path_the_second_is_never_used() {
        let table = "[[path]]\npath = '/a'\n[[path.on]]\nopen = true\n";
        let reason = "an earlier table, with a rule in line 3, has the path /a".to_owned();
        assert_eq!(warned(&table.repeat(2)), [(7, reason)]);
    }
}
