//! Credentials: the Authorization and Cookie header fields, limited to the origins they are for.

use super::{cookies::Cookies, digest::Challenge, netrc::Netrc};
use crate::{
    known,
    proto::handshake::{Headers, Response, Version},
    random::nonce,
    secret::SecretString,
    target::Target,
};

/// Credentials of a client. `Debug` shows no secret.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// User and password; override those of the URL and of `netrc`.
    pub user: Option<(String, SecretString)>,
    /// A bearer token (RFC 6750).
    pub bearer: Option<SecretString>,
    /// Sends user and password only in response to a Digest challenge, never as Basic.
    pub digest_only: bool,
    /// Users and passwords by host.
    pub netrc: Netrc,
    /// The cookies to send.
    pub cookies: Cookies,
}

/// The state of authentication challenges while one session is opened.
#[derive(Clone, Debug, Default)]
pub(super) struct ChallengeState {
    /// The Authorization field that answers the last challenge.
    answer: Option<SecretString>,
    /// The number of challenges answered so far.
    answered: usize,
}

impl Credentials {
    /// Returns the Authorization and Cookie fields for a target.
    pub(super) fn headers(&self, target: &Target, challenges: &ChallengeState) -> Headers {
        let mut headers = Headers::default();
        let basic = || self.user_for(target).filter(|_| !self.digest_only).map(basic);
        let answer = challenges.answer.as_ref().map(|answer| answer.expose().to_owned());
        let authorization = answer
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

    fn user_for(&self, target: &Target) -> Option<(String, SecretString)> {
        let given = self.user.clone().or_else(|| target.user.clone());
        let user = given.or_else(|| self.netrc.find(&target.host_name()));
        if let Some((user, password)) = &user {
            known::add_user(user, password.expose());
        }
        user
    }

    /// Removes the credentials that are for the first origin only, before a request to another.
    /// Entries bound to a host remain.
    pub(super) fn leave_origin(&mut self) {
        (self.user, self.bearer) = (None, None);
        self.cookies.leave_origin();
        self.netrc.leave_origin();
    }
}

impl ChallengeState {
    /// Prepares the answer to a Digest challenge (RFC 7616) in a 401 response, for the next
    /// request. Returns false if there is none that can be answered. A further challenge is
    /// answered only if it says that the nonce was stale; otherwise the password is wrong.
    pub(super) fn answer(
        &mut self,
        credentials: &Credentials,
        target: &Target,
        response: &Response,
    ) -> bool {
        if response.status != 401 || credentials.bearer.is_some() || self.answered > MAX_ANSWERS {
            return false;
        }
        let Some((user, password)) = credentials.user_for(target) else { return false };
        let challenge = response.headers.all("WWW-Authenticate").find_map(Challenge::find);
        let Some(challenge) = challenge.filter(|it| it.stale || self.answer.is_none()) else {
            return false;
        };
        let method = if response.version == Version::Http2 { "CONNECT" } else { "GET" };
        let cnonce = data_encoding::HEXLOWER.encode(&nonce());
        self.answer = challenge
            .answer(&user, password.expose(), method, &target.resource, &cnonce)
            .map(SecretString::from);
        self.answered += 1;
        self.answer.is_some()
    }

    /// Discards the answer, which is valid for one resource only.
    pub(super) fn forget_answer(&mut self) {
        self.answer = None;
    }
}

/// Returns Basic credentials (RFC 7617).
fn basic((user, password): (String, SecretString)) -> String {
    let credentials = format!("{user}:{}", password.expose());
    format!("Basic {}", data_encoding::BASE64.encode(credentials.as_bytes()))
}

/// The maximum number of challenges answered after the first, while one session is opened.
const MAX_ANSWERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn unauthorized(challenges: &[&str]) -> Response {
        let mut headers = Headers::default();
        for challenge in challenges {
            headers.push("WWW-Authenticate", *challenge);
        }
        Response { version: Version::Http11, status: 401, reason: String::new(), headers }
    }

    fn mufasa() -> Credentials {
        let user = Some(("Mufasa".to_owned(), "Circle of Life".into()));
        Credentials { user, ..Credentials::default() }
    }

    #[test]
    fn basic_is_sent_at_once_and_digest_after_a_challenge() {
        let target = Target::parse("ws://h/dir/index.html").unwrap();
        let authorization = |credentials: &Credentials, state: &ChallengeState| {
            credentials.headers(&target, state).get("Authorization").map(ToOwned::to_owned)
        };
        let mut state = ChallengeState::default();
        assert_eq!(
            authorization(&mufasa(), &state).as_deref(),
            Some("Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl")
        );
        let mut digest_only = Credentials { digest_only: true, ..mufasa() };
        assert_eq!(authorization(&digest_only, &state), None);
        let digest = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
        assert!(!state.answer(&digest_only, &target, &unauthorized(&["Basic realm=\"r\""])));
        assert!(state.answer(&digest_only, &target, &unauthorized(&["Basic realm=\"r\"", digest])));
        let answer = authorization(&digest_only, &state).unwrap();
        assert!(answer.starts_with("Digest username=\"Mufasa\", realm=\"r\""), "{answer}");
        assert!(answer.contains("uri=\"/dir/index.html\""), "{answer}");
        // A repeated challenge means that the password is wrong.
        assert!(!state.answer(&digest_only, &target, &unauthorized(&[digest])));
        state.forget_answer();
        digest_only.leave_origin();
        assert_eq!(authorization(&digest_only, &state), None);
    }

    #[test]
    fn options_precede_the_url_and_netrc() {
        let netrc = Netrc::parse("machine h login n password p").unwrap();
        let authorization = |credentials: &Credentials, url: &str| {
            let headers =
                credentials.headers(&Target::parse(url).unwrap(), &ChallengeState::default());
            headers.get("Authorization").map(ToOwned::to_owned)
        };
        let some = Credentials { netrc, ..Credentials::default() };
        assert_eq!(authorization(&some, "ws://h/").as_deref(), Some("Basic bjpw"));
        assert_eq!(authorization(&some, "ws://u:w@h/").as_deref(), Some("Basic dTp3"));
        assert_eq!(authorization(&some, "ws://i/"), None);
        let bearer = Credentials { bearer: Some("t".into()), ..some };
        assert_eq!(authorization(&bearer, "ws://h/").as_deref(), Some("Bearer t"));
    }
}
