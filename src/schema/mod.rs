//! The schema of JSON Lines (docs/jsonl.md): one set of types for what is written
//! (`--output jsonl`, `--record`), for recordings that are read again, and for the orders of
//! `--input jsonl`.

pub mod event;
pub mod input;
pub mod line;
pub mod scalar;

#[cfg(test)]
mod tests;
