#!/usr/bin/env python3
"""Compares the verdicts of `sockeye check` with those of the Autobahn fuzzing client (kosoku).

Both judge the same echo servers: the program itself, node ws and Python websockets. MAP says which
check has the rule of which case. A check that was skipped, and a case that is only informational,
gives no verdict. Run by hand; `make peers` installs what is needed:

    python3 tests/conformance/agree.py --bin target/release/sockeye
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "target" / "peers"
PYTHON = PEERS / "venv" / "bin" / "python"
OUT = ROOT / "target" / "agreement"

# The checks that together have the rules of a case. Words in brackets stand for several ids.
MAP = {
    "1.1.1": "5.2-text-0", "1.1.2": "5.2-text-125", "1.1.3": "5.2-text-126", "1.1.4": "5.2-text-127",
    "1.1.6": "5.2-text-65535", "1.1.7": "5.2-text-65536",
    "1.2.1": "5.2-binary-0", "1.2.2": "5.2-binary-125", "1.2.3": "5.2-binary-126",
    "1.2.4": "5.2-binary-127", "1.2.6": "5.2-binary-65535", "1.2.7": "5.2-binary-65536",
    "2.1": "5.5.2-ping-empty", "2.2": "5.5.2-ping", "2.3": "5.5.2-ping-binary", "2.4": "5.5.2-ping-125",
    "2.5": "5.5-long-ping", "2.7": "5.5.3-pong-empty", "2.8": "5.5.3-pong", "2.10": "5.5.2-ping-ten",
    "3.1": "5.2-rsv3-text", "3.2": "5.2-rsv2-text", "3.4": "5.2-rsv1-text", "3.5": "5.2-rsv1-binary",
    "3.6": "5.2-rsv1-ping 5.2-rsv2-ping", "3.7": "5.2-rsv1-close 5.2-rsv2-close 5.2-rsv3-close",
    "4.1.1": "5.2-opcode-3", "4.1.2": "5.2-opcode-4", "4.1.3": "5.2-opcode-5", "4.1.4": "5.2-opcode-6",
    "4.1.5": "5.2-opcode-7", "4.2.1": "5.2-opcode-11", "4.2.2": "5.2-opcode-12",
    "4.2.3": "5.2-opcode-13", "4.2.4": "5.2-opcode-14", "4.2.5": "5.2-opcode-15",
    "5.1": "5.5-fragmented-ping", "5.2": "5.5-fragmented-pong", "5.3": "5.4-two", "5.4": "5.4-two",
    "5.5": "5.4-two 5.2-bytes", "5.6": "5.4-ping-between 5.5.2-ping-in-message",
    "5.9": "5.4-continuation-first", "5.10": "5.4-continuation-first", "5.12": "5.4-continuation-open",
    "5.13": "5.4-continuation-open", "5.15": "5.4-continuation-after", "5.16": "5.4-continuation-open",
    "5.17": "5.4-continuation-first", "5.18": "5.4-text-inside", "5.19": "5.5.2-ping-in-message 5.4-parts",
    "6.1.1": "5.2-text-0", "6.1.2": "5.4-empty", "6.1.3": "5.4-empty-middle", "6.2.3": "8.1-split-bytes",
    "6.3.1": "8.1-invalid-surrogate", "6.5.1": "8.1-valid-ascii", "6.5.2": "8.1-valid-two",
    "6.5.3": "8.1-valid-three", "6.5.4": "8.1-valid-four", "6.5.5": "8.1-valid-greek",
    "6.6.1": "8.1-invalid-cut-two", "6.6.4": "8.1-invalid-cut-three", "6.7.1": "8.1-valid-nul",
    "6.8.1": "8.1-invalid-five", "6.11.1": "8.1-valid-beside-surrogates",
    "6.11.2": "8.1-valid-beside-surrogates", "6.11.5": "8.1-invalid-beyond", "6.12.1": "8.1-invalid-lone",
    "6.12.2": "8.1-invalid-lone-last", "6.13.1": "8.1-invalid-broken-two",
    "6.13.2": "8.1-invalid-broken-three", "6.16.1": "8.1-invalid-fe", "6.16.2": "8.1-invalid-ff",
    "6.17.1": "8.1-invalid-overlong-two", "6.17.2": "8.1-invalid-overlong-three",
    "6.17.3": "8.1-invalid-overlong-four", "6.19.1": "8.1-invalid-overlong-nul",
    "6.20.1": "8.1-invalid-surrogate", "6.20.7": "8.1-invalid-surrogate-last",
    "6.21.1": "8.1-invalid-surrogates", "6.22.1": "8.1-valid-noncharacter",
    "6.22.2": "8.1-valid-noncharacter",
    "7.1.2": "5.5.1-close-twice", "7.1.3": "5.5.1-ping-after", "7.1.4": "5.5.1-data-after",
    "7.1.5": "5.5.1-inside-message 5.5.1-continuation-after",
    "7.3.1": "5.5.1-close-empty", "7.3.2": "5.5.1-one-byte", "7.3.3": "5.5.1-close",
    "7.3.4": "5.5.1-close-reason", "7.3.5": "5.5.1-close-longest", "7.3.6": "5.5-long-close",
    "7.5.1": "5.5.1-reason-utf8", "7.7.1": "5.5.1-close",
    "7.9.6": "7.4-invalid-1016",
}  # fmt: skip
CODES = [1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
MAP |= {f"7.7.{n}": f"7.4-valid-{code}" for n, code in enumerate(CODES, 2)}
CODES = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
MAP |= {f"7.9.{n}": f"7.4-invalid-{code}" for n, code in enumerate(CODES, 1)}

CASES = [word for n in range(1, 8) for word in ("-i", f"{n}.*")]
# NON-STRICT: right, but later or in another way than the RFC recommends.
VERDICTS = {"OK": "pass", "NON-STRICT": "pass", "FAILED": "fail", "WRONG CODE": "fail", "UNCLEAN": "fail"}

# Differences that were reviewed, with the reason: (server, case).
REVIEWED = {}


def servers(program):
    """Returns each server's name, its command, and the pattern of its port in the first line."""
    return {
        "sockeye": ([program, "listen", "127.0.0.1:0", "--echo"], r":(\d+)$"),
        "node ws": (["node", ROOT / "tests/peers/echo_ws.mjs"], r"(\d+)"),
        "Python websockets": ([PYTHON, ROOT / "tests/peers/echo_websockets.py"], r"(\d+)"),
    }


def start(argv, pattern):
    """Starts a server. Returns the process and its port, which its first line of output has."""
    env = {**os.environ, "NO_PROXY": "*", "no_proxy": "*", "SOCKEYE_CONFIG": "off"}
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True, env=env,
    )  # fmt: skip
    line = process.stdout.readline()
    found = re.search(pattern, line.strip())
    if not found:
        stop(process)
        sys.exit(f"{argv[0]}: no port in {line!r}")
    return process, found[1]


def stop(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def checked(program, port):
    argv = [program, "check", "--json", "--only", "framing,utf8,close", f"ws://127.0.0.1:{port}/"]
    output = subprocess.run(argv, capture_output=True, text=True, timeout=120).stdout
    lines = map(json.loads, output.splitlines())
    return {line["id"]: line for line in lines if line["type"] == "check"}


def fuzzed(port, out):
    shutil.rmtree(out, ignore_errors=True)
    kosoku = PYTHON.with_name("kosoku")
    argv = [PYTHON, kosoku, "-m", "fuzzingclient", *CASES, "-p", "2", "-o", out, f"127.0.0.1:{port}"]
    subprocess.run(argv, capture_output=True, timeout=400)
    (cases,) = json.loads((out / "index.json").read_bytes()).values()
    return cases


def verdict(checks, ids):
    """Returns `fail` if one of the checks has a finding, `pass` if all passed, and otherwise None."""
    results = {checks[id]["result"] for id in ids}
    if results & {"fail", "warn"}:
        return "fail"
    return "pass" if results == {"pass"} else None


def compare(name, checks, cases):
    """Prints the differences. Returns the numbers of equal, different, and not comparable verdicts."""
    same = differ = unjudged = 0
    for case, words in MAP.items():
        ours, theirs = verdict(checks, words.split()), VERDICTS.get(cases[case]["behavior"])
        if ours is None or theirs is None:
            unjudged += 1
            print(f"{name}: {case}: {theirs or cases[case]['behavior']}, {words}: {ours or 'skip'}")
        elif ours == theirs:
            same += 1
        else:
            differ += 1
            seen = "; ".join(checks[id]["evidence"] for id in words.split())
            why = REVIEWED.get((name, case), "not reviewed")
            print(f"{name}: {case} is {cases[case]['behavior']}, {words} is {ours} ({seen}): {why}")
    return same, differ, unjudged


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, default=ROOT / "target" / "release" / "sockeye")
    program = parser.parse_args().bin.resolve()
    unreviewed = 0
    for name, (argv, pattern) in servers(program).items():
        process, port = start(argv, pattern)
        try:
            checks, cases = checked(program, port), fuzzed(port, OUT / name.replace(" ", "-"))
        finally:
            stop(process)
        same, differ, unjudged = compare(name, checks, cases)
        unreviewed += differ - sum(server == name for server, _ in REVIEWED)
        print(f"{name}: {same} of {len(MAP)} verdicts are the same, {differ} differ, {unjudged} are of one only")
    sys.exit(1 if unreviewed > 0 else 0)


if __name__ == "__main__":
    main()
