//! The task of a client's connection: that of its session, or of HTTP/2, where each stream is a session
//! with a task of its own.

use super::{
    faults::{self, PairFaults},
    opening::{self, Opened},
    pair::Pair,
    pair_end::PairEnd,
    shared::{OpenPair, Shared},
    watcher::Watcher,
};
use crate::{
    connect::incoming::{Arrival, Incoming, IncomingFault, IncomingStreams},
    mode::endpoint::{self, AcceptFaults, StartFault},
    net::listener::{Accepted, Listener},
    proto::{Close, Leg, handshake::Headers},
    wording::system_error,
};
use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    task::spawn_local,
    time::{sleep, timeout},
};

/// Accepts connections until the task is aborted.
pub(super) async fn accept(listener: Listener, shared: Arc<Shared>) {
    let mut faults = AcceptFaults::default();
    loop {
        match listener.accept(false).await {
            Ok(accepted) => {
                faults.accepted();
                spawn_local(serve(Arc::clone(&shared), accepted));
            }
            Err(cause) => faults.failed(&cause, &shared.notes, shared.sessions()).await,
        }
    }
}

/// Serves a connection until it ends.
async fn serve(shared: Arc<Shared>, accepted: Accepted) {
    match Box::pin(receive(&shared, accepted)).await {
        Some(Arrival::Request(incoming)) => answer(shared, incoming).await,
        Some(Arrival::Streams(streams)) => Box::pin(serve_streams(shared, *streams)).await,
        None => {}
    }
}

/// Performs the TLS handshake, and reads what a connection begins with.
async fn receive(shared: &Shared, accepted: Accepted) -> Option<Arrival> {
    let Accepted { transport, address, .. } = accepted;
    let tell = |fault: &StartFault<'_>| match fault {
        StartFault::Tls(cause) => shared.notes.event(&format!("refused {address}: {cause}")),
        StartFault::TlsTimedOut => {
            shared.notes.detail(&format!("{address}: no TLS handshake in time"));
        }
        StartFault::Request(fault) => refused(shared, &address, fault),
    };
    let stream = (transport, address.clone());
    let received = endpoint::receive(shared.tls.as_ref(), stream, &Headers::default(), &tell).await;
    received.map(|(arrival, _)| arrival)
}

/// Tells of a connection that did not carry a request.
fn refused(shared: &Shared, address: &str, fault: &IncomingFault) {
    match fault {
        // A port scan, or a spare connection of a browser.
        IncomingFault::Unused => shared.notes.detail(&format!("{address}: {fault}")),
        fault => shared.notes.event(&format!("refused {address}: {fault}")),
    }
}

/// Serves the streams of an HTTP/2 connection. When the proxy is ending, the connection ends with its
/// last session.
async fn serve_streams(shared: Arc<Shared>, mut streams: IncomingStreams) {
    let address = streams.authority().to_owned();
    shared.notes.detail(&format!("{address}: HTTP/2"));
    let mut ending = pin!(shared.begins_to_end());
    let mut is_ending = false;
    loop {
        tokio::select! {
            next = streams.next() => match next {
                Some(Ok(incoming)) => {
                    spawn_local(answer(Arc::clone(&shared), incoming));
                }
                Some(Err(fault)) => {
                    shared.notes.detail(&format!("{address}: {fault}"));
                    return;
                }
                None => return,
            },
            () = &mut ending, if !is_ending => {
                is_ending = true;
                streams.shut_down();
            }
        }
    }
}

/// Answers a request. If it opens a session, a task of its own passes bytes on: that of the handshake
/// cannot leave the thread, and is not kept.
async fn answer(shared: Arc<Shared>, incoming: Incoming) {
    let opened = Box::pin(opening::open(&shared, incoming)).await;
    drop(shared);
    if let Some(Opened { pair, client, server, watcher }) = opened {
        let faults = PairFaults::of_job(pair.shared(), pair.number, &server.agreement);
        let faults = faults.map(Box::new);
        let joined = Box::new(Pair::new(client, server, Arc::clone(&pair.link), watcher, faults));
        tokio::spawn(run(joined, pair));
    }
}

/// Passes bytes on until the session is over.
async fn run(mut pair: Box<Pair>, open: OpenPair) {
    let ended = poll_fn(|cx| match poll(&mut pair, &open, cx) {
        Poll::Ready(end) => Poll::Ready(Some(end)),
        Poll::Pending if pair.is_closing() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    let end = match ended.await {
        Some(end) => end,
        None => Box::pin(close(&mut pair, &open)).await,
    };
    tell_end(&open, &pair, &end);
    let watcher = pair.take_watcher();
    if let PairEnd::Cut = end {
        Box::pin(pair.cut()).await;
    }
    if let Some(watcher) = watcher {
        // The peers need not wait for the output.
        drop(pair);
        Box::pin(finish_watching(watcher, &open, &end)).await;
    }
}

/// Waits until all that was received is shown and recorded; once the proxy is ending, not for long.
async fn finish_watching(mut watcher: Box<dyn Watcher>, open: &OpenPair, end: &PairEnd) {
    let limit = open.shared().job.close_timeout;
    let late = async {
        open.shared().begins_to_end().await;
        sleep(limit).await;
    };
    tokio::select! {
        () = poll_fn(|cx| watcher.poll_ready(cx)) => {}
        () = late => {}
    }
    watcher.end(end);
}

/// Passes bytes on, and tells the faults that happen.
fn poll(pair: &mut Pair, open: &OpenPair, cx: &mut Context<'_>) -> Poll<PairEnd> {
    let polled = pair.poll_run(cx);
    for fault in pair.take_happened() {
        faults::tell(open, &fault);
    }
    polled
}

/// Lets the peers of a pair that is closing answer within this limit.
async fn close(pair: &mut Pair, open: &OpenPair) -> PairEnd {
    let limit = open.shared().job.close_timeout;
    let ended = timeout(limit, poll_fn(|cx| poll(pair, open, cx))).await;
    ended.unwrap_or_else(|_| pair.give_up())
}

fn tell_end(open: &OpenPair, pair: &Pair, end: &PairEnd) {
    let (notes, number) = (&open.shared().notes, open.number);
    let how = match end {
        PairEnd::Closed(leg, Some(close)) => format!("closed by the {leg} with {close}"),
        PairEnd::Closed(leg, None) => format!("closed by the {leg} with an invalid Close"),
        PairEnd::Ended(leg) => format!("the {leg} ended the connection without a Close frame"),
        PairEnd::Failed(leg, cause) => format!("{leg}: {}", system_error(cause)),
        PairEnd::Ours(Close { code, .. }) => format!("closed by the proxy with {code}"),
        end @ (PairEnd::Cut | PairEnd::Reset | PairEnd::Stalled(_)) => {
            end.of_fault().unwrap_or_default().to_owned()
        }
    };
    notes.event(&format!("client {number} disconnected: {how}"));
    if notes.is_verbose() {
        for (leg, flow) in Leg::BOTH.into_iter().zip(pair.flows()) {
            let counts = flow.relay.counts();
            notes.detail(&format!(
                "client {number}: the {leg} sent {} messages, {} control frames, {} bytes",
                counts.messages, counts.controls, counts.bytes
            ));
        }
    }
}
