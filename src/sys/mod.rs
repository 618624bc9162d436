//! Unix services: stdin and stdout without threads, signals, sockets and files.

pub mod input_file;
pub mod resources;
pub mod signals;
pub mod stdio;
pub mod unix;
