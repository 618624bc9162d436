"""The judgement of a run, and the reviewed exceptions to it."""

import fnmatch
import re
import tomllib
from pathlib import Path

from program import kind

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent


def documented_statuses():
    """Returns the exit statuses of the table in README.md."""
    text = (ROOT / "README.md").read_text()
    table = text.split("## Exit status", 1)[1].split("\n\n", 3)[2]
    found = {int(cell) for row in table.splitlines() for cell in re.findall(r"\| (\d+) \|", row)}
    if len(found) < 20:
        raise SystemExit("README.md: the table of exit statuses was not found")
    return found


def faults(run, statuses):
    """Returns what is wrong with the end of a run."""
    program = run.program
    words = program.words()
    found = []
    if program.hangs:
        found.append("hangs")
    elif program.status < 0:
        if -program.status != run.expected_signal:
            found.append(f"ended by signal {-program.status}")
    elif program.status not in statuses:
        found.append(f"status {program.status}, which is not documented")
    if run.injection is None and program.status not in (-(run.expected_signal or 0), run.expected_status):
        found.append(f"status {program.status} without an injection")
    if "panicked" in words or b"panicked" in program.stdout:
        found.append("panics")
    if program.status == run.expected_status or -program.status == (run.expected_signal or 0):
        found += [f"claims success without {loss}" for loss in run.losses]
    elif program.status > 0 and not re.search(r"sockeye: |error: ", words) and not silenced(run):
        found.append(f"status {program.status} without a word")
    return found


def silenced(run):
    """Reports whether the call that failed could have written the error."""
    return any(run.program.stderr_file in line for line in run.injected())


class Table:
    """calls.toml: the errors of each call; reviewed.toml: findings that are accepted; regressions.toml:
    injections that have found defects."""

    def __init__(self):
        calls = tomllib.loads((HERE / "calls.toml").read_text())
        self.errors = calls["possible"]
        self.impossible = {call: reason for reason in calls["never"] for call in reason["calls"]}
        self.reviewed = tomllib.loads((HERE / "reviewed.toml").read_text()).get("accepted", [])
        self.defects = tomllib.loads((HERE / "regressions.toml").read_text())["defect"]

    def possible(self, call, kind):
        """Returns the errors that a call may have with a file of this kind."""
        errors = self.errors.get(call, [])
        return errors.get(kind, []) if isinstance(errors, dict) else errors

    def reached(self, run):
        """Reports whether the injection took place, in each thread with a file where it is possible."""
        call, error, _ = run.injection
        lines = run.injected()
        return lines and all(error in self.possible(call, kind(call, line)) for line in lines)

    def has_found(self, conversation, injection=None):
        """Reports whether a conversation, with this injection, has found a defect."""
        return any(
            row["conversation"] == conversation.name
            and (injection is None or (row["call"] == injection.call and injection.error in row["errors"]))
            for row in self.defects
        )

    def unknown(self, calls):
        return sorted({call for call in calls if call not in self.errors and call not in self.impossible})

    def accepts(self, run, fault):
        """Reports whether a fault was reviewed and accepted."""
        injection = run.injection
        for row in self.reviewed:
            if (
                injection is not None
                and injection.call in row["calls"]
                and injection.error in row.get("errors", [injection.error])
                and fnmatch.fnmatch(run.conversation.name, row.get("conversation", "*"))
                and re.search(row["fault"], fault)
                and any(re.search(row.get("line", ""), line) for line in run.injected())
            ):
                return True
        return False
