//! `sockeye listen` without a terminal, as its clients and its stdio see it.

mod address;
mod admission;
mod answers;
mod certificates;
mod crowd;
mod ending;
mod faults;
mod floods;
mod forward;
mod guide;
mod http2;
mod opening;
mod options;
mod pressure;
mod recording;
mod reply;
mod services;
mod talking;
