"""A server in front of an echo server: haproxy, nghttpx or nginx. Prints its port; ends when stdin
does.

Usage: front.py NAME BACKEND_PORT [CERT KEY]
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

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
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header Host $host;
        }}
    }}
}}
"""


def haproxy(where, port, backend, cert, key):
    tls = "proto h2"
    if cert:
        both = where / "both.pem"
        both.write_bytes(pathlib.Path(cert).read_bytes() + pathlib.Path(key).read_bytes())
        tls = f"ssl crt {both} alpn h2,http/1.1"
    config = where / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, backend=backend, tls=tls))
    return ["haproxy", "-db", "-f", config]


def nghttpx(where, port, backend, cert, key):
    front = f"--frontend=127.0.0.1,{port}" + ("" if cert else ";no-tls")
    back = f"--backend=127.0.0.1,{backend};;proto=http/1.1"
    return ["nghttpx", front, back, "--workers=1", "--conf=/dev/null"] + ([key, cert] if cert else [])


def nginx(where, port, backend, cert, key):
    config = where / "nginx.conf"
    config.write_text(
        NGINX.format(
            dir=where,
            port=port,
            backend=backend,
            tls="ssl http2" if cert else "http2",
            certificate=f"ssl_certificate {cert}; ssl_certificate_key {key};" if cert else "",
        )
    )
    return ["nginx", "-c", config, "-e", where / "error.log"]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def start(command, where):
    """Starts it on a port that is free now; on another one if it was taken meanwhile."""
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with open(where / "log", "wb") as log:
            process = subprocess.Popen(
                command(port), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while process.poll() is None:
            if answers(port):
                return process, port
            time.sleep(0.02)
    sys.exit((where / "log").read_text())


def main():
    name, backend, *tls = sys.argv[1:]
    cert, key = tls or (None, None)
    # Daemons lie where users do not look.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    where = pathlib.Path(tempfile.mkdtemp(prefix="sockeye-front-"))
    kinds = {"haproxy": haproxy, "nghttpx": nghttpx, "nginx": nginx}
    try:
        process, port = start(lambda port: kinds[name](where, port, backend, cert, key), where)
        print(port, flush=True)
        sys.stdin.buffer.read()
        process.kill()
        process.wait()
    finally:
        shutil.rmtree(where)


main()
