//! The form in which a server sends messages back, as far as checks depend on it.

use super::frames::{BINARY, SeenMessage, TEXT};
use serde_json::Value;

/// The echo of text and of binary messages.
#[derive(Clone, Debug)]
pub(crate) struct Echo {
    /// The form of texts that come back, or why none can be compared.
    pub(crate) text: Result<EchoForm, String>,
    /// The same for binary messages.
    pub(crate) binary: Result<EchoForm, String>,
    /// The number of times one message was echoed.
    pub(crate) copies: usize,
}

/// The place of a payload in the message that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EchoForm {
    /// The payload is the whole message.
    Whole,
    /// The server adds bytes before or after the payload.
    Inside,
    /// The payload is a string of a JSON text.
    InsideJson,
}

impl EchoForm {
    /// Recognizes the form of a message, which must contain the payload that was sent.
    pub(crate) fn of(sent: &[u8], received: &[u8]) -> Option<Self> {
        [Self::Whole, Self::InsideJson, Self::Inside]
            .into_iter()
            .find(|form| form.matches(sent, received))
    }

    /// Reports whether a received payload has this form of one that was sent.
    fn matches(self, sent: &[u8], received: &[u8]) -> bool {
        match self {
            Self::Whole => sent == received,
            Self::Inside => {
                sent.is_empty() || received.windows(sent.len()).any(|part| part == sent)
            }
            Self::InsideJson => match (std::str::from_utf8(sent), serde_json::from_slice(received))
            {
                (Ok(sent), Ok(json)) => has_string(&json, sent),
                _ => false,
            },
        }
    }
}

impl Echo {
    /// Returns why messages of this kind cannot be compared, if they cannot.
    pub(crate) fn missing(&self, opcode: u8) -> Option<&str> {
        let form = if opcode == BINARY { &self.binary } else { &self.text };
        form.as_ref().err().map(String::as_str)
    }

    /// Reports whether messages of this kind come back once, and as they were.
    pub(crate) fn is_exact(&self, opcode: u8) -> bool {
        let form = if opcode == BINARY { &self.binary } else { &self.text };
        *form == Ok(EchoForm::Whole) && self.copies <= 1
    }

    /// Returns the first of the sent messages that is not among the received ones, in this order.
    pub(crate) fn first_lost<'a>(
        &self,
        sent: &'a [SeenMessage],
        received: &[SeenMessage],
    ) -> Option<&'a SeenMessage> {
        let mut received = received.iter();
        sent.iter().find(|wanted| !received.any(|message| self.is_back(wanted, message)))
    }

    fn is_back(&self, sent: &SeenMessage, received: &SeenMessage) -> bool {
        let form = if sent.opcode == TEXT { &self.text } else { &self.binary };
        let form = form.as_ref().copied().unwrap_or(EchoForm::Whole);
        sent.opcode == received.opcode && form.matches(&sent.payload, &received.payload)
    }
}

impl Default for Echo {
    fn default() -> Self {
        Self { text: Ok(EchoForm::Whole), binary: Ok(EchoForm::Whole), copies: 1 }
    }
}

/// Reports whether a string is anywhere in a JSON value.
fn has_string(json: &Value, wanted: &str) -> bool {
    match json {
        Value::String(text) => text == wanted,
        Value::Array(values) => values.iter().any(|value| has_string(value, wanted)),
        Value::Object(fields) => fields.values().any(|value| has_string(value, wanted)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(payload: &str) -> SeenMessage {
        SeenMessage { opcode: TEXT, payload: payload.into() }
    }

    #[test]
    fn forms_are_recognized_by_what_is_around_the_payload() {
        for (received, form) in [
            (&b"hello"[..], Some(EchoForm::Whole)),
            (b"you said: hello", Some(EchoForm::Inside)),
            (b"{\"at\":1,\"echo\":[\"hello\"]}", Some(EchoForm::InsideJson)),
            (b"{\"echo\":\"hello you\"}", Some(EchoForm::Inside)),
            (b"HELLO", None),
        ] {
            assert_eq!(EchoForm::of(b"hello", received), form, "{}", received.escape_ascii());
        }
    }

    #[test]
    fn messages_come_back_in_their_order_among_others() {
        let echo = Echo { text: Ok(EchoForm::InsideJson), ..Echo::default() };
        let received = ["[1]", "{\"echo\":\"a\\u0000\"}", "[\"b\"]"].map(text);
        assert_eq!(echo.first_lost(&["a\0", "b"].map(text), &received), None);
        let swapped = ["b", "a\0"].map(text);
        assert_eq!(echo.first_lost(&swapped, &received), Some(&swapped[1]));
    }
}
