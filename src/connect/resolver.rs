//! Name lookups, shared by the sessions of a dialer.

use crate::net::tcp::{self, Family};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// Host name in lower case, and port.
type Key = (String, u16);

/// Resolves names, each at most once per [`LOOKUP_LIFETIME`] while its addresses are reachable.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    // A hash map would request random bytes from the kernel.
    lookups: Mutex<BTreeMap<Key, Arc<Lookup>>>,
}

/// A lookup in progress or finished. Concurrent sessions wait for the same one.
#[derive(Debug)]
struct Lookup {
    started: Instant,
    addresses: OnceCell<Vec<SocketAddr>>,
}

impl Resolver {
    /// Resolves a name, unless a lookup is recent at the time `now`.
    pub(super) async fn resolve(
        &self,
        host: &str,
        port: u16,
        family: Family,
        now: Instant,
    ) -> io::Result<Resolution<'_>> {
        let key = (host.to_ascii_lowercase(), port);
        let lookup = self.lookup(&key, now);
        let found = lookup.addresses.get_or_try_init(|| tcp::resolve(host, port, family)).await?;
        Ok(Resolution { addresses: found.clone(), lookup: Some((self, key)) })
    }

    /// Returns the lookup in progress or recent, or a new one.
    fn lookup(&self, key: &Key, now: Instant) -> Arc<Lookup> {
        let mut lookups = self.lookups();
        lookups.retain(|_, lookup| now.saturating_duration_since(lookup.started) < LOOKUP_LIFETIME);
        let new = || Arc::new(Lookup { started: now, addresses: OnceCell::new() });
        Arc::clone(lookups.entry(key.clone()).or_insert_with(new))
    }

    fn lookups(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Lookup>>> {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses of a name. Dropping it unconfirmed discards the lookup, so that the next attempt
/// resolves the name again.
#[derive(Debug)]
pub(super) struct Resolution<'a> {
    pub(super) addresses: Vec<SocketAddr>,
    lookup: Option<(&'a Resolver, Key)>,
}

impl Resolution<'_> {
    /// Creates a resolution that needs no lookup.
    pub(super) fn fixed(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, lookup: None }
    }

    /// Keeps the lookup for its lifetime, because one of the addresses was reached.
    pub(super) fn confirm(mut self) {
        self.lookup = None;
    }
}

impl Drop for Resolution<'_> {
    fn drop(&mut self) {
        if let Some((resolver, key)) = &self.lookup {
            resolver.lookups().remove(key);
        }
    }
}

/// The time during which the result of a lookup is reused, the same as in curl.
const LOOKUP_LIFETIME: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup_count(resolver: &Resolver) -> usize {
        resolver.lookups().len()
    }

    #[tokio::test]
    async fn a_lookup_is_kept_only_if_confirmed() {
        let (resolver, start) = (Resolver::default(), Instant::now());
        let key = ("h".to_owned(), 80);
        let address: SocketAddr = "127.0.0.1:80".parse().unwrap();
        resolver.lookup(&key, start).addresses.set(vec![address]).unwrap();
        let found = resolver.resolve("H", 80, Family::Any, start).await.unwrap();
        assert_eq!(found.addresses, [address]);
        found.confirm();
        let later = start + Duration::from_secs(59);
        let found = resolver.resolve("h", 80, Family::Any, later).await.unwrap();
        assert_eq!(found.addresses, [address]);
        drop(found);
        assert_eq!(lookup_count(&resolver), 0);
    }

    #[test]
    fn a_lookup_expires() {
        let (resolver, start) = (Resolver::default(), Instant::now());
        let key = ("h".to_owned(), 80);
        let first = resolver.lookup(&key, start);
        assert!(Arc::ptr_eq(&first, &resolver.lookup(&key, start)));
        assert!(!Arc::ptr_eq(&first, &resolver.lookup(&key, start + LOOKUP_LIFETIME)));
        assert_eq!(lookup_count(&resolver), 1);
    }
}
