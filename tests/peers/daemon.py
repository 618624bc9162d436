"""Runs a server program with a free port and a temporary folder until stdin ends."""

import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# Seconds, generous enough for a busy machine.
START_LIMIT = 60


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def claim_port():
    """Returns a free port, and a socket that keeps other processes of this module from using it.

    Another process that took the port would be mistaken for the server. The ports are below those
    that Linux gives to others.
    """
    while True:
        port = random.randrange(20000, 32000)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sockeye-peer-{port}")
            socket.create_server(("127.0.0.1", port)).close()
            return port, claim
        except OSError:
            claim.close()


def adopt_descendants():
    """Makes this process the parent of descendants whose parent ends, as those of a daemon do."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def end_descendants():
    """Kills all processes that the server has started, and waits for them."""
    children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
    while pids := children.read_text().split():
        for pid in map(int, pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def start(command, where, is_ready):
    """Starts the command on a free port, and again on another one if the port was taken meanwhile."""
    for _ in range(5):
        port, claim = claim_port()
        with open(where / "log", "wb") as log:
            process = subprocess.Popen(
                command(where, port), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        limit = time.monotonic() + START_LIMIT
        while process.poll() is None and time.monotonic() < limit:
            if is_ready(port):
                return process, port, claim
            time.sleep(0.02)
        process.kill()
    sys.exit((where / "log").read_text())


def run(command, is_ready=answers):
    """Prints the port of `command(folder, port)` once it is ready, and runs it until stdin ends."""
    # Daemons are installed outside the usual PATH of a user.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    adopt_descendants()
    where = pathlib.Path(tempfile.mkdtemp(prefix="sockeye-peer-"))
    try:
        _process, port, _claim = start(command, where, is_ready)
        print(port, flush=True)
        sys.stdin.buffer.read()
    finally:
        end_descendants()
        shutil.rmtree(where, ignore_errors=True)
