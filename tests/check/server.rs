//! An echo server that follows the protocol except for one defect.

use super::defect::Defect;
use crate::support::wire;
use data_encoding::BASE64;
use sha1_smol::Sha1;
use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc::{Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Starts a server with at most one defect, and returns its port. It serves until the process ends.
pub fn start(defect: Option<Defect>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut session = Session::new(stream, defect);
                session.number = number;
                // A connection that fails concerns its client only.
                let _ = session.serve();
            });
        }
    });
    port
}

/// Serves a connection without defects, except that its messages may be limited.
pub fn serve(stream: TcpStream, messages: Option<MessageLimit>) {
    let _ = stream.set_nodelay(true);
    let mut session = Session::new(stream, None);
    session.messages = messages;
    let _ = session.serve();
}

/// Answers a request with 101, and leaves the session to the caller.
pub fn open(stream: &TcpStream) -> io::Result<bool> {
    Session::new(stream.try_clone()?, None).handshake()
}

/// A connection.
struct Session {
    stream: TcpStream,
    defect: Option<Defect>,
    buffer: Vec<u8>,
    /// The opcode and payload of a message whose last fragment is missing.
    open: Option<(u8, Vec<u8>)>,
    /// The client asked for a path where messages are not sent back.
    is_silent: bool,
    /// Frames for a client that does not read; only with a defect.
    queue: Option<(Sender<Vec<u8>>, JoinHandle<()>)>,
    /// The connections before this one.
    number: usize,
    messages: Option<MessageLimit>,
    /// The times of the opening, of the last bytes and of the last message.
    opened: Instant,
    heard: Instant,
    heard_data: Instant,
}

/// A limit of the messages of a session.
pub struct MessageLimit {
    /// The messages that are taken.
    pub rest: usize,
    /// The code of the Close after them; none ends the connection.
    pub code: Option<u16>,
}

/// The reason to end a session.
enum Failure {
    /// The peer broke a rule that has this close code.
    Rule(u16),
    Io(io::Error),
    /// The session is over.
    Over,
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

struct Frame {
    first: u8,
    payload: Vec<u8>,
}

impl Session {
    fn new(stream: TcpStream, defect: Option<Defect>) -> Self {
        let now = Instant::now();
        Self {
            stream,
            defect,
            buffer: Vec::new(),
            open: None,
            is_silent: false,
            queue: None,
            number: 0,
            messages: None,
            opened: now,
            heard: now,
            heard_data: now,
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn serve(&mut self) -> io::Result<()> {
        if !self.handshake()? {
            return Ok(());
        }
        if self.has(Defect::KeepsAllForSlowReaders) {
            let (sender, frames) = channel::<Vec<u8>>();
            let mut stream = self.stream.try_clone()?;
            let writer = thread::spawn(move || {
                for frame in frames {
                    if stream.write_all(&frame).is_err() {
                        break;
                    }
                }
            });
            self.queue = Some((sender, writer));
        }
        if self.has(Defect::MasksFrames) {
            self.stream.write_all(&[0x89, 0x80, 1, 2, 3, 4])?;
        }
        if self.has(Defect::SetsReservedBit) {
            self.stream.write_all(&[0x99, 0])?;
        }
        if self.has(Defect::SendsLongLengths) {
            self.stream.write_all(&[0x89, 126, 0, 1, b'a'])?;
        }
        if self.has(Defect::SendsUndefinedOpcode) {
            self.stream.write_all(&[0x8b, 0])?;
        }
        if self.has(Defect::SendsInvalidText) {
            self.stream.write_all(&[0x81, 1, 0xff])?;
        }
        if self.has(Defect::SendsStrayContinuation) {
            self.stream.write_all(&[0x80, 0])?;
        }
        let end = loop {
            if let Err(end) = self.step() {
                break end;
            }
        };
        match end {
            Failure::Rule(code) => {
                let code = match code {
                    1007 if self.has(Defect::SendsOtherCodeForText) => 1008,
                    1002 if self.has(Defect::SendsOtherCodeForRules) => 1008,
                    code => code,
                };
                self.send(8, &code.to_be_bytes())?;
                self.finish()
            }
            Failure::Io(cause) => Err(cause),
            Failure::Over => self.finish(),
        }
    }

    /// Ends our direction, and reads the rest of the client's, so that nothing is reset.
    fn finish(&mut self) -> io::Result<()> {
        if self.has(Defect::KeepsConnection) {
            thread::sleep(Duration::from_secs(30));
        }
        if let Some((queue, writer)) = self.queue.take() {
            drop(queue);
            let _ = writer.join();
        }
        self.stream.shutdown(Shutdown::Write)?;
        self.stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        while self.stream.read(&mut [0; 4096])? > 0 {}
        Ok(())
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let reserved = if self.has(Defect::SendsReservedBitAtTimes) && self.number % 7 == 3 {
            0x20
        } else {
            0
        };
        let frame = wire::frame(0x80 | reserved | opcode, payload);
        if let Some((queue, _)) = &self.queue {
            let _ = queue.send(frame);
            return Ok(());
        }
        self.stream.write_all(&frame)
    }

    // The handshake.

    fn handshake(&mut self) -> io::Result<bool> {
        let mut head = Vec::new();
        let end = loop {
            if let Some(end) = head.windows(4).position(|end| end == b"\r\n\r\n")
                && (end > 0 || head.len() > 4)
            {
                break end;
            }
            let mut read = [0; 8192];
            let n = self.stream.read(&mut read)?;
            if n == 0 {
                return Ok(false);
            }
            head.extend(&read[..n]);
            if head.len() > 64 << 10 && !self.has(Defect::AcceptsLongHeads) {
                self.stream.write_all(b"HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n")?;
                return Ok(false);
            }
            if self.has(Defect::NeedsHeadAtOnce) && !head.ends_with(b"\r\n\r\n") {
                return Ok(false);
            }
        };
        self.buffer = head.split_off(end + 4);
        head.truncate(end);
        if head.starts_with(b"\r\n") && !self.has(Defect::RefusesEmptyLine) {
            head.drain(..2);
        }
        self.is_silent = head.starts_with(b"GET /silent");
        let response = self.response(&head);
        if response.is_empty() {
            return Ok(false);
        }
        self.stream.write_all(response.as_bytes())?;
        let is_open = response.starts_with("HTTP/1.1 101");
        if !is_open {
            if self.has(Defect::TakesFramesAfterRefusal)
                && !self.buffer.is_empty()
                && let Ok(frame) = self.frame()
            {
                self.send(10, &frame.payload)?;
            }
            self.stream.shutdown(Shutdown::Write)?;
        }
        Ok(is_open)
    }

    fn refuse(&self, status: &str, fields: &str) -> String {
        if self.has(Defect::DropsInvalidRequests) {
            return String::new();
        }
        format!("HTTP/1.1 {status}\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n")
    }

    /// Returns the response to a request.
    #[allow(clippy::too_many_lines, reason = "a list of requirements")]
    fn response(&self, head: &[u8]) -> String {
        use Defect as D;
        let bad = || self.refuse("400 Bad Request", "");
        if head.contains(&0) && !self.has(D::AcceptsNul) {
            return bad();
        }
        let text = String::from_utf8_lossy(head).into_owned();
        let mut lines = text.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let (method, version) = (first.next(), first.nth(1));
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                if self.has(D::AcceptsLinesWithoutColon) {
                    continue;
                }
                return bad();
            };
            if name.ends_with(' ') && !self.has(D::AcceptsSpaceBeforeColon) {
                return bad();
            }
            if self.has(D::NeedsSpaceForTab) && value.contains('\t') {
                return bad();
            }
            let is_tight = !value.starts_with(' ');
            if is_tight && !value.is_empty() && self.has(D::NeedsSpaceAfterColon) {
                return bad();
            }
            let value = if self.has(D::KeepsSpaces) {
                value.strip_prefix(' ').unwrap_or(value)
            } else {
                value.trim_matches([' ', '\t'])
            };
            let name = if self.has(D::ComparesNamesExactly) {
                name.to_owned()
            } else {
                name.to_ascii_lowercase()
            };
            fields.push((name, value.to_owned()));
        }
        if fields.len() > 40 && self.has(D::LimitsFields) {
            return bad();
        }
        if fields.iter().any(|(_, value)| value.len() > 2000) && self.has(D::LimitsLengths) {
            return self.refuse("431 Request Header Fields Too Large", "");
        }
        let all = |name: &str| -> Vec<&str> {
            let name = if self.has(D::ComparesNamesExactly) {
                name.to_owned()
            } else {
                name.to_ascii_lowercase()
            };
            fields.iter().filter(|(n, _)| *n == name).map(|(_, v)| v.as_str()).collect()
        };
        if method != Some("GET") && !self.has(D::AcceptsPost) {
            return self.refuse("405 Method Not Allowed", "Allow: GET\r\n");
        }
        if version != Some("HTTP/1.1") && !self.has(D::AcceptsHttp10) {
            return self.refuse("426 Upgrade Required", "");
        }
        if !all("Origin").is_empty() && self.has(D::RefusesOrigins) {
            return self.refuse("403 Forbidden", "");
        }
        let hosts = all("Host").len();
        if hosts == 0 && !self.has(D::NeedsNoHost) || hosts > 1 && !self.has(D::AcceptsTwoHosts) {
            return bad();
        }
        let upgrade = all("Upgrade").join(", ");
        let is_upgrade = if self.has(D::ComparesUpgradeExactly) {
            upgrade == "websocket"
        } else {
            upgrade.eq_ignore_ascii_case("websocket")
        };
        let is_excused = upgrade.is_empty() && self.has(D::NeedsNoUpgrade)
            || !upgrade.is_empty() && self.has(D::AcceptsAnyUpgrade);
        if upgrade == "h2c" && self.has(D::SwitchesToOtherProtocol) {
            return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
                .to_owned();
        }
        if !is_upgrade && !is_excused {
            return self.refuse("426 Upgrade Required", "Upgrade: websocket\r\n");
        }
        let connection = all("Connection").join(", ");
        let has_token = match self.defect {
            Some(D::ComparesConnectionExactly) => {
                connection.split(',').any(|token| token.trim() == "Upgrade")
            }
            Some(D::ComparesWholeConnection) => connection.eq_ignore_ascii_case("upgrade"),
            Some(D::ReadsFirstConnection) => {
                let first = all("Connection").first().copied().unwrap_or_default().to_owned();
                first.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
            }
            Some(D::SearchesConnection) => connection.to_ascii_lowercase().contains("upgrade"),
            _ => connection.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")),
        };
        let is_excused = connection.is_empty() && self.has(D::NeedsNoConnection)
            || !connection.is_empty() && self.has(D::AcceptsAnyConnection);
        if !has_token && !is_excused {
            return bad();
        }
        let versions = all("Sec-WebSocket-Version");
        let is_supported = match versions[..] {
            [] => self.has(D::NeedsNoVersion),
            [one] => one == "13" || self.has(D::AcceptsAnyVersion),
            _ => false,
        };
        if !is_supported {
            let list =
                if self.has(D::ListsNoVersions) { "" } else { "Sec-WebSocket-Version: 13\r\n" };
            let status = if self.has(D::AnswersVersionWith400) {
                "400 Bad Request"
            } else {
                "426 Upgrade Required"
            };
            return self.refuse(status, list);
        }
        let keys = all("Sec-WebSocket-Key");
        let key = match keys[..] {
            [] if self.has(D::NeedsNoKey) => "",
            [key] => key,
            [key, ..] if self.has(D::AcceptsTwoKeys) => key,
            _ => return bad(),
        };
        let is_valid = BASE64.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16);
        let is_excused = keys.is_empty()
            || key.is_empty() && self.has(D::AcceptsEmptyKey)
            || !key.is_empty() && self.has(D::AcceptsAnyKey);
        if !is_valid && !is_excused {
            return bad();
        }
        let offers = all("Sec-WebSocket-Extensions");
        if offers.iter().any(|offer| offer.starts_with('=')) && !self.has(D::AcceptsAnyExtensions) {
            return bad();
        }
        if !offers.is_empty() && self.has(D::RefusesExtensions) {
            return bad();
        }
        let mut hash = Sha1::from(key);
        hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let accept = BASE64.encode(&hash.digest().bytes());
        let mut response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n"
        );
        if self.has(D::SetsCookie) {
            response.push_str("Set-Cookie: id=1; Path=/\r\n");
        }
        if self.has(D::NamesVersion) {
            response.push_str("Server: example/1.24.0\r\n");
        }
        let protocols = all("Sec-WebSocket-Protocol");
        if let Some(list) = protocols.first()
            && self.has(D::SelectsAllSubprotocols)
        {
            response.extend(["Sec-WebSocket-Protocol: ", list, "\r\n"]);
        }
        if let Some(offer) = offers.first()
            && offer.starts_with("x-")
            && self.has(D::SelectsUnknownExtension)
        {
            response.extend(["Sec-WebSocket-Extensions: ", offer, "\r\n"]);
        }
        if offers.first().is_some_and(|offer| offer.contains("client_max_window_bits"))
            && self.has(D::AnswersWindowOf99)
        {
            let answer = "permessage-deflate; client_max_window_bits=99";
            response.extend(["Sec-WebSocket-Extensions: ", answer, "\r\n"]);
        }
        response.push_str("\r\n");
        response
    }

    // Frames.

    /// Makes at least this many bytes available.
    fn fill(&mut self, length: usize) -> Result<(), Failure> {
        while self.buffer.len() < length {
            let mut read = [0; 16384];
            if let Some(end) = self.idle_end() {
                let left = end.saturating_duration_since(Instant::now());
                self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            }
            let n = match self.stream.read(&mut read) {
                Err(cause)
                    if matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return self.end_idle();
                }
                read => read?,
            };
            if n == 0 {
                return Err(Failure::Over);
            }
            self.heard = Instant::now();
            self.buffer.extend(&read[..n]);
        }
        Ok(())
    }

    /// Returns when a session ends in which nothing more happens.
    fn idle_end(&self) -> Option<Instant> {
        let start = match self.defect? {
            Defect::EndsSilence | Defect::ForgetsSilence => self.heard,
            Defect::EndsDespitePings => self.heard_data,
            Defect::EndsOldSessions => self.opened,
            _ => return None,
        };
        Some(start + IDLE_LIMIT)
    }

    fn end_idle(&mut self) -> Result<(), Failure> {
        if self.has(Defect::ForgetsSilence) {
            thread::sleep(Duration::from_secs(8));
        } else {
            self.send(8, &1001_u16.to_be_bytes())?;
        }
        Err(Failure::Over)
    }

    fn frame(&mut self) -> Result<Frame, Failure> {
        use Defect as D;
        if self.buffer.is_empty() {
            self.fill(1)?;
            if self.buffer.len() < 2 && self.has(D::NeedsHeaderAtOnce) {
                return Err(Failure::Over);
            }
        }
        self.fill(2)?;
        let (first, second) = (self.buffer[0], self.buffer[1]);
        let opcode = first & 0x0f;
        let (is_control, fin) = (opcode >= 8, first & 0x80 != 0);
        if first & 0x70 != 0 && !self.has(D::IgnoresReservedBits) {
            // Of three sessions, one has no fault.
            let is_lenient =
                self.has(D::IgnoresReservedBitsAtTimes) && !self.number.is_multiple_of(3);
            if !is_lenient {
                return Err(Failure::Rule(1002));
            }
        }
        if matches!(opcode, 3..=7 | 11..) && !self.has(D::IgnoresUndefinedOpcodes) {
            return Err(Failure::Rule(1002));
        }
        if is_control && !fin && !self.has(D::AcceptsFragmentedControl) {
            return Err(Failure::Rule(1002));
        }
        let is_masked = second & 0x80 != 0;
        if !is_masked && !self.has(D::AcceptsUnmasked) {
            return Err(Failure::Rule(1002));
        }
        let (length, size) = match second & 0x7f {
            126 => {
                self.fill(4)?;
                let length = usize::from(u16::from_be_bytes([self.buffer[2], self.buffer[3]]));
                (length, 4)
            }
            127 => {
                self.fill(10)?;
                let length = u64::from_be_bytes(self.buffer[2..10].try_into().unwrap());
                if length >> 63 == 1 && self.has(D::WaitsForHugeFrames) {
                    self.fill(usize::MAX)?;
                }
                if length > FRAME_LIMIT {
                    return Err(Failure::Rule(self.too_long()));
                }
                (length as usize, 10)
            }
            short => (usize::from(short), 2),
        };
        let least = [0, 126, 65536][(size - 2) / 2 - usize::from(size == 10) * 2];
        if length < least && !self.has(D::AcceptsLongLengths) {
            return Err(Failure::Rule(1002));
        }
        if is_control && length > 125 && !self.has(D::AcceptsLongControl) {
            return Err(Failure::Rule(1002));
        }
        let start = size + if is_masked { 4 } else { 0 };
        if length > 20_000 && (self.has(D::RefusesLongFrames) || self.has(D::RefusesLongMessages)) {
            return Err(Failure::Rule(1009));
        }
        self.fill(start + length)?;
        let mut payload = self.buffer[start..start + length].to_vec();
        if is_masked {
            let key: [u8; 4] = self.buffer[size..start].try_into().unwrap();
            if key == [0; 4] && self.has(D::RefusesZeroKey) {
                return Err(Failure::Rule(1002));
            }
            payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        self.buffer.drain(..start + length);
        if self.has(D::DropsLongFrames) && length == 65536 {
            payload.truncate(65535);
        }
        Ok(Frame { first, payload })
    }

    /// Returns the close code for a message that is too long.
    fn too_long(&self) -> u16 {
        if self.has(Defect::RefusesLongWithOtherCode) { 1002 } else { 1009 }
    }

    fn step(&mut self) -> Result<(), Failure> {
        let Frame { first, payload } = self.frame()?;
        match first & 0x0f {
            8 => self.close(&payload),
            9 => self.ping(&payload),
            10 if self.has(Defect::ClosesOnPong) => Err(Failure::Rule(1002)),
            0..=2 => {
                self.heard_data = Instant::now();
                self.data(first & 0x0f, first & 0x80 != 0, payload)
            }
            _ => Ok(()),
        }
    }

    fn ping(&mut self, payload: &[u8]) -> Result<(), Failure> {
        use Defect as D;
        let is_inside = self.open.is_some();
        match self.defect {
            Some(D::IgnoresPings) => {}
            Some(D::IgnoresPingsInMessages) if is_inside => {}
            Some(D::AnswersEmptyPong) => self.send(10, b"")?,
            Some(D::CutsPongs) => self.send(10, &payload[..payload.len().min(100)])?,
            Some(D::AnswersPingsLate) => {
                thread::sleep(Duration::from_millis(40));
                self.send(10, payload)?;
            }
            _ => self.send(10, payload)?,
        }
        Ok(())
    }

    fn data(&mut self, opcode: u8, fin: bool, payload: Vec<u8>) -> Result<(), Failure> {
        use Defect as D;
        let (opcode, message) = match (opcode, self.open.take()) {
            (0, None) if self.has(D::AcceptsStrayContinuation) => return Ok(()),
            (0, Some((opcode, mut message))) => {
                message.extend(payload);
                (opcode, message)
            }
            (opcode, Some(_)) if self.has(D::AcceptsInterleaving) => (opcode, payload),
            (0, None) | (_, Some(_)) => return Err(Failure::Rule(1002)),
            (opcode, None) => (opcode, payload),
        };
        if message.len() > MESSAGE_LIMIT
            || message.len() > 20_000 && self.has(D::RefusesLongMessages)
        {
            return Err(Failure::Rule(self.too_long()));
        }
        if opcode == 1 {
            self.check_text(&message, fin)?;
        }
        if !fin && self.has(D::EchoesFragments) {
            self.send(opcode, &message)?;
            self.open = Some((opcode, Vec::new()));
            return Ok(());
        }
        if !fin {
            self.open = Some((opcode, message));
            return Ok(());
        }
        if message.is_empty() && self.has(D::DropsEmptyMessages) {
            return Ok(());
        }
        if let Some(limit) = &mut self.messages {
            match limit.rest.checked_sub(1) {
                Some(rest) => limit.rest = rest,
                None => return Err(limit.code.map_or(Failure::Over, Failure::Rule)),
            }
        }
        if self.is_silent {
            return Ok(());
        }
        let is_text = opcode == 1;
        match self.defect {
            Some(D::EchoesAsText) => self.send(1, &message)?,
            Some(D::EchoesTwice) => {
                self.send(opcode, &message)?;
                self.send(opcode, &message)?;
            }
            Some(D::EchoesInvalidText) if is_text => {
                self.send(1, &[b"\xff: ", &*message].concat())?;
            }
            Some(D::EchoesWithPrefix) if is_text => self.send(1, &[b"1: ", &*message].concat())?,
            Some(D::EchoesInJson) => {
                let echo = if is_text {
                    String::from_utf8(message).unwrap()
                } else {
                    BASE64.encode(&message)
                };
                self.send(1, serde_json::json!({ "echo": echo }).to_string().as_bytes())?;
            }
            Some(D::RefusesBinary) if !is_text => return Err(Failure::Rule(1003)),
            Some(D::IgnoresBinary) if !is_text => {}
            _ => self.send(opcode, &message)?,
        }
        Ok(())
    }

    fn check_text(&self, message: &[u8], fin: bool) -> Result<(), Failure> {
        use Defect as D;
        let fault = match std::str::from_utf8(message) {
            Ok(text) => {
                let is_refused = text.contains('\0') && self.has(D::RefusesNul)
                    || text.contains('\u{fffe}') && self.has(D::RefusesNoncharacters)
                    || text.starts_with('\u{feff}') && self.has(D::RefusesBom);
                return if is_refused { Err(Failure::Rule(1007)) } else { Ok(()) };
            }
            Err(fault) => fault,
        };
        let at = fault.valid_up_to();
        let rest = &message[at..];
        // A character whose end is missing is complete in the next fragment.
        let is_cut = fault.error_len().is_none();
        let is_excused = self.has(D::AcceptsInvalidText)
            || is_cut && !fin && !self.has(D::ChecksEachFragment)
            || is_cut && fin && self.has(D::AcceptsCutText)
            || rest.starts_with(b"\xed") && self.has(D::AcceptsSurrogates)
            || !is_cut && matches!(rest[0], 0xc0 | 0xe0 | 0xf0) && self.has(D::AcceptsOverlongText)
            || rest[0] >= 0xf4 && self.has(D::AcceptsBeyondUnicode)
            || at >= 65_536 && self.has(D::ChecksTheStart);
        if is_excused { Ok(()) } else { Err(Failure::Rule(1007)) }
    }

    // The closing handshake.

    fn close(&mut self, body: &[u8]) -> Result<(), Failure> {
        use Defect as D;
        let code = body.first_chunk().map(|code| u16::from_be_bytes(*code));
        let is_valid = |code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        match (code, body.len()) {
            (_, 0) => {}
            (None, _) if self.has(D::RepeatsOneByte) => {}
            (None, _) => return Err(Failure::Rule(1002)),
            (Some(code), _) if !is_valid(code) && !self.has(D::RepeatsInvalidCodes) => {
                return Err(Failure::Rule(1002));
            }
            (Some(code), _) if code >= 4000 && self.has(D::DropsPrivateCodes) => {
                return Err(Failure::Over);
            }
            (Some(1012..=1014), _) if self.has(D::DropsNewCodes) => return Err(Failure::Over),
            _ => {}
        }
        let reason = body.get(2..).unwrap_or_default();
        if std::str::from_utf8(reason).is_err() && !self.has(D::RepeatsInvalidReasons) {
            return Err(Failure::Rule(1007));
        }
        match self.defect {
            Some(D::AnswersNoClose) => return Err(Failure::Over),
            Some(D::AnswersNoEmptyClose) if body.is_empty() => return Err(Failure::Over),
            Some(D::AnswersNoCloseInMessages) if self.open.is_some() => return Err(Failure::Over),
            Some(D::RefusesCloseInMessages) if self.open.is_some() => {
                return Err(Failure::Rule(1002));
            }
            Some(D::AnswersLate) => thread::sleep(Duration::from_secs(2)),
            Some(D::AnswersOtherCode) => {
                self.send(8, &1001_u16.to_be_bytes())?;
                return Err(Failure::Over);
            }
            Some(D::EchoesAfterClose) => {
                self.send(8, body)?;
                while self.step_after_close()? {}
                return Err(Failure::Over);
            }
            Some(D::AnswersTwice) => {
                self.send(8, body)?;
                self.send(8, body)?;
                return Err(Failure::Over);
            }
            _ => {}
        }
        self.send(8, body)?;
        Err(Failure::Over)
    }

    /// Echoes the messages that have arrived. Returns false if there is none.
    fn step_after_close(&mut self) -> Result<bool, Failure> {
        if self.buffer.is_empty() {
            return Ok(false);
        }
        let frame = self.frame()?;
        if frame.first & 0x0f == 1 {
            self.send(1, &frame.payload)?;
        }
        Ok(true)
    }
}

/// The longest frame and message that are accepted.
const FRAME_LIMIT: u64 = 200_000;
const MESSAGE_LIMIT: usize = 200_000;
/// The time after which sessions end; only with a defect.
const IDLE_LIMIT: Duration = Duration::from_secs(1);
