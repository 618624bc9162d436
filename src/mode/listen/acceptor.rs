//! The tasks that accept connections.

use super::{connection, shared::Shared};
use crate::{
    net::listener::{Listener, is_fault_of_connection},
    sink::Print,
    sys::resources::is_lack_of_descriptors,
    wording::system_error,
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// Accepts connections until the task is aborted.
pub(super) async fn accept(listener: Listener, shared: Arc<Shared>, print: Option<Print>) {
    let mut is_told = false;
    loop {
        // The script is replaced when its file is read again.
        match listener.accept(shared.needs_sockets()).await {
            Ok(accepted) => {
                is_told = false;
                let (shared, print) = (Arc::clone(&shared), print.clone());
                tokio::spawn(connection::serve(shared, accepted, print));
            }
            Err(cause) => {
                let words = system_error(&cause);
                if is_fault_of_connection(&cause) {
                    shared.notes.detail(&format!("cannot accept a connection: {words}"));
                } else if !is_told {
                    is_told = true;
                    shared.notes.note(&if is_lack_of_descriptors(&cause) {
                        let clients = shared.hub.count();
                        format!(
                            "no more clients can connect beside {clients}: {words} (see ulimit -n)"
                        )
                    } else {
                        format!("cannot accept a connection: {words}")
                    });
                }
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

/// Delay before the next attempt if a connection cannot be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
