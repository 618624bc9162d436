//! sockeye.
pub mod proto;
