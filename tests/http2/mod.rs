//! WebSocket over HTTP/2 (RFC 8441), with a scripted peer that writes and reads HTTP/2 frames itself.

mod carriers;
mod ending;
mod floods;
mod flow;
mod opening;

use crate::support::{Peer, Test};

/// Frame types and flags (RFC 9113, 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Error codes (RFC 9113, 7).
const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
const HTTP_1_1_REQUIRED: u32 = 13;

/// A setting of RFC 8441.
const ENABLE_CONNECT_PROTOCOL: u16 = 8;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let payload = pairs
        .iter()
        .flat_map(|(id, value)| id.to_be_bytes().into_iter().chain(value.to_be_bytes()));
    frame(SETTINGS, 0, 0, payload.collect::<Vec<_>>())
}

fn data(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(DATA, 0, 1, payload)
}

fn end_stream() -> Vec<u8> {
    frame(DATA, END_STREAM, 1, "")
}

fn reset(code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, 1, code.to_be_bytes())
}

fn go_away(last: u32, code: u32, debug: &str) -> Vec<u8> {
    let payload = [&last.to_be_bytes(), &code.to_be_bytes(), debug.as_bytes()].concat();
    frame(GOAWAY, 0, 0, payload)
}

fn window_update(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, more.to_be_bytes())
}

/// Encodes a HEADERS frame whose `:status` is a literal (RFC 7541, 6.2.2).
fn headers(status: &str, flags: u8) -> Vec<u8> {
    let block = [&[0x08, status.len() as u8], status.as_bytes()].concat();
    frame(HEADERS, END_HEADERS | flags, 1, block)
}

/// A frame from the client.
struct ClientFrame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// HTTP/2 operations of a scripted peer.
trait Http2 {
    /// Reads the client's preface and answers with these frames.
    fn begin(&mut self, frames: impl AsRef<[u8]>);
    /// Starts as a server that supports RFC 8441, and reads the request.
    fn read_request(&mut self);
    /// Accepts the opening handshake.
    fn open_stream(&mut self);
    /// Reads the next frame other than SETTINGS, PING and `WINDOW_UPDATE`.
    fn next(&mut self) -> ClientFrame;
    /// Reads the next frame.
    fn any(&mut self) -> ClientFrame;
    /// Answers the next PING.
    fn pong(&mut self);
    /// Reads DATA until it has `n` bytes.
    fn bytes(&mut self, n: usize) -> Vec<u8>;
    /// Expects a client's Close with this code.
    fn closed(&mut self, code: u16);
}

impl Http2 for Peer {
    #[track_caller]
    fn begin(&mut self, frames: impl AsRef<[u8]>) {
        let mut preface = [0; 24];
        self.read_exactly(&mut preface);
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert_eq!(self.any().kind, SETTINGS);
        // Settings take effect only once they have been acknowledged (RFC 9113, 6.5.3).
        self.send([frames.as_ref(), &frame(SETTINGS, ACK, 0, "")].concat());
    }

    #[track_caller]
    fn read_request(&mut self) {
        self.begin(settings(&[(ENABLE_CONNECT_PROTOCOL, 1)]));
        let ClientFrame { kind, flags, .. } = self.next();
        assert_eq!((kind, flags), (HEADERS, END_HEADERS), "no END_STREAM: RFC 8441, 5");
    }

    #[track_caller]
    fn open_stream(&mut self) {
        self.read_request();
        self.send(headers("200", 0));
    }

    #[track_caller]
    fn next(&mut self) -> ClientFrame {
        loop {
            let frame = self.any();
            if ![SETTINGS, PING, WINDOW_UPDATE].contains(&frame.kind) {
                return frame;
            }
        }
    }

    #[track_caller]
    fn any(&mut self) -> ClientFrame {
        let mut header = [0; 9];
        self.read_exactly(&mut header);
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut payload = vec![0; length as usize];
        self.read_exactly(&mut payload);
        let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        ClientFrame { kind: header[3], flags: header[4], stream, payload }
    }

    #[track_caller]
    fn pong(&mut self) {
        loop {
            let ClientFrame { kind, flags, payload, .. } = self.any();
            if kind == PING && flags == 0 {
                return self.send(frame(PING, ACK, 0, payload));
            }
        }
    }

    #[track_caller]
    fn bytes(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < n {
            let ClientFrame { kind, payload, .. } = self.next();
            assert_eq!(kind, DATA);
            bytes.extend(payload);
        }
        assert_eq!(bytes.len(), n);
        bytes
    }

    #[track_caller]
    fn closed(&mut self, code: u16) {
        let bytes = self.bytes(8);
        let unmasked = [bytes[6] ^ bytes[2], bytes[7] ^ bytes[3]];
        assert_eq!((bytes[0], bytes[1]), (0x88, 0x82));
        assert_eq!(u16::from_be_bytes(unmasked), code);
    }
}

/// Returns a run over HTTP/2.
fn test() -> Test {
    Test::new().args(["--http2"])
}
