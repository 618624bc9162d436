//! The command line: its definition ([`args`]), the parser ([`parse`]), the configuration file
//! ([`config`]), the resulting job ([`run`]), shell completion ([`completion`]) and its scripts
//! ([`generate`]), man pages ([`man`]) and the help ([`help`]).

pub mod args;
mod check;
mod color;
pub mod completion;
pub mod config;
mod connect;
pub mod generate;
pub mod help;
mod implied;
mod known_args;
mod listen;
pub mod man;
pub mod parse;
pub mod prescan;
mod proxy;
mod request;
pub mod run;
mod script;
mod usage;
pub mod values;
mod wscat;
