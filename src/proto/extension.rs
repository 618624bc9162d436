//! Extensions: the grammar of `Sec-WebSocket-Extensions` (RFC 6455, 9.1) and the negotiation of
//! permessage-deflate (RFC 7692, 7.1).
//!
//! | module | holds |
//! | --- | --- |
//! | [`list`] | the grammar of the header |
//! | [`params`] | the parameters of permessage-deflate and their negotiation |
//! | [`offers`] | the user's offers, and a server's choice |
//! | [`answer`] | the client's validation of a response |

pub mod answer;
pub mod list;
pub mod offers;
pub mod params;

pub use answer::{ExtensionFault, validate};
pub use list::{Extension, parse, parse_fields};
pub use offers::{OfferFault, Offers};
pub use params::{BadParam, Deflate, MAX_BITS, MIN_BITS, ParamFault, Params, Side};

#[cfg(test)]
mod tests;
