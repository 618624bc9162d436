//! WebSocket: a server that sends each price to all clients, and clients that wait for them.

use super::{
    polling::{USER_AGENT, accepted, order_text},
    prices::{Feed, Price},
    traffic::Counted,
    ways::{Seen, failed},
};
use sockeye::{
    connect::incoming::Incoming,
    proto::{
        Close, CloseCode, Connection, Event, Kind, Role, Settings,
        handshake::{Choices, Request, Version},
        headers::Headers,
        upgrade::{self, ClientUpgrade, UpgradeProgress},
    },
    random,
    session::Session,
};
use std::{
    io,
    num::NonZeroUsize,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
    time::timeout_at,
};

const SETTINGS: Settings = Settings {
    lenient: false,
    max_message: 64 << 10,
    ping_interval: None,
    ping_timeout: None,
    idle_timeout: None,
    close_timeout: Duration::from_secs(2),
    fragment: NonZeroUsize::MAX,
    compress_level: 1,
    compress_min: 0,
};

/// Opens a client's session, sends it each price and answers its orders until it leaves.
pub async fn serve(stream: Counted, mut prices: watch::Receiver<Price>) -> io::Result<()> {
    let incoming = Incoming::read(Box::new(stream), "a client".to_owned(), HANDSHAKE_LIMIT);
    let incoming = incoming.await.map_err(io::Error::other)?;
    let established = incoming.answer(&Choices::default()).await.map_err(io::Error::other)?;
    let mut session = Session::server(established, SETTINGS, random::entropy());
    while !session.is_over() {
        let mut answers = Vec::new();
        while let Some(event) = session.next_event() {
            // Orders are short, and arrive in one piece.
            if let Event::Message(piece) = event {
                answers.push(accepted(piece.payload));
            }
        }
        for answer in answers {
            session.send(Kind::Text, answer.as_bytes()).map_err(io::Error::other)?;
        }
        tokio::select! {
            () = session.progress(true) => {}
            Ok(()) = prices.changed(), if session.is_open() => {
                let message = prices.borrow_and_update().message.clone();
                session.send(Kind::Text, message.as_bytes()).map_err(io::Error::other)?;
            }
        }
    }
    Ok(())
}

/// Receives each price of the feed.
pub async fn follow(stream: Counted, feed: Feed, host: String) -> io::Result<Seen> {
    let mut client = Client::open(stream, &host).await?;
    let mut seen = Seen { requests: 1, ..Seen::default() };
    let limit = feed.end() + PATIENCE;
    while (seen.delays.len() as u64) < feed.changes() {
        let message = timeout_at(limit.into(), client.receive()).await??;
        let message = message.ok_or_else(|| failed("the session ended"))?;
        seen.delays.extend(feed.age(&message));
    }
    client.close().await?;
    Ok(seen)
}

/// Sends an order and waits for the answer, `count` times.
pub async fn order(stream: Counted, count: u32, host: &str) -> io::Result<Vec<Duration>> {
    let mut client = Client::open(stream, host).await?;
    let mut times = Vec::new();
    for number in 0..count {
        let start = Instant::now();
        client.send(&order_text(number)).await?;
        client.receive().await?.ok_or_else(|| failed("the session ended"))?;
        times.push(start.elapsed());
    }
    client.close().await?;
    Ok(times)
}

/// A client's session.
struct Client {
    stream: Counted,
    connection: Connection,
    input: Vec<u8>,
}

impl Client {
    /// Performs the opening handshake, with the fields that Chromium sends.
    async fn open(mut stream: Counted, host: &str) -> io::Result<Self> {
        let mut headers = Headers::default();
        for (name, value) in [
            ("Host", host),
            ("Connection", "Upgrade"),
            ("Pragma", "no-cache"),
            ("Cache-Control", "no-cache"),
            ("User-Agent", USER_AGENT),
            ("Upgrade", "websocket"),
            ("Origin", &format!("http://{host}")),
            ("Sec-WebSocket-Version", "13"),
            ("Accept-Encoding", "gzip, deflate, br, zstd"),
            ("Accept-Language", "en-US,en;q=0.9"),
            ("Sec-WebSocket-Key", &upgrade::key(random::nonce())),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        ] {
            headers.push(name, value);
        }
        let request = Request { version: Version::Http11, target: "/feed".to_owned(), headers };
        let mut handshake = ClientUpgrade::new(request);
        stream.write_all(&handshake.head()).await?;
        loop {
            let mut bytes = Vec::new();
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(failed("no response"));
            }
            match handshake.receive(&bytes).map_err(io::Error::other)? {
                UpgradeProgress::Pending => {}
                UpgradeProgress::Open { rest, .. } => {
                    let (role, now) = (Role::Client, Instant::now());
                    let connection = Connection::new(role, SETTINGS, random::entropy(), now);
                    return Ok(Self { stream, connection, input: rest });
                }
                UpgradeProgress::Status { response, .. } => {
                    return Err(failed(&format!("the server answered {}", response.status)));
                }
            }
        }
    }

    async fn send(&mut self, text: &str) -> io::Result<()> {
        self.connection.send(Kind::Text, text.as_bytes()).map_err(io::Error::other)?;
        self.write().await
    }

    /// Waits for the next message. `None` once the session has ended. Cancel-safe: while it waits
    /// for bytes, everything is written.
    async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let (used, event) = self.connection.receive(Instant::now(), &mut self.input);
            // The messages are short, and arrive in one piece.
            let (message, is_idle) = match event {
                Some(Event::Message(piece)) => (Some(piece.payload.to_vec()), false),
                other => (None, other.is_none()),
            };
            self.input.drain(..used);
            if message.is_some() {
                return Ok(message);
            }
            if is_idle {
                self.write().await?;
                if self.stream.read_buf(&mut self.input).await? == 0 {
                    return Ok(None);
                }
                self.connection.received(Instant::now());
            }
        }
    }

    /// Performs the closing handshake, and waits for the server to end the connection.
    async fn close(&mut self) -> io::Result<()> {
        let close = Close { code: CloseCode::NORMAL, reason: String::new() };
        self.connection.close(&close, Instant::now()).map_err(io::Error::other)?;
        self.write().await?;
        while self.receive().await?.is_some() {}
        Ok(())
    }

    async fn write(&mut self) -> io::Result<()> {
        while !self.connection.transmit().is_empty() {
            let written = self.stream.write(self.connection.transmit()).await?;
            self.connection.transmitted(written, Instant::now());
        }
        self.connection.flushed();
        Ok(())
    }
}

/// The time after the end of the feed for which a client waits for the last price.
const PATIENCE: Duration = Duration::from_secs(10);
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
