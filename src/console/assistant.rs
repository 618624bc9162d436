//! The editor's helper: colours, matching brackets, completion, hints from history and JSON over
//! several lines.

use super::{
    complete::{Vocabulary, complete},
    line_state::LineState,
    prompt_look::stamp,
    screen::{screen, whole_screen},
    tail::tail,
};
use crate::{
    escape::{Unit, units},
    job::prompt_habits::PromptHabits,
    render::json::{Token, Tokens},
    script::{
        command::{place::Place, table},
        json,
    },
};
use colored::Colorize as _;
use rustyline::{
    Context, Helper, Result,
    completion::{Completer, Pair},
    highlight::{CmdKind, Highlighter},
    hint::{Hinter, HistoryHinter},
    validate::{ValidationContext, ValidationResult, Validator},
};
use std::{
    borrow::Cow,
    cell::Cell,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant, SystemTime},
};

/// The helper that rustyline calls. It also tracks the state of the line for the other threads.
pub(super) struct Assistant {
    pub(super) line: Arc<LineState>,
    pub(super) vocabulary: Arc<Mutex<Vocabulary>>,
    pub(super) color: bool,
    place: Place,
    habits: PromptHabits,
    /// True once the line is accepted and no bracket is highlighted.
    accepted: Cell<bool>,
    painted_at: Cell<Option<Instant>>,
    /// The length of the line when it was last painted.
    painted_length: Cell<usize>,
}

impl Assistant {
    pub(super) fn new(
        line: Arc<LineState>,
        vocabulary: Arc<Mutex<Vocabulary>>,
        color: bool,
        (place, habits): (Place, PromptHabits),
    ) -> Self {
        Self {
            line,
            vocabulary,
            color,
            place,
            habits,
            accepted: Cell::new(false),
            painted_at: Cell::new(None),
            painted_length: Cell::new(0),
        }
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, cursor: usize) -> Cow<'l, str> {
        self.line.before_paint(line);
        self.painted_at.set(Some(Instant::now()));
        let is_new = self.painted_length.replace(line.len()).abs_diff(line.len()) > MAX_TYPED_BYTES;
        if !is_new
            && line.contains('\n')
            && !self.accepted.get()
            && let Some(tail) = tail(line, cursor, whole_screen())
        {
            // It begins in the row of the prompt.
            return format!("\r\x1b[K{}", without_controls(tail)).into();
        }
        if units(line).any(is_control) {
            return without_controls(line).into();
        }
        if !self.color || line.len() > MAX_COLORED_BYTES {
            return Cow::Borrowed(line);
        }
        paint(line, (!self.accepted.get()).then_some(cursor), self.place)
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        default: bool,
    ) -> Cow<'b, str> {
        self.line.searching.store(!default, Ordering::SeqCst);
        let current = self.line.look().text_in_place_of(prompt).filter(|_| default);
        let prompt = current.map_or(Cow::Borrowed(prompt), Cow::Owned);
        (*prompt).clone_into(&mut self.line.prompt_text());
        let is_entered = default && self.accepted.get() && !LineState::is_set(&self.line.empty);
        if is_entered
            && !LineState::is_set(&self.line.interrupted)
            && let Some(stamped) = stamp(&prompt, SystemTime::now())
        {
            return Cow::Owned(stamped);
        }
        prompt
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.color { Cow::Owned(hint.dimmed().to_string()) } else { Cow::Borrowed(hint) }
    }

    fn highlight_char(&self, line: &str, _: usize, kind: CmdKind) -> bool {
        self.line.record(line);
        let accepted = kind == CmdKind::ForcedRefresh;
        self.accepted.set(accepted);
        if !accepted {
            self.line.continue_editing();
        }
        // Repainting a long line for each character of a paste would be slow.
        let recent = self.painted_at.get().is_some_and(|at| at.elapsed() < REPAINT_INTERVAL);
        (line.len() <= MAX_EAGER_BYTES || !recent)
            && self.color
            && line.len() <= MAX_COLORED_BYTES
            && line.contains(['{', '[', '}', ']', '/'])
    }
}

/// Returns the line in colours, with the bracket at the cursor and its counterpart highlighted.
fn paint(line: &str, cursor: Option<usize>, place: Place) -> Cow<'_, str> {
    if let Some((name, rest)) = line.split_at_checked(line.find(' ').unwrap_or(line.len()))
        && line.starts_with('/')
        && !line.contains('\n')
    {
        let known = table::find(name, place).is_some();
        return if known { format!("{}{rest}", name.cyan()).into() } else { line.into() };
    }
    let pair = cursor.and_then(|cursor| matching_brackets(line, cursor));
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
            push_colored(token, text, &mut out);
        } else {
            out.push_str(text);
        }
        at += text.len();
    }
    out.into()
}

/// Returns the line without control characters and sequences. The editor counts them as zero
/// columns wide, but a terminal would execute them.
fn without_controls(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        if let Some(sequence) = rest.strip_prefix("\x1b[") {
            let end = sequence.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
            let mut end = end.chars();
            end.next();
            rest = end.as_str();
            continue;
        }
        let Some(unit) = units(rest).next() else { break };
        match unit {
            Unit::Ascii(text) | Unit::Cluster(text) => out.push_str(text),
            Unit::Escaped(c @ ('\n' | '\t')) => out.push(c),
            Unit::Escaped(_) => {}
        }
        rest = rest.get(unit.text_length()..).unwrap_or_default();
    }
    out
}

fn is_control(unit: Unit<'_>) -> bool {
    matches!(unit, Unit::Escaped(c) if c != '\n' && c != '\t')
}

/// Appends a token in its colour. Its width does not change.
fn push_colored(token: Token, text: &str, out: &mut String) {
    match token {
        Token::Key => out.push_str(&text.bright_blue().to_string()),
        Token::String => out.push_str(&text.green().to_string()),
        Token::Number | Token::Literal => out.push_str(&text.magenta().to_string()),
        Token::Space | Token::Mark | Token::Other => out.push_str(text),
    }
}

/// Returns the positions of a pair of brackets, one of which is at the cursor or else before it.
fn matching_brackets(line: &str, cursor: usize) -> Option<(usize, usize)> {
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
            // Tab lists all matching commands; a single hint above that list would be misleading.
            return None;
        }
        let hint = HistoryHinter::new().hint(line, cursor, context)?;
        // A hint of several rows would move the line.
        (!hint.contains('\n') && hint.len() <= MAX_HINT_BYTES).then_some(hint)
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        if let Some(replacement) = self.line.unsent.completion() {
            return Ok((0, vec![Pair { display: String::new(), replacement }]));
        }
        let vocabulary = self.vocabulary.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(complete(line, cursor, &vocabulary))
    }
}

impl Validator for Assistant {
    /// Continues incomplete JSON on the next line. An empty line ends it in any case.
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let text = context.input();
        let line = &self.line;
        let whole = line.burst.with_collected(text);
        if !self.habits.sends_each_line && json::is_cut(&whole) && !whole.ends_with('\n') {
            let rows = text.split('\n').count();
            if !line.burst.is_fast() || rows < MAX_BURST_ROWS.min(screen().rows) {
                return Ok(ValidationResult::Incomplete);
            }
            line.burst.split();
        }
        line.accept();
        // A message, even an empty one, makes the editor paint the line again, with its time.
        Ok(ValidationResult::Valid(line.look().times.then(String::new)))
    }
}

impl Helper for Assistant {}

/// The longest line that is coloured.
const MAX_COLORED_BYTES: usize = 16 << 10;
/// The longest line that is repainted after each key.
const MAX_EAGER_BYTES: usize = 256;
/// The shortest time between two repaints of a longer line.
const REPAINT_INTERVAL: Duration = Duration::from_millis(10);
const MAX_HINT_BYTES: usize = 500;
/// The largest change of the line's length by a key. After a larger one, such as a paste, all of the
/// line is painted.
const MAX_TYPED_BYTES: usize = 32;
/// The rows of a fast paste without brackets that are edited together. The editor paints all of them
/// for each new one.
const MAX_BURST_ROWS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_matching_brackets() {
        let line = r#"{"a}": [1, {}]}"#;
        assert_eq!(matching_brackets(line, 0), Some((0, 14)));
        assert_eq!(matching_brackets(line, 15), Some((0, 14)));
        assert_eq!(matching_brackets(line, 7), Some((7, 13)));
        assert_eq!(matching_brackets(line, 12), Some((11, 12)));
        assert_eq!(matching_brackets(line, 3), None);
        assert_eq!(matching_brackets("{]", 0), None);
        assert_eq!(matching_brackets("}", 0), None);
        assert_eq!(matching_brackets("", 0), None);
    }

    #[test]
    fn removes_control_characters_and_sequences() {
        assert_eq!(without_controls("a\x07b\x1b[31mc\u{9b}d\u{202e}e\nf\tg"), "abcde\nf\tg");
        assert_eq!(without_controls("\x1b[1;2"), "");
        let family = "\u{1f468}\u{200d}\u{1f469}\u{fe0f}";
        assert_eq!(without_controls(&format!("{family}\u{200d}")), family);
    }

    #[test]
    fn painting_keeps_the_text() {
        let colors = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
        for line in
            ["{\"a\": [1, true", "/ping x", "/nope", "a [b] c", "plain", "//x", "{\u{e9}\"\n}"]
        {
            let painted = paint(line, Some(1), Place::Client).into_owned();
            assert_eq!(colors.replace_all(&painted, ""), line);
        }
    }
}
