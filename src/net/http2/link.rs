//! The connection of HTTP/2 under a stream, and why it ended.

use super::{
    fault::Http2Fault,
    preface::{End, First, Seen, Tap},
};
use crate::net::transport::Transport;
use bytes::Bytes;
use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

/// The connection, driven by whoever waits for something of it.
pub(super) struct Link {
    /// `None`: it has ended.
    pub(super) connection: Option<h2::client::Connection<Tap<Box<dyn Transport>>, Bytes>>,
    /// Why, if badly.
    pub(super) error: Option<h2::Error>,
    pub(super) seen: Arc<Mutex<Seen>>,
}

impl Link {
    /// Moves what there is to move both ways.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = Pin::new(connection).poll(cx)
        {
            self.error = ended.err();
            self.connection = None;
        }
    }

    /// Everything that came before the end has been taken: whether there is an end to be told now.
    pub(super) fn let_end(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = seen.end == End::Held;
        if is_held {
            seen.end = End::Told;
        }
        is_held
    }

    /// Whether bytes wait for the network to take them.
    pub(super) fn is_stuck(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.connection.is_some() && seen.is_stuck
    }

    /// Drives until something has come of it. When the connection ends, that is what has come.
    pub(super) async fn until<T>(
        &mut self,
        mut wanted: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<Result<T, h2::Error>>,
    ) -> Result<T, Http2Fault> {
        let done = poll_fn(|cx| {
            loop {
                self.drive(cx);
                match wanted(self, cx) {
                    Poll::Pending if self.connection.is_none() => return Poll::Ready(None),
                    Poll::Pending if self.let_end() => {}
                    done => return done.map(Some),
                }
            }
        });
        match done.await {
            Some(Ok(wanted)) => Ok(wanted),
            Some(Err(error)) => Err(self.fault(error)),
            None => Err(ended(&self.seen, self.error.take())),
        }
    }

    pub(super) fn first(&self) -> Poll<Result<First, h2::Error>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.opening.clone().map_or(Poll::Pending, |first| Poll::Ready(Ok(first)))
    }

    /// What an error of the stream comes from.
    pub(super) fn fault(&mut self, error: h2::Error) -> Http2Fault {
        // That the connection is broken is known better by the connection.
        let cause = if error.is_io() { self.error.take().or(Some(error)) } else { Some(error) };
        ended(&self.seen, cause)
    }
}

/// Why a connection or its stream ended.
pub(super) fn ended(seen: &Mutex<Seen>, error: Option<h2::Error>) -> Http2Fault {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let stray = seen.stray().map(ToOwned::to_owned);
    match error {
        Some(error) if error.is_remote() && error.is_go_away() => Http2Fault::GoAway {
            reason: error.reason().unwrap_or(h2::Reason::NO_ERROR),
            debug: debug_data(&error),
        },
        Some(error) if error.is_remote() && error.is_reset() => {
            Http2Fault::Reset(error.reason().unwrap_or(h2::Reason::NO_ERROR))
        }
        _ if stray.is_some() => Http2Fault::NotHttp2(stray.unwrap_or_default()),
        Some(error) if error.is_io() => lost(&mut seen),
        Some(error) if error.is_library() => {
            let (stream, debug) = (error.is_reset(), debug_data(&error));
            let reason = error.reason().unwrap_or(h2::Reason::PROTOCOL_ERROR);
            Http2Fault::Broken { stream, reason, debug }
        }
        Some(error) => Http2Fault::Request(error.to_string()),
        None => lost(&mut seen),
    }
}

fn lost(seen: &mut Seen) -> Http2Fault {
    // TLS calls an end without its farewell an error.
    match seen.error.take().filter(|cause| cause.kind() != io::ErrorKind::UnexpectedEof) {
        None if seen.opening.is_none() => Http2Fault::NoSettings,
        cause => Http2Fault::Lost(cause),
    }
}

/// What a GOAWAY says beside its code, which h2 gives in its words only.
fn debug_data(error: &h2::Error) -> String {
    let words = error.to_string();
    let data = words.split_once(" (b\"").and_then(|(_, data)| data.strip_suffix("\")"));
    data.unwrap_or_default().to_owned()
}
