//! Unix services: the standard streams, signals, sockets and files.

mod closed;
pub mod hidden_line;
pub mod input_file;
mod output_target;
mod patient;
mod readiness;
pub mod replace;
pub mod resources;
pub mod run_limit;
pub mod shared_stdin;
pub mod signals;
pub mod socket_handle;
pub mod stdio;
mod stdout;
pub mod temporary;
pub mod unix;
mod writer;
mod writer_thread;
