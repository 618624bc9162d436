//! Sends every message back: what `demo` and `listen --echo` do with a client.

use crate::{
    proto::{Close, CloseCode, Event, Piece},
    session::{Session, limits::QUEUE_LIMIT_BYTES},
};
use tokio::sync::watch;

/// Echoes until the session is over. When the sender of `leaving` goes, it is closed with 1001.
pub(super) async fn echo(mut session: Session, mut leaving: watch::Receiver<()>) {
    let mut message = Vec::new();
    loop {
        // What a client does not read must not gather here without bound.
        let mut drained = false;
        while session.queued() < QUEUE_LIMIT_BYTES && !drained {
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
        if session.is_over() {
            session.end();
            return;
        }
        let open = session.is_open();
        tokio::select! {
            () = session.progress(drained) => {}
            _ = leaving.changed(), if open => {
                // Refused only if it is closing already.
                let _ = session.close(&Close::new(CloseCode::GOING_AWAY));
            }
        }
    }
}
