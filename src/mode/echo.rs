//! Sends every message back: what `demo` and `listen --echo` do with a client.

use crate::{
    proto::{Event, Piece},
    session::Session,
};

/// Echoes until the session is over.
pub(super) async fn echo(mut session: Session) {
    let mut message = Vec::new();
    loop {
        // What a client does not read must not gather here without bound.
        let mut drained = false;
        while session.queued() < FULL && !drained {
            match session.next_event() {
                None => drained = true,
                Some(Event::Message(Piece { kind, payload, last, .. })) => {
                    message.extend_from_slice(payload);
                    if last {
                        // Refused only when closing, and then nobody listens.
                        let _ = session.send(kind, &message);
                        message.clear();
                    }
                }
                Some(_) => {}
            }
        }
        if session.is_over() && (drained || session.queued() == 0) {
            return;
        }
        session.progress(drained).await;
        if session.is_over() && !drained {
            return;
        }
    }
}

/// Bytes waiting for the client at which no more is read from it.
const FULL: usize = 64 << 10;
