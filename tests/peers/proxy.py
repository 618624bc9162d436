"""Starts a server in front of an echo server, or a proxy. Prints its port and runs until stdin ends.

Servers: haproxy, nghttpx and nginx, with HTTP/2 even without TLS; the -http1 variants use HTTP/1.1.
nginx-plain has a minimal configuration, and nginx-dropping adds only HTTP/1.1 to the backend.
Proxies: squid, tinyproxy and microsocks, with the user "me" and the password "secret". The -open
variants of squid and tinyproxy, and microsocks without -user, require neither.

Usage: proxy.py NAME BACKEND_PORT [CERT KEY [CLIENT_CA]]
"""

import pathlib
import sys

import daemon

HAPROXY = """
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend front
    bind 127.0.0.1:{port} {tls}
    default_backend back
backend back
    server echo 127.0.0.1:{backend}
"""

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
    server {{
        listen 127.0.0.1:{port} {tls};
        {certificate}
        location / {{
            proxy_pass http://127.0.0.1:{backend};
            proxy_set_header Host $host;
            {passing}
        }}
    }}
}}
"""


# The settings for WebSocket that nginx lacks by default, and that many configurations omit.
PASSING = """
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
"""

SQUID = """
http_port 127.0.0.1:{port}
pid_filename none
cache_log {dir}/cache.log
access_log none
cache deny all
coredump_dir {dir}
shutdown_lifetime 0 seconds
{auth}
http_access allow {who}
http_access deny all
"""

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 20
{auth}
"""


def squid(where, port, has_user):
    # The usual helper reads a file of hashes; this one needs only a shell.
    auth = where / "auth"
    auth.write_text('#!/bin/sh\nwhile read who; do [ "$who" = "me secret" ] && echo OK || echo ERR; done\n')
    auth.chmod(0o755)
    config = where / "squid.conf"
    basic = f"auth_param basic program {auth}\nacl known proxy_auth REQUIRED"
    config.write_text(
        SQUID.format(
            port=port, dir=where, auth=basic if has_user else "", who="known" if has_user else "all"
        )
    )
    where.chmod(0o777)
    return ["squid", "-N", "-f", config]


def tinyproxy(where, port, has_user):
    config = where / "tinyproxy.conf"
    config.write_text(TINYPROXY.format(port=port, auth="BasicAuth me secret" if has_user else ""))
    return ["tinyproxy", "-d", "-c", config]


def microsocks(where, port, has_user):
    user = ["-u", "me", "-P", "secret"] if has_user else []
    return ["microsocks", "-i", "127.0.0.1", "-p", str(port)] + user


def haproxy(where, port, backend, cert, key, _, plain="proto h2"):
    tls = plain
    if cert:
        both = where / "both.pem"
        both.write_bytes(pathlib.Path(cert).read_bytes() + pathlib.Path(key).read_bytes())
        tls = f"ssl crt {both} alpn h2,http/1.1"
    config = where / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, backend=backend, tls=tls))
    return ["haproxy", "-db", "-f", config]


def nghttpx(where, port, backend, cert, key, _, proto="http/1.1"):
    front = f"--frontend=127.0.0.1,{port}" + ("" if cert else ";no-tls")
    back = f"--backend=127.0.0.1,{backend};;proto={proto}"
    return ["nghttpx", front, back, "--workers=1", "--conf=/dev/null"] + ([key, cert] if cert else [])


def nghttpx_http2_behind(*args):
    return nghttpx(*args, proto="h2")


def haproxy_http1(*args):
    return haproxy(*args, plain="")


def nginx_http1(*args):
    return nginx(*args, plain="")


def nginx_plain(*args):
    return nginx(*args, plain="", passing="")


def nginx_dropping(*args):
    return nginx(*args, plain="", passing="proxy_http_version 1.1;")


def nginx(where, port, backend, cert, key, ca, plain="http2", passing=PASSING):
    config = where / "nginx.conf"
    config.write_text(
        NGINX.format(
            dir=where,
            port=port,
            backend=backend,
            tls="ssl http2" if cert else plain,
            passing=passing,
            certificate=(f"ssl_certificate {cert}; ssl_certificate_key {key};" if cert else "")
            + (f"ssl_client_certificate {ca}; ssl_verify_client on;" if ca else ""),
        )
    )
    return ["nginx", "-c", config, "-e", where / "error.log"]


def main():
    name, backend, *tls = sys.argv[1:]
    cert, key, ca = (tls + [None] * 3)[:3]
    servers = {
        "haproxy": haproxy,
        "haproxy-http1": haproxy_http1,
        "nghttpx": nghttpx,
        "nghttpx-http2-behind": nghttpx_http2_behind,
        "nginx": nginx,
        "nginx-http1": nginx_http1,
        "nginx-plain": nginx_plain,
        "nginx-dropping": nginx_dropping,
    }
    proxies = {
        "squid": (squid, True),
        "squid-open": (squid, False),
        "tinyproxy": (tinyproxy, True),
        "tinyproxy-open": (tinyproxy, False),
        "microsocks": (microsocks, False),
        "microsocks-user": (microsocks, True),
    }

    def command(where, port):
        if name in servers:
            return servers[name](where, port, backend, cert, key, ca)
        proxy, has_user = proxies[name]
        return proxy(where, port, has_user)

    daemon.run(command)


main()
