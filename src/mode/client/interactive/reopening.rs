//! A session that ends: whether another one follows, and how it is opened.

use super::{
    Interactive, ReopenRequest,
    handshake::{handshake_lines, status_line},
    repeats::Repeats,
};
use crate::{
    connect::{ClientConnection, Progress},
    error::Error,
    escape::Escaped,
    mode::client::{farewell::farewell, reconnect::RetryEvent},
    proto::{Assembler, CloseCode, handshake::HeaderEdit},
    random::entropy,
    session::Session,
};
use colored::Colorize as _;
use std::pin::Pin;

impl Interactive {
    /// Opens the session again if it was lost, or if the person asks for it; false: this was the
    /// last.
    pub(super) async fn reopen(&mut self) -> bool {
        if self.has_left() {
            return false;
        }
        if self.session.unsent_messages() > 0 {
            self.prompt.print(&format!("not sent: {} messages", self.session.unsent_messages()));
        }
        let mut opened = match self.reopening.take() {
            Some(wanted) => self.reopen_as(wanted).await,
            None => self.reconnect().await,
        };
        while !opened {
            if self.reopening.is_none() && self.stays() {
                self.tell_end();
                self.linger().await;
            }
            match self.reopening.take().filter(|_| !self.has_left()) {
                Some(wanted) => opened = self.reopen_as(wanted).await,
                None => return false,
            }
        }
        true
    }

    fn has_left(&self) -> bool {
        self.leaving || self.signal.is_some()
    }

    /// `--reconnect`.
    async fn reconnect(&mut self) -> bool {
        let Some(mut reconnector) = self.reconnector.take() else { return false };
        if self.session.is_closed_by_us() {
            return false;
        }
        let error = match reconnector.reason(&mut self.session) {
            Ok(error) => error,
            Err(known) => {
                self.failure = known;
                return false;
            }
        };
        let (sinks, secrets) = (self.options.sinks.clone(), self.options.report.secrets);
        sinks.gap(&mut self.session, &error);
        let mut handshake = Vec::new();
        let print = self.prompt.printer();
        let mut tell = |event: RetryEvent<'_>| match event {
            RetryEvent::Lost(error, wait) => {
                print(&error.to_string());
                print(&format!("connecting again in {:.1} s", wait.as_secs_f64()));
            }
            RetryEvent::Progress(step) => {
                sinks.progress(step);
                handshake.extend(handshake_lines(step, secrets));
            }
        };
        let opened = self.wait_for(Box::pin(reconnector.reopen(error, &mut tell))).await;
        self.reconnector = Some(reconnector);
        self.took(opened, handshake)
    }

    /// `/reconnect`.
    async fn reopen_as(&mut self, wanted: ReopenRequest) -> bool {
        let (dialer, mut opening) = (self.options.dialer.clone(), self.options.opening.clone());
        if let Some(name) = wanted.subprotocol {
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
        self.took(opened, handshake)
    }

    /// Waits for a session while the person goes on typing; none: it is not wanted any more.
    async fn wait_for<E: Into<Error>>(
        &mut self,
        mut opening: Pin<Box<impl Future<Output = Result<ClientConnection, E>>>>,
    ) -> Option<Result<ClientConnection, Error>> {
        self.connecting = true;
        let opened = loop {
            let Self { prompt, signals, .. } = self;
            tokio::select! {
                opened = &mut opening => break Some(opened.map_err(Into::into)),
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

    /// Goes on with what has been opened, with this handshake; false: nothing has.
    fn took(
        &mut self,
        opened: Option<Result<ClientConnection, Error>>,
        handshake: Vec<String>,
    ) -> bool {
        match opened {
            Some(Ok(opened)) => {
                let url = self.options.report.secrets.url(&opened.report.url);
                self.prompt.print(&format!("connected again to {}", Escaped(&url)));
                self.prompt.print(&status_line(&opened));
                self.options.sinks.opened(&opened);
                let session = Session::client(opened, self.options.settings, entropy())
                    .with_earlier(&self.session);
                self.session = self.options.sinks.observe(session);
                self.handshake = handshake;
                self.assembler = Assembler::default();
                self.repeats = Repeats::default();
                self.pings.clear();
                (self.failure, self.told) = (None, None);
                return true;
            }
            Some(Err(error)) => {
                self.failure = Some(error);
                self.told = None;
            }
            None => {}
        }
        false
    }

    /// Whether to wait for what the person says to the end of the session.
    fn stays(&self) -> bool {
        !self.options.exit_on_close
            && self.prompt.is_touched()
            && !self.has_left()
            && (self.failure.is_some() || !self.session.is_closed_by_us())
    }

    /// Says how the session ended, and what there is to do.
    fn tell_end(&mut self) {
        let verdict = self.verdict();
        match &verdict {
            Err(error) => {
                self.prompt.print(&error.to_string());
                if let Some(hint) = error.hint() {
                    self.prompt.print(&format!("hint: {hint}"));
                }
            }
            Ok(()) => self.say_farewell(),
        }
        self.told = Some(verdict);
        self.prompt.print(&"(/reconnect opens it again, Ctrl-D leaves)".dimmed().to_string());
    }

    /// Says how a session closed that did not fail, and what the peer's code means.
    pub(super) fn say_farewell(&self) {
        self.prompt.print(&farewell(&self.session));
        let close = self.session.remote_close().filter(|_| !self.session.is_closed_by_us());
        let code = close.map(|close| close.code).filter(|code| *code != CloseCode::NORMAL);
        if let Some(code) = code.filter(|code| !code.meaning().is_empty()) {
            self.prompt.print(&format!("({code}: {})", code.meaning()).dimmed().to_string());
        }
    }

    /// Waits until the person leaves, or asks for another session.
    async fn linger(&mut self) {
        while !self.has_left() && self.reopening.is_none() {
            let Self { prompt, signals, .. } = self;
            tokio::select! {
                Some(event) = prompt.event(false) => self.prompted(event),
                signal = signals.recv() => self.signalled(signal),
            }
        }
    }
}
