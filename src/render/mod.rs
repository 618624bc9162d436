//! Output formats for people and for programs.

pub mod buffer;
pub mod dialogue;
pub mod frames;
pub mod har;
pub mod hexdump;
pub mod json;
pub mod jsonl;
pub mod lengths;
pub mod lines;
pub mod recording;
pub mod renderer;
pub mod summary;
pub mod terminal;
pub mod transcript;
pub mod write_out;
