//! Messages that the prompt of a server sends repeatedly.

use super::super::hub::{Delivery, Recipients};
use crate::{
    proto::SharedMessage,
    script::{addressee::Addressee, repeats::Repeated},
};
use std::sync::Arc;

/// A message for clients, encoded once.
#[derive(Clone, Debug)]
pub(super) struct RepeatedMessage {
    pub(super) to: Addressee,
    pub(super) message: Arc<SharedMessage>,
}

impl RepeatedMessage {
    /// Returns the recipients and the delivery for them.
    pub(super) fn delivery(&self) -> (Recipients, Delivery) {
        let recipients = match self.to {
            Addressee::All => Recipients::All,
            Addressee::Client(id) => Recipients::Only(vec![id]),
        };
        (recipients, Delivery::Message(Arc::clone(&self.message)))
    }
}

impl Repeated for RepeatedMessage {
    fn source(&self) -> &[u8] {
        self.message.payload()
    }

    fn addressee(&self) -> Option<Addressee> {
        Some(self.to)
    }
}
