//! Reply scripts: rules by which a server answers its clients (`listen --reply`).

pub mod conversation;
mod fault_keys;
pub mod file;
mod keys;
pub mod parse;
mod path;
pub mod replies;
#[allow(missing_docs, reason = "the names are those of the keys in the file")]
pub mod rule;
mod subset;
mod unused;
mod values;

pub use path::PathPattern;
pub use subset::JsonSubset;
