//! `sockeye show`: prints a recording in readable form or converts it to HAR.

use crate::{
    error::Error,
    escape::Escaped,
    job::{ShowJob, run_outcome::RunOutcome},
    render::{
        dialogue::Dialogue,
        har::Exchange,
        recording::{Event, Opened, Reader, Recorded},
        transcript::Transcript,
    },
    report,
    sink::{
        file::{RecordFile, conflict, is_same},
        har::HarWriter,
    },
};
use std::{
    io::{self, BufWriter, Write},
    path::Path,
    time::SystemTime,
};

/// Shows the recording or converts it to HAR.
pub(super) fn run(show: &ShowJob) -> Result<RunOutcome, Error> {
    show.color.apply();
    let mut recording = Reader::open(&show.path)?;
    if let Some(path) = &show.har {
        return convert(&mut recording, path);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let dialogue = Dialogue { pretty: show.pretty, times: show.times, room: None };
    let mut transcript = Transcript::new(dialogue, show.filter.clone(), show.frames);
    while let Some(recorded) = recording.next_event()? {
        for text in transcript.lines(&recorded) {
            if let Err(cause) = writeln!(out, "{text}") {
                return unwritten(cause);
            }
        }
    }
    match out.flush() {
        Ok(()) => {
            tell_left_out(&recording);
            Ok(RunOutcome::Done)
        }
        Err(cause) => unwritten(cause),
    }
}

/// Treats a closed stdout as success.
fn unwritten(cause: io::Error) -> Result<RunOutcome, Error> {
    if cause.kind() == io::ErrorKind::BrokenPipe {
        return Ok(RunOutcome::Done);
    }
    Err(Error::Output(cause))
}

/// Prints a note on stderr about the lines that were not shown.
fn tell_left_out(recording: &Reader<'_>) {
    let path = recording.path().display().to_string();
    for text in recording.left_out() {
        report::line(&format!("sockeye: {}: {text}", Escaped(&path)));
    }
}

/// Converts a recording to HAR.
fn convert(recording: &mut Reader<'_>, path: &Path) -> Result<RunOutcome, Error> {
    if is_same(recording.path(), path) {
        return Err(conflict(path, "a recording", "a HAR"));
    }
    let mut har = HarWriter::create(RecordFile::open(path)?)?;
    // The handshake that awaits a response.
    let mut waits: Option<Box<Exchange>> = None;
    while let Some(Recorded { at, event }) = recording.next_event()? {
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
    tell_left_out(recording);
    Ok(RunOutcome::Done)
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
