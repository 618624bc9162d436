//! The library behind the `sockeye` command.
//!
//! Its core is [`proto`]: the WebSocket protocol (RFC 6455) with permessage-deflate (RFC 7692),
//! without input and output, for clients and servers. A [`Connection`](proto::Connection) takes
//! received bytes and the time; it returns events, the bytes to send and the next deadline. It
//! reads no socket and no clock and waits for nothing, so that whole sessions run in memory:
//!
//! ```
//! use sockeye::proto::{Close, CloseCode, Connection, Event, Kind, Role, Settings};
//! use std::time::{Duration, Instant};
//!
//! /// Carries what `from` has to send to `to`, and lists what `to` makes of it.
//! fn carry(from: &mut Connection, to: &mut Connection, now: Instant) -> Vec<String> {
//!     let mut bytes = from.transmit().to_vec();
//!     from.transmitted(bytes.len(), now);
//!     from.flushed();
//!     to.received(now);
//!     let (mut used, mut seen) = (0, Vec::new());
//!     loop {
//!         let (n, event) = to.receive(now, &mut bytes[used..]);
//!         used += n;
//!         seen.push(match event {
//!             // Long messages arrive in pieces; this one is whole.
//!             Some(Event::Message(piece)) => String::from_utf8_lossy(piece.payload).into_owned(),
//!             Some(Event::Close(close)) => format!("Close {}: {}", close.code, close.reason),
//!             Some(other) => format!("{other:?}"),
//!             None => return seen,
//!         });
//!     }
//! }
//!
//! let settings = Settings {
//!     max_message: 1 << 20,
//!     ping_interval: None,
//!     ping_timeout: None,
//!     idle_timeout: None,
//!     close_timeout: Duration::from_secs(2),
//!     compress_level: 1,
//!     compress_min: 0,
//! };
//! let now = Instant::now();
//! // The source of masking keys. It must be unpredictable outside an example; a server has none.
//! let mut client = Connection::new(Role::Client, settings, Box::new(|keys| keys.fill(7)), now);
//! let mut server = Connection::new(Role::Server, settings, Box::new(|_| {}), now);
//!
//! client.send(Kind::Text, b"Hello")?;
//! assert_eq!(carry(&mut client, &mut server, now), ["Hello"]);
//!
//! let close = Close { code: CloseCode::GOING_AWAY, reason: "maintenance".to_owned() };
//! server.close(&close, now)?;
//! assert_eq!(carry(&mut server, &mut client, now), ["Close 1001: maintenance"]);
//! // The client has answered by itself, as it answers pings.
//! assert_eq!(carry(&mut client, &mut server, now), ["Close 1001: maintenance"]);
//! assert!(client.is_closed() && server.is_closed());
//! // It is the server that ends TCP (RFC 6455, 7.1.1).
//! assert!(server.wants_shutdown() && !client.wants_shutdown());
//! # Ok::<(), sockeye::proto::UsageError>(())
//! ```
//!
//! The opening handshake is there, too: [`proto::upgrade`] for HTTP/1.1, [`proto::extended`] for
//! HTTP/2. `proto` is made to be used by others. The modules above it are the command; they are
//! public for the program and its tests. In this table a module imports only modules below it:
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the command line, parsed and resolved to a job |
//! | [`mode`] | the run modes: client (interactive or pipe), listen, demo, show |
//! | `sink`, `console` | observers of a run; the terminal |
//! | [`job`] | the description of a run: plain data |
//! | [`report`] | diagnostics on stderr |
//! | [`render`] | events to bytes for people and programs |
//! | [`script`] | actions and matchers |
//! | [`schema`] | the schema of JSON Lines |
//! | [`error`] | sentences, hints and exit codes |
//! | [`session`] | the driver: one task owns a transport and a connection |
//! | [`connect`] | a target, or a client, to an open session |
//! | [`net`] | byte streams |
//! | [`sys`] | what only Unix can do: stdin, stdout, signals |
//! | [`random`], [`target`], [`escape`], [`redact`], [`secret`], `wording` | small nouns |
//! | [`proto`] | the WebSocket protocol, sans-IO |

pub mod cli;
pub mod connect;
pub(crate) mod console;
pub mod error;
pub mod escape;
pub mod job;
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
pub mod sys;
pub mod target;
pub(crate) mod wording;
