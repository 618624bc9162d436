//! The library behind the `sockeye` command. Arrows point down only.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | what was typed, and what was meant |
//! | [`mode`] | what a person runs: interactive, pipe, listen, demo |
//! | [`render`] | events to bytes for people and programs |
//! | [`report`] | what is said on stderr |
//! | [`session`] | the driver: one task owns a transport and a connection |
//! | [`connect`], [`accept`] | a target, or a client, to an open session |
//! | [`net`] | byte streams |
//! | [`proto`] | the WebSocket protocol, sans-IO |
//! | [`stdio`], [`random`], [`target`], [`escape`], [`redact`] | the system's ends, and small nouns |
//! | [`error`] | what can go wrong, its words and exit codes |

pub mod accept;
pub mod cli;
pub mod connect;
pub mod error;
pub mod escape;
pub mod mode;
pub mod net;
pub mod proto;
pub mod random;
pub mod redact;
pub mod render;
pub mod report;
pub mod secret;
pub mod session;
pub mod stdio;
pub mod target;
