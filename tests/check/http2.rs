//! A stand-in for servers over HTTP/2 with one defect: it changes the requests to a server without
//! defects, so that it accepts what is wrong or refuses what is right.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2Defect {
    AcceptsAnyProtocol,
    NeedsNoProtocol,
    NeedsNoScheme,
    NeedsNoPath,
    AcceptsAnyVersion,
    AcceptsConnection,
    AcceptsUpperCase,
    RefusesKey,
    RefusesConnect,
}

impl Http2Defect {
    /// Each defect with the checks that find it.
    pub const ALL: &[(Self, &[&str])] = &[
        (Self::AcceptsAnyProtocol, &["version-h2-protocol"]),
        (Self::NeedsNoProtocol, &["version-h2-tunnel"]),
        (Self::NeedsNoScheme, &["version-h2-scheme"]),
        (Self::NeedsNoPath, &["version-h2-path"]),
        (Self::AcceptsAnyVersion, &["version-h2-version"]),
        (Self::AcceptsConnection, &["version-h2-connection"]),
        (Self::AcceptsUpperCase, &["version-h2-name-case"]),
        (Self::RefusesKey, &["version-h2-key"]),
        (Self::RefusesConnect, &["version-chrome", "version-firefox", "version-h2-connect"]),
    ];

    /// Changes the fields of a request.
    fn change(self, fields: &mut Vec<Field>) {
        let has_protocol = fields.iter().any(|(name, _)| name == ":protocol");
        let has_key = fields.iter().any(|(name, _)| name == "sec-websocket-key");
        let mut set = |name: &str, value: &str| {
            fields.retain(|(found, _)| found != name);
            fields.insert(0, (name.to_owned(), value.to_owned()));
        };
        match self {
            Self::AcceptsAnyProtocol if has_protocol => set(":protocol", "websocket"),
            Self::NeedsNoProtocol if !has_protocol => {
                set(":protocol", "websocket");
                set(":scheme", "http");
                set(":path", "/");
            }
            Self::NeedsNoScheme if has_protocol => set(":scheme", "http"),
            Self::NeedsNoPath if has_protocol => set(":path", "/"),
            Self::AcceptsAnyVersion => {
                fields.retain(|(name, _)| name != "sec-websocket-version");
                fields.push(("sec-websocket-version".to_owned(), "13".to_owned()));
            }
            Self::AcceptsConnection => {
                fields.retain(|(name, _)| name != "connection" && name != "upgrade");
            }
            Self::AcceptsUpperCase => {
                for (name, _) in &mut *fields {
                    name.make_ascii_lowercase();
                }
            }
            Self::RefusesKey if has_key => {
                fields.retain(|(name, _)| name != ":path");
            }
            Self::RefusesConnect => {
                let get =
                    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "h")];
                *fields = get.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            }
            _ => {}
        }
    }
}

type Field = (String, String);

/// Starts in front of the server at `plain`, and returns the port. It serves until the process ends.
pub fn start(defect: Http2Defect, plain: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", plain)) else { break };
            for stream in [&client, &server] {
                let _ = stream.set_nodelay(true);
            }
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            thread::spawn(move || {
                // A connection that fails concerns its client only.
                let _ = pass(defect, client, &server);
                let _ = server.shutdown(Shutdown::Write);
            });
        }
    });
    port
}

/// Passes what a client sends, with changed requests.
fn pass(defect: Http2Defect, mut client: TcpStream, mut server: &TcpStream) -> io::Result<()> {
    let mut preface = [0; 24];
    let n = client.read(&mut preface)?;
    server.write_all(&preface[..n])?;
    if !preface.starts_with(b"PRI ") {
        return io::copy(&mut client, &mut server).map(|_| ());
    }
    client.read_exact(&mut preface[n..])?;
    server.write_all(&preface[n..])?;
    loop {
        let mut header = [0; 9];
        client.read_exact(&mut header)?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
        let mut payload = vec![0; length];
        client.read_exact(&mut payload)?;
        let is_request = header[3] == 1;
        let fields = if is_request { literals(&payload) } else { None };
        // Only the requests of checks are literals without a table.
        let fields =
            fields.or_else(|| (is_request && defect == Http2Defect::RefusesConnect).then(Vec::new));
        if let Some(mut fields) = fields {
            defect.change(&mut fields);
            payload.clear();
            for (name, value) in fields {
                payload.push(0);
                for text in [name, value] {
                    payload.push(u8::try_from(text.len()).unwrap());
                    payload.extend(text.as_bytes());
                }
            }
            // END_HEADERS, without padding and priority.
            header[4] = 4;
        }
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        header[..3].copy_from_slice(&length[1..]);
        server.write_all(&[&header[..], &payload].concat())?;
    }
}

/// Reads fields that are literals without a table; `None` if there are others.
fn literals(mut block: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while let [0, rest @ ..] = block {
        block = rest;
        let mut text = || {
            let (length, rest) = block.split_first()?;
            let (text, rest) = rest.split_at_checked(usize::from(*length))?;
            block = rest;
            String::from_utf8(text.to_vec()).ok()
        };
        fields.push((text()?, text()?));
    }
    (block.is_empty() && !fields.is_empty()).then_some(fields)
}
