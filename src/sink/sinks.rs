//! The sinks of a run.

use super::{Interest, Outcome, Print, Sink};
use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    escape::escaped_lines,
    job::ended::Ended,
    render::write_out::Stream,
    session::{Observer, Session, SessionEvent, Stats},
    sys::stdio::{write_stderr, write_within},
};
use std::{
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The sinks of a run, told in order. Clones share them.
#[derive(Clone)]
pub(crate) struct Sinks(Option<Arc<Mutex<List>>>);

struct List {
    sinks: Vec<Box<dyn Sink>>,
    /// Figures of the last session, and its messages that did not reach the network.
    last: Option<(Stats, usize)>,
}

impl Sinks {
    /// A run with these sinks. Without any, nothing is locked and no session is observed.
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

    /// Tells of a step of opening a session.
    pub(crate) fn progress(&self, step: &Progress<'_>) {
        self.each(|sink| sink.progress(step));
    }

    /// Tells of a session that was opened.
    pub(crate) fn opened(&self, opened: &ClientConnection) {
        self.each(|sink| sink.opened(opened));
    }

    /// Attaches an observer to a session if a sink needs its events.
    pub(crate) fn observe(&self, session: Session) -> Session {
        let Some(list) = &self.0 else { return session };
        let interest = {
            let mut list = lock(list);
            for sink in &mut list.sinks {
                sink.begin();
            }
            list.sinks.iter().map(|sink| sink.interest()).max()
        };
        let wire = match interest {
            None | Some(Interest::Nothing) => return session,
            Some(interest) => interest == Interest::Wire,
        };
        session.with_observer(Box::new(SinkObserver { list: Arc::clone(list), wire }))
    }

    /// Directs lines for a person to `print`, or to stderr without one.
    pub(crate) fn print_with(&self, print: Option<&Print>) {
        self.each(|sink| sink.print_with(print));
    }

    /// Tells that the session was lost for this reason and is to be opened again.
    pub(crate) fn gap(&self, session: &mut Session, error: &Error) {
        self.left(session);
        self.each(|sink| sink.gap(error));
    }

    /// Tells that the session is over.
    pub(crate) fn left(&self, session: &mut Session) {
        session.end();
        if let Some(mut list) = self.list() {
            list.last = Some((session.stats(), session.unsent_messages()));
            for sink in &mut list.sinks {
                sink.left(session);
            }
        }
    }

    /// Tells the outcome of the run, while what waits for stdout is still to be written.
    pub(crate) fn conclude(&self, ended: &Result<Ended, Error>) {
        if let Some(mut list) = self.list() {
            let List { sinks, last } = &mut *list;
            let outcome = outcome(ended, last.as_ref());
            for sink in sinks {
                sink.conclude(outcome);
            }
        }
    }

    /// Ends the sinks, then writes the text that follows the run, each for at most `limit`. Returns
    /// the outcome of the run: the first failure of a sink if there was none before.
    pub(crate) async fn end(
        &self,
        mut ended: Result<Ended, Error>,
        limit: Duration,
    ) -> Result<Ended, Error> {
        let texts = self.list().map(|mut list| list.end(&mut ended)).unwrap_or_default();
        for (stream, text) in texts {
            let terminal = match stream {
                Stream::Stderr => io::stderr().is_terminal(),
                Stream::Stdout => io::stdout().is_terminal(),
            };
            // Some of it is the peer's.
            let text = if terminal { escaped_lines(&text) } else { text };
            match stream {
                Stream::Stderr => write_stderr(text.as_bytes()),
                // What a reader does not take in time is dropped.
                Stream::Stdout => {
                    write_within(&text, limit).await;
                }
            }
        }
        ended
    }
}

impl List {
    fn end(&mut self, ended: &mut Result<Ended, Error>) -> Vec<(Stream, String)> {
        let mut fault = None;
        for sink in &mut self.sinks {
            if let Err(error) = sink.end(outcome(ended, self.last.as_ref())) {
                fault.get_or_insert(error);
            }
        }
        if ended.is_ok()
            && let Some(error) = fault
        {
            *ended = Err(error);
        }
        self.sinks.iter_mut().flat_map(|sink| sink.epilogue(ended)).collect()
    }
}

fn outcome<'a>(ended: &'a Result<Ended, Error>, last: Option<&'a (Stats, usize)>) -> Outcome<'a> {
    let unsent = last.map_or(0, |(_, unsent)| *unsent);
    Outcome { ended, stats: last.map(|(stats, _)| stats), unsent }
}

/// Passes the events of a session to the sinks.
struct SinkObserver {
    list: Arc<Mutex<List>>,
    /// A sink needs bytes and frames.
    wire: bool,
}

impl Observer for SinkObserver {
    fn needs_wire(&self) -> bool {
        self.wire
    }

    fn see(&mut self, at: Instant, seen: &SessionEvent<'_>) {
        for sink in &mut lock(&self.list).sinks {
            sink.see(at, seen);
        }
    }

    fn rest(&mut self) {
        for sink in &mut lock(&self.list).sinks {
            sink.rest();
        }
    }
}

/// Locks the list. A sink that panicked leaves it as it is, which is good enough to go on.
fn lock(list: &Mutex<List>) -> MutexGuard<'_, List> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
