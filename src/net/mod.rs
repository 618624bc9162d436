//! Byte streams to a host: TCP, Unix sockets, proxies, TLS and HTTP/2, without knowledge of
//! WebSocket messages.

pub mod body;
mod handle;
pub mod http2;
mod linger;
pub mod listener;
pub mod proxy;
pub mod tcp;
pub mod tls;
mod transport;

pub use handle::TransportHandle;
pub use linger::end_in_order;
pub use transport::Transport;
pub(crate) use transport::read_answer;
#[cfg(test)]
pub(crate) use transport::tests::Refusing;
