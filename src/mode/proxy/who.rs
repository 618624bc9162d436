//! The table of `/who`.

use crate::{console::screen::screen, escape::Escaped, render::dialogue::clock};
use colored::Colorize as _;
use std::time::SystemTime;

/// A session, as `/who` shows it.
#[derive(Clone, Debug)]
pub(super) struct SessionRow {
    pub(super) conn: u64,
    pub(super) address: String,
    pub(super) since: SystemTime,
    pub(super) target: String,
    /// Messages to the server, and to the client.
    pub(super) messages: (u64, u64),
}

/// Returns the table of sessions, cut to the width of the screen.
pub(super) fn table(sessions: &[SessionRow]) -> String {
    lay_out(sessions, screen().columns)
}

fn lay_out(sessions: &[SessionRow], columns: usize) -> String {
    let header = ["ID", "ADDRESS", "SINCE", ">", "<", "PATH"].map(ToOwned::to_owned);
    let rows: Vec<_> =
        std::iter::once(header).chain(sessions.iter().take(MAX_ROWS).map(row)).collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = cell.chars().count().max(*widest);
        }
    }
    let mut lines = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<_> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let line: String = cells.join("  ").trim_end().chars().take(columns).collect();
        lines.push(if number == 0 { line.dimmed().to_string() } else { line });
    }
    if sessions.len() > MAX_ROWS {
        lines.push(format!("({} more)", sessions.len() - MAX_ROWS));
    }
    lines.join("\n")
}

fn row(session: &SessionRow) -> [String; COLUMNS] {
    let SessionRow { conn, address, since, target, messages: (up, down) } = session;
    let since = clock(*since).chars().take(CLOCK_COLUMNS).collect();
    let [address, target] = [address, target].map(|text| Escaped(text).to_string());
    [conn.to_string(), address, since, up.to_string(), down.to_string(), target]
}

const COLUMNS: usize = 6;
/// The greatest number of sessions in the table.
const MAX_ROWS: usize = 1000;
/// The width of a time of day without its milliseconds.
const CLOCK_COLUMNS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_listed_in_columns_that_fit() {
        let session = |conn, target: &str| SessionRow {
            conn,
            address: "127.0.0.1:40000".to_owned(),
            since: SystemTime::UNIX_EPOCH,
            target: target.to_owned(),
            messages: (3, 40),
        };
        let text = lay_out(&[session(1, "/chat"), session(12, &"/x".repeat(100))], 60);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].starts_with("1   127.0.0.1:40000  ") && lines[1].ends_with("3  40  /chat")
        );
        assert_eq!(lines[2].chars().count(), 60);
    }
}
