//! The note about a violation that `--lenient` accepts.

use crate::proto::Violation;

/// Returns the note.
pub(super) fn lenience_note(violation: Violation) -> String {
    let section = violation.section();
    let replaced = match violation {
        Violation::TextNotUtf8 => ", with U+FFFD for each invalid part",
        _ => "",
    };
    format!("{violation} ({section}): accepted{replaced} (--lenient)")
}
