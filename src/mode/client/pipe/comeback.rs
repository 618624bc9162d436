//! A pipe over a session that is lost and opened again.

use super::{FULL, Finish, Pipe, Turn};
use crate::{
    connect::ClientConnection,
    error::Error,
    mode::client::reconnect::{Comeback, Said, tell_attempt},
    proto::Kind,
    random::entropy,
    session::Session,
    sys::signals::Signals,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What a pipe needs to come back.
pub(super) struct Spare {
    comeback: Comeback,
    /// Messages of stdin that may not have left.
    recent: VecDeque<(Kind, Vec<u8>)>,
    size: usize,
    /// Those that have not left the session that was lost, and go first now.
    pub(super) unsent: VecDeque<(Kind, Vec<u8>)>,
}

impl Spare {
    pub(super) fn new(comeback: Comeback) -> Self {
        let (recent, unsent) = (VecDeque::new(), VecDeque::new());
        Self { comeback, recent, size: 0, unsent }
    }

    /// Nothing waits to be sent again.
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_empty()
    }

    /// A message of stdin is sent.
    pub(super) fn sent(&mut self, kind: Kind, bytes: &[u8]) {
        self.recent.push_back((kind, bytes.to_vec()));
        self.size += bytes.len();
        while self.recent.len() > 1
            && self.recent.front().is_some_and(|(_, first)| self.size - first.len() > KEPT)
        {
            self.size -= self.recent.pop_front().map_or(0, |(_, bytes)| bytes.len());
        }
    }

    /// All that was sent has left.
    pub(super) fn left(&mut self) {
        self.recent.clear();
        self.size = 0;
    }

    /// So many of the last messages have not left.
    fn keep(&mut self, unsent: usize) -> usize {
        let recent = std::mem::take(&mut self.recent);
        let gone = recent.len().saturating_sub(unsent);
        let kept: Vec<_> = recent.into_iter().skip(gone).collect();
        let n = kept.len();
        for message in kept.into_iter().rev() {
            self.unsent.push_front(message);
        }
        self.size = 0;
        n
    }
}

/// How a wait for the next session ended.
enum Came {
    Opened(Box<Result<ClientConnection, Error>>),
    Signal(i32),
    Late,
    Gone,
}

impl Pipe {
    /// Opens the session again, if it was lost and that may help; false: this was the last.
    pub(super) async fn come_back(&mut self, signals: &mut Signals) -> bool {
        let Some(spare) = &mut self.spare else { return false };
        // A message that all of stdin is cannot be sent from the middle.
        let ends = self.finish.is_some() || self.session.is_closed_by_us() || self.long.is_begun();
        if ends || self.patience.is_some() {
            return false;
        }
        let error = match spare.comeback.reason(&mut self.session) {
            Ok(error) => error,
            Err(known) => {
                self.verdict = known.map(Err);
                return false;
            }
        };
        let kept = spare.keep(self.session.unsent_messages());
        self.long.forget();
        self.output.gap();
        self.sinks.gap(&mut self.session, &error);
        let lost = Instant::now();
        let opened = match self.reopened(error, signals).await {
            Came::Opened(opened) => *opened,
            Came::Signal(signal) => {
                self.interrupt(signal);
                return false;
            }
            Came::Late => {
                let limit = self.plan.max_time.take().map_or(Duration::ZERO, |(limit, _)| limit);
                let authority = self.session.authority().to_owned();
                let late = Error::RunTimeout { authority, limit };
                self.finish = Some(Finish::Failed(late));
                self.patience = Some(Instant::now() + self.plan.close_timeout);
                return false;
            }
            Came::Gone => {
                self.lose_output(std::io::ErrorKind::BrokenPipe.into());
                return false;
            }
        };
        match opened {
            Ok(opened) => {
                let mut said =
                    format!("connected again after {:.1} s", lost.elapsed().as_secs_f64());
                if kept > 0 {
                    let s = if kept == 1 { "" } else { "s" };
                    said = format!("{said}: {kept} message{s} that had not left will be sent");
                }
                self.report.note(&said);
                self.sinks.opened(&opened);
                let session =
                    Session::client(opened, self.plan.settings, entropy()).after(&self.session);
                self.session = self.sinks.observe(session);
                self.heard = self.session.bytes_received();
                self.clock.busy(Instant::now());
                self.plan.script.rewind();
                self.turn = Turn::Script;
                true
            }
            Err(error) => {
                self.finish = Some(Finish::Failed(error));
                false
            }
        }
    }

    async fn reopened(&mut self, error: Error, signals: &mut Signals) -> Came {
        let (report, sinks) = (self.report, self.sinks.clone());
        let mut tell = |said: Said<'_>| tell_attempt(report, &sinks, &said);
        let Some(spare) = &mut self.spare else { return Came::Opened(Box::new(Err(error))) };
        let mut opening = Box::pin(spare.comeback.again(error, &mut tell));
        let late = self.plan.max_time.map(|(_, at)| at);
        loop {
            let has_output = !self.output.is_written();
            let output = &mut self.output;
            tokio::select! {
                opened = &mut opening => return Came::Opened(Box::new(opened)),
                signal = signals.recv() => return Came::Signal(signal),
                () = tokio::time::sleep_until(late.unwrap_or_else(Instant::now).into()), if late.is_some() => {
                    return Came::Late;
                }
                () = output.gone() => return Came::Gone,
                free = output.writable(), if has_output => {
                    if free.is_err() || output.write().is_err() {
                        return Came::Gone;
                    }
                }
            }
        }
    }

    /// Sends what had not left the session before.
    pub(super) fn resend(&mut self) {
        while self.session.queued() < FULL
            && let Some(spare) = &mut self.spare
            && let Some((kind, bytes)) = spare.unsent.pop_front()
        {
            let _ = self.session.send(kind, &bytes);
            spare.sent(kind, &bytes);
            self.clock.sent();
        }
    }
}

/// Bytes of messages that are kept: more than there may be between us and the network.
const KEPT: usize = 512 << 10;
