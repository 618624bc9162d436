//! The echo service of `demo` and `listen --echo`.

use crate::{
    proto::{Close, CloseCode, Event, Piece},
    session::{Session, limits::QUEUE_LIMIT_BYTES},
};
use tokio::sync::watch;

/// Echoes every message until the session is over. The session is closed with 1001 once the sender
/// of `shutdown` is dropped.
pub(super) async fn echo(mut session: Session, mut shutdown: watch::Receiver<()>) {
    let mut message = Vec::new();
    loop {
        // Bounds the echoes that are queued for a client that does not read.
        let mut drained = false;
        while session.queued() < QUEUE_LIMIT_BYTES && !drained {
            match session.next_event() {
                None => drained = true,
                Some(Event::Message(Piece { kind, payload, last, .. })) => {
                    message.extend_from_slice(payload);
                    if last {
                        // Fails only if the session is closing; the client expects no echo then.
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
            _ = shutdown.changed(), if open => {
                // Fails only if the session is already closing.
                let _ = session.close(&Close::new(CloseCode::GOING_AWAY));
            }
        }
    }
}
