//! The opening handshake over HTTP/2 (RFC 8441).

use super::{
    error::OpenError, established::Established, outcome::HandshakeOutcome, progress::Progress,
    redirect_hop::RedirectHop, request::RequestSummary, step::Step, tracker::Tracker,
};
use crate::{
    net::{
        Transport,
        http2::{Http2Client, Http2Fault},
        tls,
    },
    proto::{
        extended,
        handshake::{Agreement, Request, Version},
    },
    target::Target,
};

/// Opens a stream with an extended CONNECT and waits for the response.
pub(super) async fn handshake(
    hop: &RedirectHop<'_>,
    transport: Box<dyn Transport>,
    tracker: &mut Tracker<'_>,
) -> Result<HandshakeOutcome, OpenError> {
    let target = &*hop.target;
    let fail = |fault| open_error(target, fault);
    tracker.enter(Step::Settings);
    let mut client = Http2Client::start(transport).await.map_err(fail)?;
    tracker.report(Progress::Settings(client.settings()));
    if !client.supports_extended_connect().await.map_err(fail)? {
        return Err(fail(Http2Fault::NoExtendedConnect));
    }
    tracker.enter(Step::Stream);
    let request = request(hop);
    tracker.report_request(&request);
    let sent = client.request(&request).await.map_err(fail)?;
    tracker.enter(Step::Handshake);
    let (response, mut stream) = client.response(sent).await.map_err(fail)?;
    tracker.report_response(&response);
    let authority = target.authority();
    let summary = Box::new(RequestSummary::new(target, &request.headers));
    let mut validated = extended::validate_response(&request, &response);
    if hop.passed.is_some() && validated.is_err() {
        // The client that has made the request judges what was agreed.
        validated = Ok(Some(Agreement::default()));
    }
    match validated {
        Ok(Some(agreement)) => {
            let rest = stream.take_received();
            let (transport, carrier) = (Box::new(stream), Version::Http2);
            let established = Established { transport, rest, agreement, carrier, authority };
            Ok(HandshakeOutcome::Open(established, summary, response))
        }
        Ok(None) => Ok(HandshakeOutcome::Status(Box::new(stream), summary, response, Vec::new())),
        Err(fault) => Err(OpenError::Handshake { request: summary, fault }),
    }
}

/// Converts a fault of HTTP/2; a TLS failure that caused it takes precedence.
pub(super) fn open_error(target: &Target, fault: Http2Fault) -> OpenError {
    let authority = target.authority();
    if let Http2Fault::Lost(Some(cause)) = &fault
        && let Some(fault) = tls::late_fault(cause)
    {
        return OpenError::Tls { authority, fault };
    }
    OpenError::Http2 { authority, fault }
}

fn request(hop: &RedirectHop<'_>) -> Request {
    let target = &*hop.target;
    let mut headers = hop.headers();
    if hop.passed.is_some() {
        // Over HTTP/2, the key has no meaning (RFC 8441, 5).
        headers.retain(|name, _| !name.eq_ignore_ascii_case("Sec-WebSocket-Key"));
        return extended::request(target.secure, &target.host_header(), &target.resource, &headers);
    }
    if let Some(host) = hop.host {
        headers.push("Host", host);
    }
    headers.edit(&hop.edits);
    extended::request(target.secure, &target.host_header(), &target.resource, &headers)
}
