"""Runs a server program with a free port and a temporary folder until stdin ends."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def start(command, where):
    """Starts the command on a free port, and again on another one if the port was taken meanwhile."""
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with open(where / "log", "wb") as log:
            process = subprocess.Popen(
                command(where, port), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while process.poll() is None:
            # Another process may have taken the port.
            if answers(port) and process.poll() is None:
                return process, port
            time.sleep(0.02)
    sys.exit((where / "log").read_text())


def run(command):
    """Prints the port of `command(folder, port)` and runs it until stdin ends."""
    # Daemons are installed outside the usual PATH of a user.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    where = pathlib.Path(tempfile.mkdtemp(prefix="sockeye-peer-"))
    try:
        process, port = start(command, where)
        print(port, flush=True)
        sys.stdin.buffer.read()
        process.kill()
        process.wait()
    finally:
        shutil.rmtree(where, ignore_errors=True)
