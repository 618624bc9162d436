//! Checks of the way to the server: its name, its addresses, TLS and certificates.

use crate::{
    mode::check::{
        case::{Case, Examination, Probe},
        examine::{addresses, certificate, tls_versions},
    },
    schema::check::{
        CheckGroup,
        CheckLevel::{self, Info, Security, Should},
    },
};

/// Returns the checks of the group.
pub(crate) fn cases() -> Vec<Case> {
    let unreachable = "Some clients wait for this address or give up, depending on their network.";
    let address = "Serve the address, or remove it from the DNS.";
    let certified = "Browsers and other clients refuse to connect.";
    vec![
        case(
            ("reach-name", "RFC 8305, 3", Info),
            "Has a name that resolves to addresses",
            ("Clients cannot find the server.", "Add the name to the DNS."),
            |server| Box::pin(addresses::names(server)),
        ),
        case(
            ("reach-ipv4", "RFC 8305, 5", Should),
            "Opens a session at each IPv4 address of its name",
            (unreachable, address),
            |server| Box::pin(addresses::over_ipv4(server)),
        ),
        case(
            ("reach-ipv6", "RFC 8305, 5", Should),
            "Opens a session at each IPv6 address of its name",
            (unreachable, address),
            |server| Box::pin(addresses::over_ipv6(server)),
        ),
        case(
            ("reach-tls-version", "RFC 9325, 3.1.1", Should),
            "Speaks TLS 1.3",
            (
                "Connections take a round trip longer, and are protected less well.",
                "Enable TLS 1.3 in the server or in the gateway in front of it.",
            ),
            |server| Box::pin(tls_versions::current(server)),
        ),
        case(
            ("reach-tls-old", "RFC 8996, 4", Security),
            "Refuses TLS 1.0 and 1.1",
            (
                "Somebody on the way may break the encryption of clients that offer them.",
                "Disable TLS 1.0 and 1.1.",
            ),
            |server| Box::pin(tls_versions::old(server)),
        ),
        case(
            ("reach-chain", "RFC 5280, 6", Should),
            "Sends certificates that lead to a trusted authority",
            (certified, "Send the whole chain but its root, from an authority that clients trust."),
            |server| Box::pin(certificate::chain(server)),
        ),
        case(
            ("reach-expiry", "RFC 5280, 4.1.2.5", Should),
            "Has certificates that are valid for two more weeks",
            ("Clients refuse to connect from that day on.", "Renew the certificate."),
            |server| Box::pin(certificate::expiry(server)),
        ),
        case(
            ("reach-certified-name", "RFC 9525, 6", Should),
            "Has a certificate with the name of the URL",
            (certified, "Add the name to the subject alternative names of the certificate."),
            |server| Box::pin(certificate::name(server)),
        ),
        case(
            ("reach-alpn", "RFC 7301, 3.2", Should),
            "Accepts a connection that offers only http/1.1 by ALPN",
            (
                "The server works with other clients, but not in browsers, which offer only \
                 http/1.1 for a WebSocket connection of its own.",
                "Add http/1.1 to the protocols of the server or of the gateway in front of it.",
            ),
            |server| Box::pin(certificate::alpn(server)),
        ),
    ]
}

fn case(
    (id, section, level): (&str, &'static str, CheckLevel),
    title: &str,
    (consequence, fix): (&'static str, &'static str),
    examine: Examination,
) -> Case {
    Case {
        id: id.to_owned(),
        group: CheckGroup::Reach,
        section,
        level,
        title: title.to_owned(),
        consequence,
        fix,
        probe: Probe::Examined(examine),
    }
}
