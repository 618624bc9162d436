//! Scalar values of the schema.

use crate::proto::{self, trace};
use data_encoding::{BASE64, HEXLOWER};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt, time::Duration};

/// The side that caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Caused by the peer.
    In,
    /// Caused by this side.
    Out,
}

impl From<trace::Direction> for Direction {
    fn from(direction: trace::Direction) -> Self {
        match direction {
            trace::Direction::In => Self::In,
            trace::Direction::Out => Self::Out,
        }
    }
}

impl From<Direction> for trace::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::In => Self::In,
            Direction::Out => Self::Out,
        }
    }
}

/// One of the two connections of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leg {
    /// The connection of a client.
    Client,
    /// The connection to the server.
    Server,
}

impl From<proto::Leg> for Leg {
    fn from(leg: proto::Leg) -> Self {
        match leg {
            proto::Leg::Client => Self::Client,
            proto::Leg::Server => Self::Server,
        }
    }
}

impl From<Leg> for proto::Leg {
    fn from(leg: Leg) -> Self {
        match leg {
            Leg::Client => Self::Client,
            Leg::Server => Self::Server,
        }
    }
}

/// A time in seconds, with six decimal places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seconds(pub Duration);

/// Longest time: more than a century.
const MAX_SECONDS: f64 = 4e9;
/// Half a microsecond.
const HALF: Duration = Duration::from_nanos(500);

impl Seconds {
    /// Rounds a number of seconds to the microsecond. Returns `None` if it is not between 0 and
    /// `MAX_SECONDS`, so that sums of times cannot overflow.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        if !(0.0..=MAX_SECONDS).contains(&seconds) {
            return None;
        }
        let time = Duration::try_from_secs_f64(seconds).ok()?.checked_add(HALF)?;
        Some(Self(Duration::new(time.as_secs(), time.subsec_micros() * 1000)))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Truncated to microseconds, and exact for a century. `LineFormatter` writes the digits.
        let whole = Duration::new(self.0.as_secs(), self.0.subsec_micros() * 1000);
        serializer.serialize_f64(whole.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Self::from_seconds(seconds).ok_or_else(|| de::Error::custom("not a time in seconds"))
    }
}

/// Bytes in base64 (RFC 4648, section 4, with padding).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64<'a>(pub Cow<'a, [u8]>);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `LineFormatter` encodes the bytes.
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Base64<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes());
        bytes.map(|bytes| Self(bytes.into())).map_err(|_| de::Error::custom("not base64"))
    }
}

/// Bytes in lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex<'a>(pub Cow<'a, [u8]>);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&HEXLOWER.encode_display(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes());
        bytes.map(|bytes| Self(bytes.into())).map_err(|_| de::Error::custom("not hexadecimal"))
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => Ok(text),
        _ => Err(de::Error::custom("not a string")),
    }
}

/// A value of any type, which lets the reader of a line report a fault by the name of its field.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scalar<'a> {
    /// The field is absent.
    #[default]
    Absent,
    /// JSON `null`.
    Null,
    /// A JSON string.
    Text(Cow<'a, str>),
    /// A non-negative integer.
    Unsigned(u64),
    /// A number with a decimal point or an exponent.
    Float(f64),
    /// Any other value, including a negative integer.
    Other,
}

impl Scalar<'_> {
    /// Returns the string, or `None` for another type.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the integer, or `None` for another type.
    pub fn as_unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the number, or `None` for another type or an integer of 2^32 or more.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Unsigned(number) => u32::try_from(*number).ok().map(f64::from),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(text.to_owned().into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Unsigned(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
