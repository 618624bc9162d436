//! The encodings of `--decode`.

/// The encoding of binary messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// gzip (RFC 1952), with any number of members.
    Gzip,
    /// zlib (RFC 1950). A stream may extend over several messages.
    Zlib,
    /// Deflate (RFC 1951), with or without the header of zlib.
    Deflate,
    /// `MessagePack`, shown as JSON.
    Msgpack,
    /// gzip, zlib or `MessagePack`, whichever a message is.
    Auto,
}

impl Encoding {
    /// Returns the name of the option's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Msgpack => "msgpack",
            Self::Auto => "auto",
        }
    }
}
