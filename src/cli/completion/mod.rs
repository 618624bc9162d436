//! Shell completion: the candidates for a word, from the definition of the command line. The scripts
//! in completions/ pass what was typed to `sockeye completions candidates` and show the answer.

mod candidate;
mod line;
mod shell;
mod values;

pub use shell::{CompletedShell, answer};

#[cfg(test)]
mod tests;
