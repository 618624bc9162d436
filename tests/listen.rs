//! `sockeye listen` without a terminal, as its clients and its stdio see it.

mod address;
mod ending;
mod opening;
mod pressure;
mod talking;
