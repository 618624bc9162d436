//! The look of the prompt: a column for times, the addressee of lines, and a word while messages are
//! held.

use crate::{render::dialogue::clock, script::addressee::Addressee};
use colored::Colorize as _;
use std::time::SystemTime;

/// The look of the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PromptLook {
    /// Leave room for the time at which the line is entered.
    pub(crate) times: bool,
    /// Show that messages are held.
    pub(crate) paused: bool,
    /// Show the addressee of lines.
    pub(crate) is_server: bool,
    /// The addressee, in a server with clients.
    pub(crate) addressee: Option<Addressee>,
}

impl PromptLook {
    /// Returns the text before the line.
    pub(super) fn text(self) -> String {
        let times = if self.times { " ".repeat(TIME_COLUMNS) } else { String::new() };
        let paused = if self.paused { "paused" } else { "" };
        if !self.is_server {
            return format!("{times}{paused}> ");
        }
        let gap = if self.paused { " " } else { "" };
        let name = self.addressee.map_or_else(|| "none".to_owned(), |it| it.to_string());
        // Lines begin in one column, so that the addressee can change while a line is edited.
        let width = if self.paused { PAUSED_COLUMNS } else { SERVER_COLUMNS };
        format!("{times}{:width$}", format!("{name}{gap}{paused}> "))
    }

    /// Returns the text before a line that is edited behind the text `painted`, if the prompt has a
    /// text of that width.
    pub(super) fn text_in_place_of(self, painted: &str) -> Option<String> {
        let text = self.text();
        let fits = self.is_server && !painted.is_empty() && text.len() <= painted.len();
        fits.then(|| format!("{text:width$}", width = painted.len()))
    }
}

/// Returns the prompt with a time in its column, or `None` if it has no column.
pub(super) fn stamp(prompt: &str, at: SystemTime) -> Option<String> {
    let rest = prompt.get(TIME_COLUMNS..).filter(|_| prompt.starts_with("  "))?;
    Some(format!("{} {rest}", clock(at).dimmed()))
}

/// The width of a time of day and a space.
const TIME_COLUMNS: usize = 13;
/// The width of the prompt of a server.
const SERVER_COLUMNS: usize = "none> ".len();
/// The same while messages are held.
const PAUSED_COLUMNS: usize = "none paused> ".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_the_width_of_its_column() {
        let colors = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
        for paused in [false, true] {
            let prompt = PromptLook { times: true, paused, ..<_>::default() }.text();
            let stamped = stamp(&prompt, SystemTime::UNIX_EPOCH).unwrap();
            let stamped = colors.replace_all(&stamped, "");
            assert_eq!(stamped.len(), prompt.len(), "{stamped}");
            assert_eq!(stamped.get(TIME_COLUMNS..), prompt.get(TIME_COLUMNS..));
            let untimed = PromptLook { paused, ..<_>::default() };
            assert_eq!(stamp(&untimed.text(), SystemTime::now()), None);
        }
    }

    #[test]
    fn the_addressee_can_change_while_a_line_is_edited() {
        let look = |addressee| PromptLook { is_server: true, addressee, ..<_>::default() };
        let (none, all) = (look(None), look(Some(Addressee::All)));
        let client = |id| look(Some(Addressee::Client(id)));
        assert_eq!([none.text(), all.text(), client(2).text()], ["none> ", "all>  ", "2>    "]);
        assert_eq!(client(123_456).text(), "123456> ");
        assert_eq!(all.text_in_place_of("2>    ").as_deref(), Some("all>  "));
        assert_eq!(all.text_in_place_of("123456> ").as_deref(), Some("all>    "));
        assert_eq!(client(123_456).text_in_place_of("all>  "), None);
        // While the editor only prints, it has no prompt.
        assert_eq!(all.text_in_place_of(""), None);
        assert_eq!(PromptLook::default().text_in_place_of("> "), None);
        let paused = PromptLook { paused: true, ..all };
        assert_eq!(paused.text(), "all paused>  ");
    }
}
