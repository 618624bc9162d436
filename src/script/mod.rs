//! What to send and what to wait for: actions, matchers and scripts, slash commands, and the
//! messages in stdin. Pure: bytes and times are given to it.

pub mod action;
pub(crate) mod command;
pub mod goals;
pub mod input;
pub mod json;
pub mod jsonl;
pub mod matcher;
pub(crate) mod runner;
