#!/usr/bin/env python3
"""Runs command lines of wscat with wscat and with sockeye, and compares them.

Each case of wscat_cases.py runs three programs: wscat, sockeye, and sockeye called as wscat. What the
server received, what was printed and the status are compared. Differences must be those of
wscat_differences.json, each with the id of a row in docs/from-wscat.md.

  wscat_lines.py --wscat FILE --sockeye FILE [--update] [--only TEXT]

--update writes the differences found, and keeps the ids of those known.
"""
import argparse
import asyncio
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from wscat_cases import CASES
from wscat_server import Server, certificate, listen_client

HERE = Path(__file__).resolve().parent
LISTED = HERE / "wscat_differences.json"
GUIDE = HERE.parent.parent / "docs" / "from-wscat.md"
# The longest a program may take; one that is still running then is stuck.
LIMIT = 20
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][0B]?|[\r\x07]")


class Program:
    """A program that runs, on pipes or on a terminal."""

    def __init__(self, command, case, directory):
        environment = {
            "PATH": os.environ["PATH"], "HOME": directory, "LANG": "C.UTF-8", "TERM": "xterm",
            "SOCKEYE_HISTORY": "off", "NODE_NO_WARNINGS": "1",
        }
        # Signals that are ignored, as under nohup, would be ignored by the programs, too.
        self.case, self.command = case, ["env", "--default-signal", *command]
        self.environment = environment
        self.directory = directory
        self.out, self.err, self.terminal = bytearray(), bytearray(), None

    async def start(self):
        options = dict(cwd=self.directory, env=self.environment, start_new_session=True)
        if self.case.get("tty"):
            self.terminal, other = os.openpty()
            os.set_blocking(self.terminal, False)

            def own_terminal():
                import fcntl
                import termios
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

            self.process = await asyncio.create_subprocess_exec(
                *self.command, stdin=other, stdout=other, stderr=other,
                preexec_fn=own_terminal, **options)
            os.close(other)
            asyncio.get_running_loop().add_reader(self.terminal, self.read_terminal)
            self.readers = []
            return
        null = self.case.get("stdin") == "null"
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.DEVNULL if null else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, **options)
        self.readers = [asyncio.create_task(self.read(self.process.stdout, self.out)),
                        asyncio.create_task(self.read(self.process.stderr, self.err))]

    async def read(self, pipe, into):
        while data := await pipe.read(65536):
            into += data

    def read_terminal(self):
        try:
            data = os.read(self.terminal, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.out += data
        else:
            asyncio.get_running_loop().remove_reader(self.terminal)

    def type(self, data):
        if self.terminal is not None:
            os.write(self.terminal, data)
        elif self.process.stdin:
            self.process.stdin.write(data)

    def end_input(self):
        if self.terminal is None and self.process.stdin:
            self.process.stdin.close()

    async def ended(self, seconds):
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
            return True
        except asyncio.TimeoutError:
            return False

    async def stop(self):
        running = self.process.returncode is None
        if running:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        self.end_input()
        await asyncio.gather(*self.readers)
        if self.terminal is not None:
            await asyncio.sleep(0.05)
            asyncio.get_running_loop().remove_reader(self.terminal)
            os.close(self.terminal)
        return "still running" if running else self.process.returncode


async def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.01)
    return condition()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def run(case, program, directory, tls):
    """Runs a case, and returns what was observed."""
    server = Server(case.get("server", {}), tls)
    await server.start()
    own = free_port()
    words = {"{url}": f"{'wss' if case.get('server', {}).get('tls') else 'ws'}://127.0.0.1:{server.port}/",
             "{port}": str(server.port), "{own}": str(own), "{ca}": tls[0]}
    line = []
    for word in case["line"]:
        for name, value in words.items():
            word = word.replace(name, value)
        line.append(word)
    process = Program([*program, *line], case, directory)
    await process.start()
    seen = {}
    for step, *values in case.get("steps", [("ends", LIMIT)]):
        value = values[0] if values else None
        if step == "open":
            await until(lambda: server.opened or process.process.returncode is not None, LIMIT)
        elif step == "ready":
            await until(lambda: b"onnected" in process.out or process.process.returncode is not None,
                        LIMIT)
            await asyncio.sleep(0.2)
        elif step == "type":
            process.type(value)
        elif step == "eof":
            process.end_input()
        elif step == "got":
            await until(lambda: len(server.frames) >= value, 1.5)
        elif step == "sleep":
            await asyncio.sleep(value)
        elif step == "signal":
            process.process.send_signal(value)
        elif step == "listens":
            await until(lambda: can_connect(own) or process.process.returncode is not None, LIMIT)
        elif step == "client":
            seen.setdefault("clients", []).append(
                await listen_client(own, value, process, **values[1]))
        elif step == "ends":
            await process.ended(value)
    status = await process.stop()
    await server.stop()
    return observed(case, process, server, status, seen, [server.port, own])


def can_connect(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def observed(case, process, server, status, seen, ports):
    def plain(value):
        text = value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
        for port in ports:
            text = text.replace(str(port), "PORT")
        return text

    result = {"status": status, **seen}
    if not case.get("no_server"):
        result["requests"] = [plain(request) for request in server.requests]
        result["messages"] = [frame for frame in server.frames if frame[0] != "close"]
        result["close"] = [frame for frame in server.frames if frame[0] == "close"]
    if case.get("tty"):
        shown = plain(ESCAPES.sub(b"", bytes(process.out)))
        for text in case.get("shows", []):
            result[f"shows {text}"] = text in shown
    else:
        result["stdout"] = plain(process.out) if not case.get("any_stdout") else bool(process.out)
        # The words of errors are each program's own.
        result["stderr"] = bool(process.err)
    return result


async def compare(case, programs, tls, slots):
    async with slots:
        found = {}
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "file.txt").write_text("content of a file")
            runs = [run(case, program, directory, tls) for program in programs.values()]
            results = dict(zip(programs, await asyncio.gather(*runs)))
    reference = results.pop("wscat")
    for name, result in results.items():
        # In one order, so that --update changes only what differs.
        for facet in sorted(set(reference) - set(case.get("ignore", []))):
            if result[facet] != reference[facet]:
                found.setdefault(name, {})[facet] = {"wscat": reference[facet], "is": result[facet]}
    return found


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wscat", required=True)
    parser.add_argument("--sockeye", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    started = time.monotonic()
    listed = read_listed()
    cases = [case for case in CASES if arguments.only in case["name"]]
    with tempfile.TemporaryDirectory() as directory:
        tls = certificate(directory)
        link = Path(directory) / "wscat"
        link.symlink_to(Path(arguments.sockeye).resolve())
        programs = {"wscat": ["node", str(Path(arguments.wscat).resolve())],
                    "sockeye": [str(Path(arguments.sockeye).resolve())],
                    "as wscat": [str(link)]}
        slots = asyncio.Semaphore(12)
        found = await asyncio.gather(*[compare(case, programs, tls, slots) for case in cases])
    found = {case["name"]: differences for case, differences in zip(cases, found)}
    faults = judge(found, listed, arguments.update)
    if arguments.update:
        rows = {**listed, **found} if arguments.only else found
        LISTED.write_text(written(rows))
    print("\n".join(faults))
    print(f"{len(cases)} command lines, {time.monotonic() - started:.1f} s, {len(faults)} faults")
    sys.exit(bool(faults))


def written(rows):
    """Returns the JSON of the differences, one to a line."""
    cases = []
    for name, programs in sorted(rows.items()):
        lines = [json.dumps({"program": program, "facet": facet, **difference}, ensure_ascii=False)
                 for program, facets in programs.items() for facet, difference in facets.items()]
        if lines:
            cases.append(f" {json.dumps(name)}: [\n  " + ",\n  ".join(lines) + "\n ]")
    return "{\n" + ",\n".join(cases) + "\n}\n"


def read_listed():
    """Returns the listed differences: case, program and facet to what differs."""
    listed = {}
    for name, differences in (json.loads(LISTED.read_text()) if LISTED.exists() else {}).items():
        for difference in differences:
            program, facet = difference.pop("program"), difference.pop("facet")
            listed.setdefault(name, {}).setdefault(program, {})[facet] = difference
    return listed


def judge(found, listed, update):
    """Returns differences that are not listed as they are, and listed ones that are not found."""
    rows = set(re.findall(r"^\| `([a-z][a-z0-9-]*)` \|", GUIDE.read_text() if GUIDE.exists() else "", re.M))
    used, faults = set(), []
    for name, programs in found.items():
        known = listed.get(name, {})
        for program in {**programs, **known}:
            now, then = programs.get(program, {}), known.get(program, {})
            for facet in {**now, **then}:
                difference, before = now.get(facet), then.get(facet)
                if difference is None:
                    faults.append(f"{name}: {program}: {facet}: the listed difference is gone")
                    continue
                row = (before or {}).get("row")
                if update:
                    difference["row"] = row or ""
                if before is None or {**before, "row": ""} != {**difference, "row": ""}:
                    faults.append(f"{name}: {program}: {facet}: not listed: "
                                  + json.dumps(difference, ensure_ascii=False))
                if row not in rows:
                    faults.append(f"{name}: {program}: {facet}: no row {row!r} in {GUIDE.name}")
                used.add(row)
    if len(found) == len(CASES):
        faults += [f"{GUIDE.name}: no difference belongs to the row {row}" for row in rows - used]
        faults += [f"{name}: listed, but no such case" for name in set(listed) - set(found)]
        faults += [f"only {len(CASES)} command lines"] * (len(CASES) < 60)
    return faults


if __name__ == "__main__":
    asyncio.run(main())
