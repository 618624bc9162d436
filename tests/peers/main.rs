//! The binary with other programs: servers, clients, gateways, proxies, a browser. `cargo test`
//! leaves these tests out. `make test` installs the programs and runs them; so does `cargo test
//! --test peers` once they are installed. A missing program is a failure, not a skip.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test each of them is a failure with its place"
)]
#![allow(clippy::format_collect, reason = "thousands of lines are made once")]
#![allow(unreachable_pub, reason = "all of it is private to this binary")]

mod chromium;
mod programs;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests against scripted peers use all of it")]
mod support;

mod browser;
mod check;
mod completions;
mod conversations;
mod deflate;
mod diagnosis;
mod echo;
mod examples;
mod gateways;
mod guides;
mod http2;
mod listen;
mod openssl;
mod proxies;
mod proxy;
mod wscat;
