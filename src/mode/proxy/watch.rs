//! The observers of a pair. Bytes are decoded after they were read and before more are: an output that is
//! behind holds up both legs, so that nothing is lost and memory stays bounded.

use super::{outlet::Outlet, pair_end::PairEnd, watcher::Watcher};
use crate::{
    proto::{
        Close, Leg, Opcode, Tally,
        extension::Deflate,
        trace::{Direction, FrameReader},
    },
    render::proxy_events::LegEnd,
    schema::event::ClosedBy,
    session::{
        FRAME_PREVIEW_BYTES, SessionEvent, Stats,
        tap::{Decoded, Tap},
    },
    sink::sinks::Sinks,
    wording::system_error,
};
use std::{
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// The taps of both legs, with their sinks.
pub(super) struct PairWatch {
    outlet: Arc<Outlet>,
    conn: u64,
    opened: Instant,
    /// That of the client, and that of the server.
    taps: [Tap; 2],
    sinks: [Sinks; 2],
    /// True once it was told that messages of a leg can no longer be read.
    has_told_loss: [bool; 2],
    /// True if bytes may not be decoded, or an observer may hold output.
    is_stirred: bool,
}

impl PairWatch {
    /// Watches a pair, if anything shows or records it. `deflate` is what client and server have agreed
    /// about permessage-deflate.
    pub(super) fn new(outlet: &Arc<Outlet>, conn: u64, deflate: Option<&Deflate>) -> Option<Self> {
        let [client, server] = Leg::BOTH.map(|leg| {
            let sinks = outlet.sinks(conn, leg);
            let tap = Tap::new(sinks.observer(KEPT_MESSAGE_BYTES)?, leg, deflate);
            Some((tap, sinks))
        });
        let ((client, client_sinks), (server, server_sinks)) = (client?, server?);
        Some(Self {
            outlet: Arc::clone(outlet),
            conn,
            opened: Instant::now(),
            taps: [client, server],
            sinks: [client_sinks, server_sinks],
            has_told_loss: [false; 2],
            is_stirred: false,
        })
    }

    /// Decodes what was received. Returns true if something had to stay.
    fn decode(&mut self) -> bool {
        let Self { outlet, taps, has_told_loss, conn, .. } = self;
        let mut is_held = false;
        for tap in taps.iter_mut() {
            if !is_held {
                is_held = tap.decode(|| outlet.has_room()) == Decoded::Held;
            }
        }
        for ((tap, leg), has_told) in taps.iter().zip(Leg::BOTH).zip(has_told_loss) {
            if tap.has_lost_context() && !std::mem::replace(has_told, true) {
                outlet.note(&format!(
                    "client {conn}: compressed messages of the {leg} can no longer be read: one that \
                     the others depend on violates the protocol"
                ));
            }
        }
        let is_behind = taps.iter_mut().map(Tap::rest).fold(false, |any, is| any | is);
        is_held || is_behind
    }

    fn stats(&self, leg: Leg) -> Stats {
        let [client, server] = &self.taps;
        let (own, other) = if leg == Leg::Client { (client, server) } else { (server, client) };
        stats(self.opened, own.first_message(), own.tally(), other.tally())
    }

    fn report_end(&self, end: &PairEnd) {
        for (leg, tap) in Leg::BOTH.into_iter().zip(&self.taps) {
            let is_violation = matches!(end, PairEnd::Closed(closer, None) if *closer == leg);
            let message = match end {
                PairEnd::Failed(failed, cause) if *failed == leg => Some(system_error(cause)),
                PairEnd::Ours(_) => None,
                end if end.of_fault().is_some() => end.of_fault().map(str::to_owned),
                _ if is_violation => Some("invalid Close".to_owned()),
                _ if tap.close().is_none() => Some(NO_CLOSE.to_owned()),
                _ => None,
            };
            let code = match (tap.close(), end) {
                (Some(Close { code, .. }), _) if code.is_error() => 111,
                (Some(_), _) | (None, PairEnd::Ours(_)) => 0,
                (None, end) if end.of_fault().is_some() => 0,
                (None, _) if is_violation => 110,
                (None, _) => 56,
            };
            let closed_by = match end {
                PairEnd::Closed(closer, _) if *closer == leg => Some(ClosedBy::Remote),
                PairEnd::Closed(..) | PairEnd::Ours(_) => Some(ClosedBy::Local),
                _ => None,
            };
            let stats = self.stats(leg);
            let left = LegEnd {
                leg,
                code,
                close: tap.close(),
                closed_by,
                message: message.as_deref(),
                stats: &stats,
            };
            self.outlet.event(Some(self.conn), |json, out| json.leg_left(&left, out));
        }
        self.outlet.count(&self.stats(Leg::Client));
        if let Some(error) = self.outlet.recorders.news() {
            self.outlet.note(error.shown().as_str());
        }
    }
}

impl Watcher for PairWatch {
    fn passed(&mut self, leg: Leg, bytes: &[u8]) {
        if self.is_stirred {
            // What the other leg received before is reported before.
            self.is_stirred = self.decode();
        }
        let [client, server] = &mut self.taps;
        let tap = if leg == Leg::Client { client } else { server };
        tap.received(Instant::now(), bytes);
        self.is_stirred = true;
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_stirred {
            return Poll::Ready(());
        }
        for _ in 0..TURNS {
            if !self.decode() {
                self.is_stirred = false;
                return Poll::Ready(());
            }
            if !self.outlet.has_room() {
                self.outlet.wake_with_room(cx.waker());
                // Room may have been made meanwhile.
                if !self.outlet.has_room() {
                    return Poll::Pending;
                }
            }
        }
        // A long message is written in parts, between which others have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn inserted(&mut self, leg: Leg, frame: &[u8]) {
        let now = Instant::now();
        let [client, server] = &mut self.taps;
        let tap = if leg == Leg::Client { client } else { server };
        // What arrived before is reported before.
        tap.decode(|| true);
        let mut preview = FrameReader::new(false, FRAME_PREVIEW_BYTES);
        preview.feed(frame, |frame| tap.sent(now, &SessionEvent::Frame(Direction::Out, &frame)));
        // Its preview is the whole payload.
        let mut whole = FrameReader::new(false, frame.len());
        whole.feed(frame, |frame| match Opcode::from_number(frame.opcode()) {
            Some(Opcode::Message(kind)) => {
                let length = frame.preview.len() as u64;
                tap.sent(now, &SessionEvent::Sent(kind, Some(&frame.preview), length));
            }
            Some(Opcode::Close) => {
                if let Ok(close) = Close::parse(&frame.preview) {
                    tap.sent(now, &SessionEvent::Close(Direction::Out, &close));
                }
            }
            _ => {}
        });
        self.is_stirred = true;
    }

    fn end(&mut self, end: &PairEnd) {
        let now = Instant::now();
        for (tap, sinks) in self.taps.iter_mut().zip(&self.sinks) {
            tap.end(now);
            sinks.over();
        }
        self.report_end(end);
        if let Some(view) = &self.outlet.view {
            view.left(self.conn);
        }
    }
}

fn stats(opened: Instant, first: Option<Instant>, received: Tally, sent: Tally) -> Stats {
    Stats {
        duration: opened.elapsed(),
        received,
        sent,
        round_trips: None,
        silence: Duration::ZERO,
        first_message: first.map(|first| first.saturating_duration_since(opened)),
    }
}

/// The parts of a long message that are written before others have their turn.
const TURNS: usize = 4;
/// The longest message whose content is shown and recorded, in bytes. From 1 MiB on it is kept in a
/// temporary file.
const KEPT_MESSAGE_BYTES: u64 = 100 << 20;
const NO_CLOSE: &str = "the connection ended without a Close frame";
