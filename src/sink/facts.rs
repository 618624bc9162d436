//! `--write-out`: the variables that describe a finished run.

use super::Sink;
use crate::{
    connect::{ClientConnection, Progress, Timing},
    error::Error,
    job::run_outcome::{RunOutcome, status},
    proto::{
        Close,
        handshake::{Headers, Version},
    },
    redact::{Secrets, Shown},
    render::write_out::{self, Fact, Stream, WriteOutFormat},
    report::Report,
    session::{Session, Stats},
    target::Target,
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// The sink of `--write-out`: the values of its variables.
pub(super) struct Facts {
    template: WriteOutFormat,
    started: Instant,
    secrets: Secrets,
    url: String,
    url_effective: String,
    secure: bool,
    redirects: u64,
    connects: u64,
    address: Option<SocketAddr>,
    version: Option<Version>,
    status: u16,
    headers: Headers,
    timing: Timing,
    /// Time until the last request.
    requested: Option<Duration>,
    /// True if a session has been opened.
    opened: bool,
    tls: Option<String>,
    subprotocol: Option<String>,
    session: Option<SessionFacts>,
    exit: u64,
    error: Option<String>,
}

/// Statistics of a session.
struct SessionFacts {
    stats: Stats,
    unsent: u64,
    close: Option<Close>,
    by_us: bool,
}

impl Facts {
    pub(super) fn create(
        template: WriteOutFormat,
        target: &Target,
        report: Report,
    ) -> Box<dyn Sink> {
        Box::new(Self::new(template, target, report))
    }

    fn new(template: WriteOutFormat, target: &Target, report: Report) -> Self {
        let url = report.secrets.url(&target.to_string()).into_owned();
        Self {
            template,
            started: report.started,
            secrets: report.secrets,
            url_effective: url.clone(),
            url,
            secure: target.secure,
            redirects: 0,
            connects: 0,
            address: None,
            version: None,
            status: 0,
            headers: Headers::default(),
            timing: Timing::default(),
            requested: None,
            opened: false,
            tls: None,
            subprotocol: None,
            session: None,
            exit: 0,
            error: None,
        }
    }

    /// Returns the time from the start of opening until this step finished; zero if it was not
    /// reached.
    fn until(&self, name: &str) -> Fact {
        let Timing { resolve, connect, proxy, tls, .. } = self.timing;
        let connected = resolve + connect + proxy;
        Fact::Time(match name {
            "time_namelookup" => resolve,
            "time_connect" if self.connects > 0 => connected,
            "time_appconnect" if self.tls.is_some() => connected + tls,
            "time_pretransfer" => self.requested.unwrap_or_default(),
            "time_handshake" | "time_starttransfer" if self.opened => self.timing.total(),
            "time_proxy" => proxy,
            "time_total" => self.started.elapsed(),
            _ => Duration::ZERO,
        })
    }

    fn of_session(&self, name: &str, session: &SessionFacts) -> Option<Fact> {
        let SessionFacts { stats, unsent, close, by_us } = session;
        let (received, sent) = (stats.received.total(), stats.sent.total());
        Some(match name {
            "bytes_received" => Fact::Number(received.bytes),
            "bytes_sent" => Fact::Number(sent.bytes),
            "close_code" => {
                Fact::Number(close.as_ref().map_or(1006, |it| u16::from(it.code)).into())
            }
            "close_reason" => Fact::Text(self.secrets.text(&close.as_ref()?.reason).into_owned()),
            "closed_by" => Fact::Text(if *by_us { "local" } else { "remote" }.to_owned()),
            "messages_received" => Fact::Number(received.messages),
            "messages_sent" => Fact::Number(sent.messages),
            "messages_unsent" => Fact::Number(*unsent),
            "pings_received" => Fact::Number(stats.received.pings),
            "pings_sent" => Fact::Number(stats.sent.pings),
            "pongs_received" => Fact::Number(stats.received.pongs),
            "pongs_sent" => Fact::Number(stats.sent.pongs),
            "rtt_avg" => Fact::Time(stats.round_trips?.avg),
            "rtt_max" => Fact::Time(stats.round_trips?.max),
            "rtt_min" => Fact::Time(stats.round_trips?.min),
            "rtt_p99" => Fact::Time(stats.round_trips?.p99),
            "silence" => Fact::Time(stats.silence),
            "size_download" | "wire_received" => Fact::Number(received.carried),
            "size_upload" | "wire_sent" => Fact::Number(sent.carried),
            "time_first_message" => Fact::Time(self.timing.total() + stats.first_message?),
            "time_session" => Fact::Time(stats.duration),
            _ => return None,
        })
    }
}

impl Sink for Facts {
    fn progress(&mut self, step: &Progress<'_>) {
        match step {
            Progress::Connected(address) | Progress::ConnectedToProxy(address) => {
                self.address = Some(*address);
                self.connects += 1;
            }
            Progress::Socket(_) => self.connects += 1,
            Progress::Secured { tls, .. } => self.tls = Some((*tls).to_owned()),
            Progress::Redirected(target) => {
                self.redirects += 1;
                self.secure = target.secure;
                self.url_effective = self.secrets.url(&target.to_string()).into_owned();
            }
            Progress::Request(_, timing) => {
                self.timing = **timing;
                self.requested = Some(timing.total());
            }
            Progress::Response(response, timing) => {
                (self.status, self.version) = (response.status, Some(response.version));
                self.headers = response.headers.clone();
                self.timing = **timing;
            }
            Progress::Open(timing) | Progress::Failed(timing) => self.timing = **timing,
            _ => {}
        }
    }

    fn opened(&mut self, opened: &ClientConnection) {
        self.opened = true;
        let subprotocol = opened.established.agreement.subprotocol.as_deref();
        self.subprotocol = subprotocol.map(|name| self.secrets.subprotocols(name).into_owned());
    }

    fn left(&mut self, session: &Session) {
        self.session = Some(SessionFacts {
            stats: session.stats(),
            unsent: session.unsent_messages() as u64,
            close: session.remote_close().cloned(),
            by_us: session.is_closed_by_us(),
        });
    }

    fn epilogue(&mut self, ended: &Result<RunOutcome, Error>) -> Vec<(Stream, String)> {
        self.exit = match status(ended) {
            Ok(code) => code.into(),
            Err(signal) => 128 + u64::from(signal.unsigned_abs()),
        };
        let words = ended.as_ref().err().map(Error::shown);
        let first = |words: Shown| words.as_str().lines().next().map(ToOwned::to_owned);
        self.error = words.and_then(first);
        self.template.fill(&*self)
    }
}

impl write_out::Facts for Facts {
    fn fact(&self, name: &str) -> Option<Fact> {
        let text = |text: &str| Some(Fact::Text(text.to_owned()));
        match name {
            "errormsg" => self.error.clone().map(Fact::Text),
            "exitcode" => Some(Fact::Number(self.exit)),
            "extensions" => {
                write_out::Facts::header(self, "Sec-WebSocket-Extensions").map(Fact::Text)
            }
            "http_code" | "response_code" => Some(Fact::Status(self.status)),
            "http_version" => text(self.version?.number()),
            "method" => text(self.version.unwrap_or_default().method()),
            "num_connects" => Some(Fact::Number(self.connects)),
            "num_redirects" => Some(Fact::Number(self.redirects)),
            "remote_ip" => text(&self.address?.ip().to_string()),
            "remote_port" => Some(Fact::Number(self.address?.port().into())),
            "scheme" => text(if self.secure { "wss" } else { "ws" }),
            "subprotocol" => self.subprotocol.clone().map(Fact::Text),
            "tls" => self.tls.clone().map(Fact::Text),
            "url" => text(&self.url),
            "url_effective" => text(&self.url_effective),
            "time_first_message" | "time_session" => self.of_session(name, self.session.as_ref()?),
            name if name.starts_with("time_") => Some(self.until(name)),
            name => self.of_session(name, self.session.as_ref()?),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        Some(self.secrets.header(name, self.headers.get(name)?).into_owned())
    }
}
