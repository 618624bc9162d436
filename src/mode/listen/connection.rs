//! The task of a connection: that of its client, or of HTTP/2, where each stream is a client with a
//! task of its own.

use super::{
    admit, announce, client,
    shared::{OpenConnection, Shared},
};
use crate::{
    connect::incoming::{Arrival, IncomingFault, IncomingStreams},
    net::{listener::Accepted, tls::server::TlsSummary},
    sink::Print,
};
use std::{pin::pin, sync::Arc};

/// Serves a connection until its client has a task of its own, or HTTP/2 has ended.
pub(super) async fn serve(shared: Arc<Shared>, accepted: Accepted, print: Option<Print>) {
    match admit::receive(&shared, accepted).await {
        Some((Arrival::Request(incoming), handle, tls)) => {
            client::answer(shared, incoming, (handle, tls), print).await;
        }
        Some((Arrival::Streams(streams), _, tls)) => {
            Box::pin(serve_streams(shared, *streams, tls, print)).await;
        }
        None => {}
    }
}

/// Serves the clients of an HTTP/2 connection. When the server is ending, the connection ends with its
/// last session.
async fn serve_streams(
    shared: Arc<Shared>,
    mut streams: IncomingStreams,
    tls: Option<Arc<TlsSummary>>,
    print: Option<Print>,
) {
    let _open = OpenConnection::new(&shared);
    let address = streams.authority().to_owned();
    shared.notes.detail(&format!("{address}: HTTP/2"));
    let mut ending = pin!(shared.begins_to_end());
    let mut is_ending = false;
    let mut has_requests = false;
    loop {
        tokio::select! {
            next = streams.next() => match next {
                Some(Ok(incoming)) => {
                    has_requests = true;
                    let (shared, print) = (Arc::clone(&shared), print.clone());
                    let tls = tls.clone();
                    tokio::spawn(client::answer(shared, incoming, (None, tls), print));
                }
                Some(Err(fault)) => {
                    // Each session tells of the fault, too.
                    if has_requests {
                        shared.notes.detail(&format!("{address}: {fault}"));
                    } else {
                        announce::failed(&shared, &address, &fault.into());
                    }
                    return;
                }
                None => {
                    if !has_requests {
                        announce::failed(&shared, &address, &IncomingFault::Unused);
                    }
                    return;
                }
            },
            () = &mut ending, if !is_ending => {
                is_ending = true;
                streams.shut_down();
            }
        }
    }
}
