//! Reconnection after the loss of a session: its conditions, delays and limits.

use super::retry_table::is_retryable;
use crate::{
    connect::{ClientConnection, ConnectOptions, Dialer, OpenError, Progress},
    error::Error,
    job::reconnect::ReconnectRules,
    proto::handshake::Response,
    random,
    report::Report,
    session::{QuietPeriod, Session, clock::now},
    sink::sinks::Sinks,
};
use std::{
    fmt,
    pin::Pin,
    time::{Duration, Instant},
};

/// The delays between attempts: exponential back-off with full jitter.
#[derive(Debug)]
struct Backoff {
    rules: ReconnectRules,
    failed: u32,
    /// The time at which the last session opened.
    opened: Option<Instant>,
}

impl Backoff {
    /// Returns the delay before the next attempt, or `None` if the attempts are exhausted. `random`
    /// is from 0 to 1; `retry_after` is the minimum delay that the server requests.
    fn next(
        &mut self,
        now: Instant,
        random: f64,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        if self.opened.take().is_some_and(|at| now - at >= STABLE_AFTER) {
            self.failed = 0;
        }
        if self.rules.attempts.is_some_and(|most| self.failed >= most) {
            return None;
        }
        let doubled = self.rules.first.saturating_mul(1 << self.failed.min(30));
        self.failed += 1;
        let wait = doubled.min(self.rules.longest).mul_f64(random.clamp(0.0, 1.0));
        Some(wait.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER)))
    }
}

/// Detects sessions that are repeatedly lost after about the same time of silence, which points to
/// an intermediary that ends idle connections.
#[derive(Debug, Default)]
struct LossPattern {
    /// The silence before the last loss.
    quiet: Option<QuietPeriod>,
}

impl LossPattern {
    fn count(&mut self, error: &mut Error) {
        let last = self.quiet.take();
        if let Some(quiet) = error.quiet_mut() {
            *quiet = quiet.after(last);
            self.quiet = Some(*quiet);
        }
    }
}

/// Opens one session. Tests replace the network with it.
pub(super) trait Opener: fmt::Debug {
    /// Makes one attempt.
    fn open<'a>(&'a mut self, watch: &'a mut dyn FnMut(Progress<'_>)) -> Attempt<'a>;
}

pub(super) type Attempt<'a> =
    Pin<Box<dyn Future<Output = Result<ClientConnection, OpenError>> + 'a>>;

#[derive(Debug)]
struct DialOpener {
    dialer: Dialer,
    opening: ConnectOptions,
}

impl Opener for DialOpener {
    fn open<'a>(&'a mut self, watch: &'a mut dyn FnMut(Progress<'_>)) -> Attempt<'a> {
        Box::pin(self.dialer.open(&self.opening, watch))
    }
}

/// Opens sessions repeatedly as the rules of `--reconnect` allow.
#[derive(Debug)]
pub(super) struct Reconnector {
    opener: Box<dyn Opener>,
    backoff: Backoff,
    losses: LossPattern,
}

impl Reconnector {
    pub(super) fn new(dialer: Dialer, opening: ConnectOptions, rules: ReconnectRules) -> Self {
        Self::with_opener(Box::new(DialOpener { dialer, opening }), rules)
    }

    pub(super) fn with_opener(opener: Box<dyn Opener>, rules: ReconnectRules) -> Self {
        let backoff = Backoff { rules, failed: 0, opened: None };
        Self { opener, backoff, losses: LossPattern::default() }
    }

    /// Returns the reason to reconnect after a session that has ended. The error is the failure of
    /// the session, or `None` if the peer closed it.
    pub(super) fn reason(&self, session: &mut Session) -> Result<Error, Option<Error>> {
        match session.remote_close().cloned() {
            Some(close) if self.backoff.rules.reconnects_after(&close) => {
                Ok(session.close_error(close).into())
            }
            Some(_) => Err(None),
            None => match session.verdict(0).map_err(Error::from) {
                Err(error) if is_retryable(&error) => Ok(error),
                verdict => Err(verdict.err()),
            },
        }
    }

    /// Opens a session at once, and retries as the rules allow.
    pub(super) async fn open(
        &mut self,
        tell: &mut dyn FnMut(RetryEvent<'_>),
    ) -> Result<ClientConnection, Error> {
        match self.attempt(tell).await {
            Err(error) if is_retryable(&error) => self.reopen(error, None, tell).await,
            done => done,
        }
    }

    /// Opens a session after `error`. Returns the error of the last attempt, at the latest at
    /// `ends`.
    pub(super) async fn reopen(
        &mut self,
        mut error: Error,
        ends: Option<Instant>,
        tell: &mut dyn FnMut(RetryEvent<'_>),
    ) -> Result<ClientConnection, Error> {
        self.losses.count(&mut error);
        loop {
            let retry_after = retry_after(&error);
            let Some(wait) = self.backoff.next(now(), random::fraction(), retry_after) else {
                return Err(error);
            };
            tell(RetryEvent::Lost(&error, wait));
            let next = async {
                tokio::time::sleep(wait).await;
                self.attempt(tell).await
            };
            let next = match ends {
                None => next.await,
                Some(at) => match tokio::time::timeout_at(at.into(), next).await {
                    Ok(next) => next,
                    Err(_) => return Err(error),
                },
            };
            match next {
                Err(next) if is_retryable(&next) => error = next,
                done => return done,
            }
        }
    }

    async fn attempt(
        &mut self,
        tell: &mut dyn FnMut(RetryEvent<'_>),
    ) -> Result<ClientConnection, Error> {
        let mut watch = |step: Progress<'_>| tell(RetryEvent::Progress(&step));
        let opened = self.opener.open(&mut watch).await?;
        self.backoff.opened = Some(now());
        Ok(opened)
    }
}

/// An event during the opening of a session.
#[derive(Debug)]
pub(super) enum RetryEvent<'a> {
    /// The session was lost or could not be opened. The next attempt follows after the delay.
    Lost(&'a Error, Duration),
    /// A step of an attempt.
    Progress(&'a Progress<'a>),
}

/// Reports an event on stderr and to the sinks.
pub(super) fn report_retry(report: Report, sinks: &Sinks, event: &RetryEvent<'_>) {
    match event {
        RetryEvent::Lost(error, wait) => {
            report.note(&error.to_string());
            report.note(&format!("reconnecting in {:.1} s", wait.as_secs_f64()));
        }
        RetryEvent::Progress(step) => {
            report.progress(step);
            sinks.progress(step);
        }
    }
}

/// Returns the delay that the server requests with Retry-After (RFC 9110, 10.2.3).
fn retry_after(error: &Error) -> Option<Duration> {
    let Error::Open(OpenError::Status { response, .. }) = error else { return None };
    let Response { headers, .. } = &**response;
    let value = headers.get("Retry-After")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Duration::try_from(then.duration_since(jiff::Timestamp::now())).ok()
}

/// The duration from which a session counts as a success and resets the attempts.
const STABLE_AFTER: Duration = Duration::from_mins(1);
/// The longest Retry-After that is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        connect::RequestSummary,
        proto::{
            Close, CloseCode,
            handshake::{Headers, Version},
        },
        session::{SessionError, testbed},
    };
    use std::collections::VecDeque;

    const S: Duration = Duration::from_secs(1);

    fn rules() -> ReconnectRules {
        ReconnectRules { attempts: None, first: S, longest: 30 * S, codes: vec![4000] }
    }

    fn backoff(attempts: Option<u32>) -> Backoff {
        Backoff { rules: ReconnectRules { attempts, ..rules() }, failed: 0, opened: None }
    }

    /// Returns prepared results, then fails permanently.
    #[derive(Debug, Default)]
    pub(crate) struct PreparedOpener(VecDeque<Result<Connection, OpenError>>);

    struct Connection(ClientConnection);

    impl fmt::Debug for Connection {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Connection")
        }
    }

    impl PreparedOpener {
        /// Adds a failure that may be temporary.
        pub(crate) fn fails(mut self) -> Self {
            let cause = std::io::ErrorKind::ConnectionRefused.into();
            self.0.push_back(Err(OpenError::Socket { path: "s".into(), cause }));
            self
        }

        pub(crate) fn opens(mut self, connection: ClientConnection) -> Self {
            self.0.push_back(Ok(Connection(connection)));
            self
        }

        pub(crate) fn reconnector(self, attempts: Option<u32>) -> Reconnector {
            Reconnector::with_opener(Box::new(self), ReconnectRules { attempts, ..rules() })
        }
    }

    impl Opener for PreparedOpener {
        fn open<'a>(&'a mut self, _: &'a mut dyn FnMut(Progress<'_>)) -> Attempt<'a> {
            let permanent = || {
                let cause = std::io::ErrorKind::Other.into();
                Err(OpenError::Other { operation: "dial", cause })
            };
            let next = self.0.pop_front().unwrap_or_else(permanent);
            Box::pin(std::future::ready(next.map(|connection| connection.0)))
        }
    }

    fn lost() -> Error {
        let cause = std::io::ErrorKind::ConnectionReset.into();
        let authority = "h:80".to_owned();
        SessionError::Receive { authority, cause, quiet: None, context: None }.into()
    }

    /// Reopens in virtual time. Returns the result, the announced delays and the time taken.
    async fn reopen(
        it: &mut Reconnector,
    ) -> (Result<ClientConnection, Error>, Vec<Duration>, Duration) {
        let (start, mut waits) = (now(), Vec::new());
        let mut tell = |event: RetryEvent<'_>| {
            if let RetryEvent::Lost(_, wait) = event {
                waits.push(wait);
            }
        };
        let opened = it.reopen(lost(), None, &mut tell).await;
        (opened, waits, now() - start)
    }

    #[test]
    fn temporary_failures_are_retried_after_the_announced_delays() {
        testbed::run(async {
            let (connection, _server, _wire) = testbed::Bed::default().connection();
            let mut it =
                PreparedOpener::default().fails().fails().opens(connection).reconnector(None);
            let (opened, waits, took) = reopen(&mut it).await;
            assert!(opened.is_ok());
            assert_eq!(waits.len(), 3);
            let sum: Duration = waits.iter().sum();
            // The timer of the runtime counts milliseconds.
            assert!(took >= sum && took < sum + 10 * Duration::from_millis(1), "{took:?} {sum:?}");
            assert!(waits[2] <= 4 * S && sum <= 7 * S, "{waits:?}");
            assert!(it.backoff.opened.is_some());
        });
    }

    #[test]
    fn the_last_error_is_returned_after_the_last_attempt() {
        testbed::run(async {
            let mut it = PreparedOpener::default().fails().fails().fails().reconnector(Some(2));
            let (opened, waits, _) = reopen(&mut it).await;
            assert!(matches!(opened, Err(Error::Open(OpenError::Socket { .. }))));
            assert_eq!(waits.len(), 2);
        });
    }

    #[test]
    fn a_permanent_failure_ends_the_attempts() {
        testbed::run(async {
            let mut it = PreparedOpener::default().fails().reconnector(None);
            let (opened, waits, _) = reopen(&mut it).await;
            assert!(matches!(opened, Err(Error::Open(OpenError::Other { .. }))));
            assert_eq!(waits.len(), 2);
            // At the first attempt, too.
            let opened = PreparedOpener::default().reconnector(None).open(&mut |_| ()).await;
            assert!(matches!(opened, Err(Error::Open(OpenError::Other { .. }))));
        });
    }

    #[test]
    fn a_first_attempt_that_fails_is_retried() {
        testbed::run(async {
            let (connection, _server, _wire) = testbed::Bed::default().connection();
            let mut it = PreparedOpener::default().fails().opens(connection).reconnector(Some(1));
            assert!(it.open(&mut |_| ()).await.is_ok());
        });
    }

    #[test]
    fn delays_double_up_to_the_limit_with_full_jitter() {
        let now = Instant::now();
        let mut it = backoff(None);
        let most: Vec<_> = (0..7).map(|_| it.next(now, 1.0, None).unwrap().as_secs()).collect();
        assert_eq!(most, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(it.next(now, 0.0, None), Some(Duration::ZERO));
        assert_eq!(it.next(now, 0.5, None), Some(15 * S));
        for _ in 0..100 {
            assert!(it.next(now, 1.0, None).unwrap() <= 30 * S);
        }
    }

    #[test]
    fn attempts_are_counted_until_a_session_lasts_a_minute() {
        let start = Instant::now();
        let mut it = backoff(Some(2));
        assert!(it.next(start, 0.5, None).is_some());
        it.opened = Some(start);
        assert!(it.next(start + 59 * S, 0.5, None).is_some());
        assert_eq!(it.next(start + 59 * S, 0.5, None), None);
        it.opened = Some(start + 60 * S);
        assert_eq!(it.next(start + 120 * S, 1.0, None), Some(S));
    }

    #[test]
    fn retry_after_is_respected_up_to_an_hour() {
        let now = Instant::now();
        let status = |value: &str| {
            let mut headers = Headers::default();
            headers.push("Retry-After", value);
            let response =
                Response { version: Version::Http11, status: 503, reason: String::new(), headers };
            let target = crate::target::Target::parse("ws://h/").unwrap();
            Error::Open(OpenError::Status {
                request: Box::new(RequestSummary::new(&target, &Headers::default())),
                response: Box::new(response),
                body: Vec::new(),
                location: None,
            })
        };
        assert_eq!(retry_after(&status("7")), Some(7 * S));
        assert_eq!(retry_after(&status("soon")), None);
        assert_eq!(retry_after(&status("Wed, 21 Oct 2015 07:28:00 GMT")), None);
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
        let date = then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let wait = retry_after(&status(&date)).unwrap();
        assert!((95 * S..=100 * S).contains(&wait), "{wait:?}");
        let mut it = backoff(None);
        assert_eq!(it.next(now, 0.0, Some(7 * S)), Some(7 * S));
        assert_eq!(it.next(now, 1.0, Some(S)), Some(2 * S));
        assert_eq!(it.next(now, 0.0, Some(1_000_000 * S)), Some(MAX_RETRY_AFTER));
    }

    #[test]
    fn losses_after_the_same_silence_are_counted() {
        let mut it = LossPattern::default();
        let mut lost = |quiet: Option<u64>| {
            let quiet = quiet.map(|seconds| QuietPeriod::new(Duration::from_secs(seconds)));
            let cause = std::io::ErrorKind::ConnectionReset.into();
            let authority = "h:80".to_owned();
            let error = SessionError::Receive { authority, cause, quiet, context: None };
            let mut error = Error::from(error);
            it.count(&mut error);
            error.quiet_mut().map(|quiet| quiet.times)
        };
        assert_eq!([Some(60), Some(61), Some(60)].map(&mut lost), [Some(1), Some(2), Some(3)]);
        assert_eq!([None, Some(60), Some(10)].map(lost), [None, Some(1), Some(1)]);
    }

    #[test]
    fn only_some_close_codes_allow_reconnecting() {
        let after = |code: u16| rules().reconnects_after(&Close::new(CloseCode::from(code)));
        for code in [1001, 1011, 1012, 1013, 1014, 4000] {
            assert!(after(code), "{code}");
        }
        for code in [1000, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 3000, 4001] {
            assert!(!after(code), "{code}");
        }
    }
}
