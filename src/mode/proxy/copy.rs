//! The copying of bodies between a client and a server.

use crate::proto::{
    body::{BodyDecoder, BodyFraming, CHUNK_END, LAST_CHUNK, MalformedBody, chunk_head},
    slice::Within as _,
};
use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Copies a body, of which `bytes` were read already, in chunks or as it is. Counts the bytes copied.
pub(super) async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    mut bytes: Vec<u8>,
    framing: BodyFraming,
    to: &mut (impl AsyncWrite + Unpin),
    is_chunked: bool,
    copied: &AtomicU64,
) -> Result<(), CopyFault> {
    let mut decoder = BodyDecoder::new(framing);
    let mut buffer = Vec::new();
    loop {
        let mut at = 0;
        while at < bytes.len() && !decoder.is_done() {
            let rest = bytes.within(at..);
            let (used, content) =
                decoder.decode(rest).map_err(|fault| CopyFault::Source(malformed(fault)))?;
            let content = rest.within(content);
            write_part(to, content, is_chunked).await.map_err(CopyFault::Target)?;
            at += used;
            copied.fetch_add(used as u64, Ordering::Relaxed);
        }
        if decoder.is_done() {
            break;
        }
        to.flush().await.map_err(CopyFault::Target)?;
        if buffer.is_empty() {
            buffer = vec![0; COPY_BYTES];
        }
        let read = match from.read(&mut buffer).await {
            // TLS without close_notify is an ordinary end.
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read.map_err(CopyFault::Source)?,
        };
        if read == 0 {
            if decoder.may_end() {
                break;
            }
            return Err(CopyFault::Source(io::ErrorKind::UnexpectedEof.into()));
        }
        bytes = buffer.within(..read).to_vec();
    }
    let end = async {
        if is_chunked {
            to.write_all(LAST_CHUNK).await?;
        }
        to.flush().await
    };
    end.await.map_err(CopyFault::Target)
}

async fn write_part(
    to: &mut (impl AsyncWrite + Unpin),
    content: &[u8],
    is_chunked: bool,
) -> io::Result<()> {
    if !is_chunked || content.is_empty() {
        return to.write_all(content).await;
    }
    to.write_all(&chunk_head(content.len())).await?;
    to.write_all(content).await?;
    to.write_all(CHUNK_END).await
}

/// Why a body was not copied whole.
pub(super) enum CopyFault {
    /// It cannot be read, or is malformed or incomplete.
    Source(io::Error),
    /// It cannot be written.
    Target(io::Error),
}

impl From<CopyFault> for io::Error {
    fn from(fault: CopyFault) -> Self {
        match fault {
            CopyFault::Source(cause) | CopyFault::Target(cause) => cause,
        }
    }
}

pub(super) fn malformed(_: MalformedBody) -> io::Error {
    io::Error::other("the body is malformed")
}

/// The bytes that are copied at a time.
const COPY_BYTES: usize = 16 << 10;
