//! A pair: the two connections of a session, and the flows between them.
//!
//! The pair has one task and, without fault rules, no timer. Its future is most of its memory.

use super::{
    faults::{FaultOutcome, PairFaults},
    flow::{Flow, LegFault},
    link::{Order, PairLink},
    pair_end::PairEnd,
    watcher::Watcher,
};
use crate::{
    connect::Established,
    net::{Transport, end_in_order},
    proto::{Close, Leg, Opcode, handshake::Version, raw::RawFrame, relay::Boundary},
    random::nonce,
    script::fault::PerformedFault,
};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{io::AsyncWrite as _, time::timeout};

/// The connections of a session.
pub(super) struct Pair {
    client: Box<dyn Transport>,
    server: Box<dyn Transport>,
    /// From the client to the server.
    up: Flow,
    /// From the server to the client.
    down: Flow,
    link: Arc<PairLink>,
    watcher: Option<Box<dyn Watcher>>,
    faults: Option<Box<PairFaults>>,
    /// The Close that we send to both legs.
    closing: Option<Close>,
    is_paused: bool,
    /// The carrier of the connection to the server.
    server_carrier: Version,
    /// The leg that has sent a Close first, or ended without one.
    first: Option<Leg>,
}

impl Pair {
    /// Joins two connections. What was received of them already is passed on first.
    pub(super) fn new(
        client: Established,
        server: Established,
        link: Arc<PairLink>,
        mut watcher: Option<Box<dyn Watcher>>,
        mut faults: Option<Box<PairFaults>>,
    ) -> Self {
        let mut flow =
            |leg, received| Flow::new(leg, received, reborrow(&mut watcher), faults.as_deref_mut());
        let (up, down) = (flow(Leg::Client, client.rest), flow(Leg::Server, server.rest));
        Self {
            client: client.transport,
            server: server.transport,
            up,
            down,
            link,
            watcher,
            faults,
            closing: None,
            is_paused: false,
            server_carrier: server.carrier,
            first: None,
        }
    }

    /// Passes bytes on until the session is over.
    pub(super) fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<PairEnd> {
        while let Some(order) = self.link.next(cx) {
            self.obey(order);
        }
        let reads = !self.is_paused || self.closing.is_some();
        let (client, server) = (&mut *self.client, &mut *self.server);
        let (watcher, faults) = (&mut self.watcher, &mut self.faults);
        let up = self.up.poll(client, server, reads, reborrow(watcher), faults.as_deref_mut(), cx);
        let down =
            self.down.poll(server, client, reads, reborrow(watcher), faults.as_deref_mut(), cx);
        self.note_first();
        for polled in [up, down] {
            if let Poll::Ready(Err(LegFault { leg, cause })) = polled {
                return Poll::Ready(self.fail(leg, cause));
            }
        }
        if let Some(end) = self.perform_faults(cx) {
            return Poll::Ready(end);
        }
        self.end_stream(cx);
        if self.is_over() {
            return Poll::Ready(self.finish());
        }
        Poll::Pending
    }

    /// Ends our HTTP/2 stream after the closing handshake. It is free there, and some servers wait for it,
    /// while a client over HTTP/1.1 waits for the server.
    fn end_stream(&mut self, cx: &Context<'_>) {
        let has_closed = self.flows().iter().all(|flow| flow.relay.has_closed());
        if has_closed && self.server_carrier == Version::Http2 && self.up.end() {
            cx.waker().wake_by_ref();
        }
    }

    /// Takes the watcher of a pair that has ended.
    pub(super) fn take_watcher(&mut self) -> Option<Box<dyn Watcher>> {
        self.watcher.take()
    }

    /// Reports whether we are closing the session.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Ends a session that is closing and whose peers have not ended it in time.
    pub(super) fn give_up(&mut self) -> PairEnd {
        self.finish()
    }

    /// Returns the flows: what the client has sent, and what the server has sent.
    pub(super) fn flows(&self) -> [&Flow; 2] {
        [&self.up, &self.down]
    }

    /// Takes the faults that have happened since the last call, if they are recorded.
    pub(super) fn take_happened(&mut self) -> Vec<PerformedFault> {
        self.faults.as_mut().map(|faults| faults.take_happened()).unwrap_or_default()
    }

    /// Ends both connections, so that the peers receive all that was sent to them.
    pub(super) async fn cut(&mut self) {
        let (client, server) = (&mut self.client, &mut self.server);
        let ends = async { tokio::join!(end_in_order(client), end_in_order(server)) };
        // A peer may have gone, or take nothing.
        let _ = timeout(CUT_LIMIT, ends).await;
    }

    /// Performs the faults of both connections that are due.
    fn perform_faults(&mut self, cx: &mut Context<'_>) -> Option<PairEnd> {
        let faults = self.faults.as_mut()?;
        let is_written = !self.up.is_writing() && !self.down.is_writing();
        match faults.poll(is_written, cx)? {
            FaultOutcome::Cut => return Some(PairEnd::Cut),
            FaultOutcome::Reset => {
                self.client.reset_at_end();
                self.server.reset_at_end();
                return Some(PairEnd::Reset);
            }
            FaultOutcome::Left(leg) => return Some(PairEnd::Stalled(leg)),
            FaultOutcome::Close(close) => {
                self.close(close);
                cx.waker().wake_by_ref();
            }
        }
        None
    }

    /// Sends a Close to both legs, unless they are closing.
    fn close(&mut self, close: Close) {
        if self.closing.is_some() {
            return;
        }
        for leg in Leg::BOTH {
            self.insert(leg, close_frame(&close, leg), Boundary::Frame);
        }
        self.closing = Some(close);
        if let Some(faults) = &mut self.faults {
            faults.close();
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Close(close) => self.close(close),
            Order::Insert(leg, frame) => self.insert(leg, frame, Boundary::Message),
            Order::Pause(is_paused) => self.is_paused = is_paused,
        }
    }

    /// Inserts a frame into the flow to a leg.
    fn insert(&mut self, leg: Leg, frame: Vec<u8>, boundary: Boundary) {
        let watcher = reborrow(&mut self.watcher);
        match leg {
            Leg::Client => self.down.insert(frame, boundary, watcher),
            Leg::Server => self.up.insert(frame, boundary, watcher),
        }
    }

    /// Remembers the leg that has closed or ended the session first.
    fn note_first(&mut self) {
        if self.first.is_none() && self.closing.is_none() {
            let ended = |flow: &Flow| flow.relay.has_closed() || flow.is_at_end();
            self.first = match (ended(&self.up), ended(&self.down)) {
                (true, _) => Some(Leg::Client),
                (_, true) => Some(Leg::Server),
                _ => None,
            };
        }
    }

    fn is_over(&self) -> bool {
        let flows = self.flows();
        if self.is_closing() {
            // Each leg has answered our Close, or ended.
            let answered = |flow: &&Flow| flow.relay.has_closed() || flow.is_at_end();
            return flows.iter().all(answered) && flows.iter().all(|flow| !flow.is_writing());
        }
        // A leg that takes nothing more and has ended is gone.
        flows.iter().all(|flow| flow.is_done() || flow.is_broken())
    }

    /// Ends both connections.
    fn finish(&mut self) -> PairEnd {
        let mut cx = Context::from_waker(Waker::noop());
        match (self.up.is_broken(), self.down.is_broken()) {
            _ if self.is_closing() => {
                let _ = Pin::new(&mut self.client).poll_shutdown(&mut cx);
                let _ = Pin::new(&mut self.server).poll_shutdown(&mut cx);
            }
            // What a leg still sends to one that is gone is answered with a reset.
            (true, _) => self.client.reset_at_end(),
            (_, true) => self.server.reset_at_end(),
            _ => {}
        }
        if let Some(close) = &self.closing {
            return PairEnd::Ours(close.clone());
        }
        let first = self.first.unwrap_or(Leg::Client);
        let flow = if first == Leg::Client { &self.up } else { &self.down };
        if flow.relay.has_closed() {
            return PairEnd::Closed(first, flow.relay.close());
        }
        match (self.up.take_fault(), self.down.take_fault()) {
            (Some(cause), _) => PairEnd::Failed(Leg::Server, cause),
            (_, Some(cause)) => PairEnd::Failed(Leg::Client, cause),
            _ => PairEnd::Ended(first),
        }
    }

    /// Resets the leg beside one that has failed, after what it has sent before.
    fn fail(&mut self, leg: Leg, cause: io::Error) -> PairEnd {
        if self.flows().iter().all(|flow| flow.relay.has_closed()) {
            // The closing handshake is over. Many peers end their connection with a reset then.
            return self.finish();
        }
        match leg {
            Leg::Client => self.server.reset_at_end(),
            Leg::Server => self.client.reset_at_end(),
        }
        PairEnd::Failed(leg, cause)
    }
}

fn reborrow(watcher: &mut Option<Box<dyn Watcher>>) -> Option<&mut dyn Watcher> {
    match watcher {
        Some(watcher) => Some(&mut **watcher),
        None => None,
    }
}

/// Returns a Close for a leg.
fn close_frame(close: &Close, to: Leg) -> Vec<u8> {
    let frame = RawFrame::from(Opcode::Close).payload(close.payload());
    match to {
        Leg::Client => frame.encode(),
        Leg::Server => {
            let [a, b, c, d, ..] = nonce();
            frame.mask([a, b, c, d]).encode()
        }
    }
}

/// The time limit for ending connections that a fault cuts.
const CUT_LIMIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
