//! The table of `/who`.

use super::super::hub::Mailbox;
use crate::{console::screen::screen, render::dialogue::clock};
use colored::Colorize as _;
use std::{fmt::Write as _, sync::Arc};

/// A row of the table.
type Row = [String; COLUMNS];

/// Returns the table of clients, in the width of the screen.
pub(super) fn table(clients: &[Arc<Mailbox>]) -> String {
    let rows: Vec<_> = clients.iter().take(MAX_ROWS).map(|client| row(client)).collect();
    let columns = screen().columns;
    let mut text = if columns < TABLE_COLUMNS {
        rows.iter().map(|row| stack(row, columns)).collect::<Vec<_>>().join("\n")
    } else {
        lay_out(&rows, columns)
    };
    if clients.len() > MAX_ROWS {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n({} more)", clients.len() - MAX_ROWS);
    }
    text
}

fn row(client: &Mailbox) -> Row {
    let amount = |(messages, bytes)| format!("{messages} / {}", size(bytes));
    let Some(record) = client.record() else { return Row::default() };
    let traffic = record.traffic();
    let since: String = clock(record.since).chars().take(CLOCK_COLUMNS).collect();
    [
        client.id.to_string(),
        record.address.to_string(),
        since,
        amount(traffic.received),
        amount(traffic.sent),
        size(client.queued().saturating_add(traffic.queued) as u64),
        record.subprotocol.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string),
        record.target.to_string(),
    ]
}

/// Returns the text of the table. A column without any value is left out, and lines are cut to the
/// width of the screen.
fn lay_out(rows: &[Row], columns: usize) -> String {
    let header = HEADER.map(ToOwned::to_owned);
    let all = || std::iter::once(&header).chain(rows);
    let width = |text: &String| text.chars().count();
    let has_values = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|it| it != NONE));
    let mut widths = [0; COLUMNS];
    for row in all() {
        for (widest, text) in widths.iter_mut().zip(row) {
            *widest = width(text).max(*widest);
        }
    }
    let lines = all().enumerate().map(|(number, row)| {
        let mut line = String::new();
        let cells = row.iter().zip(widths).enumerate();
        for (at, (text, wide)) in cells.filter(|(at, _)| has_values(*at)) {
            let gap = if at == 0 { "" } else { "  " };
            let is_number = matches!(at, 0 | 3..=5);
            let padding = " ".repeat(wide.saturating_sub(width(text)));
            let (before, after) = if is_number { (&*padding, "") } else { ("", &*padding) };
            line.push_str(&[gap, before, text, after].concat());
        }
        let line = cut(line.trim_end(), columns);
        if number == 0 { line.dimmed().to_string() } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the lines of a client on a narrow screen.
fn stack(row: &Row, columns: usize) -> String {
    let [id, address, since, received, sent, queued, subprotocol, path] = row;
    let subprotocol = (subprotocol != NONE).then(|| format!("subprotocol {subprotocol}"));
    let values = [
        address.clone(),
        format!("since {since}"),
        format!("in {received}"),
        format!("out {sent}"),
        format!("queued {queued}"),
    ];
    let values = values.into_iter().chain(subprotocol).chain([path.clone()]);
    let indent = " ".repeat(id.chars().count() + 1);
    let mut lines = vec![id.clone()];
    for value in values {
        let Some(line) = lines.last_mut() else { break };
        let gap = if line == id { " " } else { ", " };
        if line.chars().count() + gap.len() + value.chars().count() < columns || line == id {
            line.push_str(gap);
            line.push_str(&value);
        } else {
            line.push(',');
            lines.push(format!("{indent}{value}"));
        }
    }
    lines.iter().map(|line| cut(line, columns)).collect::<Vec<_>>().join("\n")
}

/// Cuts a line to the width of the screen.
fn cut(line: &str, columns: usize) -> String {
    match line.char_indices().nth(columns) {
        None => line.to_owned(),
        Some(_) => {
            let start: String = line.chars().take(columns.saturating_sub(CUT.len())).collect();
            format!("{start}{CUT}")
        }
    }
}

/// Formats a number of bytes with at most four digits.
fn size(bytes: u64) -> String {
    let (mut whole, mut tenths, mut units) = (bytes, 0, UNITS.iter());
    let mut unit = units.next().copied().unwrap_or_default();
    while whole >= 1000
        && let Some(greater) = units.next()
    {
        (whole, tenths, unit) = (whole / 1000, whole % 1000 / 100, greater);
    }
    if bytes < 1000 { format!("{bytes} {unit}") } else { format!("{whole}.{tenths} {unit}") }
}

const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
const COLUMNS: usize = 8;
const HEADER: [&str; COLUMNS] =
    ["ID", "ADDRESS", "SINCE", "IN", "OUT", "QUEUED", "SUBPROTOCOL", "PATH"];
/// The greatest number of clients in the table.
const MAX_ROWS: usize = 1000;
/// The width of a time of day without its milliseconds.
const CLOCK_COLUMNS: usize = 8;
const CUT: &str = "...";
/// The width of the screen from which clients are a table.
const TABLE_COLUMNS: usize = 72;
/// The value of a client without a subprotocol.
const NONE: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_the_screen() {
        let row = |id: &str, path: &str| {
            [id, "127.0.0.1:40000", "09:10:11", "1 / 5 B", "20 / 1.5 kB", "0 B", "-", path]
                .map(ToOwned::to_owned)
        };
        let rows = [row("1", "/chat"), row("12", &"/x".repeat(100))];
        let text = lay_out(&rows, 80);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let at = |line: &str, word: &str| line.find(word).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(at(lines[0], "PATH"), at(lines[1], "/chat"));
        assert_eq!(at(lines[1], "127"), at(lines[2], "127"));
        assert!(lines[1].starts_with(" 1  127") && lines[2].starts_with("12  127"), "{text}");
        assert!(lines[2].len() <= 80 && lines[2].ends_with("..."), "{text}");
        assert!(!text.contains("SUBPROTOCOL"), "{text}");
        let mut with_subprotocol = row("3", "/chat");
        with_subprotocol[6] = "mqtt".to_owned();
        let text = lay_out(&[row("1", "/chat"), with_subprotocol], 80);
        assert!(text.contains("SUBPROTOCOL") && text.contains("mqtt"), "{text}");
    }

    #[test]
    fn a_client_has_several_lines_on_a_narrow_screen() {
        let row =
            ["12", "127.0.0.1:40000", "09:10:11", "1 / 5 B", "20 / 1.5 kB", "0 B", "-", "/chat"];
        let row = row.map(ToOwned::to_owned);
        assert_eq!(
            stack(&row, 40),
            "12 127.0.0.1:40000, since 09:10:11,\n   in 1 / 5 B, out 20 / 1.5 kB,\n   queued 0 B, /chat"
        );
        let mut long = row.clone();
        long[6] = "mqtt".to_owned();
        long[7] = "/x".repeat(50);
        let text = stack(&long, 40);
        assert!(text.lines().all(|line| line.len() <= 40) && text.ends_with("..."), "{text}");
        assert!(text.contains("subprotocol mqtt"), "{text}");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1500, "1.5 kB"),
            (2_000_000, "2.0 MB"),
            (u64::MAX, "18446744.0 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
