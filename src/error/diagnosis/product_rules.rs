//! The rules for a refused upgrade that recognize a product by its answer.

use super::{
    refusal::Refusal,
    refusal_hints::{
        authenticate, forwards_upgrade, is_api_gateway, may_drop_upgrade, origin, prefix,
        requirements,
    },
    rule::Rule,
};
use crate::connect::RequestPart::{Credentials, Origin, Subprotocols};

/// The table. It precedes the general one, so each rule needs evidence of the product.
pub(super) const RULES: &[ProductRule] = &[
    // Browsers and debuggers.
    ProductRule::certain("Chromium 156, DevTools", |e| {
        e.says(&["host header is specified and is not an ip address"])
    })
    .hint(|_| {
        "connect by IP address or as localhost, or pass --host localhost: the browser rejects \
         other names"
            .into()
    }),
    ProductRule::certain("Node's inspector", |e| e.says(&["websockets request was expected"]))
        .hint(|e| {
            format!(
                "check the path: http://{}/json lists the targets",
                e.request.target.authority()
            )
        }),
    ProductRule::likely("Vite 6.4", |e| {
        e.status(&[400]) && e.is_silent() && e.requests("vite-hmr") && e.sent(Origin)
    })
    .hint(|e| {
        let verb = if e.queries("token") { "correct" } else { "pass" };
        format!("{verb} the token of Vite in the query (?token=TOKEN), or leave out -o")
    }),
    ProductRule::certain("Vite 6.4", |e| {
        e.status(&[400]) && e.is_silent() && e.requests("vite-hmr")
    })
    .hint(|_| {
        "check the URL's host and --host: Vite accepts only the names in server.allowedHosts".into()
    }),
    // Servers that cannot upgrade.
    ProductRule::certain("Django's runserver without Daphne, wsgiref", |e| {
        e.status(&[200, 404, 500]) && e.is_from("wsgiserver")
    })
    .hint(|_| {
        "check the port and path: WSGIServer cannot upgrade; serve the app by ASGI, such as with \
         Daphne"
            .into()
    }),
    ProductRule::certain("python -m http.server", |e| e.is_from("simplehttp"))
        .hint(|_| "check the port and path: Python's http.server only serves files".into()),
    ProductRule::likely("IIS without its feature WebSocket Protocol (documented)", |e| {
        e.status(&[400, 501]) && e.is_silent() && e.is_from("microsoft-iis")
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    ProductRule::likely("ASP.NET Core without UseWebSockets (documented)", |e| {
        e.status(&[400]) && e.is_silent() && e.is_from("kestrel")
    })
    .hint(|e| format!("check that the server calls UseWebSockets, and {}", forwards_upgrade(e))),
    // Kubernetes.
    ProductRule::certain("Kubernetes (documented)", |e| {
        is_kubernetes(e) && e.says(&["system:anonymous"])
    })
    .hint(|e| {
        let verb = if e.lacks(Credentials) {
            "authenticate with"
        } else {
            "the server ignored the credentials: pass"
        };
        format!("{verb} --bearer TOKEN, or --cert FILE and --key FILE")
    }),
    ProductRule::certain("Kubernetes (documented)", |e| {
        is_kubernetes(e)
            && e.status(&[403])
            && ["get", "create", "list", "watch"]
                .iter()
                .any(|verb| e.says(&[&*format!("cannot {verb} resource")]))
    })
    .hint(|_| "grant this user the permission: the rules of Kubernetes (RBAC) deny it".into()),
    ProductRule::certain("Kubernetes (documented)", |e| {
        e.says(&["you must specify at least 1 of stdin, stdout, stderr"])
    })
    .hint(|_| "add stdout=true, and stdin=true to send, to the query of the URL".into()),
    ProductRule::certain("Kubernetes (documented)", |e| {
        e.says(&["a container name must be specified"])
    })
    .hint(|_| "add container=NAME to the query of the URL".into()),
    // SignalR.
    ProductRule::certain("ASP.NET Core SignalR (documented)", |e| {
        e.says(&["connection id required"])
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    ProductRule::certain("ASP.NET Core SignalR (documented)", |e| {
        e.status(&[404]) && e.says(&["no connection with that id"]) && e.queries("id")
    })
    .hint(|_| {
        "negotiate again, or leave id out of the query; several servers behind one address need \
         sticky sessions"
            .into()
    }),
    // Gateways.
    ProductRule::certain("Kong (documented)", |e| {
        e.status(&[404]) && e.says(&["no route matched with those values"])
    })
    .hint(|_| "check the host and path: Kong has no route for them".into()),
    ProductRule::certain("Kong, Supabase (documented)", |e| {
        e.status(&[401])
            && e.says(&["no api key found in request"])
            && e.challenges().iter().all(|scheme| scheme.eq_ignore_ascii_case("Key"))
    })
    .hint(|_| "pass the API key: -H 'apikey: KEY'".into()),
    ProductRule::certain("Railway (documented)", |e| {
        e.status(&[404])
            && e.is_from("railway")
            && e.says(&["application not found"])
            && e.body.json.as_deref().is_some_and(|json| json.contains("\"status\":\"error\""))
    })
    .hint(|_| "check the host: Railway has no app of this name".into()),
    ProductRule::certain("Traefik 3", |e| e.status(&[503]) && e.says_only("no available server"))
        .hint(|_| "check that the server behind Traefik is running".into()),
    ProductRule::certain("AWS ALB with AWS WAF or a fixed response (documented)", |e| {
        e.status(&[403]) && e.is_silent() && e.is_from("awselb")
    })
    .hint(|_| {
        "check the listener rules of the load balancer and of AWS WAF: one denies this request"
            .into()
    }),
    ProductRule::certain("CloudFront (documented)", |e| {
        e.status(&[403]) && e.is_from("cloudfront") && e.says(&["request could not be satisfied"])
    })
    .hint(|e| {
        let scheme = if e.request.target.secure { "" } else { ", which may require wss://" };
        format!("check the settings of CloudFront{scheme}: firewall, countries, host names")
    }),
    ProductRule::certain("Google Cloud Run (documented)", |e| {
        e.status(&[403])
            && e.is_from("google")
            && e.says(&["your client does not have permission to get url"])
    })
    .hint(|e| {
        if e.is_authenticated() {
            "grant this identity the permission to invoke the service, and check its token".into()
        } else {
            "authenticate with an identity token: --bearer TOKEN".into()
        }
    }),
    ProductRule::certain("Azure App Service (documented)", |e| {
        e.status(&[403]) && e.says(&["web app is stopped"])
    })
    .hint(|_| "start the web app in Azure, or check its quota".into()),
    // Origins.
    ProductRule::certain("gorilla/websocket 1.5 (documented)", |e| {
        e.status(&[403]) && e.is_silent() && e.header("Sec-WebSocket-Version")
    })
    .hint(|e| {
        if e.sent(Origin) {
            "pass an origin that the server allows, or leave out -o".into()
        } else {
            origin(e)
        }
    }),
    ProductRule::likely(
        "golang.org/x/net/websocket without an origin, Node servers that write a status line \
         (documented)",
        |e| is_bare(e) && e.status(&[403]) && e.response.reason == "Forbidden",
    )
    .hint(requirements),
    ProductRule::likely("Spring (documented)", |e| {
        e.status(&[403]) && e.is_silent() && e.sent(Origin) && is_spring(e)
    })
    // Spring Security adds this header, and answers so without credentials, too.
    .hint(|e| {
        if e.header("X-Frame-Options") && e.lacks(Credentials) {
            requirements(e)
        } else {
            origin(e)
        }
    }),
    // Erlang and Elixir.
    ProductRule::likely("Phoenix 1.7 (documented)", |e| {
        e.status(&[403]) && is_phoenix_socket(e) && e.sent(Origin)
    })
    .hint(origin),
    ProductRule::likely("Phoenix 1.7 (documented)", |e| {
        e.status(&[403]) && is_phoenix_socket(e) && e.lacks(Origin)
    })
    .hint(|e| {
        if e.is_authenticated() {
            "check the parameters in the query, such as token: the socket refuses them".into()
        } else {
            "pass the parameters that the socket expects in the query, such as ?token=TOKEN".into()
        }
    }),
    ProductRule::likely("Phoenix 1.7 (documented)", |e| {
        e.status(&[404]) && is_phoenix(e) && is_socket_path(e)
    })
    .hint(|e| format!("for Phoenix, use the path {}/websocket", prefix(e, ""))),
    ProductRule::certain("Phoenix 1.7 (documented)", |e| {
        e.status(&[404])
            && e.says(&["no route found for get"])
            && is_phoenix(e)
            && !is_socket_path(e)
            && !e.path().ends_with("/websocket")
    })
    .hint(|_| "check the path: for Phoenix, it ends with /websocket, as /socket/websocket".into()),
    ProductRule::likely("RabbitMQ, EMQX (documented)", |e| {
        e.status(&[400])
            && e.is_silent()
            && e.is_from("cowboy")
            && e.lacks(Subprotocols)
            && !e.path().ends_with("/websocket")
    })
    .hint(|_| "request a subprotocol with -s NAME: brokers require -s mqtt".into()),
    // Programs that judge the request.
    ProductRule::likely("Bun, with the answer of its manual (documented)", |e| {
        e.status(&[400, 500]) && e.says_only("upgrade failed") && may_drop_upgrade(e)
    })
    .hint(|e| format!("check {}", forwards_upgrade(e))),
    ProductRule::certain("NestJS (documented)", |e| {
        e.status(&[403]) && e.body.json.is_some() && e.says_only("forbidden resource")
    })
    .hint(authenticate),
    ProductRule::likely("Spring Security (documented)", |e| {
        e.status(&[403])
            && e.body.json.is_some()
            && e.is_silent()
            && e.lacks(Credentials)
            && !is_api_gateway(e)
    })
    .hint(requirements),
];

type ProductRule = Rule<Refusal>;

/// Reports whether the body is a status of the Kubernetes API.
fn is_kubernetes(e: &Refusal) -> bool {
    e.body.json.as_deref().is_some_and(|json| json.contains("\"kind\":\"Status\""))
}

/// Reports whether the answer consists of a status line.
fn is_bare(e: &Refusal) -> bool {
    e.is_silent() && !e.is_http2() && e.response.headers.iter().next().is_none()
}

/// Reports whether the answer varies by the fields by which Spring decides about origins.
fn is_spring(e: &Refusal) -> bool {
    let headers = &e.response.headers;
    ["Origin", "Access-Control-Request-Method"].iter().all(|name| headers.has_token("Vary", name))
}

fn is_phoenix(e: &Refusal) -> bool {
    // Bandit, its other server, has no Server header. Rails adds X-Runtime.
    let is_plug = e.response.headers.get("Cache-Control") == Some(PLUG_CACHE_CONTROL)
        && e.header("X-Request-Id")
        && !e.header("Server")
        && !e.header("X-Runtime");
    is_plug || e.is_from("cowboy") || e.says(&["phoenix"])
}

fn is_socket_path(e: &Refusal) -> bool {
    ["/socket", "/live"].iter().any(|end| e.path().ends_with(end))
}

fn is_phoenix_socket(e: &Refusal) -> bool {
    e.is_silent() && is_phoenix(e) && e.path().ends_with("/websocket")
}

/// The default of Plug.
const PLUG_CACHE_CONTROL: &str = "max-age=0, private, must-revalidate";
