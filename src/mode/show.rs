//! `sockeye show`: a recording as a person reads it, or as HAR.

use crate::{
    error::Error,
    escape::{Escaped, escaped_lines},
    job::{ShowJob, ended::Ended},
    render::{
        dialogue::{Dialogue, clock},
        frames,
        har::Exchange,
        recording::{End, Event, Opened, Recorded, read},
        summary::amount,
    },
    report,
    sink::{
        file::{RecordFile, conflict, is_same},
        har::HarWriter,
    },
    wording::system_error,
};
use colored::Colorize as _;
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Write},
    path::Path,
    time::{Duration, SystemTime},
};

/// Shows it, or makes a HAR of it.
pub(super) fn run(show: &ShowJob) -> Result<Ended, Error> {
    show.color.apply();
    let mut lines = Lines::open(&show.path)?;
    if let Some(path) = &show.har {
        return convert(&mut lines, path);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut page = Page::new(show);
    while let Some(recorded) = lines.next()? {
        for text in page.lines(&recorded) {
            if let Err(cause) = writeln!(out, "{text}") {
                return unwritten(cause);
            }
        }
    }
    match out.flush() {
        Ok(()) => {
            lines.conclude();
            Ok(Ended::Done)
        }
        Err(cause) => unwritten(cause),
    }
}

/// A reader that has gone has seen enough.
fn unwritten(cause: io::Error) -> Result<Ended, Error> {
    if cause.kind() == io::ErrorKind::BrokenPipe {
        return Ok(Ended::Done);
    }
    Err(Error::Output(cause))
}

/// The lines of a recording.
struct Lines<'a> {
    path: &'a Path,
    file: BufReader<File>,
    number: u64,
    /// The last line that was cut.
    torn: Option<u64>,
    /// The types that are not known, and how often they came.
    unknown: Vec<(String, u64)>,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let fault = |cause: io::Error| Error::Recording {
            path: path.to_owned(),
            line: None,
            fault: system_error(&cause),
        };
        let file = BufReader::new(File::open(path).map_err(fault)?);
        Ok(Self { path, file, number: 0, torn: None, unknown: Vec::new() })
    }

    fn next(&mut self) -> Result<Option<Recorded>, Error> {
        loop {
            let mut line = Vec::new();
            let read_line = self.file.read_until(b'\n', &mut line);
            read_line.map_err(|cause| self.fault(system_error(&cause)))?;
            if line.is_empty() {
                if self.number == 0 {
                    return Err(self.fault("it is empty".to_owned()));
                }
                return Ok(None);
            }
            self.number += 1;
            let is_whole = line.ends_with(b"\n");
            let text = std::str::from_utf8(&line).map_err(|_| "not UTF-8".to_owned());
            match text.and_then(|text| read(text.trim_end())) {
                Ok(Recorded { event: Event::Unknown(name), .. }) => self.count(name),
                Ok(recorded) => return Ok(Some(recorded)),
                // A process that was killed wrote no more of it.
                Err(_) if !is_whole && self.number > 1 => {
                    self.torn = Some(self.number);
                    return Ok(None);
                }
                Err(fault) => return Err(self.fault(fault)),
            }
        }
    }

    fn count(&mut self, name: String) {
        match self.unknown.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => self.unknown.push((name, 1)),
        }
    }

    fn fault(&self, fault: String) -> Error {
        let line = Some(self.number).filter(|number| *number > 0);
        Error::Recording { path: self.path.to_owned(), line, fault }
    }

    /// Says what was not shown.
    fn conclude(&self) {
        let path = self.path.display().to_string();
        let path = Escaped(&path);
        for (name, count) in &self.unknown {
            let name = Escaped(name);
            report::line(&format!("sockeye: {path}: not shown: {count} of the type '{name}'"));
        }
        if let Some(line) = self.torn {
            report::line(&format!("sockeye: {path}: line {line}, the last, is cut"));
        }
    }
}

/// What is shown, and how.
struct Page<'a> {
    show: &'a ShowJob,
    dialogue: Dialogue,
    /// When the last frame was.
    last_frame: Option<SystemTime>,
}

impl<'a> Page<'a> {
    fn new(show: &'a ShowJob) -> Self {
        let dialogue = Dialogue { pretty: show.pretty, times: show.times, room: None };
        Self { show, dialogue, last_frame: None }
    }

    /// The lines that an event makes.
    fn lines(&mut self, recorded: &Recorded) -> Vec<String> {
        let Recorded { at, event } = recorded;
        let at = *at;
        if let Some(filter) = &self.show.filter {
            let Event::Message(_, _, Some(data), _) = event else { return Vec::new() };
            if !filter.is_match(data) {
                return Vec::new();
            }
        }
        match event {
            Event::Message(direction, kind, Some(data), _) => {
                vec![self.dialogue.message(*direction, *kind, data, at)]
            }
            Event::Message(direction, kind, None, size) => {
                let what = crate::proto::Opcode::Message(*kind);
                let mark = frames::mark(*direction);
                vec![self.dated(at, format!("{mark} {what}, {size} bytes, not recorded"))]
            }
            Event::Control(direction, name, payload, rtt) => {
                vec![self.dialogue.control(*direction, name, payload, *rtt, at)]
            }
            Event::Close(direction, close) => {
                vec![self.dated(at, format!("{} close {close}", frames::mark(*direction)))]
            }
            Event::Frame(direction, frame) if self.show.frames => {
                let before = self.last_frame.replace(at).unwrap_or(at);
                let since = at.duration_since(before).unwrap_or(Duration::ZERO);
                vec![self.dated(at, frames::line(*direction, frame, since, true))]
            }
            Event::Violation(violation, section) => {
                vec![self.dated(at, escaped_lines(&format!("! {violation} ({section})")))]
            }
            Event::Open(opened) => {
                vec![self.dated(at, escaped_lines(&format!("connected to {}", opened.url)))]
            }
            Event::Gap(why) => vec![self.dated(at, escaped_lines(&format!("lost: {why}")))],
            Event::Error(why) => vec![self.dated(at, escaped_lines(&format!("failed: {why}")))],
            Event::End(end) => vec![self.dated(at, end_line(end))],
            Event::Request(_) | Event::Frame(..) | Event::Unknown(_) => Vec::new(),
        }
    }

    fn dated(&self, at: SystemTime, text: String) -> String {
        if self.show.times { format!("{} {text}", clock(at).dimmed()) } else { text }
    }
}

fn end_line(end: &End) -> String {
    let amount = |(messages, bytes)| amount(messages, bytes);
    let (received, sent) = (amount(end.received), amount(end.sent));
    match end.code {
        Ok(code) => format!("ended with {code}: received {received}; sent {sent}"),
        Err(signal) => format!("ended by signal {signal}: received {received}; sent {sent}"),
    }
}

/// Makes a HAR of a recording.
fn convert(lines: &mut Lines<'_>, path: &Path) -> Result<Ended, Error> {
    if is_same(lines.path, path) {
        return Err(conflict(path, "a recording", "a HAR"));
    }
    let mut har = HarWriter::create(RecordFile::open(path)?)?;
    // The handshake that has not been answered.
    let mut waits: Option<Box<Exchange>> = None;
    while let Some(Recorded { at, event }) = lines.next()? {
        match event {
            Event::Request(next) => {
                if let Some(exchange) = waits.replace(next) {
                    har.exchange(&exchange);
                }
            }
            Event::Open(opened) => har.exchange(&opened_exchange(waits.take(), *opened, at)),
            Event::Message(direction, kind, data, _) => {
                har.message(direction, kind, data.as_deref(), at);
            }
            _ => {}
        }
    }
    if let Some(exchange) = waits {
        har.exchange(&exchange);
    }
    har.end()?;
    lines.conclude();
    Ok(Ended::Done)
}

fn opened_exchange(request: Option<Box<Exchange>>, opened: Opened, at: SystemTime) -> Exchange {
    let Opened { url, http, answer, timing, address } = opened;
    let method = if http == "2" { "CONNECT" } else { "GET" };
    let request = request.map_or_else(
        || Exchange { url, method: method.to_owned(), http, ..Exchange::default() },
        |request| *request,
    );
    let started = at.checked_sub(timing.total());
    Exchange { started, answer: Some(answer), timing, address, ..request }
}
