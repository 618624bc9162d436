//! The results of `sockeye check`: a page for people, JSON Lines, `JUnit`, and the list of checks.

pub mod json;
pub mod junit;
pub mod list;
pub mod page;
mod results;
#[cfg(test)]
mod sample;

pub use results::CheckPage;
