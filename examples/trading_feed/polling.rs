//! HTTP/1.1: a server with kept-alive connections and conditional requests, and clients that poll.

use super::{
    prices::{Feed, Price},
    traffic::{Counted, Traffic},
    ways::{Seen, failed},
};
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    time::{MissedTickBehavior, interval_at, timeout_at},
};

/// The header fields of a client's polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heads {
    /// With the fields that Chromium 156 sends for `fetch("/price", {cache: "no-cache"})`.
    Browser,
    /// With no field that can be left out.
    Shortest,
}

/// Serves the requests of a connection until the client ends it.
pub async fn serve(stream: Counted, prices: watch::Receiver<Price>) -> io::Result<()> {
    let mut exchange = Exchange::new(stream);
    while let Some((head, body)) = exchange.read().await? {
        let answer = if head.starts_with("POST ") {
            let body = accepted(&body);
            let length = body.len();
            format!(
                "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
        } else {
            let Price { number, message } = prices.borrow().clone();
            let tag = format!("\"{number}\"");
            if field(&head, "if-none-match") == Some(&tag) {
                format!("HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n")
            } else {
                let length = message.len();
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: {tag}\r\n\
                     Content-Length: {length}\r\n\r\n{message}"
                )
            }
        };
        exchange.stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Answers an order, by whichever way it came.
pub fn accepted(order: &[u8]) -> String {
    format!(r#"{{"status":"accepted","bytes":{}}}"#, order.len())
}

/// Polls until the end of the feed. `place`, from 0 to 1, is the client's place in the interval.
pub async fn follow(
    stream: Counted,
    feed: Feed,
    heads: Heads,
    host: String,
    place: f64,
) -> io::Result<Seen> {
    let mut exchange = Exchange::new(stream);
    let (mut seen, mut tag) = (Seen::default(), "\"0\"".to_owned());
    let first = feed.start + feed.plan.poll.mul_f64(place);
    let mut turns = interval_at(first.into(), feed.plan.poll);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while timeout_at(feed.end().into(), turns.tick()).await.is_ok() {
        let request = request(heads, &host, &tag);
        exchange.stream.write_all(request.as_bytes()).await?;
        seen.requests += 1;
        let (head, body) = exchange.read().await?.ok_or_else(|| failed("no response"))?;
        if head.starts_with("HTTP/1.1 304 ") {
            seen.empty += 1;
        } else {
            let new = field(&head, "etag").ok_or_else(|| failed("no ETag"))?;
            new.clone_into(&mut tag);
            seen.delays.extend(feed.age(&body));
        }
    }
    exchange.stream.shutdown().await?;
    Ok(seen)
}

/// Sends an order and waits for the answer, `count` times: each on a new connection, or all on one.
pub async fn order(
    connect: impl AsyncFn() -> io::Result<Counted>,
    count: u32,
    host: &str,
    is_kept: bool,
) -> io::Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut kept = if is_kept { Some(Exchange::new(connect().await?)) } else { None };
    for number in 0..count {
        let body = order_text(number);
        let length = body.len();
        let start = Instant::now();
        let mut exchange = match kept.take() {
            Some(exchange) => exchange,
            None => Exchange::new(connect().await?),
        };
        let fields = browser_fields(host);
        let request = format!(
            "POST /orders HTTP/1.1\r\n{fields}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        exchange.stream.write_all(request.as_bytes()).await?;
        exchange.read().await?.ok_or_else(|| failed("no response"))?;
        times.push(start.elapsed());
        if is_kept {
            kept = Some(exchange);
        } else {
            exchange.stream.shutdown().await?;
        }
    }
    if let Some(mut exchange) = kept {
        exchange.stream.shutdown().await?;
    }
    Ok(times)
}

/// Returns the text of an order.
pub fn order_text(number: u32) -> String {
    format!(r#"{{"order":{number},"symbol":"FISH","side":"buy","price":"101.25"}}"#)
}

fn request(heads: Heads, host: &str, tag: &str) -> String {
    let fields = match heads {
        Heads::Browser => format!("{}Cache-Control: max-age=0\r\n", browser_fields(host)),
        Heads::Shortest => format!("Host: {host}\r\n"),
    };
    format!("GET /price HTTP/1.1\r\n{fields}If-None-Match: {tag}\r\n\r\n")
}

/// Returns the fields that the browser adds to a request of a page to its own server.
fn browser_fields(host: &str) -> String {
    format!(
        "Host: {host}\r\nConnection: keep-alive\r\nsec-ch-ua-platform: \"Linux\"\r\n\
         User-Agent: {USER_AGENT}\r\n\
         sec-ch-ua: \"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"\r\nsec-ch-ua-mobile: ?0\r\n\
         Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n\
         Sec-Fetch-Dest: empty\r\nReferer: http://{host}/\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n"
    )
}

pub const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like \
                              Gecko) Chrome/156.0.0.0 Safari/537.36";

/// A connection that carries requests and responses.
struct Exchange {
    stream: Counted,
    buffer: Vec<u8>,
}

impl Exchange {
    fn new(stream: Counted) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Reads a head and its body. `None` if the peer has ended the connection.
    async fn read(&mut self) -> io::Result<Option<(String, Vec<u8>)>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|at| at == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default());
                let head = head.into_owned();
                let length = field(&head, "content-length").map_or(Ok(0), str::parse);
                let length: usize = length.map_err(io::Error::other)?;
                let whole = length.saturating_add(end + 4);
                if length > MAX_BODY_BYTES {
                    return Err(failed("the body is too long"));
                }
                if self.buffer.len() >= whole {
                    let body = self.buffer.drain(..whole).skip(end + 4).collect();
                    return Ok(Some((head, body)));
                }
            } else if self.buffer.len() > MAX_HEAD_BYTES {
                return Err(failed("the head is too long"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Returns the value of a header field. `name` is in lower case.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(it, _)| it.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim())
}

/// Connects to a server, and counts the bytes.
pub async fn connect(address: &str, traffic: &Arc<Traffic>) -> io::Result<Counted> {
    Counted::new(TcpStream::connect(address).await?, traffic)
}

const MAX_HEAD_BYTES: usize = 16 << 10;
const MAX_BODY_BYTES: usize = 64 << 10;
