//! What only Unix can do: stdin and stdout without threads, signals, sockets, files.

pub mod signals;
pub mod stdio;
pub mod unix;
