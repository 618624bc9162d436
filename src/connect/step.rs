//! The steps of opening a session.

/// A step of opening a session, each of which a time limit may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lookup of the name.
    Resolve,
    /// The TCP connection, or that to a Unix socket.
    Connect,
    /// The answer of the proxy.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The SETTINGS of the server (RFC 9113, 3.4).
    Settings,
    /// The permission to open a stream of HTTP/2 (`MAX_CONCURRENT_STREAMS`).
    Stream,
    /// The answer to the opening handshake.
    Handshake,
}

/// What a time limit covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// The step alone.
    Step,
    /// All of opening.
    Open,
    /// The whole run, of which opening is a part.
    Run,
}
