//! The parts of a recording that its reader skipped.

use crate::{escape::Escaped, proto::excerpt::Excerpt};

/// The events and texts of a recording that were skipped, in bounded memory.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    /// Unknown event types, each with its number of events; at most [`MAX_UNKNOWN`].
    unknown: Vec<(String, u64)>,
    /// Number of events of further unknown types.
    more_unknown: u64,
    /// Number of lines of which only the start was read, and the first of them.
    cut: u64,
    first_cut: u64,
    /// Number of the last line, if it is truncated.
    pub(super) torn: Option<u64>,
}

impl Skipped {
    /// Counts an event of an unknown type.
    pub(super) fn unknown(&mut self, name: &str) {
        let name = Excerpt(name).to_string();
        let is_room = self.unknown.len() < MAX_UNKNOWN;
        match self.unknown.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None if is_room => self.unknown.push((name, 1)),
            None => self.more_unknown += 1,
        }
    }

    /// Counts a line of which only the start was read.
    pub(super) fn cut(&mut self, line: u64) {
        if self.cut == 0 {
            self.first_cut = line;
        }
        self.cut += 1;
    }

    /// Returns human-readable notes.
    pub(super) fn notes(&self) -> Vec<String> {
        let unknown = self
            .unknown
            .iter()
            .map(|(name, count)| format!("not shown: {count} of the type '{}'", Escaped(name)));
        let more = Some(self.more_unknown).filter(|count| *count > 0);
        let more = more.map(|count| format!("not shown: {count} of other types"));
        let first = self.first_cut;
        let cut = match self.cut {
            0 => None,
            1 => Some(format!("line {first} is too long: only its start was read")),
            count => Some(format!(
                "line {first} and {} more are too long: only their starts were read",
                count - 1
            )),
        };
        let torn = self.torn.map(|line| format!("line {line}, the last, is truncated"));
        unknown.chain(more).chain(cut).chain(torn).collect()
    }
}

/// The number of unknown event types that are listed by name.
const MAX_UNKNOWN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_unknown_types_are_counted_together() {
        let mut skipped = Skipped::default();
        for n in 0..100_000 {
            skipped.unknown(&n.to_string());
        }
        skipped.unknown("0");
        skipped.unknown(&"x".repeat(1000));
        let notes = skipped.notes();
        assert_eq!(notes.len(), MAX_UNKNOWN + 1);
        assert_eq!(notes[0], "not shown: 2 of the type '0'");
        assert_eq!(notes[MAX_UNKNOWN], "not shown: 99985 of other types");
    }

    #[test]
    fn lines_that_are_too_long_are_counted() {
        let mut skipped = Skipped::default();
        skipped.cut(3);
        assert_eq!(skipped.notes(), ["line 3 is too long: only its start was read"]);
        skipped.cut(5);
        let note = "line 3 and 1 more are too long: only their starts were read";
        assert_eq!(skipped.notes(), [note]);
    }
}
