//! The opening handshake over HTTP/1.1.

use super::{Established, HandshakeOutcome, Opening, Way};
use crate::{
    error::{Asked, Error, Step},
    net::{Transport, tls},
    proto::{
        handshake::{Headers, Request, Version},
        slice::Within,
        upgrade::{Answer, ClientUpgrade, key},
    },
    random::nonce,
};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub(super) async fn shake(
    opening: &Opening,
    mut transport: Box<dyn Transport>,
    way: &mut Way<'_>,
) -> Result<HandshakeOutcome, Error> {
    way.enter(Step::Handshake);
    let authority = opening.target.authority();
    let mut upgrade = ClientUpgrade::new(request(opening));
    let asked = Box::new(Asked::new(&opening.target, &upgrade.request().headers));
    let head = upgrade.head();
    way.request(upgrade.request());
    let sent = async {
        transport.write_all(&head).await?;
        transport.flush().await
    };
    // If it is refused, the answer that is there already may say why.
    let _ = sent.await;
    let mut buffer = vec![0; READ];
    loop {
        let (n, reset) = match transport.read(&mut buffer).await {
            Ok(n) => (n, false),
            Err(cause) => match tls::late_fault(&cause) {
                Some(fault) => return Err(Error::Tls { authority, fault }),
                None => (0, cause.kind() == io::ErrorKind::ConnectionReset),
            },
        };
        if n == 0 {
            return Err(Error::HandshakeCut { asked, begun: upgrade.has_begun(), reset });
        }
        let answer = upgrade
            .receive(buffer.within(..n))
            .map_err(|refusal| Error::Handshake { asked: asked.clone(), refusal })?;
        match answer {
            Answer::Pending => {}
            Answer::Open { agreed, response, rest } => {
                way.response(&response);
                let carrier = Version::Http11;
                let established = Established { transport, rest, agreed, carrier, authority };
                return Ok(HandshakeOutcome::Open(established, asked, response));
            }
            Answer::Status { response, rest } => {
                way.response(&response);
                return Ok(HandshakeOutcome::Status(transport, asked, response, rest));
            }
        }
    }
}

/// The request: its own headers first, then the user's.
fn request(opening: &Opening) -> Request {
    let target = &opening.target;
    let mut headers = Headers::default();
    headers.push("Host", opening.host.clone().unwrap_or_else(|| target.host_header()));
    for (name, value) in opening.headers().iter() {
        headers.push(name, value);
    }
    headers.push("Upgrade", "websocket");
    headers.push("Connection", "Upgrade");
    headers.push("Sec-WebSocket-Key", key(nonce()));
    headers.edit(&opening.edits);
    Request { version: Version::Http11, target: target.resource.clone(), headers }
}

/// Bytes read at a time.
const READ: usize = 4 << 10;
