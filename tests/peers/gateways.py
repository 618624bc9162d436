"""Starts a web server or gateway in front of a server of Python websockets (`servers.py websockets`).
Prints its port and runs until stdin ends. `situations.jsonl` has the paths and what each leads to.
nginx forwards /SERVER/ to each server, without headers for WebSocket.

Usage: gateways.py NAME SERVER=PORT...
"""

import http.client
import json
import pathlib
import sys

import daemon

NGINX = """
daemon off;
master_process off;
pid {dir}/pid;
error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {dir}/a;
    proxy_temp_path {dir}/b;
    fastcgi_temp_path {dir}/c;
    uwsgi_temp_path {dir}/d;
    scgi_temp_path {dir}/e;
    map $http_upgrade $upgrading {{ default upgrade; '' close; }}
    proxy_set_header Host $http_host;
    server {{
        listen 127.0.0.1:{port};
        root {dir}/site;
        location /ws {{
            proxy_pass http://127.0.0.1:{back};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrading;
        }}
        location /prefix/ {{
            proxy_pass http://127.0.0.1:{back};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrading;
        }}
        location /hidden {{
            proxy_pass http://127.0.0.1:{back}/ws;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrading;
            proxy_hide_header Sec-WebSocket-Extensions;
        }}
        location /idle {{
            proxy_pass http://127.0.0.1:{back}/ws;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrading;
            proxy_read_timeout 6s;
        }}
        location /slow {{
            proxy_pass http://127.0.0.1:{back};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrading;
            proxy_read_timeout 1s;
        }}
        location /http10 {{ proxy_pass http://127.0.0.1:{back}/ws; }}
        location /plain {{
            proxy_pass http://127.0.0.1:{back}/ws;
            proxy_http_version 1.1;
        }}
        location /dead {{ proxy_pass http://127.0.0.1:9; }}
        location /basic {{ auth_basic me; auth_basic_user_file {dir}/users; }}
        location /denied {{ deny all; }}
        location /dropped {{ return 444; }}
        location /maintenance {{ return 503; }}
        {locations}
        location /secure {{ return 301 https://$host$request_uri; }}
    }}
}}
"""

APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {dir}/pid
ErrorLog {dir}/error.log
DefaultRuntimeDir {dir}
Mutex file:{dir}
DocumentRoot {dir}/site
{modules}
<Directory {dir}/site>
    Require all granted
</Directory>
<Location /denied>
    Require all denied
</Location>
<Location /basic>
    AuthType Basic
    AuthName me
    AuthUserFile {dir}/users
    Require valid-user
</Location>
ProxyTimeout 1
ProxyPass /ws http://127.0.0.1:{back}/ws upgrade=websocket
ProxyPass /slow http://127.0.0.1:{back}/slow upgrade=websocket
ProxyPass /tunnel ws://127.0.0.1:{back}/ws
ProxyPass /plain http://127.0.0.1:{back}/plain
ProxyPass /dead http://127.0.0.1:9/
Redirect /moved /ws
"""
APACHE_MODULES = """
mpm_event authz_core authn_core authn_file auth_basic authz_user alias dir proxy proxy_http
proxy_wstunnel
"""

LIGHTTPD = """
server.document-root = "{dir}/site"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{dir}/error.log"
server.modules = ( "mod_access", "mod_proxy" )
index-file.names = ( "index.html" )
mimetype.assign = ( ".html" => "text/html" )
$HTTP["url"] =~ "^/ws" {{
    proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => {back} )))
    proxy.header = ( "upgrade" => "enable" )
}}
$HTTP["url"] =~ "^/plain" {{
    proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => {back} )))
    proxy.header = ( "map-urlpath" => ( "/plain" => "/ws" ) )
}}
$HTTP["url"] =~ "^/dead" {{
    proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => 9 )))
    proxy.header = ( "upgrade" => "enable" )
}}
$HTTP["url"] =~ "^/denied" {{ url.access-deny = ( "" ) }}
"""

CADDY = """
{{
    admin off
    auto_https off
    persist_config off
    skip_install_trust
    storage file_system {dir}/storage
    log {{
        output discard
    }}
}}
http://127.0.0.1:{port} {{
    root * {dir}/site
    handle /ws* {{
        reverse_proxy 127.0.0.1:{back}
    }}
    handle_path /prefix/* {{
        reverse_proxy 127.0.0.1:{back}
    }}
    handle /dead {{
        reverse_proxy 127.0.0.1:9
    }}
    handle /slow {{
        reverse_proxy 127.0.0.1:{back} {{
            transport http {{
                response_header_timeout 1s
            }}
        }}
    }}
    handle /basic {{
        basic_auth {{
            me $2a$14$QnDroNkmV2qtr211fWWqGe6r94ZhmGa61gdZFUdS.HFTIPgF7k99C
        }}
    }}
    handle /denied {{
        respond 403
    }}
    redir /moved /ws 308
    handle {{
        file_server
    }}
}}
"""

CADDY_TLS = """
{{
    admin off
    persist_config off
    skip_install_trust
    storage file_system {dir}/storage
    log {{
        output discard
    }}
}}
https://127.0.0.1:{port} {{
    tls internal
    reverse_proxy 127.0.0.1:{back}
}}
"""

HAPROXY = """
global
    maxconn 100
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 1s
    timeout tunnel 6s
userlist users
    user me insecure-password secret
frontend front
    bind 127.0.0.1:{port}
    http-request deny if {{ path /denied }}
    http-request deny deny_status 429 if {{ path /limited }}
    http-request auth realm me if {{ path /basic }} !{{ http_auth(users) }}
    http-request redirect location /ws if {{ path /moved }}
    http-request silent-drop if {{ path /silent }}
    http-request del-header Upgrade if {{ path /plain }}
    http-request set-path /ws if {{ path /plain }}
    use_backend dead if {{ path /dead }}
    use_backend none if {{ path /none }}
    default_backend back
backend back
    server echo 127.0.0.1:{back}
backend dead
    server echo 127.0.0.1:9
backend none
"""


def prepare(where):
    """Makes a folder with an index page, for servers of files, and a file of users without one."""
    site = where / "site"
    site.mkdir(exist_ok=True)
    (site / "folder").mkdir(exist_ok=True)
    (site / "index.html").write_text("<title>Welcome</title><p>It works!")
    (where / "users").write_text("me:{PLAIN}secret\n")
    for folder in [where, site, site / "folder"]:
        folder.chmod(0o755)


def nginx(where, port, back, servers):
    locations = [
        f"location /{name}/ {{ proxy_pass http://127.0.0.1:{at}/; proxy_http_version 1.1; }}"
        for name, at in servers.items()
    ]
    config = where / "nginx.conf"
    locations = "\n".join(locations)
    config.write_text(NGINX.format(dir=where, port=port, back=back, locations=locations))
    return ["nginx", "-c", config, "-e", where / "error.log"]


def apache(where, port, back):
    # Some modules are compiled in.
    folder = pathlib.Path("/usr/lib/apache2/modules")
    modules = [name for name in APACHE_MODULES.split() if (folder / f"mod_{name}.so").exists()]
    load = "\n".join(f"LoadModule {name}_module {folder}/mod_{name}.so" for name in modules)
    config = where / "apache.conf"
    config.write_text(APACHE.format(dir=where, port=port, back=back, modules=load))
    return ["apache2", "-X", "-f", config]


def lighttpd(where, port, back):
    config = where / "lighttpd.conf"
    config.write_text(LIGHTTPD.format(dir=where, port=port, back=back))
    return ["lighttpd", "-D", "-f", config]


def venv(program):
    return pathlib.Path(sys.executable).parent / program


def caddy(where, port, back, template=CADDY):
    config = where / "Caddyfile"
    config.write_text(template.format(dir=where, port=port, back=back))
    return [venv("caddy"), "run", "--adapter", "caddyfile", "--config", config]


def caddy_tls(where, port, back):
    return caddy(where, port, back, CADDY_TLS)


def haproxy(where, port, back):
    config = where / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, back=back))
    return ["haproxy", "-db", "-f", config]


def nghttpx(where, port, back):
    front = f"--frontend=127.0.0.1,{port};no-tls"
    backs = [f"127.0.0.1,{back};;proto=http/1.1", "127.0.0.1,9;/dead;proto=http/1.1"]
    backs = [f"--backend={back}" for back in backs]
    return ["nghttpx", front, *backs, "--workers=1", "--conf=/dev/null"]


def envoy(where, port, back):
    upgrade = {"upgrade_configs": [{"upgrade_type": "websocket"}]}

    def to(path, cluster, **route):
        return {"match": {"path": path}, "route": {"cluster": cluster, **route}}

    def cluster(name, port):
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}] if port else []
        return {
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {"cluster_name": name, "endpoints": endpoints},
        }

    hcm = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    filters = "type.googleapis.com/envoy.extensions.filters.http"
    router = {"@type": f"{filters}.router.v3.Router"}
    denied = {
        "permissions": [{"url_path": {"path": {"exact": "/denied"}}}],
        "principals": [{"any": True}],
    }
    rbac = {
        "@type": f"{filters}.rbac.v3.RBAC",
        "rules": {"action": "DENY", "policies": {"denied": denied}},
    }
    routes = [
        to("/ws", "back", **upgrade),
        to("/other", "back", **upgrade),
        to("/plain", "back"),
        to("/slow", "back", timeout="1s", **upgrade),
        to("/dead", "dead", **upgrade),
        to("/none", "none", **upgrade),
        to("/denied", "back", **upgrade),
    ]
    manager = {
        "@type": f"{hcm}.HttpConnectionManager",
        "stat_prefix": "front",
        "http_filters": [
            {"name": "envoy.filters.http.rbac", "typed_config": rbac},
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    clusters = [cluster("back", int(back)), cluster("dead", 9), cluster("none", None)]
    config = where / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}))
    return [venv("envoy"), "-c", config, "--concurrency", "1", "--disable-hot-restart"]


def has_routes(port):
    """Reports whether Traefik, which accepts connections before it reads its routes, denies one."""
    try:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        client.request("GET", "/denied")
        return client.getresponse().status == 403
    except OSError:
        return False


def traefik(where, port, back):
    def router(path, service="back", middleware=None):
        further = {"middlewares": [middleware]} if middleware else {}
        return {"rule": f"Path(`{path}`)", "service": service, **further}

    def service(port, **further):
        servers = [{"url": f"http://127.0.0.1:{port}"}] if port else []
        return {"loadBalancer": {"servers": servers, **further}}

    routes = {
        "routers": {
            "ws": router("/ws"),
            "other": router("/other"),
            "slow": router("/slow", "slow"),
            "dead": router("/dead", "dead"),
            "none": router("/none", "none"),
            "basic": router("/basic", middleware="basic"),
            "denied": router("/denied", middleware="denied"),
            "limited": router("/limited", middleware="limited"),
            "moved": router("/moved", middleware="moved"),
        },
        "middlewares": {
            "basic": {"basicAuth": {"users": ["me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="]}},
            "denied": {"ipAllowList": {"sourceRange": ["192.0.2.1/32"]}},
            # No request is within the limit.
            "limited": {"inFlightReq": {"amount": 0}},
            "moved": {"redirectScheme": {"scheme": "https"}},
        },
        "services": {
            "back": service(back),
            "slow": service(back, serversTransport="slow"),
            "dead": service(9),
            "none": service(None),
        },
        "serversTransports": {"slow": {"forwardingTimeouts": {"responseHeaderTimeout": "1s"}}},
    }
    config = where / "routes.yml"
    config.write_text(json.dumps({"http": routes}))
    return [
        venv("traefik"),
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={config}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]


GATEWAYS = {
    "apache": apache,
    "caddy": caddy,
    "caddy-tls": caddy_tls,
    "envoy": envoy,
    "haproxy": haproxy,
    "lighttpd": lighttpd,
    "nghttpx": nghttpx,
    "nginx": nginx,
    "traefik": traefik,
}


def main():
    name = sys.argv[1]
    servers = dict(server.split("=") for server in sys.argv[2:])

    def command(where, port):
        prepare(where)
        further = [servers] if name == "nginx" else []
        return GATEWAYS[name](where, port, servers["websockets"], *further)

    daemon.run(command, has_routes if name == "traefik" else daemon.answers)


if __name__ == "__main__":
    main()
