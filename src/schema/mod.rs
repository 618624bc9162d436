//! The schema of JSON Lines (docs/jsonl.md): one set of types for output (`--output jsonl`,
//! `--record`), for reading recordings and for `--input jsonl`.

pub mod addressees;
pub mod check;
pub mod event;
mod headers;
pub mod input;
pub mod line;
pub mod scalar;

#[cfg(test)]
mod tests;
