//! Parsers for the arguments of slash commands.

use super::Command;
use crate::{
    proto::{Close, CloseCode, Kind, close, handshake::is_token},
    script::{action::Outgoing, matcher::Matcher, repeats::MIN_INTERVAL},
};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use std::{path::PathBuf, time::Duration};

/// Splits a line after its first word.
pub(super) fn split_word(line: &str) -> (&str, &str) {
    line.split_once(char::is_whitespace).unwrap_or((line, ""))
}

pub(super) fn none(rest: &str, command: Command) -> Result<Command, String> {
    match rest.trim() {
        "" => Ok(command),
        rest => Err(format!("unexpected argument '{rest}'")),
    }
}

pub(super) fn payload(data: &str) -> Result<Vec<u8>, String> {
    let data = data.trim();
    if data.len() > 125 {
        return Err(format!("a ping or pong payload has at most 125 bytes, not {}", data.len()));
    }
    Ok(data.into())
}

pub(super) fn close(arguments: &str) -> Result<Close, String> {
    let arguments = arguments.trim();
    if arguments.is_empty() {
        return Ok(Close::new(CloseCode::NORMAL));
    }
    let (code, reason) = split_word(arguments);
    let reason = reason.trim_start();
    let code = code
        .parse()
        .ok()
        .map(CloseCode::new)
        .filter(|code| code.is_sendable())
        .ok_or("a close code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999")?;
    if reason.len() > close::MAX_REASON_BYTES {
        return Err(format!(
            "a close reason has at most {} bytes, not {}",
            close::MAX_REASON_BYTES,
            reason.len()
        ));
    }
    Ok(Close { code, reason: reason.to_owned() })
}

pub(super) fn text(rest: &str) -> Result<Command, String> {
    message(Some(Kind::Text), rest)
}

pub(super) fn body(rest: &str) -> Result<Command, String> {
    if rest.is_empty() {
        return Err("usage: /send TEXT, or /send @FILE".to_owned());
    }
    message(None, rest)
}

fn message(kind: Option<Kind>, rest: &str) -> Result<Command, String> {
    let text = match rest.strip_prefix('@') {
        Some(text) if text.starts_with('@') => text,
        Some(file) => return Ok(Command::SendFile(kind, path(file)?)),
        None => rest,
    };
    Ok(Command::Send(Outgoing::Message(kind.unwrap_or(Kind::Text), text.to_owned().into())))
}

pub(super) fn hex_or_file(rest: &str) -> Result<Command, String> {
    let rest = rest.trim();
    if let Some(file) = rest.strip_prefix('@') {
        return Ok(Command::SendFile(Some(Kind::Binary), path(file)?));
    }
    let bytes = if let Some(base64) = rest.strip_prefix("base64:") {
        BASE64
            .decode(base64.trim().as_bytes())
            .map_err(|fault| format!("invalid base64: {fault}"))?
    } else {
        let digits: String = rest.split_whitespace().collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits);
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        bytes
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .ok_or("expected hex, two digits per byte (00 ff), base64:DATA or @FILE")?
    };
    Ok(Command::Send(Outgoing::Message(Kind::Binary, bytes.into())))
}

pub(super) fn repeat(rest: &str) -> Result<Command, String> {
    let usage = || "usage: /repeat N MESSAGE, or /repeat N SECONDS MESSAGE".to_owned();
    let (times, rest) = split_word(rest);
    let times: u64 = times.parse().map_err(|_| usage())?;
    let (interval, message) = match split_word(rest) {
        (seconds, message) if !message.is_empty() => match interval(seconds) {
            Some(interval) => (interval, message),
            None => (Duration::ZERO, rest),
        },
        _ => (Duration::ZERO, rest),
    };
    if message.is_empty() {
        return Err(usage());
    }
    Ok(Command::Repeat { times: Some(times), interval, message: message.to_owned() })
}

pub(super) fn every(rest: &str) -> Result<Command, String> {
    if rest.trim().is_empty() {
        return Ok(Command::Repeats);
    }
    let (seconds, message) = split_word(rest);
    match interval(seconds).filter(|interval| *interval >= MIN_INTERVAL) {
        Some(interval) if !message.is_empty() => {
            Ok(Command::Repeat { times: None, interval, message: message.to_owned() })
        }
        _ => Err("usage: /every SECONDS MESSAGE (SECONDS may be a fraction, but at least 0.001)"
            .to_owned()),
    }
}

pub(super) fn stop(rest: &str) -> Result<Command, String> {
    match rest.trim() {
        "" => Ok(Command::Stop(None)),
        number => match number.parse() {
            Ok(number) => Ok(Command::Stop(Some(number))),
            Err(_) => Err("usage: /stop, or /stop N (/every lists the numbers)".to_owned()),
        },
    }
}

fn interval(seconds: &str) -> Option<Duration> {
    let seconds: f64 = seconds.parse().ok()?;
    (0.0..=MAX_INTERVAL_SECONDS).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

pub(super) fn switch(rest: &str) -> Result<Option<bool>, String> {
    match rest.trim() {
        "" => Ok(None),
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        _ => Err(format!("'{rest}' is not on or off")),
    }
}

pub(super) fn filter(rest: &str) -> Result<Command, String> {
    if rest.is_empty() {
        return Ok(Command::Filter(None));
    }
    let matcher = Matcher::parse(rest).map_err(|fault| format!("invalid pattern: {fault}"))?;
    Ok(Command::Filter(Some(matcher)))
}

pub(super) fn reconnect(rest: &str) -> Result<Command, String> {
    match rest.trim() {
        "" => Ok(Command::Reconnect(None)),
        name if is_token(name) => Ok(Command::Reconnect(Some(name.to_owned()))),
        name => Err(format!("'{name}' is not a valid subprotocol name")),
    }
}

pub(super) fn path(path: &str) -> Result<PathBuf, String> {
    match path.trim() {
        "" => Err("missing file name".to_owned()),
        path => Ok(expand_home(path)),
    }
}

/// Expands a leading `~/` to the home directory.
pub(crate) fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

const MAX_INTERVAL_SECONDS: f64 = 1e6;
