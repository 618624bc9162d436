//! The situations of docs/proxy.md: each command is run as it stands there, with addresses of this
//! machine in place of the examples.

use super::start;
use crate::support::{Authority, Test, path_text, server::Server};
use rcgen::SanType;
use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

/// The effects of a documented command.
struct Situation {
    /// A part of the command.
    part: &'static str,
    /// Set if the server uses TLS.
    is_secure: bool,
    /// Set if the client trusts the certificate of the proxy.
    trusts_proxy: bool,
    /// A line of `-v` about the session, at the server.
    server_sees: &'static str,
    /// A line of `-v` about the session, at the client.
    client_sees: &'static str,
}

const USUAL: Situation = Situation {
    part: "",
    is_secure: true,
    trusts_proxy: false,
    server_sees: "GET /asked HTTP/1.1\n",
    client_sees: "HTTP/1.1 101 Switching Protocols\n",
};

const SITUATIONS: [Situation; 10] = [
    Situation { part: "9000 wss://example.com ", ..USUAL },
    Situation {
        part: "wss://9000 localhost:8080 --tls-self-signed",
        is_secure: false,
        trusts_proxy: true,
        ..USUAL
    },
    Situation { part: "--http2", server_sees: ":method: CONNECT\n", ..USUAL },
    Situation { part: "0.0.0.0:9000 ws+unix:", is_secure: false, ..USUAL },
    Situation {
        part: "-H 'Origin: https://example.com'",
        server_sees: "Origin: https://example.com\n",
        ..USUAL
    },
    Situation {
        part: "-H 'Sec-WebSocket-Extensions:'",
        server_sees: ": no compression\n",
        ..USUAL
    },
    Situation { part: "--proxy socks5h://", ..USUAL },
    Situation {
        part: "--response-header",
        client_sees: "Access-Control-Allow-Origin: *\n",
        ..USUAL
    },
    Situation { part: "--fixed-path", server_sees: "GET /v2/socket HTTP/1.1\n", ..USUAL },
    Situation { part: "--output none", is_secure: false, ..USUAL },
];

#[test]
fn each_situation_of_the_guide_works() {
    let page = include_str!("../../docs/proxy.md");
    let block = page.split("Some situations").nth(1).and_then(|rest| rest.split("```").nth(1));
    let commands: Vec<_> = block.expect("a block").lines().skip(1).collect();
    assert_eq!(commands.len(), SITUATIONS.len(), "each command has a test: {commands:#?}");
    for (command, situation) in commands.into_iter().zip(SITUATIONS) {
        assert!(command.contains(situation.part), "{command} has moved: {:?}", situation.part);
        let (command, _) = command.split_once('#').unwrap_or((command, ""));
        situation.play(command.strip_prefix("$ sockeye ").expect("a command of sockeye"));
    }
}

impl Situation {
    /// Runs a command with a server behind the proxy and a client before it.
    fn play(&self, command: &str) {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let ca = path_text(&authority.file());
        let identity = authority.issue_with(|params| {
            let names = ["example.com", "internal.example"];
            params.subject_alt_names =
                names.map(|it| SanType::DnsName(it.try_into().unwrap())).into();
        });
        let [cert, key] = identity.files(&dir).map(|path| path_text(&path));
        let socket = path_text(&dir.path().join("app.sock"));
        let is_unix = command.contains("ws+unix:");
        let address = match (is_unix, self.is_secure) {
            (true, _) => format!("unix:{socket}"),
            (false, true) => "wss://127.0.0.1:0".to_owned(),
            (false, false) => "127.0.0.1:0".to_owned(),
        };
        let secured = ["--cert", &cert, "--key", &key];
        let options = if self.is_secure { &secured[..] } else { &[] };
        let setup = Server::setup([&["listen", &address, "--echo", "-v"], options].concat());
        let (mut server, url) = setup.start_with_url();
        let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
        server.port = port;

        let tunnel = tunnel_to(port).to_string();
        let exported = path_text(&dir.path().join("exported.pem"));
        let mut words = words(command);
        words[1] =
            words[1].replace("9000", if words[1].contains(':') { "0" } else { "127.0.0.1:0" });
        words[2] = match &*words[2] {
            "ws+unix:/run/app.sock:/" => format!("ws+unix:{socket}:/"),
            "localhost:8080" => format!("127.0.0.1:{port}"),
            url => with_port(url, port),
        };
        for word in &mut words[3..] {
            *word = word.replace("localhost:1080", &format!("localhost:{tunnel}"));
            *word = word.replace("ca.pem", &exported);
        }
        let resolved = format!("example.com:{port}:127.0.0.1");
        let mut args: Vec<_> = words.iter().map(|word| &**word).collect();
        if self.is_secure {
            args.extend(["--ca", &ca, "--resolve", &resolved]);
        }
        let (proxy, listening) = start(args);

        let scheme = listening.split(':').next().unwrap();
        let url = format!("{scheme}://127.0.0.1:{}/asked", proxy.port);
        let trusted = ["--ca", &exported];
        Test::new()
            .args(if self.trusts_proxy { &trusted[..] } else { &[] })
            .args(["-v", "-x", "hi", "--count", "1", &url])
            .stdout("hi\n")
            .stderr_has([self.client_sees])
            .run();
        proxy.terminate();
        let told = server.terminate().stderr;
        assert!(told.contains(self.server_sees), "{command}: {:?} in {told}", self.server_sees);
    }
}

/// Splits a command into words, some of them in single quotes.
fn words(command: &str) -> Vec<String> {
    let quoted = command.split('\'').enumerate();
    quoted
        .flat_map(|(number, part)| match number % 2 {
            0 => part.split_whitespace().map(ToOwned::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// Adds a port to the authority of a URL.
fn with_port(url: &str, port: u16) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{host}:{port}{path}")
}

/// Starts a SOCKS proxy that connects whoever asks to this port. Returns its own.
fn tunnel_to(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || -> io::Result<()> {
        let (mut client, _) = listener.accept()?;
        // Version 5, one method: none.
        client.read_exact(&mut [0; 3])?;
        client.write_all(b"\x05\x00")?;
        // A connection to a name.
        let mut head = [0; 5];
        client.read_exact(&mut head)?;
        assert_eq!(head[..4], *b"\x05\x01\x00\x03");
        client.read_exact(&mut vec![0; usize::from(head[4]) + 2])?;
        let mut server = TcpStream::connect(("127.0.0.1", port))?;
        client.write_all(b"\x05\x00\x00\x01\0\0\0\0\0\0")?;
        let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || io::copy(&mut from, &mut to));
        io::copy(&mut server, &mut client)?;
        Ok(())
    });
    own
}
