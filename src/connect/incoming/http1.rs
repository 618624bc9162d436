//! A request over HTTP/1.1: reading its head, and writing the answer.

use super::fault::IncomingFault;
use crate::{
    net::{Transport, end_in_order},
    proto::{
        request_fault::RequestFault,
        server_upgrade::{RequestHead, ServerUpgrade},
        slice::Within,
    },
};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The start of a connection without TLS, or of one for which TLS has selected no protocol.
pub(super) enum Start {
    Head(RequestHead),
    /// The bytes received of a connection preface of HTTP/2, and perhaps after it.
    Http2(Vec<u8>),
}

/// Reads the head of a request, or recognizes HTTP/2.
pub(super) async fn read_start(
    transport: &mut Box<dyn Transport>,
    upgrade: &mut ServerUpgrade,
) -> Result<Start, IncomingFault> {
    let mut buffer = [0; READ_BUFFER_BYTES];
    loop {
        let n = transport.read(&mut buffer).await?;
        if n == 0 {
            let cut = upgrade.has_begun();
            return Err(if cut { IncomingFault::Cut } else { IncomingFault::Unused });
        }
        match upgrade.receive(buffer.within(..n)) {
            Ok(None) => {}
            Ok(Some(head)) => return Ok(Start::Head(head)),
            Err(RequestFault::Http2) => return Ok(Start::Http2(upgrade.take_received())),
            Err(fault) => return Err(IncomingFault::Request(fault)),
        }
    }
}

pub(super) async fn write(transport: &mut Box<dyn Transport>, answer: &[u8]) -> io::Result<()> {
    transport.write_all(answer).await?;
    transport.flush().await
}

/// Writes an answer and ends the connection, so that the client does not lose the answer.
pub(super) async fn write_last(
    transport: &mut Box<dyn Transport>,
    answer: &[u8],
) -> io::Result<()> {
    transport.write_all(answer).await?;
    end_in_order(transport).await
}

/// The number of bytes of a request read at a time.
const READ_BUFFER_BYTES: usize = 2 << 10;
