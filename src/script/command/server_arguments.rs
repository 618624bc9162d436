//! Parsers for the arguments of a server's slash commands.

use super::{
    Command,
    arguments::{close, split_word},
    server::ServerCommand,
};
use crate::{proto::Leg, script::addressee::Addressee};

pub(super) fn to(rest: &str) -> Result<Command, String> {
    let (id, text) = split_word(rest);
    let Some(to) = Addressee::parse(id) else {
        return Err("usage: /to ID [TEXT] (/who lists the clients)".to_owned());
    };
    Ok(addressed(to, text))
}

pub(super) fn all(rest: &str) -> Command {
    addressed(Addressee::All, rest)
}

fn addressed(to: Addressee, text: &str) -> Command {
    Command::Server(match text {
        "" => ServerCommand::Address(to),
        text => ServerCommand::Tell(to, text.to_owned()),
    })
}

pub(super) fn kick(rest: &str) -> Result<Command, String> {
    let (id, rest) = split_word(rest.trim_start());
    Ok(Command::Server(ServerCommand::Kick(number(id, "/kick ID [CODE [REASON]]")?, close(rest)?)))
}

pub(super) fn inject(rest: &str) -> Result<Command, String> {
    let (leg, text) = split_word(rest.trim_start());
    let (id, leg) = match leg.split_once(':') {
        Some((id, leg)) => (Some(number(id, INJECT)?), leg),
        None => (None, leg),
    };
    let Some(leg) = Leg::parse(leg) else {
        return Err(format!("usage: {INJECT} (LEG is client or server)"));
    };
    Ok(Command::Server(ServerCommand::Inject(id, leg, text.to_owned())))
}

pub(super) fn drop_client(rest: &str) -> Result<Command, String> {
    Ok(Command::Server(ServerCommand::Drop(number(rest.trim(), "/drop ID")?)))
}

pub(super) fn handshake(rest: &str) -> Result<Command, String> {
    Ok(Command::Server(ServerCommand::Handshake(number(rest.trim(), "/headers ID")?)))
}

pub(super) fn refuse(rest: &str) -> Result<Command, String> {
    let status = match rest.trim() {
        "" => Some(DEFAULT_REFUSAL),
        "off" => None,
        status => match status.parse() {
            Ok(status) if (300..600).contains(&status) => Some(status),
            _ => return Err("usage: /refuse [STATUS|off] (STATUS is 300 to 599)".to_owned()),
        },
    };
    Ok(Command::Server(ServerCommand::Refuse(status)))
}

fn number(id: &str, usage: &str) -> Result<u64, String> {
    id.parse().map_err(|_| format!("usage: {usage} (/who lists the clients)"))
}

const INJECT: &str = "/inject [ID:]LEG TEXT";
/// The status of `/refuse` alone.
const DEFAULT_REFUSAL: u16 = 503;
