//! One step of a redirect chain: a target, with the options that apply to it.

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

/// The first target or the target of a redirect, with the options that apply to its origin.
pub(super) struct RedirectHop<'a> {
    pub(super) options: &'a ConnectOptions,
    pub(super) target: Cow<'a, Target>,
    /// The value of the Host header, if not the target's.
    pub(super) host: Option<&'a str>,
    /// The header fields of the request, except those that belong to the handshake itself.
    pub(super) headers: Cow<'a, Headers>,
    pub(super) edits: Cow<'a, [HeaderEdit]>,
    pub(super) credentials: Cow<'a, Credentials>,
    pub(super) challenges: ChallengeState,
    pub(super) tls: Cow<'a, TlsOptions>,
    pub(super) redirects_followed: usize,
    /// All header fields of the request, if it is passed on for another client.
    pub(super) passed: Option<&'a Headers>,
    /// The secrets that the last redirect withheld from another origin: names of header fields, and
    /// the client certificate.
    pub(super) withheld: Vec<String>,
}

impl<'a> RedirectHop<'a> {
    pub(super) fn new(options: &'a ConnectOptions) -> Self {
        Self {
            options,
            target: Cow::Borrowed(&options.target),
            host: options.host.as_deref(),
            headers: Cow::Borrowed(&options.headers),
            edits: Cow::Borrowed(&options.edits),
            credentials: Cow::Borrowed(&options.credentials),
            challenges: ChallengeState::default(),
            tls: Cow::Borrowed(&options.tls),
            redirects_followed: 0,
            passed: None,
            withheld: Vec::new(),
        }
    }

    /// Returns the header fields common to both HTTP versions: the defaults and the credentials,
    /// without Host and the user's edits.
    pub(super) fn headers(&self) -> Headers {
        if let Some(passed) = self.passed {
            return passed.clone();
        }
        let mut headers = (*self.headers).clone();
        let secret = self.credentials.headers(&self.target, &self.challenges);
        for (name, value) in secret.iter() {
            headers.push(name, value);
        }
        headers
    }

    /// Prepares the answer to an authentication challenge, for the next request; false if there is
    /// none that can be answered.
    pub(super) fn answer_challenge(&mut self, response: &Response) -> bool {
        self.challenges.answer(&self.credentials, &self.target, response)
    }
}
