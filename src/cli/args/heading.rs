//! Section headings of `--help`.

pub(in crate::cli) const PIPE: &str = "Scripts and pipes";
pub(in crate::cli) const CHECKS: &str = "Checks";
pub(in crate::cli) const SERVER: &str = "Server";
pub(in crate::cli) const ADMISSION: &str = "Admission and response";
pub(in crate::cli) const CLIENTS: &str = "Clients";
pub(in crate::cli) const FAULTS: &str = "Faults";
pub(in crate::cli) const REQUEST: &str = "Request";
pub(in crate::cli) const CONNECTION: &str = "Connection";
pub(in crate::cli) const TLS: &str = "TLS";
pub(in crate::cli) const SESSION: &str = "Session";
pub(in crate::cli) const OUTPUT: &str = "Output";
