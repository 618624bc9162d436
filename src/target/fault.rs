//! The faults of URLs.

use crate::escape::Escaped;
use std::fmt;

/// The fault of a malformed URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// The text is empty.
    Empty,
    /// White space or a control character.
    Space,
    /// The scheme, which is not ws, wss, http or https.
    Scheme(String),
    /// The scheme is not followed by two slashes.
    Slashes,
    /// The host is missing.
    NoHost,
    /// A port without a host, which would be read as a number of an address.
    PortAlone(u16),
    /// The address of a Unix socket at which a server listens.
    Unix(String),
    /// A type of address of websocat.
    AddressType(String),
    /// Not a host name or address.
    Host,
    /// Not a port from 1 to 65535.
    Port,
    /// A control character in user or password.
    User,
    /// A delimiter in user or password, which ends them before their `@`.
    UserDelimiter(char),
    /// A carriage return at the end.
    CarriageReturn,
    /// A fragment, which a WebSocket URL must not have (RFC 6455, 3).
    Fragment,
    /// Bytes that are not UTF-8.
    Encoding,
    /// Any other fault; the error message of the parser.
    Other(String),
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Space => f.write_str("white space or a control character"),
            Self::Scheme(scheme) => write!(f, "unknown scheme '{}'", Escaped(scheme)),
            Self::Slashes => f.write_str("no // after the scheme"),
            Self::NoHost => f.write_str("no host"),
            Self::PortAlone(_) => f.write_str("a port without a host"),
            Self::Unix(_) => f.write_str("a Unix socket, but not a URL"),
            Self::AddressType(name) => write!(f, "unknown type of address '{}:'", Escaped(name)),
            Self::Host => f.write_str("not a host name or address"),
            Self::Port => f.write_str("not a port from 1 to 65535"),
            Self::User => f.write_str("a control character in user or password"),
            Self::UserDelimiter(delimiter) => {
                write!(f, "a {delimiter} before the @, perhaps in the password")
            }
            Self::CarriageReturn => f.write_str("it ends with a carriage return"),
            Self::Fragment => f.write_str("a WebSocket URL has no fragment (#)"),
            Self::Encoding => f.write_str("not valid UTF-8"),
            Self::Other(words) => f.write_str(words),
        }
    }
}
