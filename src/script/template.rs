//! Templates: messages with places for values of earlier messages, of the run and of the environment.

use super::{pointer::Pointer, records::Source};
use crate::wording::nearest;
use jiff::Timestamp;
use std::{env::VarError, fmt, io::Write as _, time::SystemTime};

/// A message with placeholders, as `--expand` reads it.
///
/// | placeholder | stands for |
/// | --- | --- |
/// | `${name}` | a value of the caller, such as a named group of the last pattern that matched |
/// | `${json:/pointer}` | the value at this place of the message that is answered |
/// | `${uuid}` | a new random UUID (RFC 9562, 5.4) |
/// | `${now}`, `${now_ms}` | the time: in UTC (RFC 3339, with milliseconds), in milliseconds since 1970 |
/// | `${n}` | the number of this message, from 1 |
/// | `${env:NAME}` | an environment variable, read when the template is parsed |
/// | `$${` | the two characters `${` |
///
/// All values of `json:` come from one JSON text of the message. A value of `json:` keeps a JSON template valid: as a member or item it is inserted as JSON, with
/// its quotes if it is a string; inside a string it is inserted with the escapes of one; anywhere
/// else it is plain text. A variable inside a JSON string is escaped, too. All other values are
/// inserted as they are.
#[derive(Clone, Debug)]
pub struct Template {
    text: Vec<u8>,
    parts: Vec<TemplatePart>,
}

#[derive(Clone, Debug)]
enum TemplatePart {
    Text(Vec<u8>),
    Name(String),
    Json(Pointer, JsonPlace),
    Uuid,
    Now,
    NowMillis,
    Number,
}

/// The surroundings of a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JsonPlace {
    /// Outside of JSON.
    Plain,
    /// Inside a JSON string.
    String,
    /// A member or an item.
    Value,
}

/// The values that placeholders may use.
pub struct Scope<'a> {
    /// The names that [`Values::append`] knows. They take precedence over the names of the table of
    /// [`Template`].
    pub names: &'a [&'a str],
    /// True if there will be a message for `json:`.
    pub has_message: bool,
    /// Returns the value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Result<String, VarError>,
}

/// A template that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// The column of the placeholder, from 1.
    pub column: usize,
    /// A phrase that names the fault.
    pub words: String,
    /// Set if the placeholder has a name that does not exist.
    pub unknown: Option<UnknownName>,
}

/// The name of a placeholder that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// A similar name that does, as a placeholder.
    pub near: Option<String>,
}

/// The values for one message.
pub struct Values<'a> {
    /// Appends the value of a name. Returns false if there is none yet.
    pub append: &'a dyn Fn(&str, &mut Vec<u8>) -> bool,
    /// The message that is answered, if any.
    pub message: Option<Source<'a>>,
    /// The number of this message.
    pub number: u64,
    /// The time.
    pub now: SystemTime,
    /// Returns 16 random bytes.
    pub random: &'a mut dyn FnMut() -> [u8; 16],
}

/// A placeholder without a value, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingValue(pub String);

impl Template {
    /// Parses a template.
    pub fn parse(text: &[u8], scope: &Scope<'_>) -> Result<Self, TemplateFault> {
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        let mut json = JsonScanner::default();
        let mut rest = text;
        while let Some(at) = memchr::memmem::find(rest, b"${") {
            let (before, after) = rest.split_at_checked(at).unwrap_or((rest, b""));
            if let Some(before) = before.strip_suffix(b"$") {
                json.scan(&[before, b"${"].concat());
                literal.extend_from_slice(before);
                literal.extend_from_slice(b"${");
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            json.scan(before);
            literal.extend_from_slice(before);
            let fault = |(words, unknown): (String, Option<UnknownName>)| {
                let before = text.get(..text.len() - after.len()).unwrap_or_default();
                let column = String::from_utf8_lossy(before).chars().count() + 1;
                TemplateFault { column, words, unknown }
            };
            let end = memchr::memchr(b'}', after);
            let name = end.and_then(|end| std::str::from_utf8(after.get(2..end)?).ok());
            let (name, end) = name.zip(end).ok_or_else(|| {
                fault(("'${' without '}' ($${ stands for a literal ${)".to_owned(), None))
            })?;
            rest = after.get(end + 1..).unwrap_or_default();
            match placeholder(name, scope, json.place()).map_err(fault)? {
                TemplatePart::Text(text) => literal.extend_from_slice(&text),
                part => {
                    if !literal.is_empty() {
                        parts.push(TemplatePart::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                }
            }
            json.value();
        }
        literal.extend_from_slice(rest);
        if !literal.is_empty() {
            parts.push(TemplatePart::Text(literal));
        }
        Ok(Self { text: text.to_vec(), parts })
    }

    /// Returns the message with these values.
    pub fn expand(&self, values: &mut Values<'_>) -> Result<Vec<u8>, MissingValue> {
        let mut out = Vec::new();
        let message = values.message.filter(|_| self.uses_message());
        let record = message.and_then(|message| {
            let has_all = |text: &str| self.pointers().all(|pointer| pointer.find(text).is_some());
            message.record(has_all).or_else(|| message.record(|_| true))
        });
        for part in &self.parts {
            match part {
                TemplatePart::Text(text) => out.extend_from_slice(text),
                TemplatePart::Name(name) => {
                    if !(values.append)(name, &mut out) {
                        return Err(MissingValue(format!("${{{name}}}")));
                    }
                }
                TemplatePart::Json(pointer, place) => {
                    match record.and_then(|record| pointer.find(record)) {
                        Some(found) => out.extend_from_slice(place.insert(found).as_bytes()),
                        None => return Err(MissingValue(format!("${{json:{pointer}}}"))),
                    }
                }
                TemplatePart::Uuid => push(&mut out, format_args!("{}", Uuid((values.random)()))),
                TemplatePart::Now => {
                    let now = Timestamp::try_from(values.now).unwrap_or_default();
                    push(&mut out, format_args!("{now:.3}"));
                }
                TemplatePart::NowMillis => {
                    let now = values.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                    push(&mut out, format_args!("{}", now.as_millis()));
                }
                TemplatePart::Number => push(&mut out, format_args!("{}", values.number)),
            }
        }
        Ok(out)
    }

    /// Returns the template as it was given.
    pub fn source(&self) -> &[u8] {
        &self.text
    }

    /// Reports whether a placeholder refers to the message that is answered.
    pub fn uses_message(&self) -> bool {
        self.pointers().next().is_some()
    }

    fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Json(pointer, _) => Some(pointer),
            _ => None,
        })
    }

    /// Reports whether a placeholder is the number of the message.
    pub fn uses_number(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, TemplatePart::Number))
    }

    /// Reports whether a placeholder is random.
    pub fn uses_random(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, TemplatePart::Uuid))
    }

    /// Appends bytes to each message.
    pub fn append(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.text.extend_from_slice(bytes);
            self.parts.push(TemplatePart::Text(bytes.to_vec()));
        }
    }
}

/// Compares the text of the templates.
impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Template {}

fn push(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

/// Parses a placeholder. The error is a phrase, and the name if it does not exist.
fn placeholder(
    name: &str,
    scope: &Scope<'_>,
    place: JsonPlace,
) -> Result<TemplatePart, (String, Option<UnknownName>)> {
    if scope.names.contains(&name) {
        return Ok(TemplatePart::Name(name.to_owned()));
    }
    if let Some(pointer) = name.strip_prefix("json:") {
        let pointer = Pointer::parse(pointer).map_err(|fault| (fault.words.to_owned(), None))?;
        if !scope.has_message {
            return Err((format!("there is no message to take ${{{name}}} from"), None));
        }
        return Ok(TemplatePart::Json(pointer, place));
    }
    if let Some(variable) = name.strip_prefix("env:") {
        let value = (scope.variable)(variable);
        let value = value.map_err(|fault| {
            let fault = match fault {
                VarError::NotPresent => "is not set",
                VarError::NotUnicode(_) => "is not valid UTF-8",
            };
            (format!("the environment variable '{variable}' {fault}"), None)
        })?;
        let value = if place == JsonPlace::String { escaped(&value) } else { value };
        return Ok(TemplatePart::Text(value.into_bytes()));
    }
    match name {
        "uuid" => Ok(TemplatePart::Uuid),
        "now" => Ok(TemplatePart::Now),
        "now_ms" => Ok(TemplatePart::NowMillis),
        "n" => Ok(TemplatePart::Number),
        _ => {
            let known = scope.names.iter().copied().chain(NAMES);
            // Each other letter is one typing error away from a single one.
            let near = nearest(name, known).filter(|_| name.chars().count() > 1);
            let near = near.map(|near| format!("${{{near}}}"));
            Err((format!("unknown name '${{{name}}}'"), Some(UnknownName { near })))
        }
    }
}

impl JsonPlace {
    /// Returns a JSON text as it is inserted at this place.
    fn insert(self, text: &str) -> std::borrow::Cow<'_, str> {
        let content = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match (self, content) {
            (Self::Value, _) | (Self::Plain, None) => text.into(),
            (Self::String, None) => escaped(text).into(),
            (Self::String, Some(content)) => content.into(),
            // Fails for a lone surrogate, which is no character.
            (Self::Plain, Some(content)) => {
                serde_json::from_str::<String>(text).map_or(content.into(), Into::into)
            }
        }
    }
}

/// Returns a text with the escapes of a JSON string, without its quotes.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// Follows the strings and brackets of a template.
#[derive(Debug, Default)]
struct JsonScanner {
    depth: usize,
    is_inside_string: bool,
    is_escaped: bool,
    /// The last byte outside of strings that is not white space.
    last: u8,
}

impl JsonScanner {
    fn scan(&mut self, text: &[u8]) {
        for byte in text {
            match byte {
                _ if std::mem::take(&mut self.is_escaped) => {}
                b'\\' if self.is_inside_string => self.is_escaped = true,
                b'"' if self.depth > 0 => {
                    self.is_inside_string = !self.is_inside_string;
                    self.last = *byte;
                }
                _ if self.is_inside_string || byte.is_ascii_whitespace() => {}
                _ => {
                    match byte {
                        b'{' | b'[' => self.depth += 1,
                        b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                    self.last = *byte;
                }
            }
        }
    }

    /// Passes a placeholder.
    fn value(&mut self) {
        self.is_escaped = false;
        if !self.is_inside_string {
            self.last = 0;
        }
    }

    fn place(&self) -> JsonPlace {
        if self.is_inside_string {
            JsonPlace::String
        } else if self.depth > 0 && matches!(self.last, b':' | b',' | b'[') {
            JsonPlace::Value
        } else {
            JsonPlace::Plain
        }
    }
}

/// A UUID made of random bytes (RFC 9562, 5.4).
struct Uuid([u8; 16]);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let random = u128::from_be_bytes(self.0);
        let id = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let part = |shift: u32, digits: u32| (id >> shift) & ((1 << (4 * digits)) - 1);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 8),
            part(80, 4),
            part(64, 4),
            part(48, 4),
            part(0, 12)
        )
    }
}

/// The names of the table of [`Template`], for suggestions.
const NAMES: [&str; 4] = ["uuid", "now", "now_ms", "n"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn parse(text: &str) -> Result<Template, TemplateFault> {
        let variable = |name: &str| match name {
            "TOKEN" => Ok("a\"b\\".to_owned()),
            "BYTES" => Err(VarError::NotUnicode("bytes".into())),
            _ => Err(VarError::NotPresent),
        };
        let scope = Scope { names: &["tok", "room"], has_message: true, variable: &variable };
        Template::parse(text.as_bytes(), &scope)
    }

    fn expand(text: &str, message: &str) -> Result<String, MissingValue> {
        let append = |name: &str, out: &mut Vec<u8>| {
            out.extend_from_slice(b"<tok>");
            name == "tok"
        };
        let mut values = Values {
            append: &append,
            message: Some(Source { text: message.as_bytes(), at: 0 }),
            number: 7,
            now: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            random: &mut || [0xff; 16],
        };
        let expanded = parse(text).unwrap().expand(&mut values);
        expanded.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn placeholders_are_replaced() {
        for (template, expected) in [
            ("", ""),
            ("as typed $tok {tok} $", "as typed $tok {tok} $"),
            ("${tok}${tok}!", "<tok><tok>!"),
            ("$${tok} $$${tok}", "${tok} $${tok}"),
            ("${n} ${now_ms}", "7 1700000000123"),
            ("${now}", "2023-11-14T22:13:20.123Z"),
            ("${uuid}", "ffffffff-ffff-4fff-bfff-ffffffffffff"),
            ("${env:TOKEN}", "a\"b\\"),
            (r#"{"t":"${env:TOKEN}"}"#, r#"{"t":"a\"b\\"}"#),
        ] {
            assert_eq!(expand(template, "").as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn values_of_a_message_keep_json_valid() {
        let message = r#"{"id":"a\"b","n":9007199254740993,"o":{"x":"y"}}"#;
        for (template, expected) in [
            ("${json:/id}", r#"a"b"#),
            ("id ${json:/n} [x] ${json:/id}", r#"id 9007199254740993 [x] a"b"#),
            (r#"{"id":${json:/id},"n":${json:/n}}"#, r#"{"id":"a\"b","n":9007199254740993}"#),
            (r#"{"id":"<${json:/id}>"}"#, r#"{"id":"<a\"b>"}"#),
            (r#"42["ack", ${json:/id},${json:/o}]"#, r#"42["ack", "a\"b",{"x":"y"}]"#),
            (r#"["\"${json:/o}"]"#, r#"["\"{\"x\":\"y\"}"]"#),
            (r#"{"a":[]} ${json:/id}"#, r#"{"a":[]} a"b"#),
        ] {
            assert_eq!(expand(template, message).as_deref(), Ok(expected), "{template}");
        }
        assert!(parse("${json:/a}").unwrap().uses_message() && !parse("a").unwrap().uses_message());
    }

    #[test]
    fn values_come_from_one_text_of_a_message() {
        let message = "{\"t\":6}\x1e{\"t\":1,\"id\":11}\x1e{\"t\":2,\"id\":12}\x1e";
        assert_eq!(expand("${json:/id} ${json:/t}", message).as_deref(), Ok("11 1"));
        let missing = Err(MissingValue("${json:/id}".to_owned()));
        assert_eq!(expand("${json:/t} ${json:/id}", "{\"t\":6}\n{\"id\":1}"), missing);
    }

    #[test]
    fn a_value_may_be_missing() {
        let missing = |text: &str| Err(MissingValue(text.to_owned()));
        assert_eq!(expand("a ${json:/x/y}", "{}"), missing("${json:/x/y}"));
        assert_eq!(expand("a ${room}", "{}"), missing("${room}"));
    }

    #[test]
    fn faults_have_a_column() {
        for (template, column, words) in [
            ("ä ${toc}", 3, "unknown name '${toc}'"),
            ("${}", 1, "unknown name '${}'"),
            ("$${a ${tok", 6, "'${' without '}' ($${ stands for a literal ${)"),
            ("${env:NONE}", 1, "the environment variable 'NONE' is not set"),
            ("${env:BYTES}", 1, "the environment variable 'BYTES' is not valid UTF-8"),
            ("${json:a}", 1, "a JSON pointer begins with /"),
        ] {
            let near = (template == "ä ${toc}").then(|| "${tok}".to_owned());
            let unknown = words.starts_with("unknown").then_some(UnknownName { near });
            let fault = TemplateFault { column, words: words.to_owned(), unknown };
            assert_eq!(parse(template).unwrap_err(), fault, "{template}");
        }
        let scope =
            Scope { names: &[], has_message: false, variable: &|_| Err(VarError::NotPresent) };
        let fault = Template::parse(b"${json:/a}", &scope).unwrap_err();
        assert_eq!(fault.words, "there is no message to take ${json:/a} from");
        // Without its slash it would lack one even if there were a message.
        let fault = Template::parse(b"${json:a}", &scope).unwrap_err();
        assert_eq!(fault.words, "a JSON pointer begins with /");
    }

    /// A group of a pattern that has the name of a value of the run.
    #[test]
    fn names_of_the_caller_come_first() {
        let scope =
            Scope { names: &["n"], has_message: false, variable: &|_| Err(VarError::NotPresent) };
        let template = Template::parse(b"${n}", &scope).unwrap();
        let append = |_: &str, out: &mut Vec<u8>| out.write_all(b"group").is_ok();
        let mut values = Values {
            append: &append,
            message: None,
            number: 1,
            now: SystemTime::UNIX_EPOCH,
            random: &mut || [0; 16],
        };
        assert_eq!(template.expand(&mut values).unwrap(), b"group");
    }
}
