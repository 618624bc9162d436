//! Lookups of names, shared by the sessions of a dialer.

use crate::net::tcp::{self, Family};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// Name and port.
type Key = (String, u16);

/// Looks names up, each at most once in [`LIFETIME`] as long as its addresses can be reached.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    // A hash map would ask the kernel for random bytes.
    lookups: Mutex<BTreeMap<Key, Arc<Lookup>>>,
}

/// One lookup, which all sessions that need it wait for.
#[derive(Debug)]
struct Lookup {
    started: Instant,
    addresses: OnceCell<Vec<SocketAddr>>,
}

impl Resolver {
    /// Resolves a name at the time `now`.
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

    /// The lookup of a name that is under way or recent, or a new one.
    fn lookup(&self, key: &Key, now: Instant) -> Arc<Lookup> {
        let mut lookups = self.lookups();
        lookups.retain(|_, lookup| now.saturating_duration_since(lookup.started) < LIFETIME);
        let new = || Arc::new(Lookup { started: now, addresses: OnceCell::new() });
        Arc::clone(lookups.entry(key.clone()).or_insert_with(new))
    }

    fn lookups(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Lookup>>> {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses of a name. A lookup is forgotten unless it is confirmed, so that the next attempt
/// resolves the name again.
#[derive(Debug)]
pub(super) struct Resolution<'a> {
    pub(super) addresses: Vec<SocketAddr>,
    lookup: Option<(&'a Resolver, Key)>,
}

impl Resolution<'_> {
    /// Addresses that need no lookup.
    pub(super) fn fixed(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, lookup: None }
    }

    /// One of the addresses was reached: the lookup is kept for its lifetime.
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

/// How long a lookup is used, as in curl.
const LIFETIME: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn known(resolver: &Resolver) -> usize {
        resolver.lookups().len()
    }

    #[tokio::test]
    async fn a_lookup_is_kept_while_its_addresses_are_reached() {
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
        assert_eq!(known(&resolver), 0);
    }

    #[test]
    fn a_lookup_ends_with_its_lifetime() {
        let (resolver, start) = (Resolver::default(), Instant::now());
        let key = ("h".to_owned(), 80);
        let first = resolver.lookup(&key, start);
        assert!(Arc::ptr_eq(&first, &resolver.lookup(&key, start)));
        assert!(!Arc::ptr_eq(&first, &resolver.lookup(&key, start + LIFETIME)));
        assert_eq!(known(&resolver), 1);
    }
}
