//! Actions and matchers: what may be sent, and which messages are waited for. Pure: no I/O, no clock.

pub(crate) mod command;
pub mod input;
pub mod order;
pub mod step;
