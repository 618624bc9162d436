//! An accepted stream to an open session: the server's side of [`connect`](crate::connect).

use crate::{
    connect::{Opened, Timing},
    proto::{
        handshake::{Choices, Request, Version},
        upgrade::{Asked, ServerUpgrade},
    },
    sys::unix::tune,
};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Answers the opening handshake of a client. An error says why there is no session; the client
/// has been told, if it could be.
pub async fn accept(
    mut stream: TcpStream,
    peer: SocketAddr,
    choices: &Choices,
) -> io::Result<(Opened, Request)> {
    // Worth having, not worth failing for.
    let _ = tune(&stream);
    let mut upgrade = ServerUpgrade::new(choices.clone());
    let handshake = async {
        let mut buffer = vec![0; READ];
        loop {
            let n = stream.read(&mut buffer).await?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match upgrade.receive(buffer.get(..n).unwrap_or_default()) {
                Asked::Pending => {}
                Asked::Open { request, agreed, response, rest } => {
                    stream.write_all(&response).await?;
                    return Ok((request, agreed, rest));
                }
                Asked::Refused { fault, response } => {
                    stream.write_all(&response).await?;
                    stream.shutdown().await?;
                    return Err(io::Error::other(format!("{fault:?}")));
                }
            }
        }
    };
    let (request, agreed, rest) =
        timeout(LIMIT, handshake).await.map_err(|_| io::ErrorKind::TimedOut)??;
    let opened = Opened {
        transport: Box::new(stream),
        rest,
        agreed,
        authority: peer.to_string(),
        url: String::new(),
        address: Some(peer),
        carrier: Version::Http11,
        tls: None,
        asked: None,
        answer: None,
        timing: Timing::default(),
    };
    Ok((opened, request))
}

/// Bytes read at a time.
const READ: usize = 4 << 10;
/// A client that does not finish its handshake must not stay.
const LIMIT: Duration = Duration::from_secs(10);
