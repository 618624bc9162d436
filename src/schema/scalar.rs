//! Values in lines.

use crate::proto::trace;
use data_encoding::{BASE64, HEXLOWER};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt, time::Duration};

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The peer.
    In,
    /// This side.
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

/// A time in seconds, with six digits after the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seconds(pub Duration);

/// Half a microsecond.
const HALF: Duration = Duration::from_nanos(500);

impl Seconds {
    /// Rounds a number of seconds to the microsecond, if it is not negative.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let time = Duration::try_from_secs_f64(seconds).ok()?.checked_add(HALF)?;
        Some(Self(Duration::new(time.as_secs(), time.subsec_micros() * 1000)))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The formatter of lines writes the digits. Rounded down, and exact for a century.
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
        // The formatter of lines encodes it.
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

/// Bytes in hexadecimal digits, of which the letters are small.
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

/// A value of any type, for lines whose faults are told by the names of their fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scalar<'a> {
    /// There is no such field.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A string.
    Text(Cow<'a, str>),
    /// An integer that is not negative.
    Unsigned(u64),
    /// A number with a point or an exponent.
    Float(f64),
    /// Anything else, a negative integer too.
    Other,
}

impl Scalar<'_> {
    /// Returns the string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the integer, if it is one.
    pub fn as_unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the number, if it is one and, as an integer, below 2^32.
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
