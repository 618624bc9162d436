//! The rules for an HTTP answer that refuses the upgrade.

use super::{
    refusal::Refusal,
    refusal_hints::{
        AUTHENTICATE, ENGINE_QUERY, ENGINE_QUERY_QUOTED, ENGINE_VERSION, NO_UPGRADE, PLAIN_ON_TLS,
        REJECTED, authenticate, challenge, forwards_upgrade, gateway, http_version, is_api_gateway,
        is_envoys_own, is_login, is_page, is_redirect, location, may_drop_upgrade, names_upgrade,
        origin, origin_option, pass, prefix, proxy, requirements, starts, subprotocol, try_again,
        versions,
    },
    rule::Rule,
    words::{COMPRESSION, CREDENTIALS, KEY_WORDS, LIMITS, ORIGINS, REJECTION, SUBPROTOCOLS},
};
use crate::{
    connect::RequestPart::{Compression, Credentials, Origin, Subprotocols, Upgrade, UserAgent},
    error::{request::secured, text::short},
    escape::Escaped,
};

/// The table. Answers that name their reason come first, then those whose software is known, then
/// bare statuses.
pub(super) const RULES: &[RefusalRule] = &[
    RefusalRule::certain("-H 'Upgrade:' to ws, uvicorn, Daphne, Werkzeug, websockify", |e| {
        e.lacks(Upgrade) && !e.is_http2() && e.status(&[200, 400, 404, 405, 426])
    })
    .cause(|e| if names_upgrade(e) { NO_UPGRADE.into() } else { String::new() })
    .hint(|_| "the request has no Upgrade header: -H removed it".into()),
    // Redirects and pages.
    RefusalRule::certain("Cloudflare (documented)", |e| {
        e.response.headers.has_token("Cf-Mitigated", "challenge")
    })
    .cause(|_| "the server requires a browser to solve a challenge".into())
    .hint(|_| {
        "solve it in a browser, then pass its cookie with --cookie cf_clearance=VALUE and its \
             User-Agent with -A"
            .into()
    })
    .fields(&["Cf-Mitigated"]),
    RefusalRule::certain("login pages (documented)", |e| {
        is_redirect(e) && e.location.as_deref().is_some_and(is_login)
    })
    .cause(|_| "it redirects to a login page".into())
    .hint(authenticate)
    .fields(&["Location"]),
    RefusalRule::certain("nginx, cycles of rewrites (documented)", |e| {
        is_redirect(e) && e.location.as_deref() == Some(e.request.target.to_string().as_str())
    })
    .cause(|_| "it redirects to itself".into())
    .fields(&["Location"]),
    RefusalRule::certain("load balancers that end TLS (documented)", |e| {
        let is_plain = |location: &str| location.starts_with("ws:");
        is_redirect(e) && e.request.target.secure && e.location.as_deref().is_some_and(is_plain)
    })
    .cause(|_| "it redirects to a URL without TLS".into())
    .hint(|e| format!("to allow this, connect to {} directly", location(e)))
    .fields(&["Location"]),
    RefusalRule::certain("nginx, Django, Express", |e| is_redirect(e) && e.location.is_some())
        .hint(|e| format!("follow it with -L, or connect to {}", location(e)))
        .fields(&["Location"]),
    RefusalRule::certain("servers that build a wrong Location", is_redirect)
        .cause(|e| {
            if e.header("Location") {
                "its Location is not a valid URL".into()
            } else {
                "it has no Location".into()
            }
        })
        .fields(&["Location"]),
    RefusalRule::certain("SockJS 0.3, Spring", |e| {
        e.status(&[200]) && e.says(&["welcome to sockjs"])
    })
    .hint(|e| format!("for SockJS, use the path {}/websocket", prefix(e, ""))),
    RefusalRule::certain("SockJS 0.3", |e| e.status(&[200]) && e.says(&["\"cookie_needed\""]))
        .hint(|e| format!("for SockJS, use the path {}/websocket", prefix(e, "/info"))),
    RefusalRule::certain("Engine.IO over polling", |e| {
        e.status(&[200]) && e.says(&["\"upgrades\":["])
    })
    .cause(|_| "it opened an Engine.IO session over polling".into())
    .hint(|_| format!("for Socket.IO, use the query {ENGINE_QUERY}")),
    RefusalRule::likely("login pages (documented)", |e| {
        is_page(e) && e.titled(&["log in", "login", "sign in"])
    })
    .hint(authenticate),
    RefusalRule::certain("any web server", |e| is_page(e) && may_drop_upgrade(e))
        .hint(|e| format!("check the path and port, and {}", forwards_upgrade(e))),
    RefusalRule::certain("Caddy; servers over HTTP/2", is_page)
        .hint(|_| "check the path and port".into()),
    // Answers that name what the request lacks.
    RefusalRule::certain("RFC 6455, 4.4", |e| {
        e.status(&[400, 426]) && !e.other_versions().is_empty()
    })
    .cause(versions)
    .hint(|e| match e.other_versions().first().map(|version| version.parse::<u8>()) {
        Some(Ok(version)) => format!("request version {version} with -p {version}"),
        _ => String::new(),
    }),
    RefusalRule::certain("servers without the field of RFC 6455, 4.4", |e| {
        e.request.version.as_deref() != Some("13")
            && e.says_that(&["version"], &["unsupported", "invalid", "not supported", "bad"])
    })
    .hint(|_| "request version 13: leave out -p".into()),
    RefusalRule::likely("Hypercorn, with an empty 400", |e| {
        e.request.version.as_deref() != Some("13") && e.status(&[400, 426]) && e.is_silent()
    })
    .hint(|_| "request version 13: leave out -p".into()),
    RefusalRule::certain("nginx, Apache, Go, Tomcat", |e| {
        !e.request.target.secure && e.says(PLAIN_ON_TLS)
    })
    .cause(|_| "the port requires TLS".into())
    .hint(|e| format!("use {}", Escaped(&secured(&e.request)))),
    RefusalRule::certain("RFC 2817 (documented)", |e| {
        !e.request.target.secure && e.other_upgrade().is_some_and(|name| starts(name, "tls"))
    })
    .cause(|_| "the port requires TLS".into())
    .hint(|e| format!("use {}", Escaped(&secured(&e.request)))),
    RefusalRule::certain("RFC 9110, 15.5.22 (documented)", |e| e.other_upgrade().is_some())
        .cause(|e| {
            let name = short(e.other_upgrade().unwrap_or_default());
            format!("the server requires an upgrade to {}", Escaped(&name))
        })
        .hint(|e| {
            let is_http2 = e.other_upgrade().is_some_and(|name| {
                ["h2", "h2c", "HTTP/2", "HTTP/2.0"].iter().any(|it| name.eq_ignore_ascii_case(it))
            });
            if is_http2 { "try --http2".into() } else { String::new() }
        }),
    RefusalRule::certain("nginx (documented)", |e| e.says(&["no required ssl certificate"]))
        .cause(|_| "the server requires a client certificate".into())
        .hint(|_| "pass one with --cert FILE and --key FILE".into()),
    RefusalRule::certain("nginx, Istio, Traefik (documented)", |e| {
        e.says_that(&["client certificate", "ssl certificate"], &["required", "error", "missing"])
    })
    .hint(|_| "pass a valid client certificate with --cert FILE and --key FILE".into()),
    // Engine.IO and Socket.IO.
    RefusalRule::certain("Socket.IO 4 behind nginx", |e| {
        e.has_engine_code(3) && e.says(&["bad request"])
    })
    .cause(|_| NO_UPGRADE.into())
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    RefusalRule::certain("Socket.IO 4 with polling only", |e| {
        e.says(&["transport unknown"]) && e.asks("transport=websocket")
    })
    .cause(|_| "the server does not offer Engine.IO over WebSocket".into())
    .hint(|_| "add 'websocket' to the transports of the server".into()),
    RefusalRule::certain("Socket.IO 4", |e| e.says(&["transport unknown", "invalid transport"]))
        .hint(|_| format!("for Socket.IO, use a path such as '/socket.io/{ENGINE_QUERY_QUOTED}'")),
    RefusalRule::certain("Socket.IO 2, python-engineio (documented)", |e| {
        e.says(ENGINE_VERSION) && e.asks("EIO=4")
    })
    .hint(|_| "the server uses an earlier protocol: use EIO=3 in the query".into()),
    RefusalRule::certain("Socket.IO 4, python-engineio", |e| e.says(ENGINE_VERSION))
        .hint(|_| format!("for Socket.IO, use the query {ENGINE_QUERY}")),
    RefusalRule::certain("Socket.IO 4 behind a load balancer", |e| {
        e.says(&["session id unknown", "invalid session"])
            && e.request.target.resource.contains("sid=")
    })
    .hint(|_| {
        "leave sid out of the query; several servers behind one address need sticky sessions".into()
    }),
    RefusalRule::likely("Socket.IO 4, allowRequest (documented)", |e| {
        e.has_engine_code(4) && e.lacks(Credentials)
    })
    .hint(|_| AUTHENTICATE.into()),
    RefusalRule::certain("Socket.IO 4, allowRequest without a reason", |e| {
        e.status(&[400]) && e.asks("transport=websocket") && e.says_only("forbidden")
    })
    .hint(requirements),
    // Words for a part of the request.
    RefusalRule::certain("Vite, webpack, Django, ALB (documented)", |e| {
        e.status(&[400, 403, 421])
            && e.says_that(
                &["host"],
                &["invalid", "blocked", "not allowed", "disallowed", "bad", "incorrect"],
            )
            && !e.says(&["origin", "by the host", "by host", "to host"])
    })
    .hint(|_| "check the URL's host, --host and --connect-to: the server rejects the name".into()),
    RefusalRule::certain("Django 5, ALLOWED_HOSTS", |e| {
        e.status(&[400]) && e.says(&["bad request (400)", "disallowedhost at"])
    })
    .hint(|_| {
        "check the URL's host, --host and --connect-to: Django may not allow the name".into()
    }),
    RefusalRule::certain("Chromium's DevTools", |e| {
        e.says(&["rejected an incoming websocket connection"]) && e.sent(Origin)
    })
    .hint(|_| "leave out the origin (-o), or start the browser with the flag above".into()),
    RefusalRule::certain(
        "Python websockets, aiohttp, Tornado, python-engineio, npm's websocket, Socket.IO",
        |e| {
            e.status(&[400, 401, 403, 404])
                && e.says_that(ORIGINS, REJECTION)
                && !e.says(&["origin server"])
        },
    )
    .hint(origin),
    RefusalRule::certain("servers with strict deflate parameters", |e| {
        e.status(&[400, 403, 500]) && e.sent(Compression) && e.says(COMPRESSION)
    })
    .hint(|_| "try without compression: --no-compress".into()),
    RefusalRule::certain("Python websockets, npm's websocket", |e| {
        e.status(&[400, 403, 500]) && e.says(SUBPROTOCOLS)
    })
    .hint(subprotocol),
    RefusalRule::certain("gateways from HTTP/2 to HTTP/1.1 (documented)", |e| {
        e.status(&[400, 403, 426, 500, 501])
            && e.is_http2()
            && (e.says(&["sec-websocket-key"])
                || (e.says_that(&["key"], KEY_WORDS) && !e.says(CREDENTIALS)))
    })
    .cause(|_| "the gateway forwards the request without Sec-WebSocket-Key".into())
    .hint(|_| "try without --http2".into()),
    RefusalRule::certain(
        "ws, gorilla/websocket, Tornado, aiohttp, Python websockets, sanic behind nginx, Apache, \
         lighttpd",
        names_upgrade,
    )
    .cause(|_| NO_UPGRADE.into())
    .hint(|e| format!("check {}", forwards_upgrade(e)))
    .fields(&["Server", "Via"]),
    RefusalRule::certain("Python websockets behind nginx with HTTP/1.0", |e| {
        e.says(&["http version", "http/1.0"])
            && e.says(&["unsupported", "not supported"])
            && !e.is_http2()
    })
    .hint(http_version),
    RefusalRule::certain("servers that reject unknown clients", |e| {
        e.says_that(&["user-agent", "user agent"], REJECTION)
    })
    .hint(|e| {
        let verb = if e.sent(UserAgent) { "pass another one" } else { "pass one" };
        format!("{verb} with -A, such as that of a browser")
    }),
    RefusalRule::certain("FastAPI, API servers (documented)", |e| {
        e.status(&[400, 403, 404, 422])
            && e.says_that(&["parameter", "query"], &["missing", "required", "invalid"])
    })
    .hint(|_| "check the query of the URL".into()),
    // Credentials.
    RefusalRule::certain("AWS API Gateway (documented)", |e| {
        e.status(&[400, 403, 404])
            && is_api_gateway(e)
            && (e.is_silent() || e.says_only("missing authentication token"))
    })
    .hint(|_| "check the path: API Gateway expects the name of the stage in it".into()),
    RefusalRule::certain("RFC 9110, 11.6.1", |e| {
        e.status(&[401, 403]) && !e.challenges().is_empty()
    })
    .hint(challenge)
    .fields(&["WWW-Authenticate"]),
    RefusalRule::certain("ws, FastAPI, Python websockets", |e| e.status(&[401])).hint(authenticate),
    RefusalRule::certain("HAProxy", |e| e.says(&["forbidden by administrative rules"])).hint(
        |_| "check the rules of HAProxy: one of them denies this path, host or origin".into(),
    ),
    RefusalRule::certain("Envoy 1.40, Istio", |e| e.says(&["rbac: access denied"])).hint(|_| {
        "check the authorization policies of Envoy or Istio: one of them denies this request".into()
    }),
    RefusalRule::certain("Channels under Daphne 4", |e| {
        e.status(&[403]) && e.response.reason.eq_ignore_ascii_case("access denied")
    })
    .hint(requirements),
    RefusalRule::certain("Chromium's DevTools", |e| e.says(&["no such target id"])).hint(|e| {
        format!("check the path: http://{}/json lists the pages", e.request.target.authority())
    }),
    RefusalRule::certain("Jupyter Server 2", |e| e.status(&[403]) && e.says(&["jupyter server"]))
        .hint(|e| {
            if e.is_authenticated() {
                REJECTED.into()
            } else {
                "pass the token of the server: -H 'Authorization: token TOKEN'".into()
            }
        }),
    RefusalRule::certain("Node, nginx (documented)", |e| {
        e.status(&[431]) || e.says(&["request header or cookie too large", "header too large"])
    })
    .hint(|_| "send fewer or shorter headers and cookies".into()),
    RefusalRule::certain("limits of a service (documented)", |e| {
        e.status(&[400, 403]) && e.says(LIMITS)
    })
    .hint(try_again),
    RefusalRule::certain("Cloudflare (documented)", |e| {
        e.status(&[403])
            && e.is_from("cloudflare")
            && (e.says(&["error code: 1020", "you have been blocked"]) || e.titled(&["cloudflare"]))
    })
    .hint(|_| "check the firewall rules of Cloudflare: one of them blocks this request".into()),
    RefusalRule::certain("services that restrict addresses (documented)", |e| {
        e.status(&[400, 401, 403, 404, 451])
            && e.says(&["your ip", "ip address", "ip not", "country", "region"])
    }),
    RefusalRule::certain("ngrok (documented)", |e| {
        e.status(&[404])
            && (e.header("ngrok-error-code")
                || e.says(&["ngrok"])
                || e.says_that(&["tunnel"], &["not found", "no", "offline", "unavailable"]))
    })
    .hint(|_| "start the tunnel: its client is not running".into()),
    RefusalRule::certain("Heroku (documented)", |e| e.status(&[404]) && e.titled(&["no such app"]))
        .hint(|_| "check the host: Heroku has no app of this name".into()),
    RefusalRule::certain("APIs", |e| {
        (e.status(&[400, 403]) || (e.status(&[404]) && e.body.json.is_some()))
            && !(e.is_html() && e.status(&[400]))
            && !e.says(&["csrf", "unexpected token"])
            && (e.says(CREDENTIALS) || e.says(&["access denied"]))
    })
    .hint(authenticate),
    // Gateways by name.
    RefusalRule::likely("Envoy 1.40, Istio", |e| {
        e.status(&[403]) && is_envoys_own(e) && e.is_silent()
    })
    .hint(|_| {
        "enable WebSocket in Envoy: upgrade_configs with upgrade_type websocket on the route or \
         listener"
            .into()
    }),
    RefusalRule::certain("Envoy with ext_authz (documented)", |e| {
        e.status(&[403]) && is_envoys_own(e) && e.is_silent()
    })
    .hint(|_| "check its external authorization (ext_authz)".into()),
    RefusalRule::certain("Envoy 1.40", |e| e.status(&[404]) && is_envoys_own(e) && e.is_silent())
        .hint(|_| "check the host and path: Envoy has no route for them".into()),
    RefusalRule::likely("Rails ActionCable (documented)", |e| {
        e.status(&[404]) && e.path().contains("cable") && e.says_only("page not found")
    })
    .hint(origin),
    RefusalRule::certain("Rails ActionCable behind nginx (documented)", |e| {
        e.status(&[404])
            && e.path().contains("cable")
            && e.says_only("page not found")
            && may_drop_upgrade(e)
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    RefusalRule::certain("Heroku (documented)", |e| {
        e.status(&[503]) && (e.is_from("vegur") || e.is_from("heroku"))
    })
    .hint(|_| "check the app behind Heroku: its log names an error such as H10".into()),
    RefusalRule::certain("HAProxy, Envoy, Apache, lighttpd", |e| {
        e.status(&[503])
            && (e.says(&[
                "no server is available",
                "upstream connect error",
                "no healthy upstream",
            ]) || e.is_from("apache")
                || e.is_from("lighttpd")
                || e.is_from("awselb"))
    })
    .hint(|e| format!("check that the server behind {} is running", gateway(e))),
    RefusalRule::likely("nginx, ingress-nginx", |e| {
        e.status(&[503]) && e.is_from("nginx") && e.retry_after().is_none() && e.is_silent()
    })
    .hint(|_| "check that the server behind nginx is running".into()),
    RefusalRule::certain("RFC 9110, 15.6.4", |e| e.status(&[429, 503]))
        .hint(try_again)
        .fields(&["Retry-After"]),
    RefusalRule::certain("Cloudflare (documented)", |e| e.status(&[525, 526]))
        .hint(|_| "check the certificate of the server behind Cloudflare".into()),
    RefusalRule::certain("AWS ALB (documented)", |e| e.status(&[464])).hint(|_| {
        "check the protocol version of the target group: WebSocket needs HTTP/1.1".into()
    }),
    RefusalRule::certain("nginx, HAProxy, Envoy, Cloudflare, ALB", |e| e.status(&[504, 522, 524]))
        .hint(|e| {
            format!(
                "check the server behind {}, and the path: it did not respond in time",
                gateway(e)
            )
        }),
    RefusalRule::certain("mosquitto 2.0 behind nginx", |e| {
        e.status(&[502]) && e.requests("mqtt") && may_drop_upgrade(e)
    })
    .hint(|e| {
        let name = gateway(e);
        format!("check that the server behind {name} is running, and {}", forwards_upgrade(e))
    }),
    RefusalRule::certain("nginx, Caddy, Cloudflare, ALB", |e| e.status(&[502, 520, 521, 523, 530]))
        .hint(|e| {
            format!(
                "check that the server behind {} is running: it gave no valid response",
                gateway(e)
            )
        }),
    RefusalRule::certain("nginx with HTTP/1.0 towards the server", |e| {
        e.status(&[505]) && !e.is_http2()
    })
    .hint(http_version),
    // Frameworks by their answers.
    RefusalRule::likely("uvicorn 0.54 without a WebSocket library", |e| {
        e.status(&[404, 405]) && e.is_from("uvicorn")
    })
    .hint(|_| "install a WebSocket library for uvicorn: pip install 'uvicorn[standard]'".into()),
    RefusalRule::likely("FastAPI behind nginx", |e| {
        e.status(&[404]) && e.says(&["{\"detail\":\"not found\"}"]) && !e.is_http2()
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    RefusalRule::likely("Werkzeug 3 behind nginx", |e| {
        e.says(&["sent a request that this server could not understand"]) && e.gateway().is_some()
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    RefusalRule::certain("Werkzeug 3", |e| {
        e.says(&["sent a request that this server could not understand"])
    })
    .hint(|_| "check the path: no WebSocket route matches it".into()),
    RefusalRule::likely("Starlette and FastAPI under uvicorn and hypercorn", |e| {
        e.status(&[403]) && e.is_silent() && (!e.is_http2() || e.is_from("hypercorn"))
    })
    .hint(|_| "check the path and query".into()),
    RefusalRule::likely("any server", |e| e.status(&[403]) && e.is_silent()).hint(requirements),
    RefusalRule::likely("Channels under Daphne 4", |e| {
        e.status(&[500])
            && e.is_silent()
            && !e.is_http2()
            && e.response.headers.iter().next().is_none()
    })
    .hint(|_| "check the path, including a slash at its end".into()),
    RefusalRule::likely("ws 8 with another path, API Gateway", |e| {
        e.status(&[400]) && e.is_silent() && !e.is_http2()
    })
    .hint(|_| "check the path".into()),
    RefusalRule::likely("any server", |e| e.status(&[400]) && e.is_silent()).hint(|e| {
        let subprotocol = "a subprotocol (-s NAME)".to_owned();
        pass(&[(e.lacks(Subprotocols), subprotocol), (e.lacks(Origin), origin_option(e))])
    }),
    RefusalRule::certain("any server", |e| {
        e.status(&[404]) && e.request.target.resource == "/" && e.gateway().is_none()
    })
    .hint(|_| "check the path: WebSocket endpoints often have one such as /ws".into()),
    RefusalRule::likely("any server", |e| e.status(&[404])).hint(|_| "check the path".into()),
    RefusalRule::likely("Daphne, Fastify, npm's websocket behind nginx", |e| {
        e.status(&[404]) && e.gateway().is_some() && may_drop_upgrade(e)
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    RefusalRule::certain("servers without RFC 8441 (documented)", |e| {
        e.status(&[405, 501]) && e.is_http2()
    })
    .hint(|_| "try without --http2".into())
    .fields(&["Allow"]),
    RefusalRule::certain("a GET without its upgrade (documented)", |e| {
        e.status(&[405]) && e.response.headers.has_token("Allow", "GET")
    })
    .hint(|e| format!("check the path, and {}", forwards_upgrade(e)))
    .fields(&["Allow"]),
    RefusalRule::certain("websockify 0.13 without the Upgrade header", |e| {
        e.status(&[405]) && e.says(&["error code: 405"])
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    RefusalRule::certain("aiohttp, SockJS", |e| e.status(&[405]))
        .hint(|_| "check the path: it does not allow GET, which opens a WebSocket".into())
        .fields(&["Allow"]),
    RefusalRule::certain("squid 5, tinyproxy 1.11", |e| {
        e.status(&[400])
            && ((e.is_from("squid") && e.says(&["invalid url"]))
                || e.says(&["you tried to connect to the machine the proxy is running on"]))
    })
    .hint(|e| proxy(e, "")),
    RefusalRule::certain("squid, tinyproxy (documented)", |e| e.status(&[407]))
        .hint(|e| proxy(e, "USER:PASSWORD@"))
        .fields(&["Proxy-Authenticate"]),
    RefusalRule::certain("any server (documented)", |e| e.status(&[410]))
        .hint(|_| "the endpoint was removed: look for its new path".into()),
    RefusalRule::certain("any server (documented)", |e| e.status(&[414]))
        .hint(|_| "use a shorter URL".into()),
    RefusalRule::certain("HTTP/2 gateways, Caddy (documented)", |e| e.status(&[421])).hint(|_| {
        "the server does not serve this host: check the URL's host, --host, --sni and \
         --connect-to"
            .into()
    }),
    RefusalRule::certain("captive portals (documented)", |e| e.status(&[511]))
        .hint(|_| "log in to the network with a browser".into()),
    RefusalRule::certain("any server", |e| {
        e.status(&[500, 501, 508]) || (e.response.status > 505 && e.response.status < 600)
    })
    .hint(|_| "this is a server error: check the server's log".into()),
];

type RefusalRule = Rule<Refusal>;
