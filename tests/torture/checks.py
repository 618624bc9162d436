"""Conversations of `sockeye check`, with an echo server of the same program, which follows every rule."""

import contextlib
import json
import re

from conversation import conversation

# What an injection prevents is skipped.
RESULTS = {"pass", "skip"}


def results(data):
    """Returns the results of the checks in lines of JSON."""
    found = []
    for line in data.splitlines():
        # A write that failed may have cut the last line.
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if event["type"] == "check":
                found.append(event["result"])
    return found


def checked(run, url, *args):
    """Makes checks. Each has a result, and none accuses the server."""
    end = run.finish("check", "--json", *args, url)
    found = results(end.stdout)
    listed = run.settings.check_count(*args)
    run.complete(len(found) == listed, f"{listed - len(found)} checks")
    run.complete(set(found) <= RESULTS, f"an acquittal of the server: {set(found)}")


@conversation()
def checks_of_requests(run):
    checked(run, run.settings.servers.http2, "--only", "4.2.2-accept,9112-parts,4.4-version-426")


@conversation()
def checks_of_frames(run):
    checked(run, run.settings.servers.http2, "--only", "5.5.1-close,7.1.1-server-ends,7.4-invalid-1005,5.2-length-16")


@conversation()
def checks_over_tls(run):
    checked(run, run.settings.servers.http2_tls, "-k", "--only", "5.5.1-close,5.2-length-16")


@conversation()
def checks_as_pages(run):
    end = run.finish(
        "check", "--only", "5.5.1-close", "--junit", run.path("junit.xml"), run.settings.servers.http2,
    )  # fmt: skip
    run.complete(re.search(rb"\d+ passed", end.stdout), "stdout")
    run.complete(run.read("junit.xml").rstrip().endswith(b"</testsuites>"), "the JUnit file")


@conversation()
def the_list_of_checks(run):
    end = run.finish("check", "--list")
    run.complete(end.stdout.count(b"\n") > 200, "stdout")
