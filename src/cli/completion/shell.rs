//! What the scripts of the shells ask, and the answer.
//!
//! The question is on stdin, so that no secret appears in the list of processes; each of its fields
//! ends with NUL. The first is the shell's name. For zsh and fish, the arguments up to the current
//! one follow, which may be incomplete. For bash, two fields follow: the command line up to the
//! cursor, and the part of the current word that readline replaces. Bash divides words at more
//! characters than a shell does, such as the colon.
//!
//! The answer has four lines and then a line for each candidate, which has a tab and its help for
//! zsh and fish. The first line is `files`, `directories` or empty: the paths that the shell adds.
//! The second is the text before a path, the third the part of the path that was typed. The fourth is
//! `quoted` if a quotation mark is open.

use super::{candidate::Completions, line::complete};
use crate::error::Error;
use std::{
    fmt::Write as _,
    io::{self, Read as _},
};

/// A shell whose script asks for candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletedShell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

impl CompletedShell {
    /// Returns the script, which is the same for every version of the program.
    pub fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../completions/sockeye.bash"),
            Self::Zsh => include_str!("../../../completions/_sockeye"),
            Self::Fish => include_str!("../../../completions/sockeye.fish"),
        }
    }
}

/// Reads a question from stdin and returns the answer, which is empty if there is no question.
pub fn answer() -> Result<String, Error> {
    let mut question = Vec::new();
    io::stdin().take(MAX_QUESTION_BYTES).read_to_end(&mut question).map_err(Error::Input)?;
    let question = String::from_utf8_lossy(&question);
    Ok(answer_to(&question).unwrap_or_default())
}

fn answer_to(question: &str) -> Option<String> {
    let mut fields = question.strip_suffix('\0')?.split('\0');
    match fields.next()? {
        "bash" => Some(for_bash(fields.next()?, fields.next()?)),
        "zsh" | "fish" => {
            let mut words: Vec<_> = fields.map(|field| Word::read(field).text).collect();
            let current = words.pop()?;
            Some(written(&complete(&words, &current), str::to_owned, true, false))
        }
        _ => None,
    }
}

/// Answers for the line up to the cursor, of whose last word readline replaces the end `replaced`.
fn for_bash(line: &str, replaced: &str) -> String {
    let mut words = split_line(line);
    let current = words.pop().unwrap_or_default();
    let kept = current.raw.strip_suffix(replaced).map(|kept| Word::read(kept).text);
    let kept = kept.unwrap_or_default();
    let mut completions = if words.last().is_some_and(|word| word.is_redirection) {
        let mut completions = Completions::default();
        completions.ask_for_path(&current.text, "", false);
        completions
    } else {
        complete(&arguments(&words), &current.text)
    };
    if let Some(path) = &mut completions.path {
        // The script completes the path from the part that readline replaces.
        path.lead = path.lead.strip_prefix(&kept).unwrap_or_default().to_owned();
    }
    let word = |word: &str| {
        let word = word.strip_prefix(&kept).unwrap_or(word);
        if current.is_open { word.to_owned() } else { quoted(word) }
    };
    written(&completions, word, false, current.is_open)
}

/// Returns the words after the program's name, without redirections.
fn arguments(words: &[Word]) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if word.is_redirection {
            words.next();
        } else {
            arguments.push(word.text.clone());
        }
    }
    arguments
}

fn written(
    completions: &Completions,
    word: impl Fn(&str) -> String,
    with_help: bool,
    is_open: bool,
) -> String {
    let (kind, lead, path) = match &completions.path {
        Some(path) if path.only_directories => ("directories", &*path.lead, &*path.path),
        Some(path) => ("files", &*path.lead, &*path.path),
        None => ("", "", ""),
    };
    let mut lines = format!("{kind}\n{lead}\n{path}\n{}\n", if is_open { "quoted" } else { "" });
    for candidate in &completions.candidates {
        lines.push_str(&word(&candidate.word));
        if with_help && !candidate.help.is_empty() {
            let _ = write!(lines, "\t{}", candidate.help);
        }
        lines.push('\n');
    }
    lines
}

/// A word of a command line in the quotation of a shell, which may be incomplete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Word {
    /// The word without its quotation marks and backslashes.
    text: String,
    raw: String,
    /// True if a quotation mark is open at the end.
    is_open: bool,
    /// True for `<`, `>`, `>>` and the like: a file follows.
    is_redirection: bool,
}

impl Word {
    /// Reads all of a text as one word.
    fn read(raw: &str) -> Self {
        let mut reader = WordReader::default();
        raw.chars().for_each(|c| reader.take(c));
        reader.finish()
    }
}

/// Splits a line into words. The last one is the current word, and empty after a space.
fn split_line(line: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut reader = WordReader::default();
    for c in line.chars() {
        let redirects = matches!(c, '<' | '>');
        if !reader.is_plain() || !(redirects || matches!(c, ' ' | '\t' | '\n')) {
            reader.take(c);
            continue;
        }
        let word = std::mem::take(&mut reader).finish();
        let is_descriptor = redirects && word.raw.bytes().all(|b| b.is_ascii_digit());
        if !word.raw.is_empty() && !is_descriptor {
            words.push(word);
        }
        if redirects && words.last().is_none_or(|word| !word.is_redirection) {
            words.push(Word { is_redirection: true, ..Word::default() });
        }
    }
    words.push(reader.finish());
    words
}

/// Reads the characters of one word.
#[derive(Default)]
struct WordReader {
    word: Word,
    /// The quotation mark that is open.
    quote: Option<char>,
    is_escaped: bool,
}

impl WordReader {
    /// Reports whether the next character is neither quoted nor escaped.
    fn is_plain(&self) -> bool {
        self.quote.is_none() && !self.is_escaped
    }

    fn take(&mut self, c: char) {
        self.word.raw.push(c);
        let was_escaped = std::mem::take(&mut self.is_escaped);
        match (self.quote, c) {
            _ if was_escaped => self.word.text.push(c),
            (None, '\'' | '"') => self.quote = Some(c),
            (Some(open), _) if c == open => self.quote = None,
            (None | Some('"'), '\\') => self.is_escaped = true,
            _ => self.word.text.push(c),
        }
    }

    fn finish(mut self) -> Word {
        self.word.is_open = self.quote.is_some();
        self.word
    }
}

/// Puts a backslash before each character with a meaning for bash.
fn quoted(word: &str) -> String {
    let mut quoted = String::with_capacity(word.len());
    for c in word.chars() {
        if !c.is_alphanumeric()
            && !matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | '@' | '%' | '+' | ',')
        {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

/// More is not a command line that somebody types.
const MAX_QUESTION_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        split_line(line).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_line_is_split_as_a_shell_does() {
        for (line, words) in [
            ("sockeye", &["sockeye"][..]),
            ("sockeye ", &["sockeye", ""]),
            ("sockeye  -x 'a b' c\\ d \"e\\\"f", &["sockeye", "-x", "a b", "c d", "e\"f"]),
            ("sockeye '' x", &["sockeye", "", "x"]),
            ("sockeye a'b\\c'd", &["sockeye", "ab\\cd"]),
        ] {
            assert_eq!(split(line), words, "{line}");
        }
    }

    #[test]
    fn a_redirection_is_not_an_argument() {
        let before = |line: &str| {
            let mut words = split_line(line);
            words.pop();
            arguments(&words)
        };
        assert_eq!(before("sockeye >out -v "), ["-v"]);
        assert_eq!(before("sockeye -q 2>> err ws://h < in "), ["-q", "ws://h"]);
        assert_eq!(for_bash("sockeye -v >o", "o"), "files\n\no\n\n");
        assert_eq!(for_bash("sockeye 2>", ""), "files\n\n\n\n");
    }

    #[test]
    fn bash_gets_the_part_that_readline_replaces() {
        assert_eq!(for_bash("sockeye ws:", ""), "\n\n\n\n//\n");
        assert_eq!(for_bash("sockeye wss:/", "/"), "\n\n\n\n//\n");
        assert_eq!(for_bash("sockeye --http=", ""), "\n\n\n\n1.1\n2\nauto\n");
        assert_eq!(for_bash("sockeye --record=a/b", "a/b"), "files\n\na/b\n\n");
        assert_eq!(for_bash("sockeye -x@a/b", "@a/b"), "files\n@\na/b\n\n");
        assert_eq!(for_bash("sockeye -x \"@a b", "@a b"), "files\n@\na b\nquoted\n");
    }

    #[test]
    fn the_other_shells_get_help() {
        let answer = answer_to("zsh\0--http\0a\0").unwrap();
        let help = "2 if a wss:// server supports WebSocket over it, otherwise 1.1";
        assert_eq!(answer, format!("\n\n\n\nauto\t{help}\n"));
        assert_eq!(answer_to("fish\0'li\0").unwrap().lines().count(), 5);
    }

    #[test]
    fn a_question_that_is_not_one_has_no_answer() {
        for question in ["", "\0", "zsh", "zsh\0", "bash\0sockeye \0", "tcsh\0w\0", "fish\0a"] {
            assert_eq!(answer_to(question), None, "{question:?}");
        }
    }

    #[test]
    fn bash_reads_a_quoted_word_as_it_is() {
        assert_eq!(quoted("@$(kill${IFS}0)"), "@\\$\\(kill\\$\\{IFS\\}0\\)");
        assert_eq!(quoted("wss+unix:/a-b_c.d"), "wss+unix:/a-b_c.d");
    }
}
