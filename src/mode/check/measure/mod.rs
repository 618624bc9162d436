//! Measurements: how large, how fast, how slow and how idle a session may be.

pub(crate) mod idle;
pub(crate) mod limit;
pub(crate) mod meter;
pub(crate) mod pings;
pub(crate) mod search;
pub(crate) mod sizes;
pub(crate) mod slow_reader;
pub(crate) mod words;
