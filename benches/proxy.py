#!/usr/bin/env python3
"""Measures `sockeye proxy` beside haproxy in TCP mode and mitmproxy, if they are installed.

The clients and the server are this script. The programs take turns, and figures of rounds are medians.
CPU is that of the process of the proxy (user and system), which hardly depends on other load. The time of a
round trip does, and on the time that a virtual machine takes to wake another CPU. Without both:

    taskset -c 1 chrt -f 10 python3 benches/proxy.py --bin target/release/sockeye
"""

import argparse
import base64
import hashlib
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GIB = 1 << 30
BLOCK_BYTES = 4 << 20
START_LIMIT = 20
SPARE_FILES = 200
# mitmproxy handles each message in Python: it gets this part of the messages, and no idle sessions.
MITMPROXY_SHARE = 0.002

HAPROXY = """global
    maxconn {pairs}
    nbthread 1
defaults
    mode tcp
    maxconn {pairs}
    timeout connect 10s
    timeout client 10m
    timeout server 10m
frontend clients
    bind 127.0.0.1:{port} backlog 4096
    default_backend server
backend server
    server one 127.0.0.1:{server}
"""


def frames(size, number, masked):
    """Returns a block of equal binary messages."""
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes([0x82, mask | size])
    else:
        head = struct.pack(">BBQ", 0x82, mask | 127, size)
    one = head + (b"\x01\x02\x03\x04" if masked else b"") + b"x" * size
    return one * number


def send(connection, size, number, blocks, masked):
    block = frames(size, number, masked)
    for _ in range(blocks):
        connection.sendall(block)


def receive(connection, length, buffer=None):
    buffer = buffer or bytearray(1 << 20)
    while length > 0:
        got = connection.recv_into(buffer, min(len(buffer), length))
        if not got:
            raise OSError("the connection ended early")
        length -= got


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(1 if b"\r\n\r" in head else 4096)
        if not more:
            raise OSError("no handshake")
        head += more
    return head


def serve(listener):
    """Answers by path: /idle, /echo/SIZE, /send/SIZE/NUMBER/BLOCKS and /take/SIZE/NUMBER/BLOCKS."""
    idle = []
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = read_head(connection).split(b"\r\n")
        key = next(line.split(b": ")[1] for line in lines if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        kind, *numbers = lines[0].split(b" ")[1].decode().strip("/").split("/")
        if kind == "idle":
            idle.append(connection)
        else:
            threading.Thread(target=talk, args=(connection, kind, *map(int, numbers)), daemon=True).start()


def talk(connection, kind, size, number=1, blocks=1):
    try:
        if kind == "echo":
            answer = bytes([0x82, size]) + b"x" * size
            buffer = bytearray(6 + size)
            while True:
                receive(connection, 6 + size, buffer)
                connection.sendall(answer)
        elif kind == "send":
            send(connection, size, number, blocks, masked=False)
        elif kind == "take":
            receive(connection, len(frames(size, number, masked=True)) * blocks)
            connection.sendall(b"\x82\x00")
        while connection.recv(4096):
            pass
    except OSError:
        pass
    connection.close()


def connect(port, path):
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        # The first bytes of the session may follow at once, so none are read with the head.
        byte = connection.recv(1)
        if not byte:
            raise OSError("no handshake")
        head += byte
    if not head.startswith(b"HTTP/1.1 101"):
        raise OSError(f"refused: {head!r}")
    return connection


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Proxy:
    """A proxy between a port and that of the server."""

    def __init__(self, name, program, server, folder, pairs):
        self.share = MITMPROXY_SHARE if name == "mitmproxy" else 1
        self.port = free_port()
        if name == "sockeye":
            args = ["proxy", f"127.0.0.1:{self.port}", f"ws://127.0.0.1:{server}", "--output", "none", "-q"]
        elif name == "haproxy":
            config = Path(folder, "haproxy.cfg")
            config.write_text(HAPROXY.format(port=self.port, server=server, pairs=pairs + 10))
            args = ["-db", "-f", str(config)]
        else:
            home = f"confdir={folder}"
            mode = f"reverse:http://127.0.0.1:{server}"
            args = ["-q", "--set", home, "--listen-host", "127.0.0.1", "-p", str(self.port), "--mode", mode]
        self.log = Path(folder, f"{name}.log")
        env = {**os.environ, "SOCKEYE_CONFIG": "off"}
        null = subprocess.DEVNULL
        with self.log.open("w") as log:
            self.child = subprocess.Popen([program, *args], stdin=null, stdout=log, stderr=log, env=env)
        limit = time.monotonic() + START_LIMIT
        while True:
            try:
                connect(self.port, "/echo/16").close()
                return
            except OSError as cause:
                if self.child.poll() is not None or time.monotonic() > limit:
                    self.stop()
                    raise SystemExit(f"{name} does not pass on ({cause}): {self.log.read_text()}") from None
                time.sleep(0.05)

    def stop(self):
        self.child.kill()
        self.child.wait()

    def cpu(self):
        """Returns the CPU seconds so far."""
        tasks = Path(f"/proc/{self.child.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self, field):
        """Returns a field of the status in KiB."""
        status = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


def round_trips(port, number):
    """Returns the times of round trips of 16 bytes in microseconds, sorted."""
    connection = connect(port, "/echo/16")
    message = bytes([0x82, 0x90, 1, 2, 3, 4]) + b"x" * 16
    times, buffer = [], bytearray(64)
    for _ in range(number):
        start = time.perf_counter_ns()
        connection.sendall(message)
        receive(connection, 18, buffer)
        times.append((time.perf_counter_ns() - start) / 1e3)
    connection.close()
    return sorted(times[number // 10 :])


def at(times, percent):
    return times[len(times) * percent // 100]


def stream(proxy, kind, size, count):
    """Passes about `count` messages on in one direction. Returns CPU seconds a message, and elapsed time."""
    number = max(1, min(int(count), BLOCK_BYTES // size))
    blocks = max(1, round(count / number))
    before, start = proxy.cpu(), time.monotonic()
    connection = connect(proxy.port, f"/{kind}/{size}/{number}/{blocks}")
    if kind == "take":
        send(connection, size, number, blocks, masked=True)
        receive(connection, 2)
    else:
        receive(connection, len(frames(size, number, masked=False)) * blocks)
    elapsed = time.monotonic() - start
    cpu = proxy.cpu() - before
    connection.close()
    return cpu / (blocks * number), elapsed


def idle_pair(proxy, number):
    """Returns the KiB of resident memory that each of `number` idle sessions adds."""
    before = proxy.memory("VmRSS")
    connections = [connect(proxy.port, "/idle") for _ in range(number)]
    time.sleep(1)
    after = proxy.memory("VmRSS")
    for connection in connections:
        connection.close()
    return (after - before) / number


def measure(programs, server, folder, args):
    """Returns for each row the figures of all programs."""
    rows = {}

    def note(row, name, value):
        rows.setdefault(row, {}).setdefault(name, []).append(value)

    proxies = {}
    try:
        for name, program in programs.items():
            proxies[name] = Proxy(name, program, server, folder, args.pairs)
        for _ in range(args.rounds):
            direct = round_trips(server, args.trips)
            for percent in (50, 99):
                note(f"round trip of 16 B, p{percent}, µs", "no proxy", at(direct, percent))
            for name, proxy in proxies.items():
                trips = max(1000, int(args.trips * proxy.share))
                before = proxy.cpu()
                through = round_trips(proxy.port, trips)
                note("CPU of a round trip, µs", name, (proxy.cpu() - before) / trips * 1e6)
                for percent in (50, 99):
                    note(f"round trip of 16 B, p{percent}, µs", name, at(through, percent))
                    note(f"added to it, p{percent}, µs", name, at(through, percent) - at(direct, percent))
                for kind, way in (("send", "to the client"), ("take", "to the server")):
                    cpu, _ = stream(proxy, kind, 16, args.messages * proxy.share)
                    note(f"16 B {way}: CPU s per million", name, cpu * 1e6)
                    cpu, _ = stream(proxy, kind, 1 << 20, 1024 * max(proxy.share, 0.03))
                    note(f"1 MiB {way}: CPU s per GiB", name, cpu * 1024)
        for name, proxy in proxies.items():
            if proxy.share == 1:
                _, elapsed = stream(proxy, "send", 1 << 20, args.gib << 10)
                note(f"{args.gib} GiB to the client: elapsed, s", name, elapsed)
                note(f"peak RSS after {args.gib} GiB, MiB", name, proxy.memory("VmHWM") / 1024)
                note("anonymous part of RSS then, MiB", name, proxy.memory("RssAnon") / 1024)
                pair = idle_pair(proxy, args.pairs)
                note(f"RSS of an idle session of {args.pairs:,}, KiB", name, pair)
    finally:
        for proxy in proxies.values():
            proxy.stop()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="path of the sockeye binary")
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"), help="path of mitmdump")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trips", type=int, default=10_000, help="round trips of a round")
    parser.add_argument("--messages", type=int, default=5_000_000, help="messages of 16 B of a round")
    parser.add_argument("--gib", type=int, default=10, help="GiB that pass before the peak of RSS is read")
    parser.add_argument("--pairs", type=int, default=10_000, help="idle sessions")
    args = parser.parse_args()
    # The proxies are stopped then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A proxy needs two descriptors for a session.
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    args.pairs = min(args.pairs, (files - SPARE_FILES) // 2)
    found = {"sockeye": args.bin, "haproxy": shutil.which("haproxy"), "mitmproxy": args.mitmdump}
    programs = {name: program for name, program in found.items() if program}
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(programs, listener.getsockname()[1], folder, args)
    server.kill()
    columns = ["no proxy", *programs]
    print(f"medians of {args.rounds} rounds\n")
    print(f"| | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
    for row, seen in rows.items():
        figures = (decimal(statistics.median(seen[name])) if name in seen else "" for name in columns)
        print(f"| {row} | {' | '.join(figures)} |")


def decimal(value):
    """Returns a figure with about three digits."""
    places = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{places}f}"


if __name__ == "__main__":
    main()
