//! The opening handshake over HTTP/2 (RFC 8441).

use super::{Established, HandshakeOutcome, Opening, Progress, Way};
use crate::{
    error::{Asked, Error, Http2Fault, Stage, Step},
    net::{Transport, http2::Client, tls},
    proto::{
        extended,
        handshake::{Request, Version},
    },
    target::Target,
};

pub(super) async fn shake(
    opening: &Opening,
    transport: Box<dyn Transport>,
    way: &mut Way<'_>,
) -> Result<HandshakeOutcome, Error> {
    let target = &opening.target;
    let fail = |fault| failed(target, fault);
    way.enter(Step::Settings);
    let mut client = Client::start(transport).await.map_err(fail)?;
    (way.watch)(Progress::Settings(client.settings()));
    if !client.takes_extended_connect().await.map_err(fail)? {
        return Err(fail(Http2Fault::NoExtendedConnect));
    }
    way.enter(Step::Stream);
    client.ready().await.map_err(fail)?;
    way.enter(Step::Handshake);
    let request = request(opening);
    way.request(&request);
    let (response, mut stream) = client.connect(&request).await.map_err(fail)?;
    way.response(&response);
    let (authority, asked) = (target.authority(), Box::new(Asked::new(target, &request.headers)));
    match extended::judge_answer(&request, &response) {
        Ok(Some(agreed)) => {
            let rest = stream.received();
            let (transport, carrier) = (Box::new(stream), Version::Http2);
            let established = Established { transport, rest, agreed, carrier, authority };
            Ok(HandshakeOutcome::Open(established, asked, response))
        }
        Ok(None) => Ok(HandshakeOutcome::Status(Box::new(stream), asked, response, Vec::new())),
        Err(refusal) => Err(Error::Handshake { asked, refusal }),
    }
}

/// A fault on the way to a session.
pub(super) fn failed(target: &Target, fault: Http2Fault) -> Error {
    let authority = target.authority();
    if let Http2Fault::Lost(Some(cause)) = &fault
        && let Some(fault) = tls::late_fault(cause)
    {
        return Error::Tls { authority, fault };
    }
    Error::Http2 { authority, fault, stage: Stage::Opening }
}

fn request(opening: &Opening) -> Request {
    let target = &opening.target;
    let mut headers = opening.headers();
    if let Some(host) = &opening.host {
        headers.push("Host", host);
    }
    headers.edit(&opening.edits);
    extended::request(target.secure, &target.host_header(), &target.resource, &headers)
}
