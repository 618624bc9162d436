//! The steps of opening a session.

/// A step of opening a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The name lookup.
    Resolve,
    /// The connection over TCP or to a Unix socket.
    Connect,
    /// The negotiation with the proxy.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The wait for the server's SETTINGS (RFC 9113, 3.4).
    Settings,
    /// The wait for an HTTP/2 stream (`MAX_CONCURRENT_STREAMS`).
    Stream,
    /// The opening handshake.
    Handshake,
}

/// The scope of a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// A single step.
    Step,
    /// The opening of the session.
    Open,
    /// The whole run, including the session.
    Run,
}
