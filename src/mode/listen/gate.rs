//! The admission of clients.

use crate::{
    job::listen::{AdmissionRules, ForcedRefusal, RefusalScope},
    proto::{
        handshake::{Headers, Request, Version},
        request_fault::RequestFault,
    },
};
use data_encoding::BASE64;
use http::StatusCode;
use std::{
    sync::atomic::{AtomicU16, AtomicU64, Ordering},
    time::Instant,
};

/// Applies the rules for admitting clients.
pub(super) struct Gate {
    rules: AdmissionRules,
    started: Instant,
    /// The number of requests that a forced refusal has concerned.
    refused: AtomicU64,
    /// The status of `/refuse`, or 0.
    closed: AtomicU16,
}

/// A refused request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) headers: Headers,
    pub(super) reason: String,
    /// The option that refuses the request, if one does.
    pub(super) rule: Option<&'static str>,
    /// The body of the response, if it is more than the reason.
    pub(super) body: Option<String>,
}

impl Refusal {
    fn new(rule: &'static str, status: StatusCode, reason: impl Into<String>) -> Self {
        let (headers, reason) = (Headers::default(), reason.into());
        Self { status, headers, reason, rule: Some(rule), body: None }
    }

    /// Returns the refusal of a request for a path that is not served because of this option.
    pub(super) fn of_path(rule: &'static str) -> Self {
        Self::new(rule, StatusCode::NOT_FOUND, "no such path")
    }

    /// Returns the refusal of a request by a fault rule.
    pub(super) fn of_fault_rule(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Self::new("--fault", status, "refused by a fault")
    }

    /// Returns the refusal of a request over this version of HTTP with a fault.
    pub(super) fn of_fault(fault: RequestFault, carrier: Version) -> Self {
        let (status, headers) = fault.status(carrier);
        Self { status, headers, reason: fault.to_string(), rule: None, body: Some(fault.body()) }
    }
}

impl Gate {
    pub(super) fn new(rules: AdmissionRules, started: Instant) -> Self {
        Self { rules, started, refused: AtomicU64::new(0), closed: AtomicU16::new(0) }
    }

    /// Refuses all requests with this status; `None` applies the rules again.
    pub(super) fn refuse(&self, status: Option<u16>) {
        self.closed.store(status.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Judges a request, which has this fault, if any, while `clients` are connected.
    pub(super) fn judge(
        &self,
        request: &Request,
        fault: Option<RequestFault>,
        clients: usize,
    ) -> Result<(), Refusal> {
        if let Ok(status) = StatusCode::from_u16(self.closed.load(Ordering::Relaxed)) {
            return Err(Refusal::new("/refuse", status, "refused by /refuse"));
        }
        if let Some(refusal) = self.rules.refusal.and_then(|forced| self.forced(forced)) {
            return Err(refusal);
        }
        if let Some(fault) = fault {
            return Err(Refusal::of_fault(fault, request.version));
        }
        let rules = &self.rules;
        let path = path(&request.target);
        if !rules.paths.is_empty() && !rules.paths.iter().any(|glob| glob.is_match(path)) {
            return Err(Refusal::of_path("--path"));
        }
        if !rules.origins.is_empty() {
            let origin = request.headers.get("Origin").map(str::trim);
            if !origin.is_some_and(|origin| rules.origins.iter().any(|glob| glob.is_match(origin)))
            {
                let reason = match origin {
                    Some(origin) => format!("the origin {origin} is not allowed"),
                    None => "no Origin header".to_owned(),
                };
                return Err(Refusal::new("--origin", StatusCode::FORBIDDEN, reason));
            }
        }
        if let Some((user, password)) = &rules.user {
            let expected = BASE64.encode(format!("{user}:{}", password.expose()).as_bytes());
            let given = request.headers.get("Authorization").map(str::trim);
            let given = given.and_then(|it| it.split_once(' '));
            let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"));
            let is_right = given.is_some_and(|(_, given)| given.trim() == expected);
            if !is_right {
                let reason = if given.is_some() { "wrong credentials" } else { "no credentials" };
                let mut refusal = Refusal::new("--auth", StatusCode::UNAUTHORIZED, reason);
                refusal
                    .headers
                    .push("WWW-Authenticate", "Basic realm=\"sockeye\", charset=\"UTF-8\"");
                return Err(refusal);
            }
        }
        for (name, value) in &rules.headers {
            let mut found = request.headers.all(name).map(str::trim);
            if !found.any(|found| value.as_deref().is_none_or(|value| found == value)) {
                let what = if value.is_some() { "the required value of" } else { "the header" };
                let reason = format!("without {what} {name}");
                return Err(Refusal::new("--require-header", StatusCode::FORBIDDEN, reason));
            }
        }
        if rules.max_clients.is_some_and(|max| clients >= max) {
            let reason = match rules.max_clients {
                Some(1) => "the limit of 1 client is reached".to_owned(),
                max => format!("the limit of {} clients is reached", max.unwrap_or_default()),
            };
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Refusal::new("--max-clients", status, reason));
        }
        Ok(())
    }

    /// Returns the refusal if a forced one concerns this request.
    fn forced(&self, forced: ForcedRefusal) -> Option<Refusal> {
        let status = StatusCode::from_u16(forced.status);
        let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let mut refusal = Refusal::new("--status", status, "refused by --status");
        match forced.scope {
            RefusalScope::Always => {}
            RefusalScope::First(number) => {
                if self.refused.fetch_add(1, Ordering::Relaxed) >= number {
                    return None;
                }
            }
            RefusalScope::Within(time) => {
                let left = time.checked_sub(self.started.elapsed())?;
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    refusal.headers.push("Retry-After", left.as_secs().max(1).to_string());
                }
            }
        }
        Some(refusal)
    }
}

/// Returns the path of a request target, which may be a URL.
pub(super) fn path(target: &str) -> &str {
    let resource = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        }
        _ => target,
    };
    resource.split_once('?').map_or(resource, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::listen::Glob;
    use std::time::Duration;

    fn request(target: &str, headers: &[(&str, &str)]) -> Request {
        let (target, headers) = (target.to_owned(), Headers::of(headers));
        Request { version: Version::Http11, target, headers }
    }

    fn gate(rules: AdmissionRules) -> Gate {
        Gate::new(rules, Instant::now())
    }

    fn status(gate: &Gate, target: &str, headers: &[(&str, &str)]) -> u16 {
        let judged = gate.judge(&request(target, headers), None, 2);
        judged.map_or_else(|refusal| refusal.status.as_u16(), |()| 101)
    }

    #[test]
    fn each_rule_refuses_with_its_status() {
        let user = Some(("me".to_owned(), "secret".into()));
        let (good, bad) = ("Basic bWU6c2VjcmV0", "Basic bWU6d3Jvbmc=");
        let globs = |text: &str| vec![Glob::new(text)];
        let default = AdmissionRules::default;
        let all = gate(default());
        assert_eq!(status(&all, "/any?x", &[]), 101);
        let paths = gate(AdmissionRules { paths: globs("/chat*"), ..default() });
        for (target, expected) in [
            ("/chat", 101),
            ("/chat/a?b=/x", 101),
            ("/other?/chat", 404),
            ("ws://host/chat", 101),
            ("http://host", 404),
        ] {
            assert_eq!(status(&paths, target, &[]), expected, "{target}");
        }
        let origins = gate(AdmissionRules { origins: globs("https://*.example"), ..default() });
        assert_eq!(status(&origins, "/", &[("Origin", "https://a.example")]), 101);
        assert_eq!(status(&origins, "/", &[("Origin", "https://example")]), 403);
        assert_eq!(status(&origins, "/", &[]), 403);
        let auth = gate(AdmissionRules { user, ..default() });
        assert_eq!(status(&auth, "/", &[("Authorization", good)]), 101);
        assert_eq!(status(&auth, "/", &[("authorization", &good.replace("Basic", "basic"))]), 101);
        assert_eq!(status(&auth, "/", &[("Authorization", bad)]), 401);
        assert_eq!(status(&auth, "/", &[("Authorization", "Bearer bWU6c2VjcmV0")]), 401);
        let refusal = auth.judge(&request("/", &[]), None, 0).unwrap_err();
        assert!(refusal.headers.get("WWW-Authenticate").unwrap().starts_with("Basic realm="));
        let headers = vec![("X-Key".to_owned(), Some("1".to_owned())), ("X-Any".to_owned(), None)];
        let headers = gate(AdmissionRules { headers, ..default() });
        assert_eq!(status(&headers, "/", &[("x-key", "1"), ("X-Any", "")]), 101);
        assert_eq!(status(&headers, "/", &[("x-key", "2"), ("X-Any", "")]), 403);
        assert_eq!(status(&headers, "/", &[("x-key", "1")]), 403);
        for (max_clients, expected) in [(Some(2), 503), (Some(3), 101)] {
            let full = gate(AdmissionRules { max_clients, ..default() });
            assert_eq!(status(&full, "/", &[]), expected);
        }
    }

    #[test]
    fn a_status_may_concern_the_first_requests_only() {
        let refusing = |scope| {
            let refusal = Some(ForcedRefusal { status: 503, scope });
            gate(AdmissionRules { refusal, ..AdmissionRules::default() })
        };
        let first = refusing(RefusalScope::First(2));
        assert_eq!([(); 4].map(|()| status(&first, "/", &[])), [503, 503, 101, 101]);
        let always = refusing(RefusalScope::Always);
        assert_eq!([(); 3].map(|()| status(&always, "/", &[])), [503; 3]);
        let over = refusing(RefusalScope::Within(Duration::ZERO));
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(status(&over, "/", &[]), 101);
        let soon = refusing(RefusalScope::Within(Duration::from_secs(90)));
        let refusal = soon.judge(&request("/", &[]), None, 0).unwrap_err();
        assert_eq!(refusal.headers.get("Retry-After"), Some("89"));
    }

    #[test]
    fn the_prompt_may_refuse_all_requests_for_a_time() {
        let gate = gate(AdmissionRules::default());
        gate.refuse(Some(429));
        assert_eq!([(); 2].map(|()| status(&gate, "/", &[])), [429; 2]);
        gate.refuse(None);
        assert_eq!(status(&gate, "/", &[]), 101);
    }

    #[test]
    fn a_fault_of_the_request_is_named() {
        let judged = gate(AdmissionRules::default()).judge(
            &request("/", &[]),
            Some(RequestFault::Version),
            0,
        );
        let refusal = judged.unwrap_err();
        assert_eq!(refusal.status, StatusCode::UPGRADE_REQUIRED);
        assert_eq!(refusal.reason, "only WebSocket version 13 is supported");
    }
}
