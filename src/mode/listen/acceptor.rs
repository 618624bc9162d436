//! The tasks that accept connections.

use super::{connection, shared::Shared};
use crate::{mode::endpoint::AcceptFaults, net::listener::Listener, sink::Print};
use std::sync::Arc;

/// Accepts connections until the task is aborted.
pub(super) async fn accept(listener: Listener, shared: Arc<Shared>, print: Option<Print>) {
    let mut faults = AcceptFaults::default();
    loop {
        // The script is replaced when its file is read again.
        match listener.accept(shared.needs_sockets()).await {
            Ok(accepted) => {
                faults.accepted();
                let (shared, print) = (Arc::clone(&shared), print.clone());
                tokio::spawn(connection::serve(shared, accepted, print));
            }
            Err(cause) => faults.failed(&cause, &shared.notes, shared.hub.count()).await,
        }
    }
}
