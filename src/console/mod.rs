//! The terminal: a prompt on the bottom line and the output above it.

mod assistant;
mod complete;
mod editor_thread;
pub(crate) mod event;
mod external_editor;
pub(crate) mod history;
mod line_state;
mod paste;
mod print_queue;
pub(crate) mod prompt;
pub(crate) mod screen;
mod suspend;
mod terminal_modes;
