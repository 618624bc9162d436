//! The figures of a run as an SVG: how soon updates arrive, and what push needs of what polling needs.

use super::report::{Report, shown};
use std::{fmt::Write as _, time::Duration};

/// Draws a report.
pub fn svg(report: &Report) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#333\">\n\
         <title>A price feed by polling and by push</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    delays(&mut out, report);
    bars(&mut out, report);
    out.push_str("</svg>\n");
    out
}

/// Draws the share of updates that have been seen after a time, on a logarithmic axis.
fn delays(out: &mut String, report: &Report) {
    text(out, (LEFT, 24.0), "start", "#333", "Updates seen after a price change");
    for (tick, label) in
        [(0.1, "0.1 ms"), (1.0, "1 ms"), (10.0, "10 ms"), (100.0, "100 ms"), (1000.0, "1 s")]
    {
        let x = across(tick);
        line(out, (x, TOP), (x, BOTTOM));
        text(out, (x, BOTTOM + 18.0), "middle", "#333", label);
    }
    for share in [0.0, 0.5, 1.0] {
        let y = up(share);
        line(out, (LEFT, y), (RIGHT, y));
        text(out, (LEFT - 8.0, y + 4.0), "end", "#333", &format!("{:.0} %", share * 100.0));
    }
    for ((sorted, color), (name, place)) in report
        .delays
        .iter()
        .zip([POLLING, PUSH])
        .zip([("polling", (RIGHT - 4.0, up(0.5) + 20.0)), ("push", (across(0.11), TOP + 16.0))])
    {
        curve(out, sorted, color);
        let anchor = if name == "push" { "start" } else { "end" };
        text(out, place, anchor, color, name);
    }
}

fn curve(out: &mut String, sorted: &[Duration], color: &str) {
    let mut points = String::new();
    for (at, delay) in sorted.iter().enumerate() {
        let x = across(delay.as_secs_f64() * 1000.0);
        let (before, after) = (at as f64, (at + 1) as f64);
        for seen in [before, after] {
            let y = up(seen / sorted.len() as f64);
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
    }
    let points = points.trim_end();
    let _ = writeln!(
        out,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>"
    );
}

/// Draws each figure of push as a part of that of polling.
fn bars(out: &mut String, report: &Report) {
    text(out, (BAR_LEFT, 24.0), "start", "#333", "Push, compared with polling = 100 %");
    for (at, row) in report.rows.iter().enumerate() {
        let y = TOP + 44.0 * at as f64;
        let [polling, _, _] = row.values.map(|value| shown(value, row.unit));
        let push = shown(row.push(), row.unit);
        let share = 1.0 - row.saving(0);
        text(out, (BAR_LEFT, y + 4.0), "start", "#333", row.name);
        let detail = format!("{push} of {polling} ({:.1} %)", share * 100.0);
        text(out, (BAR_LEFT + BAR_WIDTH, y + 4.0), "end", "#333", &detail);
        for (width, color) in [(1.0, "#e4e4e4"), (share.clamp(0.0, 1.0), PUSH)] {
            let width = width * BAR_WIDTH;
            let _ = writeln!(
                out,
                "<rect x=\"{BAR_LEFT}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"10\" \
                 fill=\"{color}\"/>",
                y + 10.0
            );
        }
    }
}

fn across(milliseconds: f64) -> f64 {
    let decades = (milliseconds.max(FIRST_MS) / FIRST_MS).log10();
    LEFT + (RIGHT - LEFT) * (decades / DECADES).min(1.0)
}

fn up(share: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * share
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(out: &mut String, at: (f64, f64), anchor: &str, color: &str, words: &str) {
    let (x, y) = at;
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{color}\">{words}</text>"
    );
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 440.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 250.0;
const BAR_LEFT: f64 = 500.0;
const BAR_WIDTH: f64 = 380.0;
/// The time at the left edge.
const FIRST_MS: f64 = 0.1;
/// The powers of ten from the left edge to the right one.
const DECADES: f64 = 4.0;
const POLLING: &str = "#b3541e";
const PUSH: &str = "#1f6f8b";
