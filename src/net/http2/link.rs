//! The HTTP/2 connection below a stream, and the reason why it ended.

use super::{
    fault::Http2Fault,
    preface::{FirstFrame, InspectedStream, PeerState},
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

/// A connection without a task: each operation of the stream drives it.
pub(super) struct Link {
    /// `None` after the connection has ended.
    pub(super) connection:
        Option<h2::client::Connection<InspectedStream<Box<dyn Transport>>, Bytes>>,
    /// The error that ended the connection, if any.
    pub(super) error: Option<h2::Error>,
    pub(super) peer: Arc<Mutex<PeerState>>,
}

impl Link {
    /// Reads and writes as much as possible without blocking.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = Pin::new(connection).poll(cx)
        {
            self.error = ended.err();
            self.connection = None;
        }
    }

    /// Lets h2 see the end of the transport, once everything before it was read. Returns true if
    /// the end was withheld until now, in which case the connection has to be driven again.
    pub(super) fn release_end(&self) -> bool {
        self.peer.lock().unwrap_or_else(PoisonError::into_inner).release_end()
    }

    /// Returns true while the transport does not accept pending bytes.
    pub(super) fn is_write_blocked(&self) -> bool {
        let peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner);
        self.connection.is_some() && peer.is_write_blocked
    }

    /// Drives the connection until `wanted` is ready. Fails if the connection ends before.
    pub(super) async fn drive_until<T>(
        &mut self,
        mut wanted: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<Result<T, h2::Error>>,
    ) -> Result<T, Http2Fault> {
        let done = poll_fn(|cx| {
            loop {
                self.drive(cx);
                match wanted(self, cx) {
                    Poll::Pending if self.connection.is_none() => return Poll::Ready(None),
                    Poll::Pending if self.release_end() => {}
                    done => return done.map(Some),
                }
            }
        });
        match done.await {
            Some(Ok(wanted)) => Ok(wanted),
            Some(Err(error)) => Err(self.fault(error)),
            None => Err(connection_fault(&self.peer, self.error.take())),
        }
    }

    pub(super) fn first_frame(&self) -> Poll<Result<FirstFrame, h2::Error>> {
        let peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner);
        peer.first_frame.clone().map_or(Poll::Pending, |first| Poll::Ready(Ok(first)))
    }

    /// Returns the fault behind an error of the stream.
    pub(super) fn fault(&mut self, error: h2::Error) -> Http2Fault {
        // If the connection failed, its own error is more precise than the stream's.
        let cause = if error.is_io() { self.error.take().or(Some(error)) } else { Some(error) };
        connection_fault(&self.peer, cause)
    }
}

/// Returns the reason why a connection or its stream ended.
pub(super) fn connection_fault(peer: &Mutex<PeerState>, error: Option<h2::Error>) -> Http2Fault {
    let mut peer = peer.lock().unwrap_or_else(PoisonError::into_inner);
    let other_protocol = peer.other_protocol().map(ToOwned::to_owned);
    match error {
        Some(error) if error.is_remote() && error.is_go_away() => Http2Fault::GoAway {
            reason: error.reason().unwrap_or(h2::Reason::NO_ERROR),
            debug: debug_data(&error),
        },
        Some(error) if error.is_remote() && error.is_reset() => {
            Http2Fault::Reset(error.reason().unwrap_or(h2::Reason::NO_ERROR))
        }
        _ if other_protocol.is_some() => Http2Fault::NotHttp2(other_protocol.unwrap_or_default()),
        Some(error) if error.is_io() => lost(&mut peer),
        Some(error) if error.is_library() => {
            let (stream, debug) = (error.is_reset(), debug_data(&error));
            let reason = error.reason().unwrap_or(h2::Reason::PROTOCOL_ERROR);
            Http2Fault::Broken { stream, reason, debug }
        }
        Some(error) => Http2Fault::Request(error.to_string()),
        None => lost(&mut peer),
    }
}

fn lost(peer: &mut PeerState) -> Http2Fault {
    // TLS reports a connection closed without close_notify as an error; here it is a plain end.
    match peer.error.take().filter(|cause| cause.kind() != io::ErrorKind::UnexpectedEof) {
        None if peer.first_frame.is_none() => Http2Fault::NoSettings,
        cause => Http2Fault::Lost(cause),
    }
}

/// Returns the debug data of a GOAWAY, which h2 exposes only in its error message.
fn debug_data(error: &h2::Error) -> String {
    let words = error.to_string();
    let data = words.split_once(" (b\"").and_then(|(_, data)| data.strip_suffix("\")"));
    data.unwrap_or_default().to_owned()
}
