#!/usr/bin/env python3
"""Lets each system call of the program fail, one at a time, in conversations with scripted peers.

strace counts the calls of each conversation. Then, for each call that can fail and each of its
occurrences, the conversation is run again, and that one call fails with an error that Linux has for
it. Such a run must have no visible effect, or end with an error in words and a documented status in
time. docs/hardening.md has the results.

calls.toml has the errors of each call, reviewed.toml the findings that were accepted, regressions.toml
the injections that every sample contains.
"""

import argparse
import contextlib
import functools
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import checks  # noqa: F401, adds its conversations
import clients  # noqa: F401
import listeners  # noqa: F401
import prompts  # noqa: F401
from conversation import CONVERSATIONS
from peers import Servers, free_port
from program import Injection, Run
from verdict import ROOT, Table, documented_statuses, faults


class Settings:
    """What all runs share."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.durations = {}  # of the conversations, in seconds, when nothing fails
        self.servers = Servers(directory)
        # The peers of HTTP/2 are servers of the same program, in which no call fails.
        self.processes = []
        self.servers.http2 = f"ws://127.0.0.1:{self.echo_server()}"
        self.servers.http2_tls = "wss://localhost:{}".format(
            self.echo_server("--cert", self.servers.certificate, "--key", self.servers.key)
        )
        self.recording = str(Path(directory) / "run.jsonl")
        subprocess.run(
            [binary, "--record", self.recording, "-x", "hi", "--count", "1", self.servers.http2],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={"HOME": directory}, check=True,
        )  # fmt: skip

    def echo_server(self, *args):
        port = free_port()
        process = subprocess.Popen(
            [self.binary, "listen", f"127.0.0.1:{port}", "--echo", *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={"HOME": self.directory},
        )  # fmt: skip
        self.processes.append(process)
        if not process.stderr.readline().startswith(b"listening"):
            raise SystemExit("the echo server of HTTP/2 did not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        return port

    @functools.cache  # noqa: B019, there is one object
    def check_count(self, *args):
        """Returns the number of checks that these options choose."""
        listed = subprocess.run([self.binary, "check", "--list", "--json", *args], capture_output=True, check=True)
        return listed.stdout.count(b"\n")

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


class Tally:
    """Counts of the runs, and the findings."""

    def __init__(self, table, statuses, out):
        self.table, self.statuses, self.out = table, statuses, out
        self.lock = threading.Lock()
        self.injections = self.missed = self.accepted = self.findings = self.unconfirmed = 0
        self.ends = Counter()
        self.slow = []
        self.started = time.monotonic()

    def judge(self, run):
        """Counts a run and returns its faults that were not accepted by review."""
        if run.injection is not None and not self.table.reached(run):
            # The calls differ a little from run to run.
            with self.lock:
                self.missed += 1
            return []
        found = faults(run, self.statuses)
        kept = [fault for fault in found if not self.table.accepts(run, fault)]
        program = run.program
        with self.lock:
            self.injections += run.injection is not None
            self.accepted += len(found) > len(kept)
            self.ends[program.status] += 1
            self.slow.append((round(program.seconds, 1), run.conversation.name, str(run.injection)))
            if self.out:
                self.out.write(json.dumps({
                    "conversation": run.conversation.name, "injection": run.injection, "injected": run.injected(),
                    "status": program.status, "seconds": round(program.seconds, 2), "findings": kept,
                    "accepted": [fault for fault in found if fault not in kept],
                    "stderr": program.words()[-2000:], "command": list(map(str, program.command)),
                }) + "\n")  # fmt: skip
        return kept

    def report(self, run, found):
        """Prints a finding that a second run has confirmed."""
        words = [*run.injected(), *run.program.words().splitlines()[-6:]]
        with self.lock:
            self.findings += 1
            print(f"\n{run.conversation.name}, {run.injection}: {'; '.join(found)}")
            print("".join(f"    {line[:200]}\n" for line in words), end="")
            print(f"    {reproduction(run)}", flush=True)

    def summarize(self, conversations):
        self.slow.sort(reverse=True)
        print(
            f"{conversations} conversations, {self.injections} injections ({self.missed} were not reached), "
            f"{self.accepted} accepted by review, {self.findings} findings, {self.unconfirmed} unconfirmed, "
            f"{time.monotonic() - self.started:.0f} s"
        )
        print("ends:", ", ".join(f"{status}: {count}" for status, count in sorted(self.ends.items())))
        print("longest:", ", ".join(f"{seconds} s {name} {which}" for seconds, name, which in self.slow[:5]))


def reproduction(run):
    return f"python3 tests/torture/run.py --only '{run.conversation.name}' --inject {run.injection}"


def perform(settings, tally, conversation, injection):
    """Performs a conversation and returns its calls. A finding counts if a second run has one too: a
    busy machine may delay a conversation until one of its steps gives up."""
    with performed(settings, tally, conversation, injection) as (run, found):
        if not found:
            return run.calls() if injection is None else None
    with performed(settings, tally, conversation, injection) as (run, found):
        if found:
            tally.report(run, found)
        else:
            tally.unconfirmed += 1
        return run.calls() if injection is None else None


@contextlib.contextmanager
def performed(settings, tally, conversation, injection):
    run = Run(settings, conversation, injection)
    try:
        conversation.perform(run)
        if run.program.status is None:
            run.program.finish()
        if injection is None:
            settings.durations[conversation.name] = run.program.seconds
        yield run, tally.judge(run)
    finally:
        run.clean_up()


@contextlib.contextmanager
def cancelling(pool):
    """Forgets the runs that have not begun if the main thread is interrupted."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def spread(rows, limit):
    """Returns the rows, at most `limit` of them at equal distances."""
    if len(rows) <= limit:
        return rows
    return [rows[round(step * (len(rows) - 1) / (limit - 1))] for step in range(limit)]


def plan(conversation, calls, table, limit):
    """Returns the injections of a conversation."""
    planned = []
    for call, occurrences in sorted(calls.items()):
        numbers = defaultdict(list)
        for number, kinds in sorted(occurrences.items()):
            for kind in sorted(kinds):
                for error in table.possible(call, kind):
                    numbers[kind, error].append(Injection(call, error, number))
        for found in numbers.values():
            planned += [(conversation, injection) for injection in spread(found, limit)]
    return list(dict.fromkeys(planned))


def sample(planned, size, table):
    """Returns the injections that have found defects, and `size` others, always the same ones."""
    earlier = [row for row in planned if table.has_found(*row)]
    return earlier + random.Random(1).sample(planned, min(size, len(planned)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=ROOT / "target" / "debug" / "sockeye", type=Path)
    parser.add_argument("--jobs", default=2, type=int, help="runs at once")
    parser.add_argument("--limit", default=4, type=int, help="occurrences of each call, kind of file and error")
    parser.add_argument("--sample", type=int, metavar="N", help="N injections, and those that have found defects")
    parser.add_argument("--only", action="append", metavar="NAME", help="only conversations with this in their name")
    parser.add_argument("--call", action="append", help="only this system call")
    parser.add_argument("--inject", metavar="CALL:ERROR:N", help="only this injection")
    parser.add_argument("--out", type=argparse.FileType("w"), help="write each run as a line of JSON")
    return parser.parse_args()


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    # A job in the background of a script ignores SIGINT, and so would the program.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        sys.exit("strace does not work here: it needs the permission to trace processes (ptrace)")
    table = Table()
    chosen = [c for c in CONVERSATIONS if not options.only or any(word in c.name for word in options.only)]
    if options.sample is not None:
        chosen = [c for c in chosen if table.has_found(c)] + random.Random(1).sample(chosen, min(16, len(chosen)))
        chosen = list(dict.fromkeys(chosen))
    tally = Tally(table, documented_statuses(), options.out)
    with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as directory:
        settings = Settings(str(options.bin.resolve()), directory)
        try:
            with contextlib.closing(settings), ThreadPoolExecutor(options.jobs) as pool, cancelling(pool):
                unknown = torture(settings, tally, pool, chosen, options)
        finally:
            tally.summarize(len(chosen))
    # Another system may have other calls, which a sample leaves alone.
    incomplete = unknown and options.sample is None
    sys.exit(1 if tally.findings or incomplete or not tally.injections else 0)


def torture(settings, tally, pool, chosen, options):
    """Performs the conversations, then each with its injections. Returns calls that are not in the table."""
    calls = list(pool.map(lambda c: perform(settings, tally, c, None), chosen))
    if tally.findings:
        sys.exit("conversations fail without any injection")
    table = tally.table
    unknown = table.unknown(name for found in calls for name in found)
    if unknown:
        print(f"calls.toml has no row for: {', '.join(unknown)}")
    planned = [row for c, found in zip(chosen, calls) for row in plan(c, found, table, options.limit)]
    if options.inject:
        call, error, when = options.inject.split(":")
        planned = [(c, Injection(call, error, int(when))) for c in chosen]
    if options.call:
        planned = [(c, injection) for c, injection in planned if injection.call in options.call]
    if options.sample is None:
        random.Random(1).shuffle(planned)
    else:
        planned = sample(planned, options.sample, table)
    print(f"{len(planned)} injections in {len(chosen)} conversations", flush=True)
    list(pool.map(lambda row: perform(settings, tally, *row), planned))
    return unknown


if __name__ == "__main__":
    main()
