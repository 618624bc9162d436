//! Connections over an in-memory wire, from the first byte of TLS on: what a test with generated
//! faults opens.

use super::{End, FaultKind, OwnedEvent, PlannedFault, Player, SETTINGS, entropy};
use crate::{
    connect::{
        ClientConnection, ConnectOptions, DialOptions, Dialer, Http, Limits, OpenError,
        credentials::Credentials,
        incoming::{Arrival, HANDSHAKE_LIMIT, Rejection},
        planted,
    },
    net::{
        Transport,
        tls::{Identity, TlsOptions, TrustOptions, server::ServerTls},
    },
    proto::{
        Close, CloseCode, Kind, Role, Settings,
        extension::Offers,
        handshake::{Choices, Headers},
    },
    session::Session,
    target::Target,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::{num::NonZeroUsize, time::Duration};

/// The layers between a session and TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Http1,
    /// HTTP/1.1 with compressed messages.
    Deflate,
    Tls,
    Http2,
    Http2Tls,
}

impl Carrier {
    pub(crate) fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Http2Tls)
    }

    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    /// Returns the offers of the client, which are also what the server supports.
    fn offers(self) -> Option<Offers> {
        (self == Self::Deflate).then(Offers::default)
    }

    pub(crate) fn choices(self) -> Choices {
        Choices { compress: self.offers(), ..Choices::default() }
    }
}

/// The end that closes the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closer {
    /// The end that speaks.
    Speaker,
    /// The end under test, once it has received all messages.
    Tested,
}

/// Each kind of fault. The delay is shorter than every time limit.
const KINDS: [FaultKind; 5] = [
    FaultKind::Cut,
    FaultKind::Reset,
    FaultKind::Stall,
    FaultKind::Delay(Duration::from_secs(1)),
    FaultKind::Split,
];

/// Returns the faults of a conversation in which the client and the server write so many bytes: each
/// kind in each direction at every `stride`th byte. The kinds begin at different bytes, so that
/// together they reach more of them.
pub(crate) fn faults(written: (u64, u64), stride: usize) -> impl Iterator<Item = PlannedFault> {
    [(Role::Client, written.0), (Role::Server, written.1)].into_iter().flat_map(
        move |(writer, bytes)| {
            KINDS.into_iter().enumerate().flat_map(move |(index, kind)| {
                let first = (index * stride / KINDS.len()) as u64;
                (first..=bytes).step_by(stride).map(move |at| PlannedFault { writer, at, kind })
            })
        },
    )
}

/// Returns the distance of faults in bytes: `usual`, or one if `SOCKEYE_FAULTS` is `all`.
pub(crate) fn stride(usual: usize) -> usize {
    match std::env::var("SOCKEYE_FAULTS").as_deref() {
        Ok("all") => 1,
        _ => usual,
    }
}

/// Fails with the first of the unexpected outcomes of faults.
pub(crate) fn assert_all(
    (carrier, closer): (Carrier, Closer),
    outcomes: impl IntoIterator<Item = Result<(), String>>,
) {
    let (mut all, mut wrong) = (0, Vec::new());
    for outcome in outcomes {
        all += 1;
        wrong.extend(outcome.err());
    }
    let shown = wrong.iter().take(10).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{carrier:?}, {closer:?}: {} of {all} faults:\n{shown}", wrong.len());
    // Shown with --nocapture.
    println!("{carrier:?}, closed by {closer:?}: {all} faults");
}

impl FaultKind {
    /// Reports whether every byte arrives, and in time.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(self, Self::Delay(_) | Self::Split)
    }
}

/// The messages of the end that speaks. The second is sent in fragments.
pub(crate) fn messages() -> [String; 3] {
    ["alpha".to_owned(), "long ".repeat(60), "omega".to_owned()]
}

/// Speaks with the end under test: greets, waits for its messages, continues, and closes or answers the
/// Close. A network that fails ends it early. `mark` is told of the end of each step: the opening
/// handshake, each message, and the Close.
pub(crate) async fn speak(
    session: Session,
    expected: &[&str],
    closer: Closer,
    mut mark: impl FnMut(),
) {
    let mut speaker = Player::new(session);
    let mut heard = speaker.idle(MOMENT).await;
    mark();
    for (number, message) in messages().into_iter().enumerate() {
        if number == 1 {
            let _ = speaker.session.ping(b"there?");
            while texts(&heard).len() < expected.len() {
                match speaker.next().await {
                    None => return,
                    Some(event) => heard.push(event),
                }
            }
            assert_eq!(texts(&heard), expected);
        }
        if speaker.session.send(Kind::Text, message.as_bytes()).is_err() {
            return;
        }
        speaker.session.write().await;
        // The task of an HTTP/2 connection writes what its streams have written.
        tokio::task::yield_now().await;
        mark();
        heard.extend(speaker.idle(MOMENT).await);
    }
    if closer == Closer::Tested {
        speaker.finish().await;
        tokio::task::yield_now().await;
        mark();
    } else if speaker.session.close(&Close::new(CloseCode::NORMAL)).is_ok() {
        speaker.session.write().await;
        tokio::task::yield_now().await;
        mark();
        speaker.finish().await;
    }
}

fn texts(heard: &[OwnedEvent]) -> Vec<&str> {
    heard.iter().filter_map(text).collect()
}

fn text(event: &OwnedEvent) -> Option<&str> {
    match event {
        OwnedEvent::Message(Kind::Text, text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// The steps of a conversation over a network without faults. Until its fault, another network is the
/// same to the byte.
pub(crate) struct Steps {
    /// The number of bytes that the speaker had written after each step.
    pub(crate) ends: Vec<u64>,
    /// The number of bytes that the client and the server wrote.
    pub(crate) written: (u64, u64),
}

/// The part of a conversation in which a fault came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Opening,
    Open,
    Closed,
}

impl Steps {
    /// Returns the number of messages that are whole in so many bytes of the speaker, and the phase.
    pub(crate) fn until(&self, bytes: u64) -> (usize, Phase) {
        let steps = self.ends.iter().filter(|end| **end <= bytes).count();
        let phase = match steps {
            0 => Phase::Opening,
            _ if steps == self.ends.len() => Phase::Closed,
            _ => Phase::Open,
        };
        (steps.saturating_sub(1).min(messages().len()), phase)
    }
}

/// The time after which an end that was driven has written everything.
const MOMENT: Duration = Duration::from_millis(1);

/// The settings of both ends: short fragments, and a keepalive that notices a dead network.
pub(crate) const GUARDED: Settings = Settings {
    ping_interval: Some(Duration::from_secs(5)),
    ping_timeout: Some(Duration::from_secs(5)),
    fragment: NonZeroUsize::new(100).unwrap(),
    ..SETTINGS
};

/// What both ends of all connections share: certificates and trust.
pub(crate) struct Network {
    dialer: Dialer,
    pub(crate) tls: ServerTls,
}

impl Network {
    pub(crate) fn new() -> Self {
        let trust = TrustOptions { danger_accept_any: true, ..TrustOptions::default() };
        let dialer = Dialer::new(DialOptions { trust, ..DialOptions::default() });
        planted::load_trust(&dialer);
        // Its signatures have a constant length, other than those of ECDSA.
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let names = vec!["peer.example".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let identity = Identity { chain: vec![certificate.der().clone()], key: key.into() };
        Self { dialer, tls: ServerTls::new(&identity).unwrap() }
    }

    /// Opens a client's connection over a stream.
    pub(crate) async fn dial(
        &self,
        carrier: Carrier,
        end: End,
    ) -> Result<ClientConnection, OpenError> {
        let scheme = if carrier.is_secure() { "wss" } else { "ws" };
        let mut headers = Headers::of(&[("Sec-WebSocket-Version", "13")]);
        if let Some(offers) = carrier.offers() {
            headers.push("Sec-WebSocket-Extensions", offers.header());
        }
        let options = ConnectOptions {
            target: Target::parse(&format!("{scheme}://peer.example/")).unwrap(),
            host: None,
            headers,
            edits: Vec::new(),
            credentials: Credentials::default(),
            redirects: None,
            tls: TlsOptions::default(),
            http: if carrier.is_http2() { Http::Two } else { Http::One },
            limits: Limits {
                total: Duration::from_secs(30),
                is_run_limit: false,
                resolve: None,
                tls: Some(HANDSHAKE_LIMIT),
                handshake: Some(HANDSHAKE_LIMIT),
            },
        };
        planted::plant(Box::new(end));
        self.dialer.open(&options, &mut |_| ()).await
    }

    /// Accepts the session of a client, if the network lets it happen.
    pub(crate) async fn accept(&self, carrier: Carrier, end: End) -> Option<Session> {
        let end: Box<dyn Transport> = Box::new(end);
        let (transport, is_http2) = if carrier.is_secure() {
            let (transport, summary) = self.tls.accept(end).await.ok()?;
            (transport, summary.is_http2)
        } else {
            (end, false)
        };
        let authority = "client.example".to_owned();
        let rejection = Rejection { headers: &Headers::default(), tell: &|_| {} };
        let arrival =
            Arrival::read(transport, is_http2, authority, HANDSHAKE_LIMIT, rejection).await;
        let incoming = match arrival.ok()? {
            Arrival::Request(incoming) => incoming,
            Arrival::Streams(mut streams) => {
                let incoming = streams.next().await?.ok()?;
                // The task that accepts streams drives the connection.
                tokio::spawn(async move { while let Some(Ok(_)) = streams.next().await {} });
                incoming
            }
        };
        let established = incoming.answer(&carrier.choices()).await.ok()?;
        Some(Session::server(established, GUARDED, entropy()))
    }
}
