//! Reaching a server, whatever is in the way.

mod credentials;
mod identity;
mod names;
mod proxies;
mod redirects;
mod times;
mod trust;
