//! Rules that lead from evidence to a cause and a hint.

/// A rule of a table. An empty text is omitted from the message.
pub(super) struct Rule<E: 'static> {
    /// The servers, gateways or standards where this was seen. Those marked "(documented)" have no
    /// recorded answer: they are known from standards, documentation or source code.
    #[allow(dead_code, reason = "for readers of the table")]
    pub(super) seen_at: &'static str,
    /// Reports whether the evidence fits.
    pub(super) applies: fn(&E) -> bool,
    /// True if no other cause is likely.
    pub(super) is_certain: bool,
    /// The cause, which completes the first line of the error.
    pub(super) cause: fn(&E) -> String,
    /// The hint: an imperative for the user.
    pub(super) hint: fn(&E) -> String,
    /// Header fields of the answer that support the rule; the first one present is shown.
    pub(super) fields: &'static [&'static str],
}

impl<E> Rule<E> {
    /// A rule after which no other one is considered.
    pub(super) const fn certain(seen_at: &'static str, applies: fn(&E) -> bool) -> Self {
        let nothing = |_: &E| String::new();
        Self { seen_at, applies, is_certain: true, cause: nothing, hint: nothing, fields: &[] }
    }

    /// A rule that leaves room for a second one.
    pub(super) const fn likely(seen_at: &'static str, applies: fn(&E) -> bool) -> Self {
        let mut rule = Self::certain(seen_at, applies);
        rule.is_certain = false;
        rule
    }

    pub(super) const fn cause(mut self, cause: fn(&E) -> String) -> Self {
        self.cause = cause;
        self
    }

    pub(super) const fn hint(mut self, hint: fn(&E) -> String) -> Self {
        self.hint = hint;
        self
    }

    pub(super) const fn fields(mut self, fields: &'static [&'static str]) -> Self {
        self.fields = fields;
        self
    }
}

/// The result of applying a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::error) struct Judgement {
    /// The cause; empty if it is unknown or only likely.
    pub(in crate::error) cause: String,
    /// At most two hints, the likelier first.
    pub(super) hints: Vec<String>,
    /// The fields of the rule that decided.
    pub(in crate::error) fields: &'static [&'static str],
}

impl Judgement {
    /// Applies the rules of the tables in order.
    pub(super) fn of<E>(tables: &[&'static [Rule<E>]], evidence: &E) -> Self {
        let mut judgement: Option<Self> = None;
        let rules = tables.iter().copied().flatten();
        for rule in rules.filter(|rule| (rule.applies)(evidence)) {
            let hint = Some((rule.hint)(evidence)).filter(|hint| !hint.is_empty());
            match &mut judgement {
                None => {
                    let hints = hint.into_iter().collect();
                    let cause = (rule.cause)(evidence);
                    judgement = Some(Self { cause, hints, fields: rule.fields });
                    if rule.is_certain {
                        break;
                    }
                }
                Some(first) => {
                    // "check the path" adds nothing to "check the path and query".
                    let is_new = |hint: &String| first.hints.iter().all(|it| !it.contains(hint));
                    let Some(hint) = hint.filter(is_new) else { continue };
                    first.hints.push(hint);
                    break;
                }
            }
        }
        judgement.unwrap_or_default()
    }

    /// Returns the hint.
    pub(in crate::error) fn hint(&self) -> Option<String> {
        (!self.hints.is_empty()).then(|| self.hints.join("; otherwise "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Rule<u8>] = &[
        Rule::likely("a", |n| *n == 1).hint(|_| "one".into()),
        Rule::certain("b", |n| *n < 3).cause(|_| "small".into()).hint(|_| "few".into()),
        Rule::likely("c", |n| *n < 4).hint(|_| "some".into()),
        Rule::likely("d", |n| *n < 9).hint(|_| "some".into()),
    ];

    #[test]
    fn a_certain_rule_gives_one_hint_and_a_likely_one_allows_a_second() {
        let hint = |n| Judgement::of(&[RULES], &n).hint();
        assert_eq!(hint(1).as_deref(), Some("one; otherwise few"));
        assert_eq!(hint(2).as_deref(), Some("few"));
        assert_eq!(hint(3).as_deref(), Some("some"), "the same hint is not repeated");
        assert_eq!(hint(9), None);
        assert_eq!(Judgement::of(&[RULES], &1).cause, "", "the cause is that of the first rule");
        assert_eq!(Judgement::of(&[RULES], &2).cause, "small");
    }
}
