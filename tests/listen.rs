//! `sockeye listen`, without a terminal: what clients and stdio see of it.

mod address;
mod ending;
mod opening;
mod pressure;
mod talking;
