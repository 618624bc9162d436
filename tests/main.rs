//! The binary against scripted peers, and rules that the code must keep. `cargo test` runs them
//! without further programs; tests that need other programs are in tests/peers/. A test is a
//! conversation: the input of the binary, the actions of its peer, and all of the expected stdout,
//! stderr and status. There is one module per feature.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test each of them is a failure with its place"
)]
#![allow(clippy::format_collect, reason = "thousands of lines are made once")]
#![allow(clippy::duplicate_mod, reason = "examples are included here, and two share a module")]
#![allow(unreachable_pub, reason = "all of it is private to this binary")]

mod support;

mod breaking;
mod check;
mod clock;
mod close;
mod config;
mod conversations;
mod decode;
mod deflate;
mod demo;
mod diagnosis;
mod echo;
mod endless;
mod examples;
mod floods;
mod frames;
mod generated;
mod generated_faults;
mod guides;
mod handshake;
mod har;
mod house;
mod http2;
mod idle;
mod input;
mod interrupt;
mod lenient;
mod lines;
mod listen;
mod output;
mod pipes;
mod proxy;
mod reach;
mod reconnect;
mod record;
mod request;
mod resources;
mod secrets;
mod seeing;
mod show;
mod status;
mod stuck;
mod terminal;
mod tls;
mod trace;
mod transport;
mod usage;
mod violation;
mod write_out;
