//! `sockeye listen`, without a terminal: what clients and stdio see of it.

mod address;
mod ending;
mod opening;
mod pressure;
mod server;
mod talking;

use server::LIMIT;
pub use server::{Client, Server};
