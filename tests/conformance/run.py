#!/usr/bin/env python3
"""Runs the Autobahn cases of kosoku against the program as client, as server, as server over HTTP/2, and
as a proxy before either end.

Two suite processes share the cases. kosoku speaks HTTP/1.1 alone: over HTTP/2, http2_bridge.py is
between it and the program. A case passes if its message exchange and its closing are both
OK or INFORMATIONAL, the Close that the program sent has an expected code, and the program did not
crash. The reports stay in target/conformance.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "conformance"
VENV = ROOT / "target" / "peers" / "venv" / "bin"
# Started through the interpreter: the script's first line has a path that breaks when the work tree moves.
KOSOKU = [VENV / "python", VENV / "kosoku"]
BRIDGE = [VENV / "python", Path(__file__).with_name("http2_bridge.py")]

GOOD = ("OK", "INFORMATIONAL")
AGENT = "sockeye"

# The number of cases in each group. Autobahn lacks group 8, and kosoku lacks 11.
CASES = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126}
COMPRESSED = (12, 13)

# The groups of a role unless --groups names others. Compression does not depend on the carrier or on
# what passes frames on, and its groups take minutes.
PLAIN = set(CASES) - set(COMPRESSED)
GROUPS = {
    "client": set(CASES),
    "server": set(CASES),
    "http2": PLAIN,
    "proxied-client": PLAIN,
    "proxied-server": PLAIN,
}

# The parts that can be assigned to a suite process, with their approximate durations in seconds.
UNITS = {
    "1.*": 0.5, "2.*": 0.5, "3.*": 0.5, "4.*": 0.5, "5.*": 2, "6.*": 8, "7.*": 1, "9.*": 3, "10.*": 0.5,
    "12.1.*": 20, "12.2.*": 155, "12.3.*": 102, "12.4.*": 28, "12.5.*": 106,
    "13.1.*": 24, "13.2.*": 30, "13.3.*": 24, "13.4.*": 21, "13.5.*": 30, "13.6.*": 30, "13.7.*": 22,
}  # fmt: skip

ROLES = tuple(GROUPS)

START_LIMIT = 20
REPORT_LIMIT = 60


class SuiteError(Exception):
    pass


class Suite:
    """One kosoku process, with its cases and the directory of its reports."""

    def __init__(self, name, globs, compressed):
        self.name = name
        self.globs = globs
        self.compressed = compressed
        self.dir = OUT / name
        self.case_limit = 500 if compressed else 100
        self.limit = 1500 if compressed else 300
        self.count = 0  # of cases, if the suite reports it
        self.crashes = {}  # case number → the failure of its driver

    def kosoku(self, mode, *rest):
        globs = [word for glob in self.globs for word in ("-i", glob)]
        return [*KOSOKU, "-m", mode, *globs, "-o", self.dir, *rest]

    def read(self):
        """Returns the cases by id, with the path of the report and any further fault added to each,
        and the number of cases without a report."""
        index = self.dir / "index.json"
        if not index.exists():
            raise SuiteError(f"no report; see {relative(self.dir / 'suite.log')}")
        found, seen = {}, set()
        for cases in json.loads(index.read_bytes()).values():
            for id, case in cases.items():
                path = self.dir / case["reportfile"]
                report = json.loads(path.read_bytes())
                seen.add(report["case"])
                fault = self.crashes.get(report["case"]) or close_fault(id, report)
                found[id] = {**case, "report": path, "fault": fault}
        lost = sorted(set(range(1, self.count + 1)) - seen)
        for number in lost:
            print(f"{self.name} case number {number}: not run, {self.crashes.get(number, 'no reason known')}")
        return found, len(lost)


def options(compressed):
    """Returns the options of the program, which are the same in both roles."""
    if compressed:
        # Every case of groups 12 and 13 accepts this offer. Short messages must be compressed too,
        # because kosoku fails on uncompressed ones in these groups.
        offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
        return [f"--compress={offer}", "--compress-min", "0"]
    return ["--no-compress"]


def close_fault(id, report):
    """Checks the code of the Close: kosoku accepts a connection that is failed without one, or not at all."""
    wanted = report["expectedClose"].get("closeCode", [])
    code = report["remoteCloseCode"]
    # 7.3.1 sends an empty Close, and the answer may be empty too.
    if not wanted or code in wanted or (id == "7.3.1" and code is None):
        return None
    return f"Close {code or 'without a code'} in place of {' or '.join(map(str, wanted))}"


def relative(path):
    return os.path.relpath(path, ROOT)


@contextlib.asynccontextmanager
async def running(argv, stderr, stdout=asyncio.subprocess.DEVNULL):
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        env={**os.environ, "NO_PROXY": "*", "no_proxy": "*", "SOCKEYE_CONFIG": "off"},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def address(process, log):
    """Waits for the first line of a log and returns its HOST:PORT."""
    give_up = time.monotonic() + START_LIMIT
    while time.monotonic() < give_up:
        text = log.read_text(errors="replace")
        if "\n" in text:
            first = text.split("\n")[0]
            if found := re.search(r" on ws://(127\.0\.0\.1:\d+)(?:$|,)", first):
                return found[1]
            break
        if process.returncode is not None:
            break
        await asyncio.sleep(0.02)
    raise SuiteError(f"not listening; see {relative(log)}")


async def drive(program, suite, url, log, *, echo, limit):
    """Runs the program against a URL. Returns its stdout and a description of its failure, or None."""
    mode = ["--echo"] if echo else ["-w", "-1"]
    argv = [program, *mode, *options(suite.compressed), url]
    async with running(argv, log, asyncio.subprocess.PIPE) as process:
        try:
            stdout, _ = await asyncio.wait_for(process.communicate(), limit)
        except asyncio.TimeoutError:
            return b"", f"no end within {limit:.0f} s"
    if process.returncode < 0:
        return stdout, f"ended by {signal.Signals(-process.returncode).name}"
    # A usage error, or a panic in a build that unwinds. The case determines other codes.
    if process.returncode in (2, 101):
        return stdout, f"exit status {process.returncode}"
    return stdout, None


async def run_client(program, suite, between=None):
    with (
        open(suite.dir / "suite.log", "wb") as suite_log,
        open(suite.dir / "driver.log", "ab", buffering=0) as log,
    ):
        async with running(suite.kosoku("fuzzingserver", "127.0.0.1:0"), suite_log) as server:
            where = await address(server, suite.dir / "suite.log")
            async with (between or directly)(where, suite.dir / "proxy.log") as front:
                await run_cases(program, suite, f"ws://{front}", log)
            await asyncio.wait_for(server.wait(), REPORT_LIMIT)


async def run_cases(program, suite, base, log):
    """Runs the program against all cases of a server at a URL."""
    give_up = time.monotonic() + suite.limit
    count_url = f"{base}/getCaseCount"
    stdout, wrong = await drive(program, suite, count_url, log, echo=False, limit=START_LIMIT)
    if wrong or not stdout.strip().isdigit():
        raise SuiteError(
            f"no case count ({wrong or stdout[:40]!r}); see {relative(suite.dir / 'driver.log')}"
        )
    suite.count = int(stdout)

    for number in range(1, suite.count + 1):
        limit = min(suite.case_limit, give_up - time.monotonic())
        if limit <= 0:
            suite.crashes[number] = "out of time"
            continue
        log.write(f"--- case number {number}\n".encode())
        url = f"{base}/runCase?case={number}&agent={AGENT}"
        _, wrong = await drive(program, suite, url, log, echo=True, limit=limit)
        if wrong:
            suite.crashes[number] = wrong

    url = f"{base}/updateReports?agent={AGENT}"
    await drive(program, suite, url, log, echo=False, limit=REPORT_LIMIT)


@contextlib.asynccontextmanager
async def directly(where, _):
    yield where


@contextlib.asynccontextmanager
async def bridged(where, log):
    with open(log, "wb") as file:
        async with running([*BRIDGE, where], file, file) as bridge:
            yield await address(bridge, log)


def proxied(program):
    """Returns what puts a proxy before an address."""

    @contextlib.asynccontextmanager
    async def between(where, log):
        argv = [program, "proxy", "--output", "none", "127.0.0.1:0", f"ws://{where}"]
        with open(log, "wb") as file:
            async with running(argv, file) as proxy:
                yield await address(proxy, log)

    return between


async def run_server(program, suite, between=directly):
    with (
        open(suite.dir / "suite.log", "wb") as suite_log,
        open(suite.dir / "server.log", "wb") as log,
    ):
        argv = [program, "listen", "--echo", *options(suite.compressed), "127.0.0.1:0"]
        async with running(argv, log) as server:
            where = await address(server, suite.dir / "server.log")
            async with between(where, suite.dir / "bridge.log") as front:
                argv = suite.kosoku("fuzzingclient", "-p", "2", front)
                async with running(argv, suite_log) as client:
                    await asyncio.wait_for(client.wait(), suite.limit)
            if server.returncode is not None:
                raise SuiteError(
                    f"the server ended with {server.returncode}; see {relative(suite.dir / 'server.log')}"
                )


async def run_http2(program, suite):
    await run_server(program, suite, bridged)


async def run_proxied_client(program, suite):
    await run_client(program, suite, proxied(program))


async def run_proxied_server(program, suite):
    await run_server(program, suite, proxied(program))


RUN = {
    "client": run_client,
    "server": run_server,
    "http2": run_http2,
    "proxied-client": run_proxied_client,
    "proxied-server": run_proxied_server,
}


async def run_suite(run, program, suite):
    """Runs one suite. Returns a description of a failure of the run itself, or None."""
    suite.dir.mkdir(parents=True)
    try:
        await run(program, suite)
    except SuiteError as error:
        return str(error)
    except asyncio.TimeoutError:
        return "the suite did not end in time"


def plan(role, args):
    """Yields the suites of a role in pairs: one pair for plain cases, one for compressed cases."""
    if args.cases:
        # A single process, so that cases of overlapping globs count once.
        units, width = dict.fromkeys(args.cases, 1), 1
    else:
        groups = args.groups or GROUPS[role]
        units, width = {glob: t for glob, t in UNITS.items() if group_of(glob) in groups}, 2
    for compressed in (False, True):
        parts = [[] for _ in range(width)]
        load = [0] * width
        for glob in sorted(units, key=units.get, reverse=True):
            if (group_of(glob) in COMPRESSED) == compressed:
                least = load.index(min(load))
                parts[least].append(glob)
                load[least] += units[glob]
        name = f"{role}-deflate" if compressed else role
        pair = [Suite(f"{name}-{i}", globs, compressed) for i, globs in enumerate(parts, 1) if globs]
        if pair:
            yield pair


def group_of(id):
    first = id.split(".")[0]
    return int(first) if first.isdigit() else 0


def numbers(text):
    found = set()
    for part in text.split(","):
        low, _, high = part.partition("-")
        found |= set(range(int(low), int(high or low) + 1))
    return found & set(CASES)


async def run_role(role, args):
    """Runs all cases of a role and prints the failed ones.

    Returns [passed, failed, milliseconds] by group. Group 0 counts failures outside the cases.
    """
    run = RUN[role]
    cases, tally = {}, defaultdict(lambda: [0, 0, 0])
    for pair in plan(role, args):
        ends = await asyncio.gather(*(run_suite(run, args.bin, suite) for suite in pair))
        for suite, wrong in zip(pair, ends):
            try:
                found, lost = suite.read()
                cases |= found
                # Without --cases, the known sizes of the groups show lost cases.
                if args.cases and lost:
                    tally[0][1] += lost
            except SuiteError as error:
                wrong = wrong or error
            if wrong:
                tally[0][1] += 1
                print(f"{suite.name}: {wrong}")

    for id, case in sorted(cases.items(), key=lambda item: [int(n) for n in item[0].split(".")]):
        good = case["behavior"] in GOOD and case["behaviorClose"] in GOOD and not case["fault"]
        counts = tally[group_of(id)]
        counts[0 if good else 1] += 1
        counts[2] += case["duration"]
        if not good:
            verdict = f"{case['behavior']}, close {case['behaviorClose']}"
            fault = f", {case['fault']}" if case["fault"] else ""
            print(f"{role} {id}: {verdict}{fault}: {relative(case['report'])}")

    for group in [] if args.cases else sorted(args.groups or GROUPS[role]):
        counts = tally[group]
        seen = counts[0] + counts[1]
        if seen != CASES[group]:
            counts[1] += abs(seen - CASES[group])
            print(f"{role} group {group}: {seen} cases were run, not {CASES[group]}")
    return tally


def table(tallies, took):
    print("\n group" + "".join(f"   {role}: passed  failed  time" for role in tallies))
    for group in sorted(set().union(*tallies.values())):
        line = f"{group or 'run':>6}"
        for tally in tallies.values():
            passed, failed, ms = tally[group]
            line += f"{passed:>17}{failed:>8}{ms / 1000:>6.1f}"
        print(line)
    print("(the cases' own seconds, added up; suites work side by side)\n")
    for role, tally in tallies.items():
        passed, failed = total(tally)
        print(f"{role}: {passed} passed, {failed} failed in {took[role]:.1f} s")


def total(tally):
    return [sum(counts[i] for counts in tally.values()) for i in (0, 1)]


async def main(args):
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)

    sys.stdout.reconfigure(line_buffering=True)
    shutil.rmtree(OUT, ignore_errors=True)
    tallies, took = {}, {}
    for role in ROLES if args.role == "all" else (args.role,):
        start = time.monotonic()
        tallies[role] = await run_role(role, args)
        took[role] = time.monotonic() - start
    table(tallies, took)
    passed, failed = map(sum, zip(*map(total, tallies.values())))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=Path, required=True, help="the program to test")
    parser.add_argument("--role", choices=(*ROLES, "all"), default="all")
    parser.add_argument("--groups", type=numbers, help="such as 1-7,9")
    parser.add_argument("--cases", nargs="+", metavar="GLOB", help="such as 6.4.*, in place of groups")
    args = parser.parse_args()
    args.bin = args.bin.resolve()
    if not os.access(args.bin, os.X_OK):
        parser.error(f"no such program: {args.bin}")
    if args.groups == set():
        parser.error("no such groups")
    if not KOSOKU[1].exists():
        parser.error("kosoku is not installed; run tests/peers/install")
    return args


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(arguments())))
    except asyncio.CancelledError:
        sys.exit("interrupted")
