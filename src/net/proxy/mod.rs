//! Proxies: selection for a target, and tunnels through them.

mod choice;
mod fault;
mod http;
mod server;
mod tunnel;

pub use choice::{NoProxy, ProxyOptions, ProxyVariables};
pub use fault::ProxyFault;
pub use server::{Proxy, ProxyProtocol};
pub use tunnel::Destination;
