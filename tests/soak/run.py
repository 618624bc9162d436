#!/usr/bin/env python3
"""Runs servers and clients for a long time, and checks that nothing is lost and nothing grows.

Three servers stay for the whole run: one that echoes over TLS, HTTP/1.1 and HTTP/2, one whose stdin and
stdout are messages, and one that ends each session after some messages. Clients that stay stream through
the first, listen to the second and reconnect to the third; others come and go, also without a Close, with
half a request or killed. Resident memory, descriptors and threads of each long-lived process are sampled.
Needs Python alone.
"""

import argparse
import os
import queue
import random
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

START_LIMIT = 20
ANSWER_LIMIT = 60
SAMPLE_SECONDS = 2
# Growth of the resident memory from the second tenth of the run to the last one.
GROWTH_BYTES = 6 << 20

# Senders stop first, then those who read.
stopping = threading.Event()
ending = threading.Event()
faults = queue.Queue()
counts = {}
counts_lock = threading.Lock()


def count(name, n=1):
    with counts_lock:
        counts[name] = counts.get(name, 0) + n


class Process:
    """A process that runs for the whole time. Its stderr is kept."""

    def __init__(self, name, args):
        self.name = name
        self.samples = []
        self.notes = []
        self.child = subprocess.Popen(
            args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}
        )
        self.ready = threading.Event()
        self.port = None
        threading.Thread(target=self.read_notes, daemon=True).start()

    def read_notes(self):
        for line in self.child.stderr:
            line = line.decode()
            if found := re.match(r"listening on wss?://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                self.ready.set()
            elif len(self.notes) < 1000:
                self.notes.append(line)

    def listen(self):
        if not self.ready.wait(START_LIMIT):
            raise SystemExit(f"{self.name} does not listen: {self.notes}")
        return self

    def send(self, data):
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def line(self):
        line = self.child.stdout.readline()
        if not line:
            raise EOFError(f"{self.name} has ended: {''.join(self.notes[-5:])}")
        return line

    def sample(self):
        proc = Path("/proc") / str(self.child.pid)
        status = (proc / "status").read_text()
        field = lambda name: int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])
        descriptors = len(list((proc / "fd").iterdir()))
        self.samples.append((field("VmRSS") << 10, descriptors, field("Threads")))

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(START_LIMIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            faults.put(f"{self.name} did not end")


def forever(work, until):
    """Repeats a step in a thread until an event. An exception before is a fault of the run."""

    def loop():
        while not until.is_set():
            try:
                work()
            except Exception as fault:
                if not until.is_set():
                    faults.put(f"{work.__qualname__}: {fault!r}")
                return

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    return thread


def text(generator, length):
    """Text that compresses neither badly nor well."""
    words = ["alpha", "beta", "gamma", "delta", '{"price":', "}", "0.125", "\u00fc", "\u20ac", "sea"]
    parts = generator.choices(words, k=length // 4 + 1)
    return " ".join(parts)[:length].strip() or "x"


class Stream:
    """A client that stays and sends lines of all lengths, of which a few may be unanswered."""

    def __init__(self, process):
        self.process = process
        self.random = random.Random(process.name)
        self.sent = queue.Queue(maxsize=16)

    def feed(self):
        length = self.random.choice([1, 10, 100, 120, 130, 1000, 5000, 70_000])
        if self.random.random() < 0.002:
            length = 2 << 20
        line = text(self.random, length).encode() + b"\n"
        try:
            self.sent.put(line, timeout=1)
        except queue.Full:
            return
        self.process.send(line)

    def compare(self):
        try:
            line = self.sent.get(timeout=1)
        except queue.Empty:
            return
        if (echo := self.process.line()) != line:
            raise ValueError(f"{line[:60]!r} came back as {echo[:60]!r}")
        count("streamed lines")
        count("streamed bytes", len(line))


class Reconnecting:
    """A client that reconnects each time its server ends the session. A line that is not echoed was
    on its way then, and is sent again."""

    def __init__(self, process):
        self.process = process
        self.number = 0
        self.echoes = queue.Queue()

    def read(self):
        self.echoes.put(self.process.line())

    def ask(self):
        line = b"%d\n" % self.number
        self.process.send(line)
        deadline = time.monotonic() + ANSWER_LIMIT
        while True:
            try:
                echo = self.echoes.get(timeout=2)
            except queue.Empty:
                if stopping.is_set():
                    return
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no echo of {line!r}") from None
                count("lines sent again after a reconnection")
                self.process.send(line)
                continue
            if echo == line:
                break
            # The late echo of a line that was sent again.
            if int(echo) >= self.number:
                raise ValueError(f"{echo!r} instead of {line!r}")
        self.number += 1
        count("lines over reconnections")


class Churn:
    """Clients that come and go."""

    def __init__(self, binary, echo, talk, number):
        self.binary = binary
        self.echo = echo
        self.talk = talk
        self.random = random.Random(number)
        self.name = f"worker {number}"
        self.published = []
        self.serial = 0

    def step(self):
        work = [self.exchange, self.exchange, self.publish, self.kill, self.half, self.junk]
        self.random.choice(work)()
        time.sleep(0.02)

    def run(self, args, stdin):
        return subprocess.run(
            [self.binary, *args], input=stdin, capture_output=True, timeout=ANSWER_LIMIT, env={}
        )

    def exchange(self):
        lines = [text(self.random, self.random.choice([1, 50, 3000])) for _ in range(20)]
        options = self.random.choice(
            [[], ["--http2"], ["--no-compress"], ["--http2", "--no-compress"], ["--fragment", "100"]]
        )
        url = f"wss://127.0.0.1:{self.echo.port}/"
        sent = "\n".join(lines).encode() + b"\n"
        done = self.run(["-k", "--count", "20", *options, url], sent)
        if done.returncode != 0 or done.stdout != sent:
            raise ValueError(f"{options}: {done.returncode}, {done.stderr!r}, {len(done.stdout)} of {len(sent)}")
        count("clients that exchanged 20 lines")

    def publish(self):
        lines = []
        for _ in range(10):
            lines.append(f"{self.name} {self.serial}")
            self.serial += 1
        url = f"ws://127.0.0.1:{self.talk.port}/"
        done = self.run(["--send-only", url], "\n".join(lines).encode() + b"\n")
        if done.returncode != 0:
            raise ValueError(f"publish: {done.returncode}, {done.stderr!r}")
        self.published.extend(lines)
        count("published lines", len(lines))

    def kill(self):
        url = f"wss://127.0.0.1:{self.echo.port}/"
        client = subprocess.Popen(
            [self.binary, "-k", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env={},
        )  # fmt: skip
        client.stdin.write(b"hello\n")
        client.stdin.flush()
        client.stdout.readline()
        client.kill()
        client.wait()
        client.stdin.close()
        client.stdout.close()
        count("killed clients")

    def half(self):
        """Half a request, then a reset."""
        with socket.create_connection(("127.0.0.1", self.talk.port)) as half:
            half.send(b"GET / HTTP/1.1\r\nHost: x\r\nUpg")
            time.sleep(0.01)
            half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        count("half requests")

    def junk(self):
        with socket.create_connection(("127.0.0.1", self.echo.port)) as junk:
            junk.settimeout(ANSWER_LIMIT)
            junk.send(self.random.randbytes(300))
            try:
                while junk.recv(1000):
                    pass
            except ConnectionResetError:
                pass
        count("connections with junk")


class Talk:
    """The server whose stdin and stdout are messages, and a client that stays connected to it."""

    def __init__(self, server, client):
        self.server = server
        self.client = client
        self.ticks = 0
        self.received = 0
        self.lines = []

    def tick(self):
        self.server.send(b"tick %d\n" % self.ticks)
        self.ticks += 1
        time.sleep(0.05)

    def receive(self):
        line = self.client.line()
        if line != b"tick %d\n" % self.received:
            raise ValueError(f"{line!r} instead of tick {self.received}")
        self.received += 1
        count("ticks")

    def read(self):
        self.lines.append(self.server.line().decode().split("\t", 1)[-1].rstrip("\n"))


def report(processes):
    """Prints the samples and returns the faults in them."""
    found = []
    row = "{:<34} {:>9} {:>9} {:>9} {:>7} {:>7} {:>8}"
    print(row.format("process", "RSS early", "RSS late", "RSS peak", "fds", "fds end", "threads"))
    for process in processes:
        rss, descriptors, threads = zip(*process.samples)
        tenth = max(1, len(rss) // 10)
        early, late = statistics.median(rss[tenth : 2 * tenth]), statistics.median(rss[-tenth:])
        kib = lambda n: f"{int(n) >> 10} K"
        print(
            row.format(
                process.name, kib(early), kib(late), kib(max(rss)),
                max(descriptors), descriptors[-1], max(threads),
            )
        )  # fmt: skip
        if late > early + GROWTH_BYTES:
            found.append(f"{process.name}: {kib(late - early)} more memory")
        if descriptors[-1] > max(descriptors[: tenth + 1]):
            found.append(f"{process.name}: {descriptors[0]} descriptors became {descriptors[-1]}")
        if max(threads[tenth:]) > max(threads[: tenth + 1]):
            found.append(f"{process.name}: {max(threads)} threads")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=Path)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SOAK_SECONDS", 600)))
    options = parser.parse_args()
    binary = options.bin.resolve()

    any_port = "127.0.0.1:0"
    echo = Process("echo server", [binary, "listen", any_port, "--echo", "--tls-self-signed"]).listen()
    talk = Process("server of stdin and stdout", [binary, "listen", any_port, "--label"]).listen()
    fault = ["--fault", "close 1011 after 20 messages"]
    flaky = Process("server that ends its sessions", [binary, "listen", any_port, "--echo", *fault]).listen()

    secure = f"wss://127.0.0.1:{echo.port}/"
    streams = [
        Process("client over TLS", [binary, "-k", "-w", "-1", secure]),
        Process("client over HTTP/2", [binary, "-k", "--http2", "-w", "-1", secure]),
    ]
    listener = Process("client that receives", [binary, "-w", "-1", f"ws://127.0.0.1:{talk.port}/"])
    again = ["--reconnect", "--reconnect-delay", "0.05", "--reconnect-max-delay", "0.2"]
    returning = Process("client that reconnects", [binary, *again, f"ws://127.0.0.1:{flaky.port}/"])
    processes = [echo, talk, flaky, *streams, listener, returning]
    time.sleep(2)

    for process in processes:
        process.sample()
    flows = [Stream(process) for process in streams]
    talking = Talk(talk, listener)
    reconnecting = Reconnecting(returning)
    churns = [Churn(binary, echo, talk, number) for number in range(3)]
    senders = [talking.tick, reconnecting.ask, *(flow.feed for flow in flows), *(churn.step for churn in churns)]
    sending = [forever(work, stopping) for work in senders]
    for work in [talking.receive, talking.read, reconnecting.read, *(flow.compare for flow in flows)]:
        forever(work, ending)

    end = time.monotonic() + options.seconds
    while time.monotonic() < end and faults.empty():
        time.sleep(SAMPLE_SECONDS)
        for process in processes:
            if process.child.poll() is not None:
                faults.put(f"{process.name} ended with {process.child.returncode}: {process.notes[-5:]}")
                break
            process.sample()

    stopping.set()
    for thread in sending:
        thread.join(ANSWER_LIMIT)
    published = sum((churn.published for churn in churns), [])
    limit = time.monotonic() + ANSWER_LIMIT
    while time.monotonic() < limit and (len(talking.lines) < len(published) or any(f.sent.qsize() for f in flows)):
        time.sleep(0.1)
    time.sleep(2)
    ending.set()
    found = []
    while not faults.empty():
        found.append(faults.get())
    if not found:
        for process in processes:
            process.sample()
        found = report(processes)
        if sorted(talking.lines) != sorted(published):
            found.append(f"{len(published)} lines were published, {len(talking.lines)} received")
    for name, number in sorted(counts.items()):
        print(f"{name}: {number}")
    for process in processes:
        process.end()
        found.extend(f"{process.name}: {note}" for note in process.notes if "panicked" in note)
    for fault in found:
        print(f"FAULT: {fault}")
    print(f"{options.seconds:.0f} seconds: {'failed' if found else 'flat, and nothing was lost'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
