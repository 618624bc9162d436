//! The client modes: interactive if stdin and stdout are terminals, a pipe otherwise.

mod conversation;
mod decoding;
mod farewell;
mod interactive;
mod lenience_note;
mod message_limit;
mod news;
mod pipe;
mod reconnect;
mod retry_table;

pub(super) use conversation::run;
