//! The command line: its definition ([`args`]), its reader ([`parse`]), the user's configuration file
//! ([`config`]), the job that both describe ([`run`]), and the pages generated from the definition
//! ([`generate`]).

pub mod args;
pub mod config;
mod connect;
pub mod generate;
pub mod parse;
pub mod prescan;
pub mod run;
mod usage;
pub mod values;
