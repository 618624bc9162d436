//! Scripts and their inputs: actions, matchers, slash commands and the messages in stdin. This
//! module does no I/O and reads no clock; its callers pass bytes and times.

pub mod action;
pub mod addressee;
mod answers;
pub mod awaited;
pub(crate) mod command;
pub mod draft;
pub mod fault;
pub mod goals;
pub mod input;
pub mod json;
pub mod jsonl;
pub mod matcher;
pub(crate) mod news;
pub mod pointer;
pub mod records;
pub(crate) mod repeats;
pub mod reply;
pub(crate) mod runner;
pub mod template;
