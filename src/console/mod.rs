//! The terminal: a prompt on the bottom line and the output above it.

mod assistant;
mod burst;
mod complete;
mod editor_thread;
pub(crate) mod event;
mod external_editor;
pub(crate) mod history;
mod inputrc;
mod keys;
mod line_state;
mod paste;
mod print_queue;
pub(crate) mod prompt;
pub(crate) mod prompt_look;
pub(crate) mod screen;
mod suspend;
mod tail;
mod terminal_modes;
mod unsent_line;
pub(crate) mod view;
