//! The library behind the `sockeye` command.
//!
//! Its core is [`proto`]: the WebSocket protocol (RFC 6455) with permessage-deflate (RFC 7692) for
//! clients and servers, without I/O. A [`Connection`](proto::Connection) takes received bytes and
//! the time; it returns events, the bytes to send and the next deadline. It reads no socket and no
//! clock and never waits, so that whole sessions can run in memory:
//!
//! ```
//! use sockeye::proto::{Close, CloseCode, Connection, Event, Kind, Role, Settings};
//! use std::{num::NonZeroUsize, time::{Duration, Instant}};
//!
//! /// Transfers the pending bytes of `from` to `to`, and returns the events of `to`.
//! fn transfer(from: &mut Connection, to: &mut Connection, now: Instant) -> Vec<String> {
//!     let mut bytes = from.transmit().to_vec();
//!     from.transmitted(bytes.len(), now);
//!     from.flushed();
//!     to.received(now);
//!     let (mut used, mut seen) = (0, Vec::new());
//!     loop {
//!         let (n, event) = to.receive(now, &mut bytes[used..]);
//!         used += n;
//!         seen.push(match event {
//!             // Long messages arrive in several pieces, this one in a single piece.
//!             Some(Event::Message(piece)) => String::from_utf8_lossy(piece.payload).into_owned(),
//!             Some(Event::Close(close)) => format!("Close {}: {}", close.code, close.reason),
//!             Some(other) => format!("{other:?}"),
//!             None => return seen,
//!         });
//!     }
//! }
//!
//! let settings = Settings {
//!     lenient: false,
//!     max_message: 1 << 20,
//!     ping_interval: None,
//!     ping_timeout: None,
//!     idle_timeout: None,
//!     close_timeout: Duration::from_secs(2),
//!     fragment: NonZeroUsize::MAX,
//!     compress_level: 1,
//!     compress_min: 0,
//! };
//! let now = Instant::now();
//! // The source of masking keys must be unpredictable outside examples. A server does not use it.
//! let mut client = Connection::new(Role::Client, settings, Box::new(|keys| keys.fill(7)), now);
//! let mut server = Connection::new(Role::Server, settings, Box::new(|_| {}), now);
//!
//! client.send(Kind::Text, b"Hello")?;
//! assert_eq!(transfer(&mut client, &mut server, now), ["Hello"]);
//!
//! let close = Close { code: CloseCode::GOING_AWAY, reason: "maintenance".to_owned() };
//! server.close(&close, now)?;
//! assert_eq!(transfer(&mut server, &mut client, now), ["Close 1001: maintenance"]);
//! // The connection answers a Close automatically, as it answers pings.
//! assert_eq!(transfer(&mut client, &mut server, now), ["Close 1001: maintenance"]);
//! assert!(client.is_closed() && server.is_closed());
//! // The server closes TCP first (RFC 6455, 7.1.1).
//! assert!(server.wants_shutdown() && !client.wants_shutdown());
//! # Ok::<(), sockeye::proto::UsageError>(())
//! ```
//!
//! `examples/websocket_server.rs` and `examples/websocket_client.rs` drive a connection with blocking I/O.
//!
//! The opening handshake is in [`proto::upgrade`] for HTTP/1.1 and in [`proto::extended`] for
//! HTTP/2. Only `proto` is designed for use by other programs. The other modules implement the
//! command; they are public for the program and its tests. A module imports only modules below it
//! in this table:
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the command line, parsed and resolved to a job |
//! | [`mode`] | the run modes: client (interactive or pipe), listen, check, demo, show |
//! | `sink`, `console` | observers of a run; the terminal |
//! | [`job`] | the description of a run, as plain data |
//! | [`report`] | diagnostics on stderr |
//! | [`render`] | the formatting of events, for people and programs |
//! | [`script`] | actions and matchers |
//! | [`schema`] | the schema of JSON Lines |
//! | [`error`] | error messages, hints and exit codes |
//! | [`session`] | the driver: a task that owns a transport and a connection |
//! | [`connect`] | the opening of sessions: to a target, or from an accepted client |
//! | [`net`] | byte streams |
//! | [`sys`] | operating system interfaces: stdin, stdout, signals |
//! | [`stored`] | long messages in temporary files |
//! | [`random`], [`target`], [`escape`], [`redact`], [`secret`], `wording` | small types used throughout |
//! | [`known`] | the secrets of this run |
//! | [`proto`] | the WebSocket protocol, sans-IO |

pub mod cli;
pub mod connect;
pub(crate) mod console;
pub mod decode;
pub mod error;
pub mod escape;
#[cfg(any(test, fuzzing))]
#[allow(clippy::similar_names, reason = "a decoder and what it has decoded")]
pub mod fuzzing;
pub mod job;
pub mod known;
pub mod mode;
pub mod net;
pub mod proto;
pub mod random;
pub mod redact;
pub mod render;
pub mod report;
pub mod schema;
pub mod script;
pub mod secret;
pub mod session;
pub(crate) mod sink;
pub mod stored;
pub mod sys;
pub mod target;
pub(crate) mod wording;
