//! The terminal: a prompt at the bottom, and everything that is printed above it.

mod assistant;
mod complete;
mod editor_thread;
pub(crate) mod event;
mod external_editor;
pub(crate) mod history;
mod line;
mod print_queue;
pub(crate) mod prompt;
pub(crate) mod screen;
mod suspend;
mod terminal_modes;
