//! Negotiations, from headers to agreed parameters or faults.

use super::{
    params::{CLIENT_BITS, CLIENT_NO_CONTEXT, NAME, SERVER_BITS, SERVER_NO_CONTEXT},
    *,
};
use crate::proto::headers::Headers;
use proptest::prelude::*;

fn headers(value: &str) -> Headers {
    let mut headers = Headers::default();
    headers.push("Sec-WebSocket-Extensions", value);
    headers
}

fn negotiated(offer: &str, answer: &str) -> Result<Option<Deflate>, ExtensionFault> {
    validate(&headers(offer), &headers(answer))
}

fn side(window_bits: u8, keeps_context: bool) -> Side {
    Side { window_bits, keeps_context }
}

fn bad(name: &str, fault: ParamFault) -> Result<Option<Deflate>, ExtensionFault> {
    Err(ExtensionFault::Param(BadParam { name: name.to_owned(), fault }))
}

#[test]
fn parses_the_grammar_of_the_header() {
    let one = |name: &str, params: &[(&str, Option<&str>)]| Extension {
        name: name.to_owned(),
        params: params.iter().map(|(n, v)| ((*n).to_owned(), v.map(ToOwned::to_owned))).collect(),
    };
    let cases = [
        ("", vec![]),
        (" , ,", vec![]),
        ("foo", vec![one("foo", &[])]),
        ("foo;a;b=1 , bar", vec![one("foo", &[("a", None), ("b", Some("1"))]), one("bar", &[])]),
        ("foo ; a = 1", vec![one("foo", &[("a", Some("1"))])]),
        ("foo;a=\"1\"", vec![one("foo", &[("a", Some("1"))])]),
        ("foo;a=\"\\1\\0\"", vec![one("foo", &[("a", Some("10"))])]),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Some(expected), "{text}");
    }
    // A quoted value must be a token without its quotes (9.1).
    for text in [
        ";",
        "foo;",
        "foo;;a",
        "foo bar",
        "foo;a=",
        "foo;=1",
        "foo;a=\"\"",
        "foo;a=\"1",
        "foo;a=1\"",
        "foo;a=\"1,2\"",
        "foo;a=\"1;2\"",
        "foo;a=\"1\\\"",
        "foo;a=1=2",
        "f\u{e9}",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn valid_responses_are_accepted() {
    let browser = "permessage-deflate; client_max_window_bits";
    let cases = [
        (browser, "permessage-deflate", side(15, true), side(15, true)),
        (browser, "permessage-deflate; client_max_window_bits=12", side(15, true), side(12, true)),
        (
            browser,
            "permessage-deflate; client_max_window_bits=\"8\"",
            side(15, true),
            side(8, true),
        ),
        // The server may send these unasked.
        (
            browser,
            "permessage-deflate;server_no_context_takeover;client_no_context_takeover;\
             server_max_window_bits=9",
            side(9, false),
            side(15, false),
        ),
        (
            "permessage-deflate; server_max_window_bits=10; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
            side(8, false),
            side(15, true),
        ),
        // Our offers to keep no context and to limit our window bind us, whatever the response says.
        (
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=11",
            "permessage-deflate",
            side(15, true),
            side(11, false),
        ),
        // The response fits the second offer.
        (
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
            "permessage-deflate",
            side(15, true),
            side(15, true),
        ),
        ("x-other, permessage-deflate", "permessage-deflate", side(15, true), side(15, true)),
        // It fits both offers: the promises of both are kept.
        (
            "permessage-deflate; client_max_window_bits=12, permessage-deflate; \
             client_no_context_takeover",
            "permessage-deflate",
            side(15, true),
            side(12, false),
        ),
    ];
    for (offer, answer, server, client) in cases {
        assert_eq!(negotiated(offer, answer), Ok(Some(Deflate { server, client })), "{answer}");
    }
    assert_eq!(negotiated(browser, ""), Ok(None));
    assert_eq!(validate(&headers(browser), &Headers::default()), Ok(None));
}

#[test]
fn responses_that_break_a_rule_are_rejected() {
    use ExtensionFault as E;
    use ParamFault as P;
    let text = |s: &str| Some(s.to_owned());
    let browser = "permessage-deflate; client_max_window_bits";
    let cases = [
        (browser, "x=1", bad("x", P::Unknown)),
        (browser, "server_no_context_takeover=1", bad(SERVER_NO_CONTEXT, P::Value("1".into()))),
        (
            browser,
            "client_no_context_takeover; client_no_context_takeover",
            bad(CLIENT_NO_CONTEXT, P::Repeated),
        ),
        (
            browser,
            "server_max_window_bits=10; server_max_window_bits=10",
            bad(SERVER_BITS, P::Repeated),
        ),
        (browser, "server_max_window_bits", bad(SERVER_BITS, P::Bits(None))),
        (browser, "client_max_window_bits", bad(CLIENT_BITS, P::Bits(None))),
        (browser, "server_max_window_bits=7", bad(SERVER_BITS, P::Bits(text("7")))),
        (browser, "server_max_window_bits=16", bad(SERVER_BITS, P::Bits(text("16")))),
        (browser, "server_max_window_bits=08", bad(SERVER_BITS, P::Bits(text("08")))),
        (browser, "server_max_window_bits=+9", bad(SERVER_BITS, P::Bits(text("+9")))),
        (browser, "client_max_window_bits=x", bad(CLIENT_BITS, P::Bits(text("x")))),
        ("permessage-deflate", "client_max_window_bits=10", bad(CLIENT_BITS, P::NotOffered)),
        (
            "permessage-deflate; client_max_window_bits=10",
            "client_max_window_bits=11",
            bad(CLIENT_BITS, P::AboveOffer { offered: 10, chosen: 11 }),
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            "server_max_window_bits=11",
            bad(SERVER_BITS, P::AboveOffer { offered: 10, chosen: 11 }),
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            "client_no_context_takeover",
            bad(SERVER_BITS, P::NotGranted),
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "server_max_window_bits=10",
            bad(SERVER_NO_CONTEXT, P::NotGranted),
        ),
    ];
    for (offer, answer, expected) in cases {
        let answer = format!("permessage-deflate; {answer}");
        assert_eq!(negotiated(offer, &answer), expected, "{answer}");
    }
    let cases = [
        (browser, "permessage-deflate;", E::Malformed("permessage-deflate;".into())),
        (browser, "x-other", E::NotOffered("x-other".into())),
        (browser, "permessage-deflate, x-other", E::NotOffered("x-other".into())),
        (browser, "permessage-deflate, permessage-deflate", E::Repeated(NAME.into())),
        ("x-other", "permessage-deflate", E::NotOffered(NAME.into())),
        ("x-other", "x-other", E::Unsupported("x-other".into())),
    ];
    for (offer, answer, expected) in cases {
        assert_eq!(negotiated(offer, answer), Err(expected), "{answer}");
    }
}

#[test]
fn parses_offers_as_typed() {
    let header = |text| Offers::parse(text).map(|offers| offers.header());
    let ok = |s: &str| Ok(s.to_owned());
    assert_eq!(Offers::default().header(), "permessage-deflate; client_max_window_bits");
    assert_eq!(Offers::parse("permessage-deflate; client_max_window_bits"), Ok(Offers::default()));
    assert_eq!(header(""), ok("permessage-deflate"));
    assert_eq!(header("client_max_window_bits"), ok("permessage-deflate; client_max_window_bits"));
    assert_eq!(
        header("server_max_window_bits=\"9\";client_no_context_takeover, permessage-deflate"),
        ok("permessage-deflate; server_max_window_bits=9; client_no_context_takeover, \
            permessage-deflate")
    );
    for (text, serves) in [
        ("", true),
        ("server_max_window_bits=9", true),
        ("server_max_window_bits=8", false),
        (", ", false),
    ] {
        assert_eq!(
            Offers::parse(text).map(|offers| offers.is_valid_for_server()),
            Ok(serves),
            "{text}"
        );
    }
    // Typed text must not inject header lines.
    assert_eq!(header("client_max_window_bits;\r\nX: y"), Err(OfferFault::Malformed));
    assert_eq!(header("client_max_window_bits;\u{a0}x"), Err(OfferFault::Malformed));
    assert_eq!(header("permessage-deflate;"), Err(OfferFault::Malformed));
    assert_eq!(header("gzip"), Err(OfferFault::Name("gzip".into())));
    for (text, name, fault) in [
        ("x=1", "x", ParamFault::Unknown),
        ("server_max_window_bits=16", SERVER_BITS, ParamFault::Bits(Some("16".into()))),
        ("server_max_window_bits", SERVER_BITS, ParamFault::Bits(None)),
        ("client_no_context_takeover=1", CLIENT_NO_CONTEXT, ParamFault::Value("1".into())),
    ] {
        assert_eq!(
            header(text),
            Err(OfferFault::Param(BadParam { name: name.into(), fault })),
            "{text}"
        );
    }
}

#[test]
fn a_server_accepts_the_first_acceptable_offer() {
    let choose = |preferred: &str, offers: &str| {
        let preferred = Offers::parse(preferred).unwrap();
        preferred.choose(&parse(offers).unwrap()).map(|(_, answer)| answer)
    };
    let deflate = |params: &str| Some(format!("permessage-deflate{params}"));
    let all = "permessage-deflate; client_no_context_takeover; server_no_context_takeover; \
               client_max_window_bits=9; server_max_window_bits=9";
    for (preferred, offers, expected) in [
        ("", "", None),
        ("", "x-other", None),
        ("", "permessage-deflate", deflate("")),
        ("", "permessage-deflate; client_max_window_bits", deflate("")),
        (
            "",
            all,
            deflate(
                "; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=9; client_max_window_bits=9",
            ),
        ),
        // Invalid offers and those we cannot meet are declined in favour of the next.
        ("", "permessage-deflate; x", None),
        ("", "permessage-deflate; server_max_window_bits=8", None),
        (
            "",
            "permessage-deflate; server_max_window_bits=8, permessage-deflate; \
             server_max_window_bits=15, permessage-deflate",
            deflate("; server_max_window_bits=15"),
        ),
        ("", "permessage-deflate; client_max_window_bits=8", deflate("; client_max_window_bits=8")),
        // The user's preferences are granted as far as the offer allows.
        (
            "server_max_window_bits=10; client_max_window_bits=11; server_no_context_takeover",
            "permessage-deflate",
            deflate("; server_no_context_takeover; server_max_window_bits=10"),
        ),
        (
            "server_max_window_bits=10; client_max_window_bits=11",
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
            deflate("; server_max_window_bits=9; client_max_window_bits=11"),
        ),
        (
            "client_max_window_bits=11",
            "permessage-deflate; client_max_window_bits=10",
            deflate("; client_max_window_bits=10"),
        ),
    ] {
        assert_eq!(choose(preferred, offers), expected, "{preferred} / {offers}");
    }
}

fn any_params() -> impl Strategy<Value = String> {
    let bits = || proptest::option::of(9u8..=15);
    (any::<bool>(), any::<bool>(), bits(), proptest::option::of(bits())).prop_map(
        |(server, client, server_bits, client_bits)| {
            let mut text = NAME.to_owned();
            let mut add = |set: bool, param: String| {
                if set {
                    text = format!("{text}; {param}");
                }
            };
            add(server, SERVER_NO_CONTEXT.to_owned());
            add(client, CLIENT_NO_CONTEXT.to_owned());
            add(server_bits.is_some(), format!("{SERVER_BITS}={}", server_bits.unwrap_or(0)));
            match client_bits {
                None => {}
                Some(None) => add(true, CLIENT_BITS.to_owned()),
                Some(Some(bits)) => add(true, format!("{CLIENT_BITS}={bits}")),
            }
            text
        },
    )
}

proptest! {
    /// Our client understands our server's response, whatever is offered and preferred.
    #[test]
    fn both_roles_agree(offer in any_params(), preferred in any_params()) {
        let (agreed, answer) =
            Offers::parse(&preferred).unwrap().choose(&parse(&offer).unwrap()).unwrap();
        prop_assert_eq!(negotiated(&offer, &answer), Ok(Some(agreed)));
    }

    #[test]
    fn no_header_causes_a_panic(text in "[a-z0-9;,=\"\\\\ _-]{0,60}") {
        let _ = parse(&text);
        let _ = negotiated("permessage-deflate; client_max_window_bits", &text);
        let _ = Offers::parse(&text);
    }
}
