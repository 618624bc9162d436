//! Diagnosis of a failure: tables of rules that lead from the evidence to a cause and a hint.
//!
//! A table is in order of likelihood. The first rule that applies decides; if it is only likely, the
//! hint of the next one is added. Where no rule applies, there is no hint.

mod ending;
mod ending_hints;
mod ending_rules;
mod no_answer;
mod no_answer_rules;
mod outside_frames;
mod product_rules;
mod refusal;
mod refusal_hints;
mod refusal_rules;
mod rule;
#[cfg(test)]
mod tests;
mod words;

pub(super) use ending::Ending;
pub(super) use no_answer::NoAnswer;
pub(super) use refusal::Refusal;

use rule::Judgement;

/// Judges an answer that refuses the upgrade.
pub(super) fn of_refusal(refusal: &Refusal) -> Judgement {
    Judgement::of(&[product_rules::RULES, refusal_rules::RULES], refusal)
}

/// Judges a handshake without an answer.
pub(super) fn of_no_answer(no_answer: &NoAnswer) -> Judgement {
    Judgement::of(&[no_answer_rules::RULES], no_answer)
}

/// Judges the end of a session that failed.
pub(super) fn of_ending(ending: &Ending) -> Judgement {
    Judgement::of(&[ending_rules::RULES], ending)
}
