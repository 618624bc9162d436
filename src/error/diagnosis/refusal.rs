//! The evidence in an HTTP answer that refuses the upgrade.

use super::words::Words;
use crate::{
    connect::{RequestPart, RequestSummary},
    error::{
        body::{BodySummary, HTML},
        text::{challenge_schemes, short},
    },
    escape::Escaped,
    proto::handshake::{Response, Version},
};

/// An HTTP answer that refuses the upgrade, with the request that it answers.
#[derive(Debug)]
pub(in crate::error) struct Refusal {
    pub(in crate::error) request: RequestSummary,
    pub(in crate::error) response: Response,
    /// The readable part of the body.
    pub(in crate::error) body: BodySummary,
    /// The absolute URL of a redirect.
    pub(in crate::error) location: Option<String>,
    /// Everything the peer says about the reason: reason phrase, body, and the field of npm's
    /// `websocket`.
    words: Words,
    /// `Server` and `Via`, in lower case.
    software: String,
}

impl Refusal {
    pub(in crate::error) fn new(
        request: &RequestSummary,
        response: &Response,
        body: &[u8],
        location: Option<&str>,
    ) -> Self {
        let body = BodySummary::read(response, body);
        let headers = &response.headers;
        let optional = [headers.get(REJECT_REASON), body.title.as_deref(), body.json.as_deref()];
        let words = [response.reason.as_str()].into_iter().chain(optional.into_iter().flatten());
        let words = words.chain(body.lines.iter().map(String::as_str));
        let words = Words::new(words);
        let software = headers.all("Server").chain(headers.all("Via"));
        let software = software.collect::<Vec<_>>().join("\n").to_ascii_lowercase();
        Self {
            request: request.clone(),
            response: response.clone(),
            body,
            location: location.map(ToOwned::to_owned),
            words,
            software,
        }
    }

    /// Reports whether the status is one of these.
    pub(super) fn status(&self, statuses: &[u16]) -> bool {
        statuses.contains(&self.response.status)
    }

    /// Reports whether the peer says one of these phrases.
    pub(super) fn says(&self, phrases: &[&str]) -> bool {
        self.words.say(phrases)
    }

    /// Reports whether the title of the page has one of these phrases.
    pub(super) fn titled(&self, phrases: &[&str]) -> bool {
        Words::new(self.body.title.as_deref()).say(phrases)
    }

    /// Reports whether the body consists of this line, given in lower case.
    pub(super) fn says_only(&self, line: &str) -> bool {
        let mut lines = self.body.lines.iter().filter(|line| !line.trim().is_empty());
        lines.next().is_some_and(|first| first.trim().to_lowercase() == line)
            && lines.next().is_none()
    }

    /// Reports whether the body is an Engine.IO error with this code.
    pub(super) fn has_engine_code(&self, code: u8) -> bool {
        let json = self.body.json.as_deref().unwrap_or_default();
        self.status(&[400, 403])
            && (self.path().contains("socket.io")
                || self.path().contains("engine.io")
                || self.request.target.resource.contains("EIO="))
            && [",", "}"].iter().any(|end| json.contains(&format!("\"code\":{code}{end}")))
    }

    /// Reports whether the body is a page rather than the answer of a program.
    pub(super) fn is_html(&self) -> bool {
        self.body.kind == HTML
    }

    /// Reports whether the request carried anything that looks like credentials.
    pub(super) fn is_authenticated(&self) -> bool {
        self.sent(RequestPart::Credentials) || self.sent(RequestPart::OtherSecrets)
    }

    /// Reports whether a line of the peer has both one of `subjects` and one of `verdicts`.
    pub(super) fn says_that(&self, subjects: &[&str], verdicts: &[&str]) -> bool {
        self.words.say_that(subjects, verdicts)
    }

    /// Reports whether the peer gives no reason beyond the status.
    pub(super) fn is_silent(&self) -> bool {
        self.body.lines.iter().all(|line| line.trim().is_empty())
            && self.body.content_encoding.is_none()
            && self.response.headers.get(REJECT_REASON).is_none()
    }

    /// Reports whether `Server` or `Via` names this product, given in lower case.
    pub(super) fn is_from(&self, product: &str) -> bool {
        self.software.contains(product)
    }

    pub(super) fn header(&self, name: &str) -> bool {
        self.response.headers.get(name).is_some()
    }

    pub(super) fn sent(&self, part: RequestPart) -> bool {
        self.request.has(part)
    }

    pub(super) fn lacks(&self, part: RequestPart) -> bool {
        !self.sent(part)
    }

    pub(super) fn is_http2(&self) -> bool {
        self.response.version == Version::Http2
    }

    /// The path of the request, without the query.
    pub(super) fn path(&self) -> &str {
        self.request.target.resource.split('?').next().unwrap_or_default()
    }

    /// Reports whether the query has this parameter.
    pub(super) fn asks(&self, parameter: &str) -> bool {
        let query = self.request.target.resource.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair == parameter)
    }

    /// Reports whether the query has a parameter of this name.
    pub(super) fn queries(&self, name: &str) -> bool {
        let query = self.request.target.resource.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair.split('=').next() == Some(name))
    }

    /// Reports whether this subprotocol was requested.
    pub(super) fn requests(&self, subprotocol: &str) -> bool {
        self.request.subprotocols.iter().any(|it| it.eq_ignore_ascii_case(subprotocol))
    }

    /// Returns the schemes of the challenges (RFC 9110, 11.3).
    pub(super) fn challenges(&self) -> Vec<String> {
        let challenges = self.response.headers.all("WWW-Authenticate").flat_map(challenge_schemes);
        challenges.map(ToOwned::to_owned).collect()
    }

    /// Returns the versions that the server supports, if ours is not among them.
    pub(super) fn other_versions(&self) -> Vec<&str> {
        let versions: Vec<_> = self.response.headers.list("Sec-WebSocket-Version").collect();
        let requested = self.request.version.as_deref().map(str::trim);
        if versions.iter().any(|version| Some(*version) == requested) { vec![] } else { versions }
    }

    /// Returns the protocol other than WebSocket that a 426 requires (RFC 9110, 15.5.22).
    pub(super) fn other_upgrade(&self) -> Option<&str> {
        let upgrades: Vec<_> = self.response.headers.list("Upgrade").collect();
        let is_websocket = |name: &&str| name.eq_ignore_ascii_case("websocket");
        let other = upgrades.first().filter(|_| !upgrades.iter().any(is_websocket));
        other.copied().filter(|_| self.response.status == 426)
    }

    /// Returns the name of the reverse proxy that sent or forwarded the answer, escaped.
    pub(super) fn gateway(&self) -> Option<String> {
        let headers = &self.response.headers;
        let product = |value: &str| {
            let name = value.split(['/', ' ', '(']).next().unwrap_or_default().to_owned();
            GATEWAYS.contains(&name.to_ascii_lowercase().as_str()).then_some(name)
        };
        let via = || headers.get("Via").and_then(|via| via.split_whitespace().nth(1));
        let named = headers.get("Server").and_then(product);
        let named = named.or_else(|| via().map(|name| short(name.trim_end_matches(','))));
        named.map(|name| Escaped(&name).to_string())
    }

    /// Returns the seconds of `Retry-After`; its other form, a date, is ignored.
    pub(super) fn retry_after(&self) -> Option<u32> {
        self.response.headers.get("Retry-After")?.trim().parse().ok()
    }

    /// Returns the name and value of the header field that supports the judgement best.
    pub(in crate::error) fn evidence(
        &self,
        fields: &[&'static str],
    ) -> Option<(&'static str, &str)> {
        let headers = &self.response.headers;
        let fallback = [REJECT_REASON, "Server", "Via"];
        let mut names = fields.iter().copied().chain(fallback);
        let name = names.find(|name| headers.get(name).is_some())?;
        // A challenge with a supported scheme is preferred: the hint is about that one.
        let can_be_met =
            |value: &&str| name == "WWW-Authenticate" && challenge_schemes(value).any(is_supported);
        let supported = headers.all(name).find(can_be_met);
        Some((name, supported.or_else(|| headers.get(name))?))
    }
}

/// Reports whether an option exists for this authentication scheme.
fn is_supported(scheme: &str) -> bool {
    ["Basic", "Bearer", "Digest"].iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// The field in which npm's `websocket` gives its reason.
const REJECT_REASON: &str = "X-WebSocket-Reject-Reason";
/// `Server` values of software that is mostly used as a reverse proxy, in lower case.
const GATEWAYS: [&str; 16] = [
    "apache",
    "awselb",
    "caddy",
    "cloudflare",
    "cloudfront",
    "envoy",
    "haproxy",
    "heroku",
    "istio-envoy",
    "kong",
    "lighttpd",
    "nginx",
    "nghttpx",
    "openresty",
    "traefik",
    "varnish",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_schemes_from_their_parameters() {
        let all = |value| challenge_schemes(value).collect::<Vec<_>>();
        assert_eq!(all("Basic realm=\"a, b\""), ["Basic"]);
        assert_eq!(
            all("Digest realm=\"x\", nonce=\"n\", Bearer scope=\"a\""),
            ["Digest", "Bearer"]
        );
        assert_eq!(all("Negotiate"), ["Negotiate"]);
        assert_eq!(all("NTLM, Basic realm=x"), ["NTLM", "Basic"]);
        assert_eq!(all(""), Vec::<&str>::new());
    }
}
