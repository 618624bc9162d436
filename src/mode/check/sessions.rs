//! The sessions and answers that checks request. A server that limits connections is asked more slowly, and is
//! not blamed.

use super::{
    answer::Answer, describe::describe, draft::RequestDraft, frames::SeenFrame, http2_answer,
    pace::Pace, server::Server, wire::Wire,
};
use crate::{
    connect::{ClientConnection, ConnectOptions, OpenError, Progress},
    error::Error,
    net::Transport,
    proto::handshake::Version,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The reason why a check got no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoSession {
    pub(crate) reason: String,
    /// The server, which took connections before, neither opens a session nor answers that it has too
    /// many clients.
    pub(crate) is_dead: bool,
}

/// A connection that the server did not take, or a session that it does not serve.
struct Refusal {
    reason: String,
    kind: RefusalKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefusalKind {
    /// The server says that it has too many clients or requests.
    Limit,
    /// The connection was refused or ended.
    Ended,
    /// Nothing arrived.
    Silence,
}

impl Server {
    /// Opens a session without extensions.
    pub(crate) async fn open(&self, needs_echo: bool) -> Result<Wire, NoSession> {
        self.patiently(async || self.dial(needs_echo).await).await
    }

    /// Opens a session and waits for the answer to a ping, so that whatever happens next is not the
    /// effect of a limit of sessions. A server that answers no pings is believed.
    pub(crate) async fn open_admitted(&self, needs_echo: bool) -> Result<Wire, NoSession> {
        self.patiently(async || {
            let mut wire = self.dial(needs_echo).await?;
            self.admit(&mut wire).await?;
            Ok(wire)
        })
        .await
    }

    /// Opens a session, and closes it: the server serves sessions now.
    pub(crate) async fn prove(&self) -> Result<(), NoSession> {
        self.open_admitted(false).await.map(drop)
    }

    /// Sends a request in the HTTP version of sessions, and returns the answer to it. A server that has
    /// too many clients is asked again.
    pub(crate) async fn request(&self, draft: &RequestDraft) -> Result<Answer, NoSession> {
        self.request_within(draft, self.patience()).await
    }

    /// Does so within a time limit for the answer.
    pub(crate) async fn request_within(
        &self,
        draft: &RequestDraft,
        limit: Duration,
    ) -> Result<Answer, NoSession> {
        let mut answer = self.request_once(draft, limit).await?;
        let mut number = 0;
        while self.pace.is_limited()
            && matches!(answer, Answer::Cut { .. })
            && let Some(pause) = Pace::pause(number)
        {
            // The server may not have noticed yet that the connection before it has ended.
            sleep(pause).await;
            answer = self.request_once(draft, limit).await?;
            number += 1;
        }
        Ok(answer)
    }

    async fn request_once(
        &self,
        draft: &RequestDraft,
        limit: Duration,
    ) -> Result<Answer, NoSession> {
        self.patiently(async || {
            let stream = self.dialer.open_stream(&self.options).await.map_err(Refusal::from)?;
            let answer = self.answer(draft, stream.transport, limit).await;
            if answer.is_limit() {
                return Err(Refusal { reason: answer.to_string(), kind: RefusalKind::Limit });
            }
            Ok(answer)
        })
        .await
    }

    /// Finds out whether the server accepts the original request, more slowly if it does not at first.
    /// Returns why it does not.
    pub(crate) async fn accepts_original(&self) -> Result<(), NoSession> {
        self.patiently(async || {
            let stream = self.dialer.open_stream(&self.options).await.map_err(Refusal::from)?;
            let draft = self.draft();
            let answer = self.answer(&draft, stream.transport, self.patience()).await;
            let reason = match answer.response() {
                Some(response) if draft.is_accepted_by(response) => return Ok(()),
                _ => format!("the server refuses a valid request, too: {answer}"),
            };
            let kind = match &answer {
                Answer::Silence(_) => RefusalKind::Silence,
                answer if answer.is_limit() => RefusalKind::Limit,
                _ => RefusalKind::Ended,
            };
            Err(Refusal { reason, kind })
        })
        .await
    }

    async fn answer(
        &self,
        draft: &RequestDraft,
        transport: Box<dyn Transport>,
        limit: Duration,
    ) -> Answer {
        if self.carrier == Version::Http2 {
            return http2_answer::answer_to(draft, self.is_secure(), transport, limit).await;
        }
        Answer::to(draft, transport, limit).await
    }

    /// Waits for the answer to a ping in a session.
    async fn admit(&self, wire: &mut Wire) -> Result<(), Refusal> {
        if self.facts.no_pong.is_some() || wire.admit(Instant::now() + self.patience()).await {
            return Ok(());
        }
        // What looks like a Close among other bytes is none.
        let has_close =
            wire.frames().iter().take_while(|frame| frame.is_sound()).any(SeenFrame::is_close);
        let kind = match wire.end() {
            _ if has_close => RefusalKind::Limit,
            Some(_) => RefusalKind::Ended,
            None => RefusalKind::Silence,
        };
        let reason = format!("a session was opened, but no ping answered: {}", describe(wire));
        Err(Refusal { reason, kind })
    }

    async fn dial(&self, needs_echo: bool) -> Result<Wire, Refusal> {
        let options: &ConnectOptions = if needs_echo { &self.echo_options } else { &self.options };
        let mut ignore = |_: Progress<'_>| {};
        let opened = self.dialer.open(options, &mut ignore).await;
        let ClientConnection { established, .. } = opened.map_err(Refusal::from)?;
        Ok(Wire::new(established.transport, established.rest))
    }

    /// Makes an attempt to get something from the server, and again, alone and more slowly, if it
    /// fails.
    async fn patiently<T>(
        &self,
        attempt: impl AsyncFn() -> Result<T, Refusal>,
    ) -> Result<T, NoSession> {
        let mut alone = None;
        let mut number = 0;
        loop {
            if let Some(reason) = self.pace.given_up() {
                let reason = format!("the server takes no more connections: {reason}");
                return Err(NoSession { reason, is_dead: false });
            }
            self.pace.space().await;
            let Refusal { reason, kind } = match attempt().await {
                Ok(got) => {
                    self.pace.hit(number > 0);
                    return Ok(got);
                }
                Err(refusal) => refusal,
            };
            number += 1;
            // Sessions that wait for further checks count for a limit of the server.
            self.end_idle();
            let pause = self.pace.slow_down(number);
            // Nothing changes by asking a silent server many times.
            let is_over = kind == RefusalKind::Silence && alone.is_some();
            match pause.filter(|_| !is_over) {
                Some(pause) => {
                    if alone.is_none() {
                        alone = Some(self.pace.retry_alone().await);
                    }
                    sleep(pause).await;
                }
                None => {
                    if is_over {
                        self.pace.give_up(&reason);
                    } else {
                        self.pace.miss(&reason);
                    }
                    let reason = format!("no session for this check: {reason}");
                    return Err(NoSession { reason, is_dead: kind != RefusalKind::Limit });
                }
            }
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(fault: OpenError) -> Self {
        let is_limit = matches!(
            &fault,
            OpenError::Status { response, .. } if matches!(response.status, 429 | 503)
        );
        let kind = match &fault {
            OpenError::Timeout { .. } => RefusalKind::Silence,
            _ if is_limit => RefusalKind::Limit,
            _ => RefusalKind::Ended,
        };
        let words = Error::Open(fault).to_string();
        // What follows in further lines is for a person who sees this error alone.
        Self { reason: words.lines().next().unwrap_or_default().to_owned(), kind }
    }
}
