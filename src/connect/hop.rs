//! One request on the way to a session: the options as far as they apply to its target.

use super::{
    credentials::{ChallengeState, Credentials},
    options::ConnectOptions,
};
use crate::{
    net::tls::TlsOptions,
    proto::handshake::{HeaderEdit, Headers, Response},
    target::Target,
};
use std::borrow::Cow;

/// The first target or that of a redirect, with the options that are meant for it.
pub(super) struct Hop<'a> {
    pub(super) options: &'a ConnectOptions,
    pub(super) target: Cow<'a, Target>,
    /// The Host header, if not the target's.
    pub(super) host: Option<&'a str>,
    pub(super) edits: Cow<'a, [HeaderEdit]>,
    pub(super) credentials: Cow<'a, Credentials>,
    pub(super) challenges: ChallengeState,
    pub(super) tls: Cow<'a, TlsOptions>,
    /// The redirects followed until now.
    pub(super) followed: usize,
}

impl<'a> Hop<'a> {
    pub(super) fn new(options: &'a ConnectOptions) -> Self {
        Self {
            options,
            target: Cow::Borrowed(&options.target),
            host: options.host.as_deref(),
            edits: Cow::Borrowed(&options.edits),
            credentials: Cow::Borrowed(&options.credentials),
            challenges: ChallengeState::default(),
            tls: Cow::Borrowed(&options.tls),
            followed: 0,
        }
    }

    /// The header fields that both versions of HTTP send, without Host and before the edits: the
    /// defaults and the credentials.
    pub(super) fn headers(&self) -> Headers {
        let mut headers = self.options.headers.clone();
        let secret = self.credentials.headers(&self.target, &self.challenges);
        for (name, value) in secret.iter() {
            headers.push(name, value);
        }
        headers
    }

    /// Whether the challenge of a 401 can be answered, which the next request then does.
    pub(super) fn answer_challenge(&mut self, response: &Response) -> bool {
        self.challenges.answer(&self.credentials, &self.target, response)
    }
}
