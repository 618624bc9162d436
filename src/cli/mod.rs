//! The command line: what was typed ([`args`]), what was meant ([`config`]), and the pages made
//! from the same definition ([`generate`]).

pub mod args;
pub mod config;
pub mod generate;
pub mod prescan;
pub mod values;
