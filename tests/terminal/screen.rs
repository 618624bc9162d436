//! The user's side of a terminal: an independent emulator draws the screen and types.

use crate::support::LIMIT;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{Winsize, tcsetwinsize},
};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZeroU16,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
};
use vt100::{Callbacks, Parser};

/// A screen with its keyboard.
#[derive(Clone)]
pub struct Screen(Arc<Shared>);

struct Shared {
    drawn: Mutex<Drawn>,
    changed: Condvar,
    /// The emulator's end of the terminal, and the socket that keeps its reader running.
    master: Mutex<Option<(Arc<File>, UnixStream)>>,
    reader: Mutex<Option<JoinHandle<()>>>,
    port: u16,
}

struct Drawn {
    parser: Parser<Effects>,
    raw: Vec<u8>,
}

/// The terminal's actions other than drawing.
#[derive(Default)]
struct Effects {
    other: Vec<String>,
    /// True while a synchronized update postpones drawing.
    updating: bool,
}

/// The screen at one moment, without trailing spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The rows up to the last one drawn.
    pub rows: Vec<String>,
    pub cursor: (usize, usize),
}

impl View {
    /// Returns the row of the cursor.
    pub fn line(&self) -> &str {
        self.rows.get(self.cursor.0).map_or("", String::as_str)
    }

    pub fn has(&self, row: &str) -> bool {
        self.rows.iter().any(|shown| shown == row)
    }

    pub fn has_part(&self, part: &str) -> bool {
        self.rows.iter().any(|shown| shown.contains(part))
    }
}

impl Screen {
    /// Draws the output at this end of a terminal. `{port}` in expected text stands for `port`.
    pub fn new(master: OwnedFd, (rows, columns): (u16, u16), port: u16) -> Self {
        let [rows, columns] = [rows, columns].map(|n| NonZeroU16::new(n).expect("a size"));
        let parser = Parser::new_with_callbacks(rows, columns, 0, Effects::default());
        let (keeper, kept) = UnixStream::pair().expect("a pair of sockets");
        let master = Arc::new(File::from(master));
        let screen = Self(Arc::new(Shared {
            drawn: Mutex::new(Drawn { parser, raw: Vec::new() }),
            changed: Condvar::new(),
            master: Mutex::new(Some((Arc::clone(&master), keeper))),
            reader: Mutex::new(None),
            port,
        }));
        let reader = thread::spawn({
            let screen = screen.clone();
            move || screen.draw(&master, &kept)
        });
        *screen.0.reader.lock().unwrap() = Some(reader);
        screen
    }

    fn draw(&self, master: &File, kept: &UnixStream) {
        self.draw_to_the_end(master, kept);
        self.0.changed.notify_all();
    }

    fn draw_to_the_end(&self, mut master: &File, kept: &UnixStream) {
        let mut buffer = vec![0; 64 << 10];
        // Examining the screen costs more than drawing. Waiters are notified only when the terminal
        // pauses or after 64 reads.
        let mut unseen = 0;
        loop {
            let mut fds =
                [PollFd::new(&master, PollFlags::IN), PollFd::new(kept, PollFlags::empty())];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let waiting = poll(&mut fds, Some(&now)).expect("a terminal can be polled") == 0;
            if waiting || unseen == 64 {
                unseen = 0;
                self.0.changed.notify_all();
                poll(&mut fds, None).expect("a terminal can be polled");
            }
            if !fds[1].revents().is_empty() {
                return;
            }
            // On Linux, read fails once the last program has closed the terminal.
            let Ok(n @ 1..) = master.read(&mut buffer) else { return };
            let mut drawn = self.0.drawn.lock().unwrap();
            drawn.parser.process(&buffer[..n]);
            drawn.raw.extend_from_slice(&buffer[..n]);
            unseen += 1;
        }
    }

    pub fn press(&self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    /// Presses keys whose bytes need not be UTF-8.
    pub fn press_bytes(&self, keys: &[u8]) {
        let master = self.0.master.lock().unwrap();
        let (master, _) = master.as_ref().expect("the terminal is there");
        (&**master).write_all(keys).expect("the terminal takes keys");
    }

    /// Resizes the window.
    pub fn resize(&self, rows: u16, columns: u16) {
        let [wide, high] = [columns, rows].map(|n| NonZeroU16::new(n).expect("a size"));
        self.0.drawn.lock().unwrap().parser.set_size(high, wide);
        let master = self.0.master.lock().unwrap();
        let (master, _) = master.as_ref().expect("the terminal is there");
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(master, size).expect("a size");
    }

    /// Stops drawing until the returned guard is dropped, as a slow line would.
    pub fn stall(&self) -> impl Drop {
        self.0.drawn.lock().unwrap()
    }

    /// Closes the window.
    pub fn hang_up(&self) {
        drop(self.0.master.lock().unwrap().take());
        self.finish();
    }

    /// Draws the remaining output of a program that has ended.
    pub fn finish(&self) {
        let reader = self.0.reader.lock().unwrap().take();
        if let Some(reader) = reader {
            reader.join().expect("the screen is drawn to its end");
        }
    }

    pub fn view(&self) -> View {
        self.0.drawn.lock().unwrap().view()
    }

    /// Returns all output as bytes.
    pub fn raw(&self) -> Vec<u8> {
        self.0.drawn.lock().unwrap().raw.clone()
    }

    /// Returns the terminal's actions other than drawing.
    pub fn effects(&self) -> Vec<String> {
        self.0.drawn.lock().unwrap().parser.callbacks().other.clone()
    }

    /// Returns modes that are on although no program uses the terminal.
    pub fn modes(&self) -> Vec<&'static str> {
        let drawn = self.0.drawn.lock().unwrap();
        let screen = drawn.parser.screen();
        let modes = [
            ("bracketed paste", screen.bracketed_paste()),
            ("a hidden cursor", screen.hide_cursor()),
            ("the alternate screen", screen.alternate_screen()),
            ("the application keypad", screen.application_keypad()),
            ("application cursor keys", screen.application_cursor()),
            ("an update", drawn.parser.callbacks().updating),
            ("a colour", screen.fgcolor() != vt100::Color::Default),
            ("bold or dim", screen.bold() || screen.dim()),
        ];
        modes.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
    }

    /// Waits until the screen satisfies the predicate; `what` names it in the failure.
    #[track_caller]
    pub fn wait(&self, what: &str, happened: impl Fn(&View) -> bool) -> View {
        let drawn = self.0.drawn.lock().unwrap();
        let (drawn, timeout) = self
            .0
            .changed
            .wait_timeout_while(drawn, LIMIT, |drawn| !happened(&drawn.view()))
            .unwrap();
        let view = drawn.view();
        drop(drawn);
        assert!(!timeout.timed_out(), "waited {LIMIT:?} for {what}; the screen:\n{self}");
        view
    }

    /// Waits for exactly these rows, with the cursor in this column of the last one.
    #[track_caller]
    pub fn shows<const N: usize>(&self, rows: [&str; N], column: usize) {
        let rows = rows.map(|row| self.filled(row)).to_vec();
        let expected = View { cursor: (rows.len() - 1, column), rows };
        self.wait(&format!("{expected:#?}"), |view| *view == expected);
    }

    /// Waits for these last rows, with the cursor in this column of the last one.
    #[track_caller]
    pub fn ends_with<const N: usize>(&self, rows: [&str; N], column: usize) {
        let rows = rows.map(str::to_owned);
        self.wait(&format!("the last rows {rows:#?}, cursor at {column}"), |view| {
            let cursor = (view.rows.len() - 1, column);
            view.rows.ends_with(&rows) && view.cursor == cursor
        });
    }

    /// Waits for this line at the prompt, with the cursor in this column.
    #[track_caller]
    pub fn edits(&self, line: &str, column: usize) -> View {
        let what = format!("the line {line:?} with the cursor at {column}");
        self.wait(&what, |view| {
            view.line() == line && view.cursor.1 == column && view.cursor.0 + 1 == view.rows.len()
        })
    }

    /// Waits for an empty prompt below this row.
    #[track_caller]
    pub fn prompts_below(&self, row: &str) -> View {
        let row = self.filled(row);
        self.wait(&format!("a prompt below {row:?}"), |view| {
            let above = view.cursor.0.checked_sub(1).and_then(|above| view.rows.get(above));
            above == Some(&row) && view.line() == ">" && view.cursor.1 == 2
        })
    }

    /// Waits for a row.
    #[track_caller]
    pub fn has(&self, row: &str) -> View {
        let row = self.filled(row);
        self.wait(&format!("a row {row:?}"), |view| view.has(&row))
    }

    /// Types a line and waits for it on the screen before pressing Enter: the kernel's echo between
    /// two prompts is not under test.
    #[track_caller]
    pub fn enter(&self, line: &str) {
        self.edits(">", 2);
        self.press(line);
        self.edits(format!("> {line}").trim_end(), 2 + line.chars().count());
        self.press("\r");
    }

    /// Replaces `{port}` in a text.
    pub fn filled(&self, text: &str) -> String {
        text.replace("{port}", &self.0.port.to_string())
    }
}

impl std::fmt::Display for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let View { rows, cursor } = self.view();
        for row in rows {
            writeln!(f, "  |{row}")?;
        }
        writeln!(f, "  cursor: {cursor:?}")?;
        let raw = self.raw();
        let tail = &raw[raw.len().saturating_sub(600)..];
        write!(f, "  last bytes: {}", tail.escape_ascii())
    }
}

impl Drawn {
    fn view(&self) -> View {
        let screen = self.parser.screen();
        let (_, columns) = screen.size();
        let mut rows: Vec<_> =
            screen.rows(0, columns.get()).map(|row| without_time(row.trim_end())).collect();
        let (row, column) = screen.cursor_position();
        let cursor = (usize::from(row), usize::from(column));
        while rows.len() > cursor.0 + 1 && rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        View { rows, cursor }
    }
}

/// Returns the status row without the connection time.
fn without_time(row: &str) -> String {
    match (row.starts_with("127.0.0.1:"), row.rsplit_once(", ")) {
        (true, Some((before, time))) if time.ends_with(" ms") => format!("{before}, [..] ms"),
        _ => row.to_owned(),
    }
}

impl Callbacks for Effects {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.other.push("a bell".to_owned());
    }

    fn resize(&mut self, _: &mut vt100::Screen, size: (u16, u16)) {
        self.other.push(format!("a resize to {size:?}"));
    }

    fn set_window_icon_name(&mut self, _: &mut vt100::Screen, name: &[u8]) {
        self.other.push(format!("an icon named {}", name.escape_ascii()));
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.other.push(format!("a title {}", title.escape_ascii()));
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.other.push(format!("a clipboard {}", data.escape_ascii()));
    }

    fn unhandled_char(&mut self, _: &mut vt100::Screen, c: char) {
        self.other.push(format!("the character {c:?}"));
    }

    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        self.other.push(format!("the control {byte:#04x}"));
    }

    fn unhandled_escape(&mut self, _: &mut vt100::Screen, _: Option<u8>, _: Option<u8>, byte: u8) {
        self.other.push(format!("the escape {}", char::from(byte)));
    }

    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        mark: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        end: char,
    ) {
        match (mark, parameters, end) {
            (Some(b'?'), [[2026]], 'h' | 'l') => self.updating = end == 'h',
            _ => self.other.push(format!("the control sequence {mark:?} {parameters:?} {end}")),
        }
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, _: &[&[u8]]) {
        self.other.push("a system command".to_owned());
    }
}
