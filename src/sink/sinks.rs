//! The set of sinks of a run.

use super::{Interest, Outcome, Print, Sink};
use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    escape::escaped_lines,
    job::run_outcome::RunOutcome,
    proto::Piece,
    render::write_out::Stream,
    report,
    session::{Observer, Session, SessionEvent, Stats},
    stored::{Collector, WholeMessage},
    sys::stdio::{write_stderr, write_within},
};
use std::{
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The sinks of a run, notified in order. Clones share them.
#[derive(Clone)]
pub(crate) struct Sinks(Option<Arc<Mutex<List>>>);

struct List {
    sinks: Vec<Box<dyn Sink>>,
    /// Statistics of the last session, and the number of its messages that did not reach the
    /// network.
    last: Option<(Stats, usize)>,
}

impl Sinks {
    /// Creates the sinks of a run. If there are none, nothing is locked and no session is observed.
    pub(crate) fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        let some = !sinks.is_empty();
        Self(some.then(|| Arc::new(Mutex::new(List { sinks, last: None }))))
    }

    fn list(&self) -> Option<MutexGuard<'_, List>> {
        self.0.as_ref().map(|list| lock(list))
    }

    fn each(&self, tell: impl FnMut(&mut Box<dyn Sink>)) {
        if let Some(mut list) = self.list() {
            list.sinks.iter_mut().for_each(tell);
        }
    }

    /// Reports a step of opening a session.
    pub(crate) fn progress(&self, step: &Progress<'_>) {
        self.each(|sink| sink.progress(step));
    }

    /// Reports an opened session.
    pub(crate) fn opened(&self, opened: &ClientConnection) {
        self.each(|sink| sink.opened(opened));
    }

    /// Attaches an observer to a session if a sink needs its events.
    pub(crate) fn observe(&self, session: Session) -> Session {
        match self.observer(u64::MAX) {
            Some(observer) => session.with_observer(observer),
            None => session,
        }
    }

    /// Returns an observer of a session, if a sink needs its events. Of messages over `limit` bytes no
    /// content is kept.
    pub(crate) fn observer(&self, limit: u64) -> Option<Box<dyn Observer>> {
        let list = self.0.as_ref()?;
        let (interest, collects) = {
            let mut list = lock(list);
            for sink in &mut list.sinks {
                sink.begin();
            }
            let interest = list.sinks.iter().map(|sink| sink.interest()).max();
            (interest, list.sinks.iter().any(|sink| sink.takes_messages()))
        };
        let wire = match interest {
            None | Some(Interest::Nothing) => return None,
            Some(interest) => interest == Interest::Wire,
        };
        let collector = collects.then(Collector::default);
        Some(Box::new(SinkObserver {
            list: Arc::clone(list),
            wire,
            collector,
            limit,
            size: 0,
            is_dropped: false,
        }))
    }

    /// Directs human-readable lines to `print`, or to stderr if it is `None`.
    pub(crate) fn print_with(&self, print: Option<&Print>) {
        self.each(|sink| sink.print_with(print));
    }

    /// Reports the loss of a session that will be opened again.
    pub(crate) fn gap(&self, session: &mut Session, error: &Error) {
        self.left(session);
        self.each(|sink| sink.gap(error));
    }

    /// Reports that the session is over.
    pub(crate) fn left(&self, session: &mut Session) {
        session.end();
        if let Some(mut list) = self.list() {
            list.last = Some((session.stats(), session.unsent_messages()));
            for sink in &mut list.sinks {
                sink.left(session);
                sink.over();
            }
        }
    }

    /// Reports that an observed conversation between others is over.
    pub(crate) fn over(&self) {
        self.each(|sink| sink.over());
    }

    /// Reports the outcome of the run, before pending output is written to stdout.
    pub(crate) fn conclude(&self, ended: &Result<RunOutcome, Error>) {
        if let Some(mut list) = self.list() {
            let List { sinks, last } = &mut *list;
            let outcome = outcome(ended, last.as_ref());
            for sink in sinks {
                sink.conclude(outcome);
            }
        }
    }

    /// Finishes the sinks, then prints their epilogues, each for at most `limit`. Returns the
    /// outcome of the run: its own failure, or else the first failure of a sink.
    pub(crate) async fn end(
        &self,
        mut ended: Result<RunOutcome, Error>,
        limit: Duration,
    ) -> Result<RunOutcome, Error> {
        let texts = self.list().map(|mut list| list.end(&mut ended)).unwrap_or_default();
        for (stream, text) in texts {
            let terminal = match stream {
                Stream::Stderr => io::stderr().is_terminal(),
                Stream::Stdout => io::stdout().is_terminal(),
            };
            // The text may contain data from the peer.
            let text = if terminal { escaped_lines(&text) } else { text };
            match stream {
                Stream::Stderr => write_stderr(text.as_bytes()),
                // Text that the reader does not accept in time is dropped.
                Stream::Stdout => match write_within(&text, limit).await {
                    Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe && ended.is_ok() => {
                        ended = Err(Error::Output(cause));
                    }
                    _ => {}
                },
            }
        }
        ended
    }
}

impl List {
    fn end(&mut self, ended: &mut Result<RunOutcome, Error>) -> Vec<(Stream, String)> {
        let mut fault = None;
        for sink in &mut self.sinks {
            if let Err(error) = sink.end(outcome(ended, self.last.as_ref())) {
                fault.get_or_insert(error);
            }
        }
        match fault {
            Some(error) if ended.is_ok() => *ended = Err(error),
            // It does not decide the status, but data was lost.
            Some(error) => report::error(&error),
            None => {}
        }
        self.sinks.iter_mut().flat_map(|sink| sink.epilogue(ended)).collect()
    }
}

fn outcome<'a>(
    ended: &'a Result<RunOutcome, Error>,
    last: Option<&'a (Stats, usize)>,
) -> Outcome<'a> {
    let unsent = last.map_or(0, |(_, unsent)| *unsent);
    Outcome { ended, stats: last.map(|(stats, _)| stats), unsent }
}

/// Passes the events of a session to the sinks.
struct SinkObserver {
    list: Arc<Mutex<List>>,
    /// True if a sink needs bytes and frames.
    wire: bool,
    /// Present if a sink needs messages.
    collector: Option<Collector>,
    /// The longest message that is kept, in bytes.
    limit: u64,
    /// The length of the message so far.
    size: u64,
    /// No content of the message is kept.
    is_dropped: bool,
}

impl SinkObserver {
    fn piece(&mut self, at: Instant, piece: &Piece<'_>) {
        let Piece { kind, carried, frames, .. } = *piece;
        let Some(collector) = &mut self.collector else { return };
        if piece.first {
            self.size = 0;
        }
        self.size += piece.payload.len() as u64;
        self.is_dropped =
            (self.is_dropped && !piece.first) || self.size > self.limit || collector.is_crowded();
        if self.is_dropped {
            collector.discard();
            if piece.last {
                let seen = SessionEvent::TooLong(kind, self.size, carried, frames);
                for sink in &mut lock(&self.list).sinks {
                    sink.see(at, &seen);
                }
            }
            return;
        }
        let Some(collected) = collector.push(piece) else { return };
        let message = WholeMessage { kind, content: collected.content(), carried, frames };
        for sink in &mut lock(&self.list).sinks {
            sink.message(at, &message);
        }
    }
}

impl Observer for SinkObserver {
    fn needs_wire(&self) -> bool {
        self.wire
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        if let SessionEvent::Piece(piece) = seen {
            return self.piece(at, piece);
        }
        for sink in &mut lock(&self.list).sinks {
            sink.see(at, seen);
        }
    }

    fn rest(&mut self) {
        for sink in &mut lock(&self.list).sinks {
            sink.rest();
        }
    }

    fn is_behind(&self) -> bool {
        lock(&self.list).sinks.iter().any(|sink| sink.is_behind())
    }
}

/// Locks the list. If a sink panicked, the list is still in a usable state.
fn lock(list: &Mutex<List>) -> MutexGuard<'_, List> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
