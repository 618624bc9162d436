//! The way to a server: names, proxies, TLS, credentials, redirects and timeouts.

mod cookies;
mod credentials;
mod identity;
mod names;
mod proxies;
mod redirects;
mod times;
mod trust;
