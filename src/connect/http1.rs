//! The opening handshake over HTTP/1.1.

use super::{
    error::OpenError, established::Established, outcome::HandshakeOutcome,
    redirect_hop::RedirectHop, request::RequestSummary, step::Step, tracker::Tracker,
};
use crate::{
    known,
    net::{Transport, tls},
    proto::{
        handshake::{Headers, Request, ResponseFault, Version},
        slice::Within,
        upgrade::{ClientUpgrade, UpgradeProgress, key},
    },
    random::nonce,
};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Sends the request and reads the head of the response.
pub(super) async fn handshake(
    hop: &RedirectHop<'_>,
    mut transport: Box<dyn Transport>,
    tracker: &mut Tracker<'_>,
) -> Result<HandshakeOutcome, OpenError> {
    tracker.enter(Step::Handshake);
    let authority = hop.target.authority();
    let mut upgrade = ClientUpgrade::new(request(hop));
    let summary = Box::new(RequestSummary::new(&hop.target, &upgrade.request().headers));
    let head = upgrade.head();
    tracker.report_request(upgrade.request());
    let sent = async {
        transport.write_all(&head).await?;
        transport.flush().await
    };
    // A write error is ignored: the server may have answered before it closed the connection, and
    // its answer gives the reason.
    let _ = sent.await;
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    loop {
        let (n, reset) = match transport.read(&mut buffer).await {
            Ok(n) => (n, false),
            Err(cause) => match tls::late_fault(&cause) {
                Some(fault) => return Err(OpenError::Tls { authority, fault }),
                None => (0, cause.kind() == io::ErrorKind::ConnectionReset),
            },
        };
        if n == 0 {
            return Err(OpenError::HandshakeCut {
                request: summary,
                begun: upgrade.has_begun(),
                reset,
            });
        }
        let answer = upgrade.receive(buffer.within(..n)).map_err(|fault| OpenError::Handshake {
            request: summary.clone(),
            fault: match fault {
                ResponseFault::NotHttp(start) => ResponseFault::NotHttp(known::redact_bytes(start)),
                other => other,
            },
        })?;
        match answer {
            UpgradeProgress::Pending => {}
            UpgradeProgress::Open { agreement, response, rest } => {
                tracker.report_response(&response);
                let carrier = Version::Http11;
                let established = Established { transport, rest, agreement, carrier, authority };
                return Ok(HandshakeOutcome::Open(established, summary, response));
            }
            UpgradeProgress::Status { response, rest } => {
                tracker.report_response(&response);
                return Ok(HandshakeOutcome::Status(transport, summary, response, rest));
            }
        }
    }
}

/// Builds the request: the fields of the handshake, with the user's edits applied last.
fn request(hop: &RedirectHop<'_>) -> Request {
    let target = &*hop.target;
    let mut headers = Headers::default();
    headers.push("Host", hop.host.map_or_else(|| target.host_header(), ToOwned::to_owned));
    for (name, value) in hop.headers().iter() {
        headers.push(name, value);
    }
    headers.push("Upgrade", "websocket");
    headers.push("Connection", "Upgrade");
    headers.push("Sec-WebSocket-Key", key(nonce()));
    headers.edit(&hop.edits);
    Request { version: Version::Http11, target: target.resource.clone(), headers }
}

const READ_BUFFER_BYTES: usize = 4 << 10;
