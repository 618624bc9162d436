//! What helps while a line is typed: colours, matching brackets, completion, hints from history,
//! and JSON that goes on over several lines.

use super::{
    complete::{Known, complete},
    line::Line,
    screen::write,
};
use crate::{
    escape::affects_terminal,
    render::json::{Token, Tokens},
    script::{command::table, json},
};
use colored::Colorize as _;
use rustyline::{
    Cmd, ConditionalEventHandler, Context, Event, EventContext, Helper, RepeatCount, Result,
    completion::{Completer, Pair},
    highlight::{CmdKind, Highlighter},
    hint::{Hinter, HistoryHinter},
    validate::{ValidationContext, ValidationResult, Validator},
};
use std::{
    borrow::Cow,
    cell::Cell,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

/// The editor's helper, and through it the others' view of the line.
pub(super) struct Assistant {
    pub(super) line: Arc<Line>,
    pub(super) known: Arc<Mutex<Known>>,
    /// Colours are wanted.
    pub(super) color: bool,
    /// The line has been accepted: nothing is pointed at any more.
    accepted: Cell<bool>,
    painted: Cell<Option<Instant>>,
}

impl Assistant {
    pub(super) fn new(line: Arc<Line>, known: Arc<Mutex<Known>>, color: bool) -> Self {
        Self { line, known, color, accepted: Cell::new(false), painted: Cell::new(None) }
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, cursor: usize) -> Cow<'l, str> {
        self.line.paints(line);
        self.painted.set(Some(Instant::now()));
        if line.contains(is_obeyed) {
            return harmless(line).into();
        }
        if !self.color || line.len() > PAINTED {
            return Cow::Borrowed(line);
        }
        paint(line, (!self.accepted.get()).then_some(cursor))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        default: bool,
    ) -> Cow<'b, str> {
        self.line.searching.store(!default, Ordering::SeqCst);
        prompt.clone_into(&mut self.line.text());
        Cow::Borrowed(prompt)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.color { Cow::Owned(hint.dimmed().to_string()) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, line: &str, _: usize, kind: CmdKind) -> bool {
        self.line.holds(line);
        let accepted = kind == CmdKind::ForcedRefresh;
        self.accepted.set(accepted);
        if !accepted {
            self.line.goes_on();
        }
        // Painting all of a long line for each key of a paste would take long.
        let recent = self.painted.get().is_some_and(|at| at.elapsed() < PAUSE);
        (line.len() <= SHORT || !recent)
            && self.color
            && line.len() <= PAINTED
            && line.contains(['{', '[', '}', ']', '/'])
    }
}

/// The line in colours; the bracket at the cursor and the one that belongs to it stand out.
fn paint(line: &str, cursor: Option<usize>) -> Cow<'_, str> {
    if let Some((name, rest)) = line.split_at_checked(line.find(' ').unwrap_or(line.len()))
        && line.starts_with('/')
        && !line.contains('\n')
    {
        let known = table::find(name).is_some();
        return if known { format!("{}{rest}", name.cyan()).into() } else { line.into() };
    }
    let pair = cursor.and_then(|cursor| brackets(line, cursor));
    let is_json = json::begins(line);
    if pair.is_none() && !is_json {
        return line.into();
    }
    let mut out = String::new();
    let mut at = 0;
    for (token, text) in Tokens::new(line) {
        if pair.is_some_and(|(one, other)| at == one || at == other) {
            out.push_str(&text.bold().magenta().to_string());
        } else if is_json {
            color(token, text, &mut out);
        } else {
            out.push_str(text);
        }
        at += text.len();
    }
    out.into()
}

/// The line without what a terminal would act upon, which the editor counts as no columns.
fn harmless(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\x1b' && chars.next_if_eq(&'[').is_some() {
            while chars.next_if(|c| c.is_ascii_digit() || *c == ';').is_some() {}
            chars.next();
        } else if !is_obeyed(c) {
            out.push(c);
        }
    }
    out
}

fn is_obeyed(c: char) -> bool {
    c != '\n' && c != '\t' && affects_terminal(c)
}

/// A token in its colour, as wide as it was.
fn color(token: Token, text: &str, out: &mut String) {
    match token {
        Token::Key => out.push_str(&text.blue().to_string()),
        Token::String => out.push_str(&text.green().to_string()),
        Token::Number | Token::Literal => out.push_str(&text.magenta().to_string()),
        Token::Space | Token::Mark | Token::Other => out.push_str(text),
    }
}

/// The bracket under the cursor, or else before it, and its other half.
fn brackets(line: &str, cursor: usize) -> Option<(usize, usize)> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut found = None;
    let mut at = 0;
    for (_, text) in Tokens::new(line) {
        match text {
            "{" | "[" => open.push((at, text)),
            "}" | "]" => {
                let (start, opened) = open.pop()?;
                if (opened, text) != ("{", "}") && (opened, text) != ("[", "]") {
                    return found;
                }
                let touches = |place: usize| start == place || at == place;
                if touches(cursor) {
                    return Some((start, at));
                }
                if cursor.checked_sub(1).is_some_and(touches) {
                    found = Some((start, at));
                }
            }
            _ => {}
        }
        at += text.len();
    }
    found
}

impl Hinter for Assistant {
    type Hint = String;

    fn hint(&self, line: &str, cursor: usize, context: &Context<'_>) -> Option<String> {
        if line.starts_with('/') && !line.contains(' ') {
            // Tab knows more, and its list would stand below half a truth.
            return None;
        }
        let hint = HistoryHinter::new().hint(line, cursor, context)?;
        // What goes on over several rows would push the line away.
        (!hint.contains('\n') && hint.len() <= HINTED).then_some(hint)
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(complete(line, cursor, &known))
    }
}

impl Validator for Assistant {
    /// What begins as JSON goes on until it is complete, or an empty line says that it is not to.
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let text = context.input();
        if json::is_cut(text) && !text.ends_with('\n') {
            return Ok(ValidationResult::Incomplete);
        }
        self.line.ends();
        Ok(ValidationResult::Valid(None))
    }
}

impl Helper for Assistant {}

/// Ctrl-C ends the line as Enter does: the editor's own way drops what is typed ahead.
pub(super) struct Interrupt(pub(super) Arc<Line>);

impl ConditionalEventHandler for Interrupt {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.interrupted.store(true, Ordering::SeqCst);
        self.0.ends();
        Some(Cmd::AcceptLine)
    }
}

/// Tab wipes the hint away: the list of what there is would leave it behind as if it were typed.
pub(super) struct Tab;

impl ConditionalEventHandler for Tab {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        if context.has_hint() {
            write("\x1b[J");
        }
        None
    }
}

/// Ctrl-D ends everything on an empty line, and does there what it does anyway.
pub(super) struct End(pub(super) Arc<Line>);

impl ConditionalEventHandler for End {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        if context.line().is_empty() {
            self.0.ends();
        }
        None
    }
}

/// The longest line in colours, in bytes.
const PAINTED: usize = 16 << 10;
/// A line that is painted anew for each key, in bytes.
const SHORT: usize = 256;
/// How often a longer one is.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest hint, in bytes.
const HINTED: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracket_finds_its_other_half() {
        let line = r#"{"a}": [1, {}]}"#;
        assert_eq!(brackets(line, 0), Some((0, 14)));
        assert_eq!(brackets(line, 15), Some((0, 14)));
        assert_eq!(brackets(line, 7), Some((7, 13)));
        assert_eq!(brackets(line, 12), Some((11, 12)));
        assert_eq!(brackets(line, 3), None);
        assert_eq!(brackets("{]", 0), None);
        assert_eq!(brackets("}", 0), None);
        assert_eq!(brackets("", 0), None);
    }

    #[test]
    fn nothing_is_obeyed_that_is_typed() {
        assert_eq!(harmless("a\x07b\x1b[31mc\u{9b}d\u{202e}e\nf\tg"), "abcde\nf\tg");
        assert_eq!(harmless("\x1b[1;2"), "");
    }

    #[test]
    fn a_painted_line_says_the_same() {
        let colors = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
        for line in
            ["{\"a\": [1, true", "/ping x", "/nope", "a [b] c", "plain", "//x", "{\u{e9}\"\n}"]
        {
            let painted = paint(line, Some(1)).into_owned();
            assert_eq!(colors.replace_all(&painted, ""), line);
        }
    }
}
