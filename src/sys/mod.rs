//! Unix services: stdin and stdout without threads, signals, sockets and files.

pub mod resources;
pub mod signals;
pub mod stdio;
pub mod unix;
