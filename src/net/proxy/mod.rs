//! Proxies: the choice of one, and a stream through it.

mod choice;
mod fault;
mod http;
mod server;
mod tunnel;

pub use choice::{NoProxy, Proxies, Variables};
pub use fault::ProxyFault;
pub use server::{Protocol, Proxy};
pub use tunnel::Destination;
