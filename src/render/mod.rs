//! Output formats for people and for programs.

pub mod buffer;
pub mod check;
pub mod dialogue;
pub mod extent;
pub mod frames;
pub mod har;
pub mod hexdump;
pub mod json;
pub mod jsonl;
pub mod lengths;
pub mod lines;
mod local_time;
pub mod long_content;
pub mod page;
pub mod proxy_events;
pub mod recording;
pub mod recording_lines;
pub mod renderer;
pub mod server_events;
mod skipped;
pub mod summary;
pub mod terminal;
pub mod transcript;
pub mod write_out;
