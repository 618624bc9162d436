//! The largest frame and the largest message that a server accepts, to the byte.

use super::{
    limit::{Limit, Refusal, Sizes},
    meter::Meter,
    search::{LEAST_BYTES, Search},
    words,
};
use crate::{
    mode::check::{
        frames::{CLOSE, CONTINUATION, PING, SeenFrame, TEXT, close_body, frame},
        judgement::Judgement,
        server::Server,
        wire::WireEnd,
    },
    proto::{
        mask,
        raw::{Length, RawFrame},
    },
    random::entropy,
};
use tokio::time::{Duration, Instant};

/// The outcome of a message.
enum Passage {
    Accepted,
    Refused(Refusal),
    /// It was not sent within the time; so many bytes were.
    Slow(u64),
}

/// The form in which a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OneFrame,
    /// Frames of at most this size.
    Fragments(u64),
}

/// Judges the largest frame.
pub(crate) async fn largest_frame(server: &Server) -> Judgement {
    judged(measured(server).await.map(|sizes| &sizes.frame))
}

/// Judges the largest message.
pub(crate) async fn largest_message(server: &Server) -> Judgement {
    judged(measured(server).await.map(|sizes| &sizes.message))
}

/// Judges how the server refuses a message that is too long.
pub(crate) async fn refusal(server: &Server) -> Judgement {
    let refused = match measured(server).await {
        Err(reason) => return Judgement::Unknown(reason),
        Ok(sizes) => sizes.message.refused.as_ref().or(sizes.frame.refused.as_ref()),
    };
    let Some(Refusal { size, words, code, is_lost }) = refused else {
        return Judgement::Unknown("no message was refused".to_owned());
    };
    let words = format!("a message of {} was answered with {words}", words::bytes(*size));
    match code {
        Some(TOO_BIG) => Judgement::Holds(words),
        None if *is_lost => Judgement::Unknown(format!("{words}, which may have lost a Close")),
        _ => Judgement::Broken(words),
    }
}

fn judged(limit: Result<&Limit, String>) -> Judgement {
    let limit = match limit {
        Ok(limit) => limit,
        Err(reason) => return Judgement::Unknown(reason),
    };
    let mut text = match &limit.refused {
        None => format!("{}, the largest that was tried", words::bytes(limit.accepted)),
        Some(refused) if limit.accepted < LEAST_BYTES => {
            format!("less than {}: {}", words::bytes(refused.size), refused.words)
        }
        Some(refused) => {
            let (most, size) = (words::bytes(limit.accepted), refused.size);
            let larger = if size == limit.accepted + 1 {
                "one byte more".to_owned()
            } else {
                words::bytes(size)
            };
            format!("{most}; {larger} was answered with {}", refused.words)
        }
    };
    if let Some(remark) = &limit.remark {
        text = format!("{text}; {remark}");
    }
    match &limit.refused {
        Some(refused) if refused.size <= USABLE_BYTES => Judgement::Weak(text),
        _ => Judgement::Holds(text),
    }
}

/// Measures both sizes, once.
async fn measured(server: &Server) -> Result<&Sizes, String> {
    let sizes = server.sizes.get_or_init(|| measure(server)).await;
    sizes.as_ref().map_err(Clone::clone)
}

async fn measure(server: &Server) -> Result<Sizes, String> {
    let facts = &server.facts;
    if let Some(reason) = facts.no_text.as_ref().or(facts.no_pong.as_ref()) {
        return Err(reason.clone());
    }
    let most = if server.extent.is_aggressive { AGGRESSIVE_BYTES } else { MOST_BYTES };
    let mut scale = Scale { server, meter: None };
    let frame = scale.limit(Form::OneFrame, Search::new(0, most)).await?;
    let Some(refused) = frame.refused.clone() else {
        // Such a frame is also a message.
        return Ok(Sizes { message: frame.clone(), frame });
    };
    // One byte more in two frames tells the limit of frames from that of messages.
    let fragments = Form::Fragments((frame.accepted / 2 + 1).clamp(1, FRAGMENT_BYTES));
    let larger = Search::new(frame.accepted, refused.size);
    let message = match scale.limit(fragments, larger).await? {
        Limit { refused: Some(refused), accepted, .. } if accepted == frame.accepted => {
            Limit { refused: Some(refused), ..frame.clone() }
        }
        Limit { accepted, .. } => scale.limit(fragments, Search::new(accepted, most)).await?,
    };
    Ok(Sizes { frame, message })
}

/// Tries sizes, in one session as long as the server accepts them.
struct Scale<'a> {
    server: &'a Server,
    meter: Option<Meter>,
}

impl Scale<'_> {
    /// Searches for the limit of messages in this form.
    async fn limit(&mut self, form: Form, mut search: Search) -> Result<Limit, String> {
        let start = Instant::now();
        let mut last: Option<Refusal> = None;
        let mut remark = None;
        while let Some(size) = search.next() {
            if start.elapsed() > SEARCH_LIMIT {
                remark = Some(format!("no more was tried within {}", words::time(SEARCH_LIMIT)));
                break;
            }
            match self.pass(form, size).await? {
                Passage::Accepted => search.record(size, true),
                Passage::Refused(refusal) => {
                    search.record(size, false);
                    last = Some(refusal);
                }
                Passage::Slow(sent) => {
                    // What could be sent in a part of the time is the largest that is tried.
                    let most = (sent / 4).max(search.accepted()).max(LEAST_BYTES);
                    let why = format!("{} took too long to send", words::bytes(size));
                    if most >= size || remark.replace(why).is_some() {
                        break;
                    }
                    search = Search::new(search.accepted(), most);
                    last = None;
                }
            }
            if let (Some(refusal), Some(refused)) = (&last, search.refused())
                && refusal.size != refused
            {
                last = None;
            }
        }
        let accepted = search.accepted();
        if remark.is_none() && last.is_some() && accepted >= LEAST_BYTES {
            remark = self.contradiction(form, accepted, last.as_mut()).await?;
        }
        Ok(Limit { accepted, refused: last, remark })
    }

    /// Tries both sides of a limit once more, each in a new session. Returns what contradicts it.
    async fn contradiction(
        &mut self,
        form: Form,
        accepted: u64,
        refused: Option<&mut Refusal>,
    ) -> Result<Option<String>, String> {
        self.leave().await;
        if !matches!(self.pass(form, accepted).await?, Passage::Accepted) {
            let size = words::bytes(accepted);
            return Ok(Some(format!("not always: {size} was refused in another session")));
        }
        self.leave().await;
        if let Some(refused) = refused
            && matches!(self.pass(form, refused.size).await?, Passage::Accepted)
        {
            let size = words::bytes(refused.size);
            return Ok(Some(format!("not always: {size} was accepted in another session")));
        }
        Ok(None)
    }

    /// Sends a message and finds out whether it was accepted.
    async fn pass(&mut self, form: Form, size: u64) -> Result<Passage, String> {
        let needs_echo = self.server.facts.echo.is_exact(TEXT);
        let mut meter = match self.meter.take() {
            Some(meter) => meter,
            None => {
                let wire = self
                    .server
                    .open_admitted(needs_echo)
                    .await
                    .map_err(|missing| missing.reason)?;
                Meter::new(wire)
            }
        };
        let (patience, deadline) = (self.server.patience(), Instant::now() + PASS_LIMIT);
        meter.last_message = None;
        let pongs = meter.pongs.len();
        let (sent, is_sent) = send(&mut meter, form, size, deadline, patience).await;
        if !is_sent && !meter.is_over() && Instant::now() >= deadline {
            return Ok(Passage::Slow(sent));
        }
        meter.send(&frame(PING, AFTER), deadline, patience).await;
        let is_back = |meter: &Meter| meter.last_message == Some(size);
        let has_pong = |meter: &Meter| meter.pongs.len() > pongs;
        let is_over = Meter::is_over;
        let is_decided =
            |meter: &Meter| is_over(meter) || is_back(meter) || !needs_echo && has_pong(meter);
        meter.wait_patiently(deadline, patience, is_decided).await;
        if !is_over(&meter) && !is_back(&meter) {
            // A message may be refused after its ping was answered, in another layer.
            meter.wait_patiently(deadline, self.server.grace(), is_over).await;
        }
        let is_accepted = if needs_echo { is_back(&meter) } else { has_pong(&meter) };
        if is_accepted && !is_over(&meter) {
            self.meter = Some(meter);
            return Ok(Passage::Accepted);
        }
        if !is_over(&meter) && Instant::now() >= deadline {
            return Ok(Passage::Slow(sent));
        }
        let words = match (is_over(&meter), meter.last_message) {
            (true, _) => meter.end_words(),
            (false, Some(length)) => format!("a message of {}", words::bytes(length)),
            (false, None) => format!("nothing within {}", words::time(patience)),
        };
        let code = meter.close.as_ref().and_then(SeenFrame::close_code);
        let is_lost = meter.close.is_none() && matches!(meter.end, Some(WireEnd::Lost(_)));
        Ok(Passage::Refused(Refusal { size, words, code, is_lost }))
    }

    /// Closes the session.
    async fn leave(&mut self) {
        if let Some(mut meter) = self.meter.take() {
            let limit = self.server.grace();
            let deadline = Instant::now() + limit;
            meter.send(&frame(CLOSE, close_body(1000, b"")), deadline, limit).await;
        }
    }
}

/// Sends a text of this size. Returns the number of bytes that were sent, and whether it was all.
async fn send(
    meter: &mut Meter,
    form: Form,
    size: u64,
    deadline: Instant,
    patience: Duration,
) -> (u64, bool) {
    let mut key = [0; 4];
    entropy()(&mut key);
    let mut block = vec![b'x'; BLOCK_BYTES];
    mask::apply(&mut block, key, 0);
    let most = match form {
        Form::OneFrame => size,
        Form::Fragments(most) => most.max(1),
    };
    let mut left = size;
    loop {
        let length = left.min(most);
        let opcode = if left == size { TEXT } else { CONTINUATION };
        left -= length;
        let mut bytes = header(opcode, left == 0, length, key);
        let mut rest = usize::try_from(length).unwrap_or(usize::MAX);
        loop {
            let part = block.get(..rest.min(BLOCK_BYTES)).unwrap_or_default();
            bytes.extend_from_slice(part);
            rest -= part.len();
            if !meter.send(&bytes, deadline, patience).await {
                return (size - left - rest as u64, false);
            }
            bytes.clear();
            if rest == 0 {
                break;
            }
        }
        if left == 0 {
            return (size, true);
        }
    }
}

/// Returns the header of a masked frame.
fn header(opcode: u8, fin: bool, length: u64, key: [u8; 4]) -> Vec<u8> {
    let form = match length {
        0..=125 => Length::Bits7(length as u8),
        126..=0xffff => Length::Bits16(length as u16),
        _ => Length::Bits64(length),
    };
    RawFrame::new(opcode).fin(fin).mask(key).length(form).encode()
}

/// The payload of the ping after a message.
const AFTER: &[u8] = b"sockeye-size";
/// The code of a message that is too long for the server.
const TOO_BIG: u16 = 1009;
/// The largest message that is tried.
const MOST_BYTES: u64 = 16 << 20;
const AGGRESSIVE_BYTES: u64 = 64 << 20;
/// A limit below this one is worth a warning.
const USABLE_BYTES: u64 = 64 << 10;
/// The largest fragments of a message.
const FRAGMENT_BYTES: u64 = 64 << 10;
/// The bytes that are written at once. A multiple of the length of a masking key.
const BLOCK_BYTES: usize = 64 << 10;
/// The time for one message.
const PASS_LIMIT: Duration = Duration::from_secs(8);
/// The time for the search of one limit.
const SEARCH_LIMIT: Duration = Duration::from_secs(10);
