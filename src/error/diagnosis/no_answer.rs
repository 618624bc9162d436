//! The evidence where a handshake has no answer: the server closed the connection or is silent.

use crate::connect::{LimitScope, RequestPart, RequestSummary};
use std::time::Duration;

/// A handshake without an answer.
#[derive(Debug)]
pub(in crate::error) struct NoAnswer {
    pub(super) request: RequestSummary,
    /// The limit that expired; `None` if the server closed the connection.
    expired: Option<LimitScope>,
    /// The time since the request was sent.
    pub(super) waited: Duration,
}

impl NoAnswer {
    /// The server closed the connection.
    pub(in crate::error) fn cut(request: &RequestSummary, waited: Duration) -> Self {
        Self { request: request.clone(), expired: None, waited }
    }

    /// A time limit expired.
    pub(in crate::error) fn timeout(
        request: &RequestSummary,
        waited: Duration,
        limit: LimitScope,
    ) -> Self {
        Self { request: request.clone(), expired: Some(limit), waited }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.expired.is_none()
    }

    /// Returns the option that raises the expired limit.
    pub(super) fn limit_option(&self) -> &'static str {
        match self.expired {
            Some(LimitScope::Step) => "--handshake-timeout",
            _ => "--connect-timeout",
        }
    }

    /// Reports whether the path contains this, in lower case.
    pub(super) fn path_has(&self, part: &str) -> bool {
        self.request.target.resource.to_ascii_lowercase().contains(part)
    }

    /// Reports whether this subprotocol was requested.
    pub(super) fn requested(&self, name: &str) -> bool {
        self.request.subprotocols.iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    pub(super) fn lacks(&self, part: RequestPart) -> bool {
        !self.request.has(part)
    }

    /// Reports whether the port is registered for MQTT, with or without TLS.
    pub(super) fn is_mqtt_port(&self) -> bool {
        matches!(self.request.target.port, 1883 | 8883)
    }

    /// Reports whether the port is one that mostly speaks TLS, without TLS being used.
    pub(super) fn is_plain_on_tls_port(&self) -> bool {
        let port = self.request.target.port;
        !self.request.target.secure && (port == 443 || port % 1000 == 443)
    }
}
