//! The headings that group options in `--help`.

pub(super) const PIPE: &str = "Scripts and pipes";
pub(super) const REQUEST: &str = "Request";
pub(super) const SESSION: &str = "Session";
pub(super) const OUTPUT: &str = "Output";
