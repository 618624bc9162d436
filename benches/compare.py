#!/usr/bin/env python3
"""Compares the speed of sockeye with that of other installed clients (websocat, wscat).

This script is also the server, so figures are comparable only within one run. The clients take
turns. Each figure is the median over all rounds: CPU time of the client process (user and system)
and elapsed time from start to exit.
"""

import argparse
import base64
import hashlib
import os
import select
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

CLIENTS = {
    "sockeye": {
        "recv": ["--no-compress", "{url}"],
        "send": ["--no-compress", "--send-only", "{url}"],
        "cold": ["--no-compress", "--count", "1", "{url}"],
    },
    "websocat": {
        "recv": ["-t", "-U", "{url}"],
        "send": ["-t", "-u", "{url}"],
        "cold": ["-t", "-n", "-1", "{url}"],
    },
    "wscat": {"recv": ["-c", "{url}"]},
}

# Name: kind, message size in bytes, number of messages.
CASES = {
    "cold: one line, one echo": ("cold", 10, 1),
    "receive 64 B": ("recv", 64, 2_000_000),
    "receive 4 KiB": ("recv", 4096, 100_000),
    "send 64 B": ("send", 64, 2_000_000),
    "send 64 KiB": ("send", 65_536, 2_000),
}


def frame(payload):
    n = len(payload)
    head = bytes([0x81, n]) if n < 126 else struct.pack(">BBH" if n < 65_536 else ">BBQ", 0x81, 126 if n < 65_536 else 127, n)
    return head + payload


def serve(listener):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


def talk(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    lines = head.split(b"\r\n")
    _, kind, size, count = lines[0].split(b" ")[1].decode().split("/")
    key = next(line.split(b": ")[1] for line in lines if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    try:
        if kind == "recv":
            one = frame(b"x" * int(size))
            per = max(1, (4 << 20) // len(one))
            block, left = one * per, int(count)
            while left > 0:
                connection.sendall(block if left >= per else one * left)
                left -= per
            connection.sendall(b"\x88\x02\x03\xe8")
        elif kind == "cold":
            connection.recv(4096)
            connection.sendall(frame(b"x" * int(size)))
        buffer = bytearray(1 << 20)
        tail = b""
        while n := connection.recv_into(buffer):
            # After its messages a client sends a masked Close of 8 bytes.
            tail = (tail + bytes(buffer[max(0, n - 8) : n]))[-8:]
            # Payload may look like one, but then more follows immediately.
            if tail[:2] == b"\x88\x82" and not select.select([connection], [], [], 0.05)[0]:
                if kind != "recv":
                    connection.sendall(b"\x88\x02\x03\xe8")
                break
    except OSError:
        pass
    connection.close()


def run(argv, stdin):
    """Returns CPU seconds, elapsed seconds and the exit status."""
    start = time.perf_counter()
    env = {**os.environ, "SOCKEYE_CONFIG": "off"}
    null = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=stdin, stdout=null, stderr=null, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.perf_counter() - start
    return usage.ru_utime + usage.ru_stime, elapsed, process.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", required=True, help="path of the sockeye binary")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    programs = {"sockeye": args.bin} | {n: p for n in ("websocat", "wscat") if (p := shutil.which(n))}
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    port = listener.getsockname()[1]
    print(f"clients: {', '.join(programs)}; medians of {args.rounds} rounds\n")
    print("| case | client | CPU | wall | CPU ÷ sockeye |\n|---|---|---|---|---|")
    for case, (kind, size, count) in CASES.items():
        clients = [name for name in programs if kind in CLIENTS[name]]
        seen = {name: [] for name in clients}
        with tempfile.NamedTemporaryFile() as lines:
            lines.write((b"x" * size + b"\n") * (count if kind != "recv" else 0))
            lines.flush()
            for _ in range(args.rounds):
                for name in clients:
                    url = f"ws://127.0.0.1:{port}/{kind}/{size}/{count}"
                    argv = [programs[name], *(word.format(url=url) for word in CLIENTS[name][kind])]
                    # A receiving client gets an open stdin without input.
                    silent, held = os.pipe()
                    with open(lines.name, "rb") as file:
                        seen[name].append(run(argv, silent if kind == "recv" else file))
                    os.close(silent)
                    os.close(held)
        base = statistics.median(cpu for cpu, *_ in seen["sockeye"])
        unit, factor = ("ms a run", 1e3) if kind == "cold" else ("ns a message", 1e9)
        for name, runs in seen.items():
            cpu, wall = (statistics.median(r[i] for r in runs) for i in range(2))
            bad = "" if all(r[2] == 0 for r in runs) else " (exit status not 0)"
            figures = f"{cpu / count * factor:,.1f} {unit} | {wall / count * factor:,.1f} | {cpu / base:.2f}"
            print(f"| {case} | {name}{bad} | {figures} |", flush=True)
    listener.close()


if __name__ == "__main__":
    main()
