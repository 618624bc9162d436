//! The addresses of the server: what its name resolves to, and which of them open a session.

use crate::{
    connect::OpenError,
    error::Error,
    mode::check::{judgement::Judgement, route::Route, server::Server},
    net::tcp::{self, Family},
    wording::system_error,
};
use std::{
    io,
    net::{IpAddr, SocketAddr},
};
use tokio::{task::JoinSet, time::timeout};

/// Judges whether the name resolves.
pub(crate) async fn names(server: &Server) -> Judgement {
    let addresses = match resolved(server).await {
        Ok(addresses) => addresses,
        Err(judgement) => return judgement,
    };
    let count = |is_v4| addresses.iter().filter(|address| address.is_ipv4() == is_v4).count();
    let all: Vec<_> =
        addresses.iter().take(SHOWN).map(|address| address.ip().to_string()).collect();
    let more = if addresses.len() > SHOWN { ", and more" } else { "" };
    let list = all.join(", ");
    Judgement::Holds(format!("{} over IPv4, {} over IPv6: {list}{more}", count(true), count(false)))
}

/// Judges whether each IPv4 address opens a session.
pub(crate) async fn over_ipv4(server: &Server) -> Judgement {
    each_opens(server, Family::V4).await
}

/// Judges whether each IPv6 address opens a session.
pub(crate) async fn over_ipv6(server: &Server) -> Judgement {
    each_opens(server, Family::V6).await
}

/// Resolves the name of the server, unless it has none.
async fn resolved(server: &Server) -> Result<Vec<SocketAddr>, Judgement> {
    let route = server.route();
    if let Some(reason) = route.detour() {
        return Err(Judgement::Unknown(reason));
    }
    let target = route.target();
    if target.address().is_some() {
        return Err(Judgement::Unknown("the URL has an address instead of a name".to_owned()));
    }
    let host = target.host_name();
    let lookup = tcp::resolve(&host, target.port, Family::Any);
    match timeout(server.patience(), lookup).await {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(cause)) => {
            let cause = system_error(&cause);
            Err(Judgement::Unknown(format!("the name was resolved, and now is not: {cause}")))
        }
        Err(_) => Err(Judgement::Unknown("the lookup takes too long".to_owned())),
    }
}

async fn each_opens(server: &Server, family: Family) -> Judgement {
    let addresses = match resolved(server).await {
        Ok(addresses) => addresses,
        Err(judgement) => return judgement,
    };
    let (is_v4, name) = (family == Family::V4, if family == Family::V4 { "IPv4" } else { "IPv6" });
    let chosen: Vec<_> =
        addresses.iter().filter(|address| address.is_ipv4() == is_v4).take(TRIED).collect();
    if chosen.is_empty() {
        return Judgement::Unknown(format!("the name has no {name} address"));
    }
    let route = server.route();
    if matches!(route.dialing.family, Family::V4 | Family::V6) && route.dialing.family != family {
        return Judgement::Unknown(format!("an option excludes {name}"));
    }
    let mut attempts = JoinSet::new();
    for (number, address) in chosen.iter().enumerate() {
        let (route, ip) = (server.route(), address.ip());
        let attempt = route.to(ip).within(server.patience());
        attempts.spawn_local(async move { (number, ip, attempt.open().await.outcome) });
    }
    let mut outcomes = attempts.join_all().await;
    outcomes.sort_by_key(|(number, ..)| *number);
    let outcomes = outcomes.into_iter().map(|(_, ip, outcome)| (ip, outcome.err()));
    verdict(outcomes, name, &route)
}

/// Judges the failures of attempts with addresses.
fn verdict(
    outcomes: impl Iterator<Item = (IpAddr, Option<OpenError>)>,
    name: &str,
    route: &Route,
) -> Judgement {
    let (mut opened, mut failed) = (Vec::new(), Vec::new());
    for (ip, failure) in outcomes {
        match failure {
            None => opened.push(ip.to_string()),
            Some(fault) if is_local_fault(&fault) => {
                return Judgement::Unknown(format!("this machine has no route over {name}"));
            }
            Some(fault) => failed.push(format!("{ip}: {}", cause(fault, route))),
        }
    }
    if failed.is_empty() {
        let each = if opened.len() == 1 { "opens" } else { "open" };
        return Judgement::Holds(format!("{} {each} a session", opened.join(", ")));
    }
    let all = opened.len() + failed.len();
    let plural = if all == 1 { "" } else { "es" };
    Judgement::Broken(format!(
        "{} of {all} address{plural} opened no session: {}",
        failed.len(),
        failed.join("; ")
    ))
}

/// Reports whether this machine cannot use addresses of that family at all.
fn is_local_fault(fault: &OpenError) -> bool {
    let OpenError::Connect { attempts, .. } = fault else { return false };
    attempts.iter().all(|(_, cause)| {
        matches!(
            cause.kind(),
            io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
                | io::ErrorKind::Unsupported
        )
    })
}

/// Returns the cause of a failure.
fn cause(fault: OpenError, route: &Route) -> String {
    match &fault {
        OpenError::Connect { attempts, .. } if attempts.len() == 1 => {
            attempts.iter().map(|(_, cause)| system_error(cause)).collect()
        }
        _ => {
            let start = format!("cannot connect to {}: ", route.target().authority());
            let words = Error::Open(fault).to_string();
            words.strip_prefix(&start).unwrap_or(&words).to_owned()
        }
    }
}

/// The addresses that are shown.
const SHOWN: usize = 6;
/// The addresses of one family that are tried.
const TRIED: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connect::DialOptions, mode::check::route::tests::options};

    #[test]
    fn an_address_that_refuses_is_named_and_one_without_a_route_is_not_blamed() {
        let route = Route { dialing: DialOptions::default(), options: options("ws://h") };
        let failed = |kind: io::ErrorKind| {
            let attempts = vec![("192.0.2.1:80".parse().unwrap(), io::Error::from(kind))];
            Some(OpenError::Connect { authority: "h:80".to_owned(), attempts })
        };
        let judge = |first, second| {
            let ips = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
            verdict(ips.into_iter().zip([first, second]), "IPv4", &route)
        };
        let all = Judgement::Holds("192.0.2.1, 192.0.2.2 open a session".to_owned());
        assert_eq!(judge(None, None), all);
        let words = "1 of 2 addresses opened no session: 192.0.2.1: connection refused";
        let broken = Judgement::Broken(words.to_owned());
        assert_eq!(judge(failed(io::ErrorKind::ConnectionRefused), None), broken);
        let unknown = Judgement::Unknown("this machine has no route over IPv4".to_owned());
        assert_eq!(judge(None, failed(io::ErrorKind::NetworkUnreachable)), unknown);
    }
}
