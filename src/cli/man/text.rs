//! Sections of the man page as plain text, for `sockeye help`.

use super::sections;

/// Columns of the text.
const WIDTH: usize = 79;

/// Returns the text of a section of the main page, indented, or `None` if there is no such section.
pub fn of_section(title: &str) -> Option<String> {
    sections::find(&sections::main_page(), title).map(|section| to_text(&section))
}

/// Returns the examples of the page of a subcommand, or `None` if it has none.
pub fn of_examples(subcommand: &str) -> Option<String> {
    examples(subcommand).map(|section| to_text(&section))
}

/// Returns the commands of the examples of a subcommand.
pub fn example_commands(subcommand: &str) -> Vec<String> {
    let section = examples(subcommand).unwrap_or_default();
    section.split(".TP\n").filter_map(|example| example.lines().next().map(plain)).collect()
}

fn examples(subcommand: &str) -> Option<String> {
    sections::find(&sections::subcommand_page(subcommand), "EXAMPLES")
}

/// Converts the macros and escapes that the sections use.
fn to_text(roff: &str) -> String {
    let mut text = Text::default();
    for line in roff.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            (".PP", _) => text.paragraph(),
            (".TP", _) => text.expect_tag(),
            (".nf", _) => text.is_verbatim = true,
            (".fi", _) => text.is_verbatim = false,
            (".RS" | ".RE" | ".\\\"", _) => {}
            (".B" | ".I", words) => text.line(&plain(words)),
            (".BR", words) => text.line(&plain(words).replacen(' ', "", 1)),
            _ => text.line(&plain(line)),
        }
    }
    text.written
}

/// Replaces escapes of roff.
fn plain(line: &str) -> String {
    let mut line = line.replace("\\(aq", "'").replace("\\*(Aq", "'");
    for font in ["\\fB", "\\fI", "\\fR", "\\fP", "\\&"] {
        line = line.replace(font, "");
    }
    line.replace("\\-", "-").replace("\\e", "\\").replace("\\\\", "\\")
}

#[derive(Default)]
struct Text {
    written: String,
    is_verbatim: bool,
    /// The next line is the tag of a paragraph.
    is_tag: bool,
    /// Lines belong to a paragraph with a tag.
    is_tagged: bool,
}

impl Text {
    fn paragraph(&mut self) {
        self.is_tagged = false;
        if !self.written.is_empty() {
            self.written.push('\n');
        }
    }

    fn expect_tag(&mut self) {
        self.is_tag = true;
    }

    fn line(&mut self, line: &str) {
        let indent = match (self.is_tag, self.is_verbatim || self.is_tagged) {
            (true, _) | (false, false) => 2,
            (false, true) => 6,
        };
        if std::mem::take(&mut self.is_tag) {
            self.is_tagged = true;
            self.push(indent, line);
        } else if self.is_verbatim {
            self.push(indent, line);
        } else {
            self.wrap(indent, line);
        }
    }

    fn wrap(&mut self, indent: usize, line: &str) {
        let mut row = String::new();
        for word in line.split_whitespace() {
            if !row.is_empty() && indent + row.chars().count() + 1 + word.chars().count() > WIDTH {
                self.push(indent, &std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        self.push(indent, &row);
    }

    fn push(&mut self, indent: usize, row: &str) {
        if !row.is_empty() {
            self.written.extend(std::iter::repeat_n(' ', indent));
            self.written.push_str(row.trim_end());
        }
        self.written.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_and_escapes_become_text() {
        let roff = ".TP\n.B 22\nRefused, as \\fB\\-x\\fR says.\n.PP\nAfter \\e and \\(aq.\n.nf\n.RS\n\
                    [a]\n\n  b\n.RE\n.fi\nEnd.\n";
        let expected = "  22\n      Refused, as -x says.\n\n  After \\ and '.\n      [a]\n\n        b\n  \
                        End.\n";
        assert_eq!(to_text(roff), expected);
    }

    #[test]
    fn paragraphs_are_wrapped() {
        let words = "word ".repeat(40);
        let text = to_text(&format!(".TP\ntag\n{words}\n"));
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(text.matches("word").count(), 40);
    }

    #[test]
    fn no_macro_of_the_page_remains() {
        for (title, section) in sections::all(&sections::main_page()) {
            let text = to_text(&section);
            let left: Vec<_> = text.lines().filter(|line| line.starts_with("  .")).collect();
            assert!(left.is_empty(), "{title}: {left:?}");
        }
    }
}
