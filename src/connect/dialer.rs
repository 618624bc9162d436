//! The resources that the sessions of a run share.

use super::{dial_options::DialOptions, error::OpenError, resolver::Resolver};
use crate::net::tls::Trust;
use std::{io, sync::Arc};
use tokio::{sync::OnceCell, task::JoinHandle};

/// Makes streams to targets. Clones share the trusted authorities, which are read once, and the
/// lookups of names, each of which is used for up to a minute: by the attempts and redirects of one
/// opening, by reconnecting and by any number of sessions. A lookup whose addresses cannot be
/// reached is repeated by the next attempt.
#[derive(Clone, Debug)]
pub struct Dialer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: DialOptions,
    trust: OnceCell<Trust>,
    resolver: Resolver,
}

impl Dialer {
    /// Creates a dialer. Nothing is read or resolved before it is needed.
    pub fn new(options: DialOptions) -> Self {
        let (trust, resolver) = (OnceCell::new(), Resolver::default());
        Self { shared: Arc::new(Shared { options, trust, resolver }) }
    }

    pub(super) fn options(&self) -> &DialOptions {
        &self.shared.options
    }

    pub(super) fn resolver(&self) -> &Resolver {
        &self.shared.resolver
    }

    /// The trusted authorities, read on a thread of their own the first time.
    pub(super) async fn trust(&self) -> Result<Trust, OpenError> {
        let load = || async {
            let options = self.shared.options.trust.clone();
            let read = tokio::task::spawn_blocking(move || Trust::load(&options)).await;
            Ok(read.map_err(unread)??)
        };
        self.shared.trust.get_or_try_init(load).await.cloned()
    }

    /// Begins to read the authorities, which takes milliseconds, while TCP connects.
    pub(super) fn prepare_trust(&self) -> PendingTrust {
        if let Some(trust) = self.shared.trust.get() {
            return PendingTrust::Ready(trust.clone());
        }
        let dialer = self.clone();
        PendingTrust::Reading(tokio::spawn(async move { dialer.trust().await }))
    }
}

/// Authorities that may still be read.
pub(super) enum PendingTrust {
    Ready(Trust),
    Reading(JoinHandle<Result<Trust, OpenError>>),
}

impl PendingTrust {
    pub(super) async fn wait(self) -> Result<Trust, OpenError> {
        match self {
            Self::Ready(trust) => Ok(trust),
            Self::Reading(task) => task.await.map_err(unread)?,
        }
    }
}

fn unread(cause: tokio::task::JoinError) -> OpenError {
    OpenError::Other { doing: "read the certification authorities", cause: io::Error::other(cause) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::TrustOptions;

    #[tokio::test]
    async fn clones_read_the_authorities_once() {
        let certified = rcgen::generate_simple_self_signed(vec!["h".to_owned()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let authorities = vec![file.path().to_owned()];
        let trust = TrustOptions { authorities, ..TrustOptions::default() };
        let dialer = Dialer::new(DialOptions { trust, ..DialOptions::default() });
        // A failure is not kept.
        assert!(matches!(dialer.trust().await, Err(OpenError::Authorities { .. })));
        std::fs::write(file.path(), certified.cert.pem()).unwrap();
        dialer.clone().trust().await.unwrap();
        std::fs::write(file.path(), "").unwrap();
        assert!(matches!(dialer.prepare_trust(), PendingTrust::Ready(_)));
    }
}
