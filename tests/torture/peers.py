"""The servers and proxies of the conversations, in threads of the runner.

A server decides by the path of a request what it does, so all runs share it. What a path remembers
of a run is kept under the run's number, the last part of the path.
"""

import contextlib
import os
import socket
import ssl
import subprocess
import threading
from collections import defaultdict

from websocket import BINARY, CLOSE, PING, TEXT, Closed, Socket, accept, field

# A connection that nobody uses ends its thread.
IDLE_SECONDS = 30


class Servers:
    """Everything that a conversation may connect to, with the address of each."""

    def __init__(self, directory):
        self.directory = directory
        self.certificate = os.path.join(directory, "certificate.pem")
        self.key = os.path.join(directory, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, self.key)
        self.paths = Paths()
        plain = listener()
        self.plain = f"ws://127.0.0.1:{serve(plain, self.paths.serve)}"
        self.named = f"ws://localhost:{plain.getsockname()[1]}"
        self.tls = f"wss://localhost:{serve(listener(), self.paths.serve, tls)}"
        self.unix = os.path.join(directory, "server.sock")
        local = socket.socket(socket.AF_UNIX)
        local.bind(self.unix)
        serve(local, self.paths.serve)
        self.proxy = f"http://127.0.0.1:{serve(listener(), http_proxy)}"
        self.socks = f"socks5://127.0.0.1:{serve(listener(), socks_proxy)}"


class Paths:
    """What a server does at each path."""

    def __init__(self):
        self.lock = threading.Lock()
        self.connections = defaultdict(int)  # of a run
        self.messages = defaultdict(list)  # of a run, in order
        self.arrived = threading.Condition(self.lock)

    def wait_for(self, run, count, process):
        """Waits until a run has sent `count` messages, or its process has ended."""
        with self.lock:
            while len(self.messages[run]) < count and process.poll() is None:
                self.arrived.wait(0.05)

    def forget(self, run):
        with self.lock:
            self.connections.pop(run, None)
            self.messages.pop(run, None)

    def note(self, run, message):
        with self.lock:
            self.messages[run].append(message)
            self.arrived.notify_all()

    def serve(self, stream):
        peer = Socket(stream)
        while True:
            request = peer.head()
            _, name, *words, run = request[0].split(" ")[1].split("/")
            with self.lock:
                self.connections[run] += 1
                turn = self.connections[run]
            if getattr(self, name.replace("-", "_"))(peer, request, run, turn, *words) != "again":
                return

    def echo(self, peer, request, run, turn):
        accept(peer, request)
        while True:
            opcode, payload = peer.receive()
            if opcode == CLOSE:
                return peer.send(CLOSE, payload)
            if opcode in (TEXT, BINARY):
                self.note(run, payload)
                peer.send(opcode, payload)
            elif opcode == PING:
                peer.send(PING + 1, payload)

    def push(self, peer, request, run, turn, count, size):
        """Sends messages of a size, a ping between two, and closes."""
        accept(peer, request)
        for number in range(int(count)):
            peer.send(TEXT, f"{number}".encode().ljust(int(size), b"."))
            peer.send(PING, b"p")
        peer.close()

    def collect(self, peer, request, run, turn):
        """Only receives."""
        accept(peer, request)
        while True:
            self.note(run, peer.message())

    def lost(self, peer, request, run, turn):
        """Resets the first connection after its first message, and then echoes."""
        if turn > 1:
            return self.echo(peer, request, run, turn)
        accept(peer, request)
        peer.message()
        peer.reset()

    def away(self, peer, request, run, turn):
        """Closes the first session with 1012 after its first message, and then echoes."""
        if turn > 1:
            return self.echo(peer, request, run, turn)
        accept(peer, request)
        peer.message()
        peer.close(1012)

    def busy(self, peer, request, run, turn):
        """Refuses the first request, and then echoes."""
        if turn > 1:
            return self.echo(peer, request, run, turn)
        peer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlater")

    def moved(self, peer, request, run, turn):
        peer.write(
            f"HTTP/1.1 302 Found\r\nLocation: /echo/{run}\r\nSet-Cookie: id={run}; Max-Age=600\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )

    def secret(self, peer, request, run, turn):
        """Asks for Digest credentials, whose correctness does not matter here."""
        if field(request, "authorization").startswith("Digest "):
            return self.echo(peer, request, run, turn)
        peer.write(
            b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n'
            b"Content-Length: 0\r\n\r\n"
        )
        return "again"


def listener(family=socket.AF_INET):
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


def free_port():
    with listener() as listening:
        return listening.getsockname()[1]


def serve(listening, session, tls=None):
    """Serves each connection in a thread, and returns the port."""
    listening.listen(128)

    def one(stream):
        with contextlib.suppress(Closed, OSError, ValueError, TypeError, AttributeError), stream:
            stream.settimeout(IDLE_SECONDS)
            if stream.family == socket.AF_INET:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                stream = tls.wrap_socket(stream, server_side=True)
            session(stream)
            # Unread bytes would reset the connection, and with it what was sent last.
            stream.settimeout(2)
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65536):
                pass

    def accept_all():
        while True:
            stream, _ = listening.accept()
            threading.Thread(target=one, args=(stream,), daemon=True).start()

    threading.Thread(target=accept_all, daemon=True).start()
    return listening.getsockname()[1] if listening.family == socket.AF_INET else None


def http_proxy(stream):
    peer = Socket(stream)
    host, port = peer.head()[0].split(" ")[1].rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as server:
        peer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        tunnel(stream, server, peer.buffer)


def socks_proxy(stream):
    peer = Socket(stream)
    _, methods = peer.take(2)
    peer.take(methods)
    peer.write(b"\5\0")
    kind = peer.take(4)[3]
    if kind == 3:
        host = peer.take(peer.take(1)[0]).decode()
    else:
        host = socket.inet_ntop(*((socket.AF_INET, peer.take(4)) if kind == 1 else (socket.AF_INET6, peer.take(16))))
    port = int.from_bytes(peer.take(2), "big")
    with socket.create_connection((host, port), 5) as server:
        peer.write(b"\5\0\0\1\0\0\0\0\0\0")
        tunnel(stream, server, peer.buffer)


def tunnel(client, server, first):
    """Passes bytes in both directions until both have ended."""
    server.settimeout(IDLE_SECONDS)
    server.sendall(first)
    back = threading.Thread(target=copy, args=(server, client), daemon=True)
    back.start()
    copy(client, server)
    back.join(IDLE_SECONDS)


def copy(source, target):
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
