//! The end of a connection whose peer may still be sending.

use super::transport::Transport;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

/// Ends our direction of a byte stream, and discards what the peer still sends for a while: closing
/// a connection with unread data resets it, and the peer may lose what was sent to it. Fails if our
/// direction cannot be ended.
pub async fn end_in_order(transport: &mut Box<dyn Transport>) -> io::Result<()> {
    transport.shutdown().await?;
    let discard = async {
        let (mut buffer, mut left) = ([0; READ_BUFFER_BYTES], DISCARDED_BYTES);
        while left > 0 {
            match transport.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => left = left.saturating_sub(n),
            }
        }
    };
    // Our direction has ended, whatever becomes of the other one.
    let _ = timeout(LINGER, discard).await;
    Ok(())
}

/// The number of bytes read at a time.
const READ_BUFFER_BYTES: usize = 2 << 10;
/// The time for which data is discarded.
const LINGER: Duration = Duration::from_secs(1);
/// The greatest number of bytes that are discarded.
const DISCARDED_BYTES: usize = 2 << 20;
