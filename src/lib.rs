//! The library behind the `sockeye` command. Arrows point down only.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the command line, parsed and resolved to a job |
//! | [`mode`] | the run modes: client (interactive or pipe), listen, demo, show |
//! | `sink`, `console` | observers of a run; the terminal |
//! | [`job`] | the description of a run: plain data |
//! | [`report`] | diagnostics on stderr |
//! | [`render`] | events to bytes for people and programs |
//! | [`script`] | actions and matchers |
//! | [`error`] | sentences, hints and exit codes |
//! | [`session`] | the driver: one task owns a transport and a connection |
//! | [`connect`] | a target, or a client, to an open session |
//! | [`net`] | byte streams |
//! | [`sys`] | what only Unix can do: stdin, stdout, signals |
//! | [`random`], [`target`], [`escape`], [`redact`] | small nouns |
//! | [`proto`] | the WebSocket protocol, sans-IO |

pub mod cli;
pub mod connect;
pub(crate) mod console;
pub mod error;
pub mod escape;
pub mod job;
pub mod mode;
pub mod net;
pub mod proto;
pub mod random;
pub mod redact;
pub mod render;
pub mod report;
pub mod script;
pub mod secret;
pub mod session;
pub(crate) mod sink;
pub mod sys;
pub mod target;
