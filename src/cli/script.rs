//! The messages of the command line, of `-x`, `--every` and `--answer`, and their templates.

use super::{
    args::ClientArgs,
    values::{self, ScriptArg},
};
use crate::{
    error::Error,
    escape::Escaped,
    known,
    proto::Kind,
    redact::{ShownPath, quoted},
    script::{
        action::Action,
        draft::{Answer, Content, Draft, Tick},
        matcher::Matcher,
        template::{Scope, Template, TemplateFault},
    },
    secret::without_line_end,
    sys::input_file,
    wording::{CARRIAGE_RETURN_HINT, system_error},
};
use std::path::{Path, PathBuf};

/// The messages of the command line.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversation {
    /// `-x` and `--expect`, in the order given.
    pub(super) actions: Vec<Action>,
    /// `--answer`.
    pub(super) answers: Vec<Answer>,
    /// `--every`.
    pub(super) ticks: Vec<Tick>,
    /// `--append`.
    pub(super) append: Vec<u8>,
}

/// Reads the messages and checks their templates. Nothing has been sent yet.
pub(super) fn conversation(args: &ClientArgs) -> Result<Conversation, Error> {
    let kind = if args.binary { Kind::Binary } else { Kind::Text };
    let append = args.append.clone().map(|append| append.0).unwrap_or_default();
    if kind == Kind::Text && std::str::from_utf8(&append).is_err() {
        return Err(Error::Usage {
            fault: "--append is not valid UTF-8, and text messages must be".to_owned(),
            hint: Some("send binary messages with -b".to_owned()),
        });
    }
    check_stdin(args)?;
    let answers: Vec<(Matcher, &str)> = pairs(&args.answer, ANSWER, Matcher::parse)?;
    let ticks = pairs(&args.every, EVERY, values::interval)?;
    let expects = |args: &'_ [ScriptArg]| -> Vec<String> {
        let names = args.iter().filter_map(|arg| match arg {
            ScriptArg::Expect(matcher) => Some(matcher.group_names().map(ToOwned::to_owned)),
            ScriptArg::Message(_) => None,
        });
        names.flatten().collect()
    };
    let answered: Vec<String> =
        answers.iter().flat_map(|(matcher, _)| matcher.group_names()).map(Into::into).collect();
    let expected = args.script.iter().any(|arg| matches!(arg, ScriptArg::Expect(_)));
    let all = [expects(&args.script), answered.clone()].concat();
    let reader = MessageReader { kind, append: &append, expands: args.expand };
    let mut actions = Vec::new();
    for (at, arg) in args.script.iter().enumerate() {
        actions.push(match arg {
            ScriptArg::Expect(matcher) => Action::Expect(matcher.clone()),
            ScriptArg::Message(text) => {
                let before = args.script.get(..at).unwrap_or_default();
                let expected = before.iter().any(|arg| matches!(arg, ScriptArg::Expect(_)));
                let names = [expects(before), answered.clone()].concat();
                reader.draft(EXECUTE, text, &names, expected || !answers.is_empty())?.into()
            }
        });
    }
    let has_message = expected || !answers.is_empty();
    let ticks = ticks.into_iter().map(|(interval, text)| {
        Ok(Tick { interval, draft: reader.draft(EVERY, text, &all, has_message)? })
    });
    let ticks = ticks.collect::<Result<_, Error>>()?;
    let answers = answers.into_iter().map(|(matcher, text)| {
        Ok(Answer { matcher, draft: reader.draft(ANSWER, text, &all, true)? })
    });
    let answers = answers.collect::<Result<_, Error>>()?;
    Ok(Conversation { actions, answers, ticks, append })
}

/// Returns the files that messages are read from.
pub(super) fn files(args: &ClientArgs) -> Vec<PathBuf> {
    messages(args).filter_map(|(_, text)| file(text)).map(Path::to_owned).collect()
}

/// Returns the messages as typed, each with its option.
fn messages(args: &ClientArgs) -> impl Iterator<Item = (&'static str, &str)> {
    let script = args.script.iter().filter_map(|arg| match arg {
        ScriptArg::Message(text) => Some(("-x", text)),
        ScriptArg::Expect(_) => None,
    });
    let every = args.every.iter().skip(1).step_by(2).map(|text| ("--every", text));
    let answer = args.answer.iter().skip(1).step_by(2).map(|text| ("--answer", text));
    script.chain(every).chain(answer).map(|(option, text)| (option, text.as_str()))
}

/// Returns a note if a message ends with a carriage return alone.
pub(super) fn carriage_return_note(args: &ClientArgs) -> Option<String> {
    let (option, _) = messages(args).find(|(_, text)| text.ends_with('\r'))?;
    Some(format!("a message of {option} ends with a carriage return: {CARRIAGE_RETURN_HINT}"))
}

/// Fails if two messages are read from stdin, of which the second would be empty.
fn check_stdin(args: &ClientArgs) -> Result<(), Error> {
    let is_stdin = |path: &Path| STDIN.iter().any(|name| path == Path::new(name));
    let stdin = messages(args).filter(|(_, text)| file(text).is_some_and(is_stdin));
    if stdin.count() < 2 {
        return Ok(());
    }
    Err(Error::Usage {
        fault: "two messages cannot be read from stdin (@-)".to_owned(),
        hint: Some("write the input to a file and send that with @FILE".to_owned()),
    })
}

/// Returns a hint if the URL was taken for the second value of an option.
pub(super) fn swallowed_url(args: &ClientArgs) -> Option<&'static str> {
    let is_url = |values: &[String]| values.last().is_some_and(|value| value.contains("://"));
    if is_url(&args.every) {
        return Some("--every takes two values, SECONDS and MESSAGE");
    }
    is_url(&args.answer).then_some("--answer takes two values, MATCHER and MESSAGE")
}

/// Splits the values of an option with two of them, and parses the first.
fn pairs<'a, T>(
    values: &'a [String],
    option: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(T, &'a str)>, Error> {
    let pair = |pair: &'a [String]| {
        let [first, message] = pair else {
            return Err(invalid(option, "", "two values are needed"));
        };
        let first = parse(first).map_err(|fault| invalid(option, first, &fault))?;
        Ok((first, message.as_str()))
    };
    values.chunks(2).map(pair).collect()
}

/// Reads messages of the command line.
struct MessageReader<'a> {
    kind: Kind,
    append: &'a [u8],
    expands: bool,
}

impl MessageReader<'_> {
    /// Reads the message of an option: its text, or the file that it names. `names` are the groups
    /// that a template may refer to.
    fn draft(
        &self,
        option: &str,
        text: &str,
        names: &[String],
        has_message: bool,
    ) -> Result<Draft, Error> {
        let (kind, mut bytes) = self.payload(text)?;
        if !self.expands {
            bytes.extend_from_slice(self.append);
            return Ok(Draft { kind, content: Content::Fixed(bytes) });
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let variable = |name: &str| {
            let value = std::env::var(name)?;
            known::add(&value);
            // As a secret of --bearer: a file may have been read into the variable.
            Ok(without_line_end(&value).to_owned())
        };
        let scope = Scope { names: &names, has_message, variable: &variable };
        let mut template = Template::parse(&bytes, &scope).map_err(|fault| {
            let TemplateFault { column, mut words, unknown } = fault;
            if let Some(near) = unknown.as_ref().and_then(|unknown| unknown.near.as_ref()) {
                words = format!("{words}, did you mean '{near}'?");
            }
            let fault = invalid(option, text, &format!("{words} at column {column}"));
            let Error::Usage { fault, hint } = fault else { return fault };
            let names = unknown.map(|_| NAMES_HINT.to_owned());
            Error::Usage { fault, hint: names.or(hint) }
        })?;
        template.append(self.append);
        Ok(Draft { kind, content: Content::Template(template) })
    }

    fn payload(&self, text: &str) -> Result<(Kind, Vec<u8>), Error> {
        let Some(path) = file(text) else {
            // `@@` stands for a literal `@`.
            let text = text.strip_prefix('@').unwrap_or(text);
            return Ok((self.kind, text.as_bytes().to_vec()));
        };
        let stdin = Path::new("/dev/stdin");
        let source = if path == Path::new("-") { stdin } else { path };
        let bytes = input_file::read(source, MAX_FILE_BYTES).map_err(|cause| Error::Usage {
            fault: format!("cannot read {}: {}", ShownPath(path), system_error(&cause)),
            hint: Some(if text.ends_with('\r') {
                CARRIAGE_RETURN_HINT.to_owned()
            } else {
                "a message that begins with @ is written with @@".to_owned()
            }),
        })?;
        let is_text = self.kind == Kind::Text && std::str::from_utf8(&bytes).is_ok();
        Ok((if is_text { Kind::Text } else { Kind::Binary }, bytes))
    }
}

/// Returns the file that a message is read from, if it is one.
fn file(text: &str) -> Option<&Path> {
    text.strip_prefix('@').filter(|path| !path.starts_with('@')).map(Path::new)
}

fn invalid(option: &str, value: &str, fault: &str) -> Error {
    let shown = Escaped(&quoted(value)).to_string();
    let fault = format!("invalid value '{shown}' for '{option}': {fault}");
    let hint = value.ends_with('\r').then(|| CARRIAGE_RETURN_HINT.to_owned());
    Error::Usage { fault, hint }
}

/// The paths from which stdin is read.
const STDIN: [&str; 3] = ["-", "/dev/stdin", "/proc/self/fd/0"];
const EXECUTE: &str = "--execute <MESSAGE>";
const EVERY: &str = "--every <SECONDS> <MESSAGE>";
const ANSWER: &str = "--answer <MATCHER> <MESSAGE>";
const NAMES_HINT: &str = "a name is a group, (?<NAME>...), of an --expect before the message or of \
                          an --answer; or uuid, now, now_ms, n, env:NAME, json:/pointer";
/// The largest file that is sent. It is read into memory.
const MAX_FILE_BYTES: u64 = 1 << 30;
