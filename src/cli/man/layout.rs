//! The layout of a page: a section of arguments, and lines as `mandoc -T lint` wants them:
//! at most 80 bytes, without blank lines and breaks that have no effect.

/// The longest line of text.
const MAX_BYTES: usize = 79;

/// Wraps long lines of text, and replaces blank lines by paragraphs.
pub(super) fn tidy(page: &str) -> String {
    let lines: Vec<_> = page.lines().map(str::trim_end).collect();
    let mut tidied = String::with_capacity(page.len() + page.len() / 8);
    let mut is_verbatim = false;
    let mut is_tag = false;
    for (i, line) in lines.iter().enumerate() {
        let next = lines.iter().skip(i + 1).find(|line| !line.is_empty());
        match *line {
            ".nf" => is_verbatim = true,
            ".fi" => is_verbatim = false,
            _ => {}
        }
        if line.is_empty() && !is_verbatim {
            // Within a paragraph with a tag, .IP keeps the indentation.
            if next.is_some_and(|next| !is_macro(next)) && !tidied.ends_with(".IP\n") {
                tidied.push_str(".IP\n");
            }
        } else if *line == ".br" && (i == 0 || next.is_some_and(|next| is_macro(next))) {
            // No text follows.
        } else if is_verbatim || is_macro(line) || is_tag {
            tidied.push_str(line);
            tidied.push('\n');
        } else {
            wrap(line, &mut tidied);
        }
        is_tag = *line == ".TP";
    }
    tidied
}

/// Aligns text on the left only and does not hyphenate it: a stretched or divided command cannot be
/// copied.
pub(super) fn ragged(page: &str) -> String {
    let lines = page.lines().map(|line| {
        let settings = if line.starts_with(".TH ") { "\n.nh\n.ad l\n" } else { "\n" };
        [line, settings].concat()
    });
    lines.collect()
}

/// Moves arguments without a dash, which `clap_mangen` puts after the options, before them.
pub(super) fn separate_arguments(page: &str) -> String {
    let (mut arguments, mut others) = (String::new(), String::new());
    let mut is_argument = false;
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with(".SH") {
            is_argument = false;
        } else if line == ".TP" {
            is_argument = lines.peek().is_some_and(|tag| tag.starts_with(['[', '<']));
        }
        let part = if is_argument { &mut arguments } else { &mut others };
        part.push_str(line);
        part.push('\n');
    }
    if arguments.is_empty() {
        return others;
    }
    others.replacen(OPTIONS, &format!(".SH ARGUMENTS\n{arguments}{OPTIONS}"), 1)
}

const OPTIONS: &str = ".SH OPTIONS\n";

fn is_macro(line: &str) -> bool {
    line.starts_with('.')
}

fn wrap(line: &str, text: &mut String) {
    let mut column = 0;
    for word in line.split(' ') {
        // At the start of a line, these would be control characters.
        let is_safe = !word.starts_with(['.', '\'']);
        if column > 0 && column + 1 + word.len() > MAX_BYTES && is_safe && !word.is_empty() {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_and_tags_are_not() {
        let long = "word ".repeat(30);
        let page = tidy(&format!(".TP\n{long}\n{long}\n.nf\n{long}\n.fi\n"));
        let long_lines = page.lines().filter(|line| line.len() > 80).count();
        assert_eq!(long_lines, 2);
        assert_eq!(page.matches("word").count(), 90);
    }

    #[test]
    fn no_word_becomes_a_macro() {
        let dots = format!("{} .config .x 'y", "w".repeat(75));
        assert!(tidy(&dots).lines().all(|line| !line.starts_with(['.', '\''])));
    }

    #[test]
    fn arguments_have_their_own_section() {
        let page =
            ".SH OPTIONS\n.TP\n\\fB\\-a\\fR\nA\n.TP\n[\\fIURL\\fR]\nServer\n.RS\n.SH OUTPUT\nB\n";
        let expected = ".SH ARGUMENTS\n.TP\n[\\fIURL\\fR]\nServer\n.RS\n.SH OPTIONS\n.TP\n\\fB\\-a\\fR\nA\n\
                        .SH OUTPUT\nB\n";
        assert_eq!(separate_arguments(page), expected);
        assert_eq!(separate_arguments(".SH OPTIONS\n"), ".SH OPTIONS\n");
    }

    #[test]
    fn blank_lines_are_paragraphs_where_text_follows() {
        assert_eq!(tidy("a\n\nb\n\n.SH X\n"), "a\n.IP\nb\n.SH X\n");
    }
}
