//! A client over the protocol core of the library, with blocking I/O: sends the arguments after the
//! address, each as a message, and prints as many answers.
//!
//! ```sh
//! cargo run --example websocket_client -- localhost:9000 hello world
//! ```

#![allow(unreachable_pub, reason = "all of it is private to this example")]

mod blocking;

use blocking::Session;
use sockeye::{
    proto::{
        CloseCode, Kind, Role,
        handshake::{Request, Version},
        headers::Headers,
        upgrade::{self, ClientUpgrade, UpgradeProgress},
    },
    random,
};
use std::{
    env,
    error::Error,
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "localhost:9000".to_owned());
    for answer in talk(&address, &arguments.collect::<Vec<_>>())? {
        writeln!(io::stdout(), "{answer}")?;
    }
    Ok(())
}

/// Sends messages to a server, and returns as many answers.
pub fn talk(address: &str, messages: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut session = open(address)?;
    let mut answers = Vec::new();
    for message in messages {
        session.send(Kind::Text, message.as_bytes())?;
        let (_, payload) = session.receive()?.ok_or("the server closed the session")?;
        answers.push(String::from_utf8_lossy(&payload).into_owned());
    }
    session.close(CloseCode::NORMAL)?;
    // The server may send more until it answers our Close.
    while session.receive()?.is_some() {}
    Ok(answers)
}

/// Connects, and performs the opening handshake.
fn open(address: &str) -> Result<Session, Box<dyn Error>> {
    let mut headers = Headers::default();
    headers.push("Host", address);
    headers.push("Upgrade", "websocket");
    headers.push("Connection", "Upgrade");
    headers.push("Sec-WebSocket-Version", "13");
    headers.push("Sec-WebSocket-Key", upgrade::key(random::nonce()));
    let request = Request { version: Version::Http11, target: "/".to_owned(), headers };
    let mut handshake = ClientUpgrade::new(request);
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&handshake.head())?;
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Err("the server closed the connection during the handshake".into());
        }
        match handshake.receive(buffer.get(..n).unwrap_or_default())? {
            UpgradeProgress::Pending => {}
            UpgradeProgress::Open { rest, .. } => {
                return Ok(Session::new(stream, Role::Client, random::entropy(), rest));
            }
            UpgradeProgress::Status { response, .. } => {
                return Err(format!("the server answered {}", response.status).into());
            }
        }
    }
}
