//! Faults that are made on purpose, and the conditions under which they happen.
//!
//! A [`FaultRule`] has two forms: a line of text (`drop every 3 out`), which [`FaultRule::parse`] reads
//! and its `Display` writes, and a table in a reply script.

mod answered;
mod decide;
mod line;
mod refusal;
mod rewrite;
mod rule;
mod stream;
mod text;
mod words;

pub use decide::{Effects, FaultEnding, FaultSchedule, FaultyFrame, PerformedFault};
pub use refusal::RefusalSchedule;
pub use rule::{Condition, ControlKind, CutPlace, FAULT_NAMES, Fault, FaultRule, Threshold};
pub use stream::FaultStream;
pub use text::{MAX_FRAGMENTS, Variables};
pub use words::RuleFault;

#[cfg(test)]
mod tests;
