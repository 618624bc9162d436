//! The dialer: trusted authorities and lookups, shared by the sessions of a run.

use super::{dial_options::DialOptions, error::OpenError, resolver::Resolver};
use crate::{net::tls::Trust, sys::resources::run_blocking};
use std::{io, sync::Arc};
use tokio::{sync::OnceCell, task::JoinHandle};

/// Opens connections. Clones share the trusted authorities, which are read once, and the results of
/// name lookups. A result is used for up to a minute, by all attempts, redirects, reconnects and
/// sessions; the next attempt repeats a lookup whose addresses could not be reached.
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
    /// Creates a dialer. Authorities are read and names resolved only when needed.
    pub fn new(options: DialOptions) -> Self {
        let (trust, resolver) = (OnceCell::new(), Resolver::default());
        Self { shared: Arc::new(Shared { options, trust, resolver }) }
    }

    /// Returns the options that it was created with.
    pub(crate) fn options(&self) -> &DialOptions {
        &self.shared.options
    }

    pub(super) fn resolver(&self) -> &Resolver {
        &self.shared.resolver
    }

    /// Returns the trusted authorities, read on a blocking thread the first time. A failure is not
    /// cached.
    pub(super) async fn trust(&self) -> Result<Trust, OpenError> {
        let load = || async {
            let options = self.shared.options.trust.clone();
            Ok(run_blocking(move || Trust::load(&options)).await.map_err(failed)??)
        };
        self.shared.trust.get_or_try_init(load).await.cloned()
    }

    /// Starts to read the authorities, which takes milliseconds, while TCP connects.
    pub(super) fn prepare_trust(&self) -> PendingTrust {
        if let Some(trust) = self.shared.trust.get() {
            return PendingTrust::Ready(trust.clone());
        }
        let dialer = self.clone();
        PendingTrust::Loading(tokio::spawn(async move { dialer.trust().await }))
    }
}

/// Trusted authorities that may still be loading.
pub(super) enum PendingTrust {
    Ready(Trust),
    Loading(JoinHandle<Result<Trust, OpenError>>),
}

impl PendingTrust {
    pub(super) async fn wait(self) -> Result<Trust, OpenError> {
        match self {
            Self::Ready(trust) => Ok(trust),
            Self::Loading(task) => task.await.map_err(|cause| failed(io::Error::other(cause)))?,
        }
    }
}

fn failed(cause: io::Error) -> OpenError {
    OpenError::Other { operation: "read the certification authorities", cause }
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
        assert!(matches!(dialer.trust().await, Err(OpenError::Authorities { .. })));
        std::fs::write(file.path(), certified.cert.pem()).unwrap();
        dialer.clone().trust().await.unwrap();
        std::fs::write(file.path(), "").unwrap();
        assert!(matches!(dialer.prepare_trust(), PendingTrust::Ready(_)));
    }
}
