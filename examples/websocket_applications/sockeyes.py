"""Starts `sockeye` as a server or as a client, and exchanges JSON Lines with it.

A line of its stdin is an action, a line of its stdout is an event: see docs/jsonl.md.
"""

import base64
import datetime
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading

LIMIT_SECONDS = 20  # for every wait; none takes long unless something is broken


def program():
    """Returns the path of sockeye: $SOCKEYE, the one built in this repository, or one in PATH."""
    target = pathlib.Path(__file__).resolve().parents[2] / "target"
    built = (target / "release/sockeye", target / "debug/sockeye")
    if "SOCKEYE" in os.environ:
        return os.environ["SOCKEYE"]
    found = next((str(path) for path in built if path.exists()), shutil.which("sockeye"))
    return found or sys.exit("sockeye is missing: run `cargo build`, or set SOCKEYE")


class Sockeye:
    """A process. As a context manager it is ended when the block is left."""

    def __init__(self, *arguments):
        command = [program(), *arguments, "--no-config", "-q", "--output", "jsonl"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self.events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(LIMIT_SECONDS)

    def act(self, **action):
        """Performs an action. A server's is for all clients unless `conn` or `except` is given."""
        print(json.dumps(action), file=self.process.stdin, flush=True)

    def send(self, data, **to):
        """Sends an object as JSON in a text message, or bytes as a binary message."""
        if isinstance(data, bytes):
            self.act(type="binary", base64=base64.b64encode(data).decode(), **to)
        else:
            self.act(type="text", data=json.dumps(data), **to)

    def event(self, *types):
        """Returns the next event of these types that is not our own message."""
        while True:
            event = self.events.get(timeout=LIMIT_SECONDS)
            if event is None:
                sys.exit(f"sockeye ended before an event of type {' or '.join(types)}")
            if event["type"] in types and event.get("direction") != "out":
                return event

    def receive(self):
        """Returns the next message, and the event that brought it."""
        event = self.event("text", "binary")
        if event["type"] == "text":
            return json.loads(event["data"]), event
        return base64.b64decode(event["base64"]), event

    def close(self):
        """Closes the session as a client."""
        self.act(type="close", code=1000)
        self.event("end")


def serve(*arguments):
    """Starts a server at a free port. Returns it and its URL."""
    server = Sockeye("listen", "127.0.0.1:0", *arguments)
    return server, server.event("listening")["url"]


def connect(url, *arguments):
    """Starts a client, and waits until its session is open."""
    client = Sockeye(url, "--input", "jsonl", *arguments)
    client.event("open")
    return client


def clock():
    """Returns the time in seconds since 1970."""
    return datetime.datetime.now(datetime.timezone.utc).timestamp()


def time_of(event):
    """Returns the time at which sockeye read a message, in seconds since 1970."""
    return datetime.datetime.fromisoformat(event["time"]).timestamp()


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms"
