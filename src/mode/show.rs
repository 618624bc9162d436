//! `sockeye show`: prints a recording in readable form or converts it to HAR.

use crate::{
    connect::Timing,
    error::Error,
    escape::Escaped,
    job::{ShowJob, run_outcome::RunOutcome},
    proto::{Kind, Leg, trace::Direction},
    render::{
        dialogue::Dialogue,
        har::Exchange,
        recording::{Event, Opened, Reader, Recorded, Refusal},
        transcript::Transcript,
    },
    report,
    sink::{
        file::{RecordFile, conflict, is_same},
        har_entries::HarEntries,
    },
    sys::stdio::WaitingStdout,
};
use std::{
    collections::BTreeSet,
    fmt,
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
    let mut out = FormattedOutput { out: BufWriter::new(WaitingStdout::lock()), fault: None };
    let dialogue = Dialogue { pretty: show.pretty, times: show.times, ..Dialogue::default() };
    let transcript = Transcript::new(dialogue, show.filter.clone(), show.frames);
    let mut transcript = transcript.of_client(show.conn);
    let mut clients = ClientNumbers::default();
    while let Some(recorded) = recording.next_event()? {
        clients.add(recorded.conn);
        if transcript.write(&recorded, &mut out).is_err() {
            return unwritten(out.fault);
        }
    }
    match out.out.flush() {
        Ok(()) => {
            tell_left_out(&recording);
            match show.conn.filter(|conn| !clients.0.contains(conn)) {
                Some(conn) => Err(clients.lack(conn, recording.path())),
                None => Ok(RunOutcome::Done),
            }
        }
        Err(cause) => unwritten(Some(cause)),
    }
}

/// The numbers of the clients in a recording.
#[derive(Debug, Default)]
struct ClientNumbers(BTreeSet<u64>);

impl ClientNumbers {
    fn add(&mut self, conn: Option<u64>) {
        self.0.extend(conn);
    }

    /// Returns the error for a client that the recording does not have.
    fn lack(&self, conn: u64, path: &Path) -> Error {
        let fault = match (self.0.first(), self.0.last()) {
            (Some(first), Some(last)) if first == last => {
                format!("it has no client {conn}, only client {first}")
            }
            (Some(first), Some(last)) => {
                format!("it has no client {conn}, only clients between {first} and {last}")
            }
            _ => format!("it has no client {conn}: no event has the number of one"),
        };
        Error::Recording { path: path.to_owned(), line: None, fault }
    }
}

/// Writes formatted text to stdout while it is formatted, and keeps the error of a failed write.
struct FormattedOutput<W> {
    out: W,
    fault: Option<io::Error>,
}

impl<W: Write> fmt::Write for FormattedOutput<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|cause| {
            self.fault = Some(cause);
            fmt::Error
        })
    }
}

/// Treats a closed stdout as success.
fn unwritten(fault: Option<io::Error>) -> Result<RunOutcome, Error> {
    match fault {
        Some(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(cause)),
        _ => Ok(RunOutcome::Done),
    }
}

/// Prints a note on stderr about the lines that were not shown.
fn tell_left_out(recording: &Reader<'_>) {
    let path = recording.path().display().to_string();
    for text in recording.left_out() {
        report::line(&format!("sockeye: {}: {text}", Escaped(&path)).into());
    }
}

/// Converts a recording to HAR.
fn convert(recording: &mut Reader<'_>, path: &Path) -> Result<RunOutcome, Error> {
    if is_same(recording.path(), path) {
        return Err(conflict(path, "a recording", "a HAR"));
    }
    let file = RecordFile::open(path)?;
    if let Some(note) = file.make_private() {
        report::line(&format!("sockeye: {note}").into());
    }
    let mut har = HarEntries::create(file);
    // The handshake that awaits a response. A server records a request together with its answer.
    let mut waits: Option<Box<Exchange>> = None;
    while let Some(Recorded { at, conn, leg, event, is_cut }) = recording.next_event()? {
        let by_client = |direction| by_client(direction, (conn, leg));
        match event {
            // The entry of a proxied session is that of the connection to the server.
            Event::Open(_) if leg == Some(Leg::Client) => {}
            Event::Request(next) if leg == Some(Leg::Server) => waits = Some(next),
            Event::Request(next) => {
                // A client has one session at a time.
                har.finish(None);
                if let Some(exchange) = waits.replace(next) {
                    har.refused(&exchange);
                }
            }
            Event::Response(refusal) => {
                if let Some(exchange) = waits.take() {
                    let Refusal { answer, broken } = *refusal;
                    let started = exchange.started.unwrap_or(at);
                    let handshake = at.duration_since(started).unwrap_or_default();
                    let timing = Timing { handshake, ..exchange.timing };
                    har.refused(&Exchange { answer, body: broken, timing, ..*exchange });
                }
            }
            Event::Open(opened) => {
                let exchange = opened_exchange(waits.take(), *opened, at);
                // The address is that of a client, if a server recorded it.
                let is_server = conn.is_none() || leg == Some(Leg::Server);
                let address = exchange.address.clone().filter(|_| is_server);
                har.begin(conn, &Exchange { address, connection: conn, ..exchange });
            }
            // A HAR file cannot express that the end is missing.
            Event::Decoded(direction, data, ..) => {
                let data = data.as_deref().filter(|_| !is_cut);
                har.message(conn, by_client(direction), (Kind::Binary, data), at);
            }
            Event::Message(direction, kind, data, _) => {
                let data = data.as_deref().filter(|_| !is_cut);
                har.message(conn, by_client(direction), (kind, data), at);
            }
            Event::End(_) => har.finish(conn),
            _ => {}
        }
    }
    if let Some(exchange) = waits {
        har.refused(&exchange);
    }
    har.discard_previous();
    har.end()?;
    tell_left_out(recording);
    Ok(RunOutcome::Done)
}

/// Returns the direction of a message as the client saw it. A server or a proxy recorded the events
/// that have the number of a client.
fn by_client(direction: Direction, (conn, leg): (Option<u64>, Option<Leg>)) -> Direction {
    match conn {
        None => direction,
        Some(_) => leg.unwrap_or(Leg::Client).as_client_sees(direction),
    }
}

fn opened_exchange(request: Option<Box<Exchange>>, opened: Opened, at: SystemTime) -> Exchange {
    let Opened { url, http, answer, timing, address, .. } = opened;
    let method = if http == "2" { "CONNECT" } else { "GET" };
    let request = request.map_or_else(
        || Exchange { url, method: method.to_owned(), http, ..Exchange::default() },
        |request| *request,
    );
    let started = at.checked_sub(timing.total());
    Exchange { started, answer: Some(answer), timing, address, ..request }
}
