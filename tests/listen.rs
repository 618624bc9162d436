//! `sockeye listen` without a terminal, as its clients and its stdio see it.

mod address;
mod admission;
mod ending;
mod guide;
mod opening;
mod pressure;
mod reply;
mod services;
mod talking;
