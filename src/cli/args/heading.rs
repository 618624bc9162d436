//! Section headings of `--help`.

pub(super) const PIPE: &str = "Scripts and pipes";
pub(super) const SERVER: &str = "Server";
pub(super) const ADMISSION: &str = "Admission and response";
pub(super) const REQUEST: &str = "Request";
pub(super) const CONNECTION: &str = "Connection";
pub(super) const TLS: &str = "TLS";
pub(super) const SESSION: &str = "Session";
pub(super) const OUTPUT: &str = "Output";
