//! An echo server over the protocol core of the library, with threads and blocking I/O.
//!
//! ```sh
//! cargo run --example websocket_server -- 127.0.0.1:9000
//! ```

#![allow(unreachable_pub, reason = "all of it is private to this example")]

#[allow(dead_code, reason = "the client begins the closing handshake")]
mod blocking;

use blocking::Session;
use sockeye::proto::{
    Role,
    handshake::{Choices, Version, choose},
    request_fault::RequestFault,
    server_upgrade::{ServerUpgrade, encode_acceptance, encode_refusal},
};
use std::{
    env,
    error::Error,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let listener = TcpListener::bind(address)?;
    writeln!(io::stdout(), "listening on ws://{}", listener.local_addr()?)?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(fault) = serve(stream) {
                eprintln!("a session ended: {fault}");
            }
        });
    }
    Ok(())
}

/// Answers the opening handshake of a client, then sends each of its messages back.
pub fn serve(stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let Some(mut session) = accept(stream)? else {
        return Ok(());
    };
    while let Some((kind, payload)) = session.receive()? {
        session.send(kind, &payload)?;
    }
    Ok(())
}

/// Reads a request and accepts or refuses it. `None` if there is no session.
fn accept(mut stream: TcpStream) -> Result<Option<Session>, Box<dyn Error>> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut upgrade = ServerUpgrade::default();
    let mut buffer = [0; 4096];
    let head = loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(None);
        }
        match upgrade.receive(buffer.get(..n).unwrap_or_default()) {
            Ok(Some(head)) => break head,
            Ok(None) => {}
            Err(fault) => return refuse(stream, fault),
        }
    };
    let accept = match head.accept {
        Ok(accept) => accept,
        Err(fault) => return refuse(stream, fault),
    };
    // No subprotocol, and no compression.
    let (_, headers) = choose(&head.request.headers, &Choices::default())?;
    stream.write_all(&encode_acceptance(&accept, &headers))?;
    // A server does not mask, so that it draws no masking keys.
    Ok(Some(Session::new(stream, Role::Server, Box::new(|_| {}), head.rest)))
}

/// Answers a request that breaks a rule.
fn refuse(mut stream: TcpStream, fault: RequestFault) -> Result<Option<Session>, Box<dyn Error>> {
    let (status, headers) = fault.status(Version::Http11);
    stream.write_all(&encode_refusal(status, &headers, &fault.body(), false))?;
    Ok(None)
}
