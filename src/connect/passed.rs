//! A request for a session that is passed on for a client, and the server's answer.

use super::{
    client_report::{ClientConnection, ClientReport},
    dialer::Dialer,
    error::OpenError,
    open::{Attempt, attempt_until},
    options::ConnectOptions,
    outcome::HandshakeOutcome,
    progress::Progress,
    redirect_hop::RedirectHop,
    stopwatch::Stopwatch,
    tracker::Tracker,
};
use crate::{
    net::Transport,
    proto::handshake::{Headers, Response},
};
use tokio::time::Instant;

/// The answer to a request that was passed on.
pub enum ServerAnswer {
    /// The session is open. What was agreed is for the client to judge: an agreement that breaks a rule
    /// is reported as an empty one.
    Open(Box<ClientConnection>),
    /// A status that opens no session.
    Refusal {
        /// The head of the response.
        response: Box<Response>,
        /// The stream, positioned in the body after `rest`.
        transport: Box<dyn Transport>,
        /// The beginning of the body.
        rest: Vec<u8>,
    },
}

impl Dialer {
    /// Asks the server for a session with these header fields, which are all that the request has, once
    /// and within [`Limits::total`](super::Limits::total). Redirects are not followed and challenges
    /// not answered: they are for the client. Of `options`, only those of the connection apply.
    /// `observer` receives the progress.
    pub async fn pass(
        &self,
        options: &ConnectOptions,
        fields: &Headers,
        observer: &mut dyn FnMut(Progress<'_>),
    ) -> Result<ServerAnswer, OpenError> {
        let deadline = Instant::now() + options.limits.total;
        let stopwatch = Stopwatch::new(Instant::now().into_std());
        let mut tracker = Tracker::new(&stopwatch, observer);
        let hop = RedirectHop { passed: Some(fields), ..RedirectHop::new(options) };
        let attempt = attempt_until(deadline, self, &hop, &mut tracker).await;
        let timing = stopwatch.timing(Instant::now().into_std());
        let Attempt { outcome, address, tls } = match attempt {
            Ok(attempt) => attempt,
            Err(error) => {
                tracker.report(Progress::Failed(&timing));
                return Err(error);
            }
        };
        Ok(match outcome {
            HandshakeOutcome::Open(established, request, answer) => {
                tracker.report(Progress::Open(&timing));
                let url = hop.target.to_string();
                let report = ClientReport { url, address, tls, request, answer, timing };
                ServerAnswer::Open(Box::new(ClientConnection { established, report }))
            }
            HandshakeOutcome::Status(transport, _, response, rest) => {
                ServerAnswer::Refusal { response: Box::new(response), transport, rest }
            }
        })
    }
}
