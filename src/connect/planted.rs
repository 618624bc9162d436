//! A byte stream that replaces the network in a test.

use super::Dialer;
use crate::net::Transport;
use std::cell::RefCell;

thread_local! {
    static STREAM: RefCell<Option<Box<dyn Transport>>> = const { RefCell::new(None) };
}

/// Makes the next attempt of this thread to open a session use a stream.
pub(crate) fn plant(stream: Box<dyn Transport>) {
    STREAM.set(Some(stream));
}

pub(super) fn take() -> Option<Box<dyn Transport>> {
    STREAM.take()
}

/// Loads the trusted authorities, for which a runtime in virtual time would not wait.
pub(crate) fn load_trust(dialer: &Dialer) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(dialer.trust()).unwrap();
}
