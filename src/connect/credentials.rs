//! Credentials: the Authorization and Cookie header fields, and the origins they go to.

use super::{cookies::Cookies, digest::Challenge, netrc::Netrc};
use crate::{
    proto::handshake::{Headers, Response, Version},
    random::nonce,
    secret::SecretString,
    target::Target,
};

/// User and password, token and cookies.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// User and password.
    pub user: Option<(String, SecretString)>,
    /// A bearer token (RFC 6750).
    pub bearer: Option<SecretString>,
    /// User and password are shown only in answer to a Digest challenge.
    pub digest_only: bool,
    /// Users and passwords of hosts.
    pub netrc: Netrc,
    /// Cookies.
    pub cookies: Cookies,
}

/// The challenges answered on the way to one session.
#[derive(Clone, Debug, Default)]
pub(super) struct ChallengeState {
    /// The answer to the last.
    answer: Option<String>,
    /// The number of challenges answered.
    answers: usize,
}

impl Credentials {
    /// The header fields for this target.
    pub(super) fn headers(&self, target: &Target, challenges: &ChallengeState) -> Headers {
        let mut headers = Headers::default();
        let basic = || self.pair(target).filter(|_| !self.digest_only).map(basic);
        let authorization = (challenges.answer.clone())
            .or_else(|| self.bearer.as_ref().map(|token| format!("Bearer {}", token.expose())))
            .or_else(basic);
        if let Some(authorization) = authorization {
            headers.push("Authorization", authorization);
        }
        if let Some(cookies) = self.cookies.header(target) {
            headers.push("Cookie", cookies);
        }
        headers
    }

    fn pair(&self, target: &Target) -> Option<(String, SecretString)> {
        let given = self.user.clone().or_else(|| target.user.clone());
        given.or_else(|| self.netrc.find(&target.host_name()))
    }

    /// Forgets what another origin must not see. Entries with a host of their own stay.
    pub(super) fn leave(&mut self) {
        (self.user, self.bearer) = (None, None);
        self.cookies.leave();
        self.netrc.leave();
    }
}

impl ChallengeState {
    /// Whether a 401 can be answered, which the next request then does: a Digest challenge
    /// (RFC 7616), once, and again only if nothing but the age of the answer was wrong.
    pub(super) fn answer(
        &mut self,
        credentials: &Credentials,
        target: &Target,
        response: &Response,
    ) -> bool {
        if response.status != 401 || credentials.bearer.is_some() || self.answers > MAX_ANSWERS {
            return false;
        }
        let Some((user, password)) = credentials.pair(target) else { return false };
        let challenge = response.headers.all("WWW-Authenticate").find_map(Challenge::find);
        let Some(challenge) = challenge.filter(|it| it.stale || self.answer.is_none()) else {
            return false;
        };
        let method = if response.version == Version::Http2 { "CONNECT" } else { "GET" };
        let cnonce = data_encoding::HEXLOWER.encode(&nonce());
        self.answer = challenge.answer(&user, password.expose(), method, &target.resource, &cnonce);
        self.answers += 1;
        self.answer.is_some()
    }

    /// Forgets the answer, which is for one resource.
    pub(super) fn forget_answer(&mut self) {
        self.answer = None;
    }
}

/// RFC 7617.
fn basic((user, password): (String, SecretString)) -> String {
    let credentials = format!("{user}:{}", password.expose());
    format!("Basic {}", data_encoding::BASE64.encode(credentials.as_bytes()))
}

/// Challenges answered on the way to one session.
const MAX_ANSWERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(challenges: &[&str]) -> Response {
        let mut headers = Headers::default();
        for challenge in challenges {
            headers.push("WWW-Authenticate", *challenge);
        }
        Response { version: Version::Http11, status: 401, reason: String::new(), headers }
    }

    fn ours() -> Credentials {
        let user = Some(("Mufasa".to_owned(), "Circle of Life".into()));
        Credentials { user, ..Credentials::default() }
    }

    #[test]
    fn basic_is_shown_at_once_and_digest_only_when_asked() {
        let target = Target::parse("ws://h/dir/index.html").unwrap();
        let shown = |credentials: &Credentials, state: &ChallengeState| {
            credentials.headers(&target, state).get("Authorization").map(ToOwned::to_owned)
        };
        let mut state = ChallengeState::default();
        assert_eq!(shown(&ours(), &state).as_deref(), Some("Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"));
        let mut shy = Credentials { digest_only: true, ..ours() };
        assert_eq!(shown(&shy, &state), None);
        let digest = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
        assert!(!state.answer(&shy, &target, &asked(&["Basic realm=\"r\""])));
        assert!(state.answer(&shy, &target, &asked(&["Basic realm=\"r\"", digest])));
        let answer = shown(&shy, &state).unwrap();
        assert!(answer.starts_with("Digest username=\"Mufasa\", realm=\"r\""), "{answer}");
        assert!(answer.contains("uri=\"/dir/index.html\""), "{answer}");
        // Once is enough to see that it is not taken.
        assert!(!state.answer(&shy, &target, &asked(&[digest])));
        state.forget_answer();
        shy.leave();
        assert_eq!(shown(&shy, &state), None);
    }

    #[test]
    fn the_url_and_netrc_come_after_what_was_given() {
        let netrc = Netrc::parse("machine h login n password p").unwrap();
        let shown = |credentials: &Credentials, url: &str| {
            let headers =
                credentials.headers(&Target::parse(url).unwrap(), &ChallengeState::default());
            headers.get("Authorization").map(ToOwned::to_owned)
        };
        let some = Credentials { netrc, ..Credentials::default() };
        assert_eq!(shown(&some, "ws://h/").as_deref(), Some("Basic bjpw"));
        assert_eq!(shown(&some, "ws://u:w@h/").as_deref(), Some("Basic dTp3"));
        assert_eq!(shown(&some, "ws://i/"), None);
        let bearer = Credentials { bearer: Some("t".into()), ..some };
        assert_eq!(shown(&bearer, "ws://h/").as_deref(), Some("Bearer t"));
    }
}
