//! Opening of connections: name resolution, TCP, proxies, TLS and the opening handshake, within one
//! time limit.

mod client_report;
pub mod cookies;
pub mod credentials;
mod dial;
mod dial_options;
mod dialer;
pub(crate) mod digest;
mod error;
mod established;
mod http1;
mod http2;
pub mod incoming;
mod limits;
pub mod netrc;
mod open;
mod options;
mod outcome;
mod passed;
#[cfg(test)]
pub(crate) mod planted;
mod progress;
mod redirect;
mod redirect_fault;
mod redirect_hop;
mod request;
mod resolver;
mod step;
mod stopwatch;
mod timeout;
mod timing;
mod tracker;

pub use client_report::{ClientConnection, ClientReport};
pub use dial_options::{ConnectTo, DialOptions, ResolveOverride};
pub use dialer::Dialer;
pub use error::OpenError;
pub use established::Established;
pub use limits::Limits;
pub use open::DialedStream;
pub use options::{ConnectOptions, Http};
pub use passed::ServerAnswer;
pub use progress::Progress;
pub use redirect_fault::RedirectFault;
pub use request::{RequestPart, RequestSummary};
pub use step::{LimitScope, Step};
pub use timing::Timing;
