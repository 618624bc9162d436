//! The end of an interactive session, and the opening of the next one.

use super::{
    Interactive, ReopenRequest,
    handshake::{handshake_lines, status_line},
};
use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    escape::Escaped,
    mode::client::{farewell::farewell, reconnect::RetryEvent},
    proto::{CloseCode, handshake::HeaderEdit},
    random::entropy,
    redact::Shown,
    session::Session,
    stored::Collector,
};
use colored::Colorize as _;
use std::{pin::Pin, time::Instant};

/// The statistics of a session: continued from the session before it, or new.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figures {
    Continued,
    New,
}

impl Interactive {
    /// Opens the next session if this one was lost or the user requests another. Returns false if
    /// there is none.
    pub(super) async fn reopen(&mut self) -> bool {
        if self.has_left() {
            return false;
        }
        if self.session.unsent_messages() > 0 {
            self.prompt.print(&format!("not sent: {} messages", self.session.unsent_messages()));
        }
        let mut opened = match self.reopening.take() {
            Some(request) => self.reopen_as(request).await,
            None => self.reconnect().await,
        };
        while !opened {
            if self.reopening.is_none() && self.should_stay() {
                self.report_end();
                self.wait_for_request().await;
            }
            match self.reopening.take().filter(|_| !self.has_left()) {
                Some(request) => opened = self.reopen_as(request).await,
                None => return false,
            }
        }
        true
    }

    fn has_left(&self) -> bool {
        self.leaving || self.signal.is_some()
    }

    /// Reconnects as `--reconnect` allows. Returns true if a session was opened.
    async fn reconnect(&mut self) -> bool {
        let Some(mut reconnector) = self.reconnector.take() else { return false };
        if self.session.is_closed_by_us() {
            return false;
        }
        let error = match reconnector.reason(&mut self.session) {
            Ok(error) => error,
            Err(failure) => {
                self.failure = failure;
                return false;
            }
        };
        let (sinks, secrets) = (self.options.sinks.clone(), self.options.report.secrets);
        sinks.gap(&mut self.session, &error);
        let mut handshake = Vec::new();
        let print = self.prompt.printer();
        let mut tell = |event: RetryEvent<'_>| match event {
            RetryEvent::Lost(error, wait) => {
                print(error.shown().as_str());
                print(&format!("reconnecting in {:.1} s", wait.as_secs_f64()));
            }
            RetryEvent::Progress(step) => {
                sinks.progress(step);
                handshake.extend(handshake_lines(step, secrets));
            }
        };
        let opened = self.wait_for(Box::pin(reconnector.reopen(error, None, &mut tell))).await;
        self.reconnector = Some(reconnector);
        self.install(opened, handshake, Figures::Continued)
    }

    /// Executes `/reconnect`. Returns true if a session was opened.
    async fn reopen_as(&mut self, request: ReopenRequest) -> bool {
        let (dialer, mut opening) = (self.options.dialer.clone(), self.options.opening.clone());
        if let Some(name) = request.subprotocol {
            let edit = HeaderEdit::Set("Sec-WebSocket-Protocol".to_owned(), name);
            opening.edits.push(edit);
        }
        let (sinks, secrets) = (self.options.sinks.clone(), self.options.report.secrets);
        sinks.left(&mut self.session);
        let mut handshake = Vec::new();
        let mut watch = |step: Progress<'_>| {
            sinks.progress(&step);
            handshake.extend(handshake_lines(&step, secrets));
        };
        let opened = self.wait_for(Box::pin(dialer.open(&opening, &mut watch))).await;
        self.install(opened, handshake, Figures::New)
    }

    /// Waits for a session while the prompt stays active. Returns `None` if the user exits or
    /// requests another session.
    async fn wait_for<E: Into<Error>>(
        &mut self,
        mut opening: Pin<Box<impl Future<Output = Result<ClientConnection, E>>>>,
    ) -> Option<Result<ClientConnection, Error>> {
        self.connecting = true;
        let opened = loop {
            let late = self.run_deadline();
            let Self { prompt, signals, .. } = self;
            tokio::select! {
                opened = &mut opening => break Some(opened.map_err(Into::into)),
                () = sleep_until(late) => self.time_out(),
                Some(event) = prompt.event(false) => self.prompted(event),
                signal = signals.recv() => self.signalled(signal),
            }
            if self.has_left() || self.reopening.is_some() {
                break None;
            }
        };
        self.connecting = false;
        opened
    }

    /// Replaces the session with the one that was opened. Returns false if none was opened.
    fn install(
        &mut self,
        opened: Option<Result<ClientConnection, Error>>,
        handshake: Vec<Shown>,
        figures: Figures,
    ) -> bool {
        match opened {
            Some(Ok(opened)) => {
                let url = self.options.report.secrets.url(&opened.report.url);
                self.prompt.note(format!("reconnected to {}", Escaped(&url)));
                self.prompt.print(&status_line(&opened, self.options.report.secrets));
                self.options.sinks.opened(&opened);
                let mut session = Session::client(opened, self.options.settings, entropy());
                if figures == Figures::Continued {
                    session = session.with_earlier(&self.session);
                }
                self.session = self.options.sinks.observe(session);
                self.handshake = handshake;
                self.collector = Collector::default();
                if let Some(decoding) = &mut self.options.decoding {
                    decoding.restart();
                }
                self.repeats.stop();
                self.options.script.forget_answers();
                self.begin_ticks();
                self.pings.clear();
                (self.failure, self.shown_verdict) = (None, None);
                return true;
            }
            Some(Err(error)) => {
                self.failure = Some(error);
                self.shown_verdict = None;
            }
            None => {}
        }
        false
    }

    /// Reports whether the prompt stays open after the session ended.
    fn should_stay(&self) -> bool {
        !self.options.exit_on_close
            && self.prompt.is_touched()
            && !self.has_left()
            && (self.failure.is_some() || !self.session.is_closed_by_us())
    }

    /// Prints the result of the session and the commands that are available.
    fn report_end(&mut self) {
        let verdict = self.verdict();
        match &verdict {
            Err(error) => {
                self.prompt.note(error.shown());
                if let Some(hint) = error.shown_hint() {
                    self.prompt.note(format!("hint: {hint}"));
                }
            }
            Ok(()) => self.print_farewell(),
        }
        self.shown_verdict = Some(verdict);
        self.prompt.print(&"(/reconnect reconnects, Ctrl-D exits)".dimmed().to_string());
    }

    /// Prints how a session closed without failure, the meaning of the peer's close code, and any
    /// hint.
    pub(super) fn print_farewell(&self) {
        self.prompt.note(farewell(&self.session));
        let close = self.session.remote_close().filter(|_| !self.session.is_closed_by_us());
        let code = close.map(|close| close.code).filter(|code| *code != CloseCode::NORMAL);
        if let Some(code) = code.filter(|code| !code.meaning().is_empty()) {
            self.prompt.print(&format!("({code}: {})", code.meaning()).dimmed().to_string());
        }
        let hint = self.session.empty_close().and_then(|error| Error::from(error).shown_hint());
        if let Some(hint) = hint {
            self.prompt.note(format!("hint: {hint}"));
        }
    }

    /// Waits until the user exits or requests another session.
    async fn wait_for_request(&mut self) {
        while !self.has_left() && self.reopening.is_none() {
            let late = self.run_deadline();
            let Self { prompt, signals, .. } = self;
            tokio::select! {
                () = sleep_until(late) => self.time_out(),
                Some(event) = prompt.event(false) => self.prompted(event),
                signal = signals.recv() => self.signalled(signal),
            }
        }
    }
}

/// Waits until this time, or forever.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
