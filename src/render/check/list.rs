//! The list of checks.

use super::json::push_json;
use crate::schema::check::{CheckGroup, CheckLevel};
use colored::Colorize as _;
use serde::Serialize;
use std::fmt::Write as _;

/// A check of the table.
#[derive(Clone, Debug, Serialize)]
pub struct ListedCheck<'a> {
    /// The stable name.
    pub id: &'a str,
    /// The part that it is about.
    pub group: CheckGroup,
    /// The section of the RFC.
    pub section: &'a str,
    /// The level of the rule.
    pub level: CheckLevel,
    /// The rule.
    pub title: &'a str,
}

/// Returns the table of checks as text or JSON Lines.
pub fn table(checks: &[ListedCheck<'_>], json: bool) -> String {
    let mut text = String::new();
    if json {
        for check in checks {
            push_json(check, &mut text);
        }
        return text;
    }
    let width = checks.iter().map(|check| check.id.len()).max().unwrap_or_default();
    let mut group = None;
    for check in checks {
        if group != Some(check.group) {
            let gap = if group.is_some() { "\n" } else { "" };
            let name = check.group.name().bold();
            let _ = writeln!(text, "{gap}{name}: {}", check.group.about());
            group = Some(check.group);
        }
        let level = check.level.name();
        let _ = writeln!(text, "  {:width$}  {level:6}  {}", check.id, check.title);
    }
    text
}
