//! Sessions with real servers that are being opened. The loop of the server drives them: opening
//! does not leave its thread, and tasks have to be able to.

use crate::connect::{ClientConnection, ConnectOptions, Dialer, OpenError, Progress};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::{mpsc, oneshot};

/// The sessions that are being opened.
pub(super) struct Openings {
    dialer: Dialer,
    requests: mpsc::UnboundedReceiver<OpenRequest>,
    pending: Vec<Pin<Box<dyn Future<Output = ()>>>>,
}

/// Requests sessions.
#[derive(Clone)]
pub(super) struct Opener(mpsc::UnboundedSender<OpenRequest>);

/// A request, of which each client makes one.
struct OpenRequest {
    options: ConnectOptions,
    answer: oneshot::Sender<Result<ClientConnection, OpenError>>,
}

impl Opener {
    /// Opens a session. `None` if the server ends before.
    pub(super) async fn open(
        &self,
        options: ConnectOptions,
    ) -> Option<Result<ClientConnection, OpenError>> {
        let (answer, opened) = oneshot::channel();
        self.0.send(OpenRequest { options, answer }).ok()?;
        opened.await.ok()
    }
}

impl Openings {
    /// Creates a pair of which one half requests sessions and the other one opens them.
    pub(super) fn new(dialer: Dialer) -> (Opener, Self) {
        let (sender, requests) = mpsc::unbounded_channel();
        (Opener(sender), Self { dialer, requests, pending: Vec::new() })
    }

    /// Opens the sessions that are requested. Never ready; cancel-safe.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(request)) = self.requests.poll_recv(cx) {
            self.pending.push(Box::pin(open(self.dialer.clone(), request)));
        }
        self.pending.retain_mut(|opening| opening.as_mut().poll(cx).is_pending());
        Poll::Pending
    }
}

/// Opens a session, unless it is no longer wanted.
async fn open(dialer: Dialer, request: OpenRequest) {
    let OpenRequest { options, mut answer } = request;
    let mut quiet = |_: Progress<'_>| {};
    let opened = tokio::select! {
        opened = dialer.open(&options, &mut quiet) => opened,
        () = answer.closed() => return,
    };
    // The client may have left.
    let _ = answer.send(opened);
}
