//! The two sides of a connection.

/// Our side of the connection. It decides who masks (RFC 6455, 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We opened the connection: our frames are masked, the peer's are not.
    Client,
    /// We accepted it: the peer's frames are masked, ours are not.
    Server,
}

impl Role {
    /// Returns the peer's role.
    #[must_use]
    pub fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
