//! The command line: its definition ([`args`]), the parser ([`parse`]), the configuration file
//! ([`config`]), the resulting job ([`run`]), shell completion ([`completion`]), and generated
//! completions and man pages ([`generate`]).

pub mod args;
pub mod completion;
pub mod config;
mod connect;
pub mod generate;
mod implied;
mod known_args;
mod listen;
pub mod parse;
pub mod prescan;
pub mod run;
mod script;
mod usage;
pub mod values;
